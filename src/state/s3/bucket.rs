//! The bucket that states are kept in: made, protected, and never anybody else's.

mod protection;
#[cfg(test)]
mod tests;

use super::client::{self, Client, sorted};
use crate::resources::{Class, CloudError, During, tag};
use aws_config::SdkConfig;
use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, Tag, Tagging};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// What `payhook:resource` of the bucket says.
const RESOURCE: &str = "state";
/// What S3 answers when a bucket is asked for in the wrong region.
const ELSEWHERE: &[&str] = &[
    "PermanentRedirect",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
];
/// How often a call about the bucket itself is tried; all of them do no harm the second time.
const ATTEMPTS: u32 = 5;
/// How long a bucket may take to be there for every call once it is made, or to be gone once it is deleted; facts:
/// section 17.
const SETTLING: Duration = Duration::from_secs(120);
/// Between two looks at it meanwhile.
const LOOK: Duration = Duration::from_secs(2);

/// Why a bucket cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BucketError {
    /// Somebody else's.
    #[error("bucket `{bucket}` is not payhook's: {why}")]
    NotOurs {
        /// Its name.
        bucket: String,
        /// What shows it.
        why: String,
    },
    /// It does not exist.
    #[error("bucket `{bucket}` does not exist")]
    Absent {
        /// Its name.
        bucket: String,
    },
    /// It is in another region than infra.toml says.
    #[error("bucket `{bucket}` is not in region {region}")]
    Elsewhere {
        /// Its name.
        bucket: String,
        /// Where it was looked for.
        region: String,
    },
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CloudError),
}

impl From<BuildError> for BucketError {
    fn from(error: BuildError) -> Self {
        let words = error.to_string();
        Self::Call(CloudError::new("s3", Class::Invalid, "not-sent", words))
    }
}

/// A bucket of one account.
pub struct Bucket {
    /// Never sends a call twice.
    once: aws_sdk_s3::Client,
    s3: aws_sdk_s3::Client,
    name: String,
    region: String,
    account: Account,
    stack: String,
    reach: Reach,
}

/// How buckets are reached; emulators differ from AWS.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// Whether a bucket stands in the path, since it has no host name of its own.
    pub in_path: bool,
    /// Whether calls go over TLS, so that only those may be let in.
    pub tls: bool,
}

/// Whose a bucket must be.
#[derive(Clone, Debug)]
pub struct Account {
    /// Account id.
    pub id: String,
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
}

impl Bucket {
    /// The bucket `name` in `region` for the states of `stack`.
    pub fn new(
        sdk: &SdkConfig,
        name: &str,
        region: &str,
        account: Account,
        stack: &str,
        reach: Reach,
    ) -> Self {
        Self {
            once: client::s3(sdk, region, reach.in_path, 1),
            s3: client::s3(sdk, region, reach.in_path, ATTEMPTS),
            name: name.to_owned(),
            region: region.to_owned(),
            account,
            stack: stack.to_owned(),
            reach,
        }
    }

    /// Whether what does not come over TLS is refused once it is made.
    pub fn only_tls(&self) -> bool {
        self.reach.tls
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One environment's objects in it.
    pub fn client(&self, prefix: &str, env: &str) -> Client {
        Client::new(self.once.clone(), &self.name, &self.account.id, prefix, env)
    }

    /// Refuses a bucket that is not there or not ours.
    pub async fn guard(&self) -> Result<(), BucketError> {
        let tags = self.tags().await?;
        let stack = tags.iter().find(|(key, _)| key == tag::STACK);
        match stack {
            Some((_, stack)) if *stack == self.stack => Ok(()),
            Some((_, stack)) => Err(self.not_ours(format!("its tags say stack `{stack}`"))),
            None => Err(self.not_ours("it carries no ownership tags of payhook".to_owned())),
        }
    }

    /// Makes it if it is not there, and sets everything it must have; answers whether it was made now.
    pub async fn make(&self) -> Result<bool, BucketError> {
        let made = match self.guard().await {
            Ok(()) => false,
            Err(BucketError::Absent { .. }) => {
                self.create().await?;
                true
            }
            Err(error) => return Err(error),
        };
        self.protect().await?;
        Ok(made)
    }

    fn not_ours(&self, why: String) -> BucketError {
        BucketError::NotOurs {
            bucket: self.name.clone(),
            why,
        }
    }

    async fn tags(&self) -> Result<Vec<(String, String)>, BucketError> {
        let request = self
            .s3
            .get_bucket_tagging()
            .bucket(&self.name)
            .expected_bucket_owner(&self.account.id);
        let answer = request.send().await.during("s3:GetBucketTagging");
        match answer {
            Ok(answer) => Ok(answer
                .tag_set()
                .iter()
                .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
                .collect()),
            Err(error) if error.code == "NoSuchTagSet" => Ok(Vec::new()),
            Err(error) if error.code == "NoSuchBucket" => Err(BucketError::Absent {
                bucket: self.name.clone(),
            }),
            Err(error) if error.class == Class::Denied => {
                let owner = &self.account.id;
                Err(self.not_ours(format!(
                    "it belongs to another account than {owner}, or s3:GetBucketTagging is not allowed"
                )))
            }
            Err(error) if ELSEWHERE.contains(&error.code.as_str()) => Err(BucketError::Elsewhere {
                bucket: self.name.clone(),
                region: self.region.clone(),
            }),
            Err(error) => Err(sorted(error).into()),
        }
    }

    /// The tags of a bucket that was just made, which may not be there for every call yet.
    async fn tags_of_new(&self) -> Result<Vec<(String, String)>, BucketError> {
        let start = Instant::now();
        loop {
            match self.tags().await {
                Err(BucketError::Absent { .. }) if start.elapsed() < SETTLING => sleep(LOOK).await,
                tags => return tags,
            }
        }
    }

    async fn create(&self) -> Result<(), BucketError> {
        let mut place = CreateBucketConfiguration::builder().set_tags(Some(own_tags(&self.stack)?));
        // The one region that is not named.
        if self.region != "us-east-1" {
            place = place.location_constraint(BucketLocationConstraint::from(self.region.as_str()));
        }
        let request = self
            .s3
            .create_bucket()
            .bucket(&self.name)
            .create_bucket_configuration(place.build());
        let created = settled(|| async {
            let answer = request.clone().send().await;
            answer.during("s3:CreateBucket")
        });
        match created.await {
            Ok(_) => {}
            // Another `state init` at the same time, or one whose answer was lost.
            Err(error) if error.code == "BucketAlreadyOwnedByYou" => {}
            Err(error) if error.code == "BucketAlreadyExists" => {
                return Err(self.not_ours("another account has this name".to_owned()));
            }
            Err(error) => return Err(sorted(error).into()),
        }
        // Emulators make it without the tags it was to have from the start.
        if self.tags_of_new().await?.is_empty() {
            let tagging = Tagging::builder()
                .set_tag_set(Some(own_tags(&self.stack)?))
                .build()?;
            let request = self
                .s3
                .put_bucket_tagging()
                .bucket(&self.name)
                .expected_bucket_owner(&self.account.id)
                .tagging(tagging);
            settled(|| async {
                let answer = request.clone().send().await;
                answer.during("s3:PutBucketTagging")
            })
            .await?;
        }
        self.guard().await
    }
}

fn own_tags(stack: &str) -> Result<Vec<Tag>, BuildError> {
    [(tag::STACK, stack), (tag::RESOURCE, RESOURCE)]
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .into_iter()
        .collect()
}

/// Makes a call about a bucket that has just been made, or whose name has just become free.
async fn settled<T, F>(call: impl Fn() -> F) -> Result<T, CloudError>
where
    F: Future<Output = Result<T, CloudError>>,
{
    let start = Instant::now();
    loop {
        match call().await {
            Err(error)
                if matches!(error.code.as_str(), "NoSuchBucket" | "OperationAborted")
                    && start.elapsed() < SETTLING =>
            {
                sleep(LOOK).await;
            }
            result => return result.map_err(sorted),
        }
    }
}
