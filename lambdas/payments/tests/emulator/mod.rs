//! A local emulator of its own for one test.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType as Scalar,
};
use payments::store::attention;

pub struct Emulator {
    process: Child,
    port: u16,
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Emulator {
    /// Starts ministack on a free port of this machine; `None` when no Python for it is named.
    pub async fn start() -> Option<Self> {
        let python = std::env::var_os("PAYHOOK_EMULATOR_PYTHON")?;
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a free port")
            .port();
        let process = Command::new(python)
            .args(["-m", "ministack"])
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("PAYHOOK_EMULATOR_PYTHON names a program");
        let emulator = Self { process, port };
        for _ in 0..300 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port))
                .await
                .is_ok()
            {
                return Some(emulator);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the emulator did not answer within 30 s");
    }

    /// A table with the keys and the index of the stack's.
    pub async fn payments_table(&self, name: &str) -> Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(format!("http://127.0.0.1:{}", self.port))
            .build();
        let client = Client::from_conf(config);
        let mut table = client
            .create_table()
            .table_name(name)
            .billing_mode(BillingMode::PayPerRequest);
        for (attribute, kind, key) in [
            ("paymentId", Scalar::S, KeyType::Hash),
            ("timestamp", Scalar::N, KeyType::Range),
        ] {
            table = table
                .attribute_definitions(definition(attribute, kind))
                .key_schema(element(attribute, key));
        }
        let index = GlobalSecondaryIndex::builder()
            .index_name(attention::INDEX)
            .key_schema(element(attention::SHARD, KeyType::Hash))
            .key_schema(element(attention::STATE, KeyType::Range))
            .projection(
                Projection::builder()
                    .projection_type(ProjectionType::KeysOnly)
                    .build(),
            );
        table
            .attribute_definitions(definition(attention::SHARD, Scalar::S))
            .attribute_definitions(definition(attention::STATE, Scalar::S))
            .global_secondary_indexes(index.build().expect("an index"))
            .send()
            .await
            .expect("a table");
        client
    }
}

fn definition(attribute: &str, kind: Scalar) -> AttributeDefinition {
    let definition = AttributeDefinition::builder().attribute_name(attribute);
    definition
        .attribute_type(kind)
        .build()
        .expect("a definition")
}

fn element(attribute: &str, key: KeyType) -> KeySchemaElement {
    let element = KeySchemaElement::builder().attribute_name(attribute);
    element.key_type(key).build().expect("a key element")
}
