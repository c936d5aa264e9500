//! An SDK connector that gives one answer and keeps what was asked, for tests.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use std::sync::{Arc, Mutex};

/// Answers every call alike.
#[derive(Clone, Debug)]
pub struct Replay {
    status: u16,
    answer: &'static str,
    asked: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Replay {
    /// A connector with its one answer.
    pub fn new(status: u16, answer: &'static str) -> Self {
        Self {
            status,
            answer,
            asked: Arc::default(),
        }
    }

    /// The bodies sent so far.
    pub fn bodies(&self) -> Vec<Vec<u8>> {
        self.asked.lock().unwrap().clone()
    }
}

impl HttpConnector for Replay {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().unwrap_or_default().to_vec();
        self.asked.lock().unwrap().push(body);
        let status = self.status.try_into().unwrap();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(self.answer))))
    }
}

impl HttpClient for Replay {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
