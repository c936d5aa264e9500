//! The names of everything an account holds, in every service that the stack uses.

use std::collections::BTreeSet;

use aws_sdk_kms::types::KeyState;

use super::clients::Clients;

/// `service name` of every resource there is; keys and secrets that only wait for their deletion are gone.
pub async fn inventory(clients: &Clients) -> BTreeSet<String> {
    let mut found = Found(BTreeSet::new());
    data(clients, &mut found).await;
    compute(clients, &mut found).await;
    watching(clients, &mut found).await;
    found.0
}

struct Found(BTreeSet<String>);

impl Found {
    fn add<T: Into<String>>(&mut self, service: &str, names: impl IntoIterator<Item = Option<T>>) {
        let names = names.into_iter().flatten().map(Into::into);
        self.0
            .extend(names.map(|name: String| format!("{service} {name}")));
    }
}

async fn data(clients: &Clients, found: &mut Found) {
    let tables = clients
        .dynamodb()
        .list_tables()
        .send()
        .await
        .expect("ListTables");
    found.add("table", tables.table_names.into_iter().flatten().map(Some));
    let secrets = clients
        .secrets()
        .list_secrets()
        .send()
        .await
        .expect("ListSecrets");
    found.add(
        "secret",
        secrets
            .secret_list
            .into_iter()
            .flatten()
            .map(|one| one.name),
    );
    let buckets = clients.s3().list_buckets().send().await;
    let buckets = buckets.expect("ListBuckets").buckets;
    found.add("bucket", buckets.into_iter().flatten().map(|one| one.name));
    let queues = clients
        .sqs()
        .list_queues()
        .send()
        .await
        .expect("ListQueues");
    found.add("queue", queues.queue_urls.into_iter().flatten().map(Some));
    let kms = clients.kms();
    let aliases = kms
        .list_aliases()
        .send()
        .await
        .expect("ListAliases")
        .aliases;
    found.add(
        "alias",
        aliases.into_iter().flatten().map(|one| one.alias_name),
    );
    for key in kms
        .list_keys()
        .send()
        .await
        .expect("ListKeys")
        .keys
        .into_iter()
        .flatten()
    {
        let id = key.key_id.expect("an id");
        let key = kms
            .describe_key()
            .key_id(&id)
            .send()
            .await
            .expect("DescribeKey")
            .key_metadata;
        let waits = key.is_some_and(|key| key.key_state() == Some(&KeyState::PendingDeletion));
        found.add("key", (!waits).then_some(Some(id)));
    }
}

async fn compute(clients: &Clients, found: &mut Found) {
    let functions = clients
        .lambda()
        .list_functions()
        .send()
        .await
        .expect("ListFunctions");
    found.add(
        "function",
        functions
            .functions
            .into_iter()
            .flatten()
            .map(|one| one.function_name),
    );
    let machines = clients
        .sfn()
        .list_state_machines()
        .send()
        .await
        .expect("ListStateMachines");
    found.add(
        "state machine",
        machines
            .state_machines
            .into_iter()
            .map(|one| Some(one.name)),
    );
    let pipes = clients
        .pipes()
        .list_pipes()
        .send()
        .await
        .expect("ListPipes");
    found.add(
        "pipe",
        pipes.pipes.into_iter().flatten().map(|one| one.name),
    );
    let api = clients.apigateway();
    let apis = api.get_rest_apis().send().await.expect("GetRestApis");
    found.add("api", apis.items.into_iter().flatten().map(|one| one.name));
    let account = api
        .get_account()
        .send()
        .await
        .expect("GetAccount")
        .cloudwatch_role_arn;
    found.add("account role", [account.filter(|arn| !arn.is_empty())]);
    let roles = clients.iam().list_roles().send().await.expect("ListRoles");
    found.add(
        "role",
        roles.roles.into_iter().map(|one| Some(one.role_name)),
    );
}

async fn watching(clients: &Clients, found: &mut Found) {
    let groups = clients
        .logs()
        .describe_log_groups()
        .send()
        .await
        .expect("DescribeLogGroups");
    found.add(
        "log group",
        groups
            .log_groups
            .into_iter()
            .flatten()
            .map(|one| one.log_group_name),
    );
    let alarms = clients
        .cloudwatch()
        .describe_alarms()
        .send()
        .await
        .expect("DescribeAlarms");
    found.add(
        "alarm",
        alarms
            .metric_alarms
            .into_iter()
            .flatten()
            .map(|one| one.alarm_name),
    );
    let boards = clients
        .cloudwatch()
        .list_dashboards()
        .send()
        .await
        .expect("ListDashboards");
    found.add(
        "dashboard",
        boards
            .dashboard_entries
            .into_iter()
            .flatten()
            .map(|one| one.dashboard_name),
    );
    let topics = clients
        .sns()
        .list_topics()
        .send()
        .await
        .expect("ListTopics");
    found.add(
        "topic",
        topics.topics.into_iter().flatten().map(|one| one.topic_arn),
    );
    let rules = clients
        .eventbridge()
        .list_rules()
        .send()
        .await
        .expect("ListRules");
    found.add(
        "rule",
        rules.rules.into_iter().flatten().map(|one| one.name),
    );
}
