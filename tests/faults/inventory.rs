//! Everything an account holds in the services that the stack uses, each thing once per time it is there.

use aws_sdk_kms::types::KeyState;

use crate::clients::Clients;

/// One line for each thing, sorted; ids that AWS makes up are left out, so that two accounts with the same stack are equal.
pub async fn inventory(clients: &Clients) -> Vec<String> {
    let mut found = Found(Vec::new());
    keys(clients, &mut found).await;
    data(clients, &mut found).await;
    functions(clients, &mut found).await;
    processing(clients, &mut found).await;
    apis(clients, &mut found).await;
    watching(clients, &mut found).await;
    found.0.sort();
    found.0
}

struct Found(Vec<String>);

impl Found {
    fn add<T: std::fmt::Display>(&mut self, what: &str, names: impl IntoIterator<Item = T>) {
        let lines = names.into_iter().map(|name| format!("{what} {name}"));
        self.0.extend(lines);
    }
}

/// The answer of a call that must succeed.
macro_rules! ask {
    ($call:expr) => {
        $call.send().await.expect(stringify!($call))
    };
}

async fn keys(clients: &Clients, found: &mut Found) {
    let kms = clients.kms();
    for key in ask!(kms.list_keys()).keys.into_iter().flatten() {
        let id = key.key_id.expect("an id");
        let key = ask!(kms.describe_key().key_id(&id)).key_metadata;
        let state = key.and_then(|key| key.key_state).expect("a state");
        match state {
            KeyState::PendingDeletion => found.add("pending key", [""]),
            state => found.add("key", [state]),
        }
    }
    let aliases = ask!(kms.list_aliases()).aliases.into_iter().flatten();
    found.add("alias", aliases.filter_map(|alias| alias.alias_name));
}

async fn data(clients: &Clients, found: &mut Found) {
    let tables = ask!(clients.dynamodb().list_tables()).table_names;
    found.add("table", tables.into_iter().flatten());
    let buckets = ask!(clients.s3().list_buckets()).buckets;
    found.add(
        "bucket",
        buckets.into_iter().flatten().filter_map(|one| one.name),
    );
    let queues = ask!(clients.sqs().list_queues())
        .queue_urls
        .unwrap_or_default();
    found.add(
        "queue",
        queues.iter().filter_map(|url| url.rsplit('/').next()),
    );
    let secrets = ask!(clients.secrets().list_secrets()).secret_list;
    found.add(
        "secret",
        secrets.into_iter().flatten().filter_map(|one| one.name),
    );
    let topics = ask!(clients.sns().list_topics()).topics.into_iter();
    found.add("topic", topics.flatten().filter_map(|one| one.topic_arn));
}

async fn functions(clients: &Clients, found: &mut Found) {
    let lambda = clients.lambda();
    let functions = ask!(lambda.list_functions()).functions;
    for function in functions.into_iter().flatten() {
        let name = function.function_name.expect("a name");
        let versions = ask!(lambda.list_versions_by_function().function_name(&name)).versions;
        let versions = versions.into_iter().flatten().filter_map(|one| one.version);
        found.add(&format!("function {name} version"), versions);
        let aliases = ask!(lambda.list_aliases().function_name(&name)).aliases;
        for alias in aliases.into_iter().flatten() {
            let (alias, version) = (alias.name.expect("a name"), alias.function_version);
            let version = version.expect("a version");
            found.add(
                &format!("function {name} alias"),
                [format!("{alias} -> {version}")],
            );
            let policy = lambda.get_policy().function_name(&name).qualifier(&alias);
            let policy = policy.send().await.ok().and_then(|policy| policy.policy);
            let policy: serde_json::Value =
                serde_json::from_str(&policy.unwrap_or_default()).unwrap_or_default();
            let statements = policy["Statement"].as_array().cloned().unwrap_or_default();
            let ids = statements.iter().map(|statement| statement["Sid"].clone());
            found.add(&format!("function {name} {alias} permission"), ids);
        }
    }
}

async fn processing(clients: &Clients, found: &mut Found) {
    let machines = ask!(clients.sfn().list_state_machines()).state_machines;
    found.add("state machine", machines.into_iter().map(|one| one.name));
    let pipes = ask!(clients.pipes().list_pipes()).pipes.into_iter();
    found.add("pipe", pipes.flatten().filter_map(|one| one.name));
    let rules = ask!(clients.eventbridge().list_rules()).rules.into_iter();
    found.add("rule", rules.flatten().filter_map(|one| one.name));
    let iam = clients.iam();
    for role in ask!(iam.list_roles()).roles {
        let policies = ask!(iam.list_role_policies().role_name(&role.role_name));
        let line = format!("{} {:?}", role.role_name, policies.policy_names);
        found.add("role", [line]);
    }
}

async fn apis(clients: &Clients, found: &mut Found) {
    let gateway = clients.apigateway();
    let account = ask!(gateway.get_account()).cloudwatch_role_arn;
    found.add("account role", account.filter(|arn| !arn.is_empty()));
    for api in ask!(gateway.get_rest_apis()).items.into_iter().flatten() {
        let (id, name) = (api.id.expect("an id"), api.name.expect("a name"));
        let deployments = ask!(gateway.get_deployments().rest_api_id(&id)).items;
        let deployments = deployments.into_iter().flatten();
        found.add(
            &format!("api {name} deployment"),
            deployments.filter_map(|one| one.description),
        );
        let stages = ask!(gateway.get_stages().rest_api_id(&id)).item;
        let stages = stages
            .into_iter()
            .flatten()
            .filter_map(|one| one.stage_name);
        found.add(&format!("api {name} stage"), stages);
        let resources = ask!(gateway.get_resources().rest_api_id(&id)).items;
        let paths = resources.into_iter().flatten().filter_map(|one| one.path);
        found.add(&format!("api {name} path"), paths);
    }
}

async fn watching(clients: &Clients, found: &mut Found) {
    let groups = ask!(clients.logs().describe_log_groups()).log_groups;
    found.add(
        "log group",
        groups
            .into_iter()
            .flatten()
            .filter_map(|one| one.log_group_name),
    );
    let cloudwatch = clients.cloudwatch();
    let alarms = ask!(cloudwatch.describe_alarms()).metric_alarms;
    found.add(
        "alarm",
        alarms
            .into_iter()
            .flatten()
            .filter_map(|one| one.alarm_name),
    );
    // The emulator's list of dashboards is not what the SDK can read.
    let board = "payment-webhook-local-us-east-1";
    let found_board = cloudwatch
        .get_dashboard()
        .dashboard_name(board)
        .send()
        .await;
    found.add("dashboard", found_board.ok().map(|_| board));
}
