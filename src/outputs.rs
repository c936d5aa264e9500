//! `cfn-outputs/flat-outputs.json`: what pipelines and integration tests read after a deploy.

use crate::graph::Output;
use crate::resources::Given;
use crate::stack::{STAGE, Stack};
use crate::state::State;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Keys that others rely on.
pub mod key {
    /// Environment.
    pub const ENVIRONMENT: &str = "environment";
    /// Twelve digits.
    pub const ACCOUNT_ID: &str = "accountId";
    /// Region.
    pub const REGION: &str = "region";
    /// Address of something that is not AWS; absent on AWS.
    pub const ENDPOINT_URL: &str = "endpointUrl";
    /// Where providers post; ends in `/prod/webhooks`.
    pub const API_URL: &str = "apiUrl";
    /// Id of the REST API.
    pub const API_ID: &str = "apiId";
    /// Name of its stage.
    pub const API_STAGE_NAME: &str = "apiStageName";
    /// ARN of the state machine.
    pub const STATE_MACHINE_ARN: &str = "stateMachineArn";
    /// Name of the table.
    pub const TABLE_NAME: &str = "paymentsTableName";
    /// Name of the bucket of bodies that do not fit the table.
    pub const BODIES_BUCKET_NAME: &str = "bodiesBucketName";
    /// Id of the key, not its ARN.
    pub const KEY_ID: &str = "kmsKeyId";
    /// Name of the function that verifies and stores.
    pub const VALIDATOR_NAME: &str = "webhookValidatorFunctionName";
    /// Name of the function that moves payments forward.
    pub const PROCESSOR_NAME: &str = "paymentProcessorFunctionName";
    /// Name of the pipe.
    pub const PIPE_NAME: &str = "pipeName";
    /// Name of the dead-letter queue.
    pub const DEAD_LETTER_QUEUE_NAME: &str = "deadLetterQueueName";
    /// Name of the secret with the providers' signing secrets.
    pub const SECRET_NAME: &str = "secretName";
}

/// Why there are no outputs.
#[derive(Debug, thiserror::Error)]
pub enum OutputsError {
    /// State holds no value of an output.
    #[error("the state has no value for {0}")]
    Unknown(String),
    /// There is no file.
    #[error("there is no {}", .0.display())]
    NoFile(PathBuf),
    /// The file is not what payhook writes.
    #[error("{} is not a flat JSON object of texts", .0.display())]
    Damaged(PathBuf),
    /// A key is missing.
    #[error("the outputs have no `{key}`; known here: {known}")]
    NoKey {
        /// Which key.
        key: String,
        /// Keys that are there.
        known: String,
    },
    /// The file is of another environment.
    #[error("{} is of environment `{found}`, not `{wanted}`", path.display())]
    OtherEnvironment {
        /// The file.
        path: PathBuf,
        /// Whose outputs it holds.
        found: String,
        /// Whose were asked for.
        wanted: String,
    },
    /// Reading or writing failed.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Outputs by key; always texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FlatOutputs(BTreeMap<String, String>);

impl FlatOutputs {
    /// The outputs of a deployed stack; `endpoint` is where its API answers when that is not AWS.
    pub fn of(
        stack: &Stack,
        state: &State,
        given: &Given,
        endpoint: Option<&str>,
    ) -> Result<Self, OutputsError> {
        let api_id = value(state, &stack.api.id())?;
        let mut flat = BTreeMap::from([
            (key::ENVIRONMENT, stack.names.env.clone()),
            (key::ACCOUNT_ID, given.account.clone()),
            (key::REGION, given.region.clone()),
            (key::API_URL, api_url(&api_id, given, endpoint)),
            (key::API_ID, api_id),
            (key::API_STAGE_NAME, STAGE.to_owned()),
            (
                key::STATE_MACHINE_ARN,
                value(state, &stack.state_machine.arn())?,
            ),
            (key::TABLE_NAME, stack.table.physical_name().to_owned()),
            (
                key::BODIES_BUCKET_NAME,
                value(state, &stack.bodies.bucket_name())?,
            ),
            (key::KEY_ID, value(state, &stack.key.id())?),
            (
                key::VALIDATOR_NAME,
                stack.validator.physical_name().to_owned(),
            ),
            (
                key::PROCESSOR_NAME,
                stack.processor.physical_name().to_owned(),
            ),
            (key::PIPE_NAME, stack.pipe.physical_name().to_owned()),
            (
                key::DEAD_LETTER_QUEUE_NAME,
                stack.dead_letters.physical_name().to_owned(),
            ),
            (key::SECRET_NAME, stack.secret.physical_name().to_owned()),
        ]);
        if let Some(endpoint) = endpoint {
            flat.insert(key::ENDPOINT_URL, endpoint.to_owned());
        }
        Ok(Self(
            flat.into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        ))
    }

    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, OutputsError> {
        match fs::read(path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|_| OutputsError::Damaged(path.to_owned()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(OutputsError::NoFile(path.to_owned()))
            }
            Err(source) => Err(failed("read", path)(source)),
        }
    }

    /// Reads the file and makes sure that it is of this environment.
    pub fn read_of(path: &Path, env: &str) -> Result<Self, OutputsError> {
        let outputs = Self::read(path)?;
        match outputs.0.get(key::ENVIRONMENT) {
            Some(found) if found != env => Err(OutputsError::OtherEnvironment {
                path: path.to_owned(),
                found: found.clone(),
                wanted: env.to_owned(),
            }),
            _ => Ok(outputs),
        }
    }

    /// Writes the file so that no reader ever sees half of it; an equal file is left alone.
    pub fn write(&self, path: &Path) -> Result<(), OutputsError> {
        if Self::read(path).is_ok_and(|there| there == *self) {
            return Ok(());
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(failed("create", folder))?;
        let fresh = path.with_extension(format!("json.{}", std::process::id()));
        let text = format!("{:#}\n", serde_json::json!(self));
        let written = File::create(&fresh)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())
                    .and_then(|()| file.sync_all())
            })
            .and_then(|()| fs::rename(&fresh, path));
        written.map_err(failed("write", path))
    }

    /// Removes the file of a destroyed environment; that of another one stays.
    pub fn remove(path: &Path, env: &str) -> Result<(), OutputsError> {
        match Self::read_of(path, env) {
            Ok(_) | Err(OutputsError::Damaged(_)) => {
                fs::remove_file(path).map_err(failed("remove", path))
            }
            Err(OutputsError::NoFile(_) | OutputsError::OtherEnvironment { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// One value.
    pub fn get(&self, key: &str) -> Result<&str, OutputsError> {
        self.0
            .get(key)
            .map(String::as_str)
            .ok_or_else(|| OutputsError::NoKey {
                key: key.to_owned(),
                known: self.0.keys().cloned().collect::<Vec<_>>().join(", "),
            })
    }

    /// All keys and values in order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl<const N: usize> From<[(&str, &str); N]> for FlatOutputs {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
        )
    }
}

fn value<T>(state: &State, output: &Output<T>) -> Result<String, OutputsError> {
    let reference = output.reference();
    let entry = state.entries.get(&reference.resource);
    entry
        .and_then(|entry| entry.outputs.get(&reference.output))
        .cloned()
        .ok_or_else(|| OutputsError::Unknown(reference.to_string()))
}

/// Where providers post.
fn api_url(api_id: &str, given: &Given, endpoint: Option<&str>) -> String {
    let base = match endpoint {
        Some(endpoint) => format!(
            "{}/_aws/execute-api/{api_id}",
            endpoint.trim_end_matches('/')
        ),
        None => {
            let domain = match given.partition.as_str() {
                "aws-cn" => "amazonaws.com.cn",
                _ => "amazonaws.com",
            };
            format!("https://{api_id}.execute-api.{}.{domain}", given.region)
        }
    };
    format!("{base}/{STAGE}/webhooks")
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OutputsError {
    let path = path.to_owned();
    move |source| OutputsError::Io { what, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(partition: &str, region: &str) -> Given {
        Given {
            partition: partition.to_owned(),
            region: region.to_owned(),
            account: "123456789012".to_owned(),
        }
    }

    #[test]
    fn the_url_is_the_one_of_the_stage_wherever_the_stack_lives() {
        let aws = given("aws", "eu-central-1");
        let china = given("aws-cn", "cn-north-1");
        assert_eq!(
            api_url("abc", &aws, None),
            "https://abc.execute-api.eu-central-1.amazonaws.com/prod/webhooks"
        );
        assert_eq!(
            api_url("abc", &china, None),
            "https://abc.execute-api.cn-north-1.amazonaws.com.cn/prod/webhooks"
        );
        assert_eq!(
            api_url("abc", &aws, Some("http://127.0.0.1:4566/")),
            "http://127.0.0.1:4566/_aws/execute-api/abc/prod/webhooks"
        );
    }

    #[test]
    fn the_file_is_written_whole_and_read_back_and_only_its_own_environment_removes_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cfn-outputs").join("flat-outputs.json");
        let outputs = FlatOutputs::from([("environment", "dev"), ("apiId", "abc")]);
        outputs.write(&path).expect("written");
        assert_eq!(FlatOutputs::read_of(&path, "dev").expect("read"), outputs);
        let other = FlatOutputs::read_of(&path, "prod").expect_err("of another environment");
        assert!(
            other
                .to_string()
                .contains("is of environment `dev`, not `prod`")
        );
        FlatOutputs::remove(&path, "prod").expect("left alone");
        assert!(path.exists());
        FlatOutputs::remove(&path, "dev").expect("removed");
        assert!(matches!(
            FlatOutputs::read(&path),
            Err(OutputsError::NoFile(_))
        ));
        FlatOutputs::remove(&path, "dev").expect("already gone");
        let left = fs::read_dir(path.parent().expect("a folder"))
            .expect("listed")
            .count();
        assert_eq!(left, 0, "no half-written file stays");
    }

    #[test]
    fn a_file_that_is_not_flat_is_called_damaged() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("flat-outputs.json");
        for text in [
            "",
            "[]",
            r#"{"apiId": {"nested": true}}"#,
            r#"{"apiId": "ab"#,
        ] {
            fs::write(&path, text).expect("written");
            assert!(
                matches!(FlatOutputs::read(&path), Err(OutputsError::Damaged(_))),
                "{text}"
            );
        }
    }
}
