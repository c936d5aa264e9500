//! The real SDK clients on an AWS where something is always wrong with the same calls.

use super::super::Aws;
use super::wire::Asked;
use super::{Given, sdk};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use serde_json::json;
use std::fmt;
use std::sync::{Arc, Mutex};

/// What is wrong with a call.
#[derive(Clone, Debug)]
pub enum Wrong {
    /// No answer in time.
    Timeout,
    /// The connection breaks.
    Reset,
    /// An answer that is none.
    Garbage(u16, &'static str),
    /// A refusal: status, code, message.
    Refused(u16, String, String),
}

type Rule = dyn Fn(&str) -> Option<Wrong> + Send + Sync;

/// An AWS that goes wrong by a rule over calls, and otherwise answers with nothing in particular.
#[derive(Clone)]
pub struct Faulty {
    rule: Arc<Rule>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}

/// Account 123456789012 in eu-central-1, where calls go wrong by a rule.
pub fn faulty(rule: impl Fn(&str) -> Option<Wrong> + Send + Sync + 'static) -> (Aws, Faulty) {
    let faulty = Faulty {
        rule: Arc::new(rule),
        asked: Arc::default(),
    };
    let given = Given {
        partition: "aws".to_owned(),
        region: "eu-central-1".to_owned(),
        account: "123456789012".to_owned(),
    };
    (Aws::new(&sdk(faulty.clone()), given, false), faulty)
}

impl Faulty {
    /// Every call made.
    pub fn calls(&self) -> Vec<String> {
        self.asked.lock().expect("no test thread panics").clone()
    }
}

impl HttpConnector for Faulty {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let asked = Asked::read(&request);
        let call = asked.call.clone();
        self.asked
            .lock()
            .expect("no test thread panics")
            .push(call.clone());
        HttpConnectorFuture::ready(match (self.rule)(&call) {
            None => Ok(asked.answer(200, &json!({}))),
            Some(Wrong::Timeout) => Err(ConnectorError::timeout("no answer".into())),
            Some(Wrong::Reset) => Err(ConnectorError::io("connection reset".into())),
            Some(Wrong::Garbage(status, body)) => {
                let status = status.try_into().expect("an HTTP status");
                Ok(HttpResponse::new(status, SdkBody::from(body)))
            }
            Some(Wrong::Refused(status, code, message)) => {
                Ok(asked.refuse(status, &code, &message))
            }
        })
    }
}

impl HttpClient for Faulty {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
