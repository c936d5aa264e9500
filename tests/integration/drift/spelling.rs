//! The same settings spelt another way: order, spaces, lists of one, ids for ARNs.

use aws_sdk_pipes::types::{Filter, FilterCriteria, UpdatePipeSourceParameters};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Map, Value};

use super::super::clients::Clients;

/// JSON with its keys the other way round, lists of one as the one, and spaces everywhere.
fn respelt(text: &str) -> String {
    let value: Value = serde_json::from_str(text).expect("JSON");
    serde_json::to_string_pretty(&turned(&value)).expect("JSON")
}

fn turned(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let turned = object.iter().rev().map(|(k, v)| (k.clone(), turned(v)));
            Value::Object(turned.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(turned).collect(),
        other => other.clone(),
    }
}

/// In a policy one text stands for a list of one, and the order of lists says nothing.
fn policy(text: &str) -> String {
    let mut document: Value = serde_json::from_str(text).expect("JSON");
    for statement in document["Statement"].as_array_mut().expect("statements") {
        for key in ["Action", "Resource"] {
            let value = statement[key].take();
            statement[key] = match value {
                Value::Array(mut items) if items.len() == 1 => items.remove(0),
                Value::Array(items) => items.into_iter().rev().collect(),
                other => Value::Array(vec![other]),
            };
        }
    }
    document["Statement"]
        .as_array_mut()
        .expect("statements")
        .reverse();
    respelt(&document.to_string())
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

pub async fn change(clients: &Clients) {
    let (iam, kms) = (clients.iam(), clients.kms());
    let role = "webhook-validator-role-local";
    let own = iam.get_role_policy().role_name(role).policy_name("payhook");
    let own = own.send().await.expect("GetRolePolicy");
    let put = iam.put_role_policy().role_name(role).policy_name("payhook");
    let put = put.policy_document(policy(&decoded(&own.policy_document)));
    put.send().await.expect("PutRolePolicy");

    let key = kms
        .describe_key()
        .key_id("alias/payment-webhook-local")
        .send()
        .await;
    let key = key
        .expect("DescribeKey")
        .key_metadata
        .expect("a key")
        .key_id;
    let own = kms
        .get_key_policy()
        .key_id(&key)
        .policy_name("default")
        .send()
        .await;
    let own = own.expect("GetKeyPolicy").policy.expect("a policy");
    let put = kms.put_key_policy().key_id(&key).policy_name("default");
    put.policy(policy(&own)).send().await.expect("PutKeyPolicy");

    let queue = clients.sqs();
    let url = queue
        .get_queue_url()
        .queue_name("payment-events-dlq-local")
        .send()
        .await;
    let set = queue
        .set_queue_attributes()
        .set_queue_url(url.expect("GetQueueUrl").queue_url);
    let set = set.attributes(QueueAttributeName::KmsMasterKeyId, &key);
    set.send().await.expect("SetQueueAttributes");
    let secret = clients
        .secrets()
        .update_secret()
        .secret_id("payment-webhook/local/providers");
    secret.kms_key_id(&key).send().await.expect("UpdateSecret");

    let (s3, bucket) = (clients.s3(), "payment-bodies-local-000000000000-us-east-1");
    let own = s3.get_bucket_policy().bucket(bucket).send().await;
    let own = own.expect("GetBucketPolicy").policy.expect("a policy");
    let put = s3.put_bucket_policy().bucket(bucket).policy(policy(&own));
    put.send().await.expect("PutBucketPolicy");

    let machine = "arn:aws:states:us-east-1:000000000000:stateMachine:payment-processor-local";
    let sfn = clients.sfn();
    let own = sfn
        .describe_state_machine()
        .state_machine_arn(machine)
        .send()
        .await;
    let update = sfn.update_state_machine().state_machine_arn(machine);
    let update = update.definition(respelt(&own.expect("DescribeStateMachine").definition));
    update.send().await.expect("UpdateStateMachine");

    let pipes = clients.pipes();
    let name = "payment-events-pipe-local";
    let own = pipes
        .describe_pipe()
        .name(name)
        .send()
        .await
        .expect("DescribePipe");
    let source = own.source_parameters().expect("source parameters");
    let filters = source.filter_criteria().expect("filters").filters().iter();
    let filters = filters.map(|f| {
        Filter::builder()
            .pattern(respelt(f.pattern().expect("a pattern")))
            .build()
    });
    let criteria = FilterCriteria::builder()
        .set_filters(Some(filters.collect()))
        .build();
    let source = UpdatePipeSourceParameters::builder()
        .filter_criteria(criteria)
        .build();
    let update = pipes.update_pipe().name(name).source_parameters(source);
    update
        .role_arn(own.role_arn().expect("a role"))
        .send()
        .await
        .expect("UpdatePipe");

    let watch = clients.cloudwatch();
    let name = "payment-webhook-local-us-east-1";
    let own = watch
        .get_dashboard()
        .dashboard_name(name)
        .send()
        .await
        .expect("GetDashboard");
    let body = respelt(&own.dashboard_body.expect("a body"));
    let put = watch
        .put_dashboard()
        .dashboard_name(name)
        .dashboard_body(body);
    put.send().await.expect("PutDashboard");
}
