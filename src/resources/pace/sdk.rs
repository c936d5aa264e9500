//! The pace of the SDK clients: an interceptor names each call, and the connector waits for its turn before it sends it.
//!
//! The wait stands outside the time that a call is given for its answer, which is why the clients use the connector's
//! read timeout for that.

use super::Pace;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, Metadata};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Carries the name of a call from the interceptor to the connector; never sent.
const CALL: &str = "x-payhook-call";

/// Names the calls of one service for [`Paced`].
#[derive(Clone, Debug)]
pub struct Named(pub &'static str);

#[dyn_dispatch_hint]
impl Intercept for Named {
    fn name(&self) -> &'static str {
        "payhook-named"
    }

    // After signing, so that the name is no part of what is signed.
    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(operation) = config.load::<Metadata>() {
            let call = format!("{}:{}", self.0, operation.name());
            context.request_mut().headers_mut().insert(CALL, call);
        }
        Ok(())
    }
}

/// An HTTP client that waits for the turn of each named call.
#[derive(Clone, Debug)]
pub struct Paced {
    inner: SharedHttpClient,
    pace: Pace,
}

impl Paced {
    /// Puts the pace in front of a client.
    pub fn new(inner: SharedHttpClient, pace: Pace) -> Self {
        Self { inner, pace }
    }
}

impl HttpClient for Paced {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            inner: self.inner.http_connector(settings, components),
            pace: self.pace.clone(),
        })
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    pace: Pace,
}

impl HttpConnector for Connector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let call = request.headers_mut().remove(CALL);
        let (inner, pace) = (self.inner.clone(), self.pace.clone());
        HttpConnectorFuture::new(async move {
            if let Some(call) = call {
                pace.turn(&call).await;
            }
            inner.call(request).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::{Aws, Given};
    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_types::body::SdkBody;
    use std::sync::{Arc, Mutex};
    use tokio::time::Instant;

    /// Answers everything with 202 and remembers when it came and whether the name was still on it.
    #[derive(Clone, Debug)]
    struct Remembers(Instant, Arc<Mutex<Vec<(u64, bool)>>>);

    impl HttpConnector for Remembers {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let named = request.headers().get(CALL).is_some();
            let came = (self.0.elapsed().as_secs(), named);
            self.1.lock().unwrap().push(came);
            let accepted = 202.try_into().unwrap();
            HttpConnectorFuture::ready(Ok(HttpResponse::new(accepted, SdkBody::empty())))
        }
    }

    impl HttpClient for Remembers {
        fn http_connector(
            &self,
            _: &HttpConnectorSettings,
            _: &RuntimeComponents,
        ) -> SharedHttpConnector {
            SharedHttpConnector::new(self.clone())
        }
    }

    async fn three_deletes(pace: Option<Pace>) -> Vec<(u64, bool)> {
        let came = Remembers(Instant::now(), Arc::default());
        let test = Credentials::new("test", "test", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(test))
            .http_client(came.clone())
            .build();
        let given = Given {
            partition: "aws".to_owned(),
            region: "eu-central-1".to_owned(),
            account: "123456789012".to_owned(),
        };
        let aws = Aws::with(&config, given, false, pace);
        let delete = |id| aws.apigateway.delete_rest_api().rest_api_id(id).send();
        let (a, b, c) = tokio::join!(delete("a"), delete("b"), delete("c"));
        for result in [a, b, c] {
            result.expect("it waits longer than an answer may take and is no timeout");
        }
        came.1.lock().unwrap().clone()
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_of_the_sdk_is_sent_when_it_is_its_turn_and_without_its_name() {
        let came = three_deletes(Some(Pace::default())).await;
        assert_eq!(came, [(0, false), (30, false), (60, false)]);
        assert_eq!(three_deletes(None).await, [(0, false); 3]);
    }
}
