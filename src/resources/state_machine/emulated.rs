//! Table, function, permission and state machine on the emulator.
//!
//! Run only where `PAYHOOK_EMULATOR` holds the endpoint of a running emulator.

mod processing;

use super::*;
use crate::asl::{self, Backoff, payment_processor};
use crate::graph::{OutputRef, resolve};
use crate::resources::emulated::{die, emulator, live, settle};
use crate::resources::function::{Architecture, Function};
use crate::resources::permission::Permission;
use crate::resources::role::Role;
use crate::resources::scripted::at;
use crate::resources::table::{
    AttributeKind, Billing, Index, Indexes, KeyAttribute, Projection, StreamView, Table,
};
use crate::resources::{At, Aws};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

const KEY: &str = "arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-0000-0000-000000000000";

fn table(name: &str) -> Table {
    let key = |name: &str, kind| KeyAttribute {
        name: name.to_owned(),
        kind,
    };
    Table {
        name: name.to_owned(),
        partition_key: key("paymentId", AttributeKind::S),
        sort_key: key("timestamp", AttributeKind::N),
        indexes: Indexes::new(),
        billing: Billing::OnDemand,
        stream: Some(StreamView::NewAndOldImages),
        key: Some(Input::known(KEY)),
        point_in_time_recovery: true,
        ttl_attribute: Some("expiresAt".to_owned()),
        deletion_protection: false,
        unmanaged: Unmanaged::new(),
    }
}

/// Zips a bootstrap and returns the hash that a function names it by.
fn zip(aws: &mut Aws, folder: &Path, bootstrap: &str) -> String {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    zip.start_file("bootstrap", options).unwrap();
    zip.write_all(bootstrap.as_bytes()).unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    let sha = BASE64_STANDARD.encode(digest(&SHA256, &bytes));
    let path = folder.join(format!("{}.zip", bootstrap.len()));
    std::fs::write(&path, bytes).unwrap();
    aws.artifacts.insert(sha.clone(), path);
    sha
}

/// A role that Lambda and Step Functions find; what it allows is not asked here.
async fn role(aws: &Aws, name: &str) -> At<Role> {
    let role = Role::assumed_by(name.to_owned(), "lambda.amazonaws.com", Vec::new());
    let mut role = at(name, role);
    settle(aws, &mut role).await;
    role
}

fn function(name: &str, code: &str, marks: &Path) -> Function {
    let marks = Input::known(marks.to_str().unwrap());
    Function {
        name: name.to_owned(),
        description: Input::known(""),
        runtime: "provided.al2023".to_owned(),
        architecture: Architecture::Arm64,
        code: Input::known(code),
        role: Input::known(format!("arn:aws:iam::000000000000:role/{name}")),
        memory_mb: 128,
        timeout_seconds: 10,
        reserved_concurrency: Some(10),
        environment: BTreeMap::from([("MARKS".to_owned(), marks)]),
        key: Input::known(KEY),
        tracing: true,
        log_group: Input::known(format!("/aws/lambda/{name}")),
        unmanaged: Unmanaged::new(),
    }
}

fn machine(name: &str, alias: &str, table: &str) -> StateMachine {
    let definition = payment_processor(&asl::Settings {
        processor: Input::known(alias),
        table: Input::known(table),
        retry: Backoff {
            interval_seconds: 1,
            rate: 1.0,
            ..Backoff::default()
        },
        timeout_seconds: 20,
        concurrency: 4,
    });
    let partition = |_: &OutputRef| Some("aws".to_owned());
    StateMachine {
        name: name.to_owned(),
        workflow: Workflow::Standard,
        definition: resolve(&definition.to_value(), &partition).value,
        role: Input::known(format!("arn:aws:iam::000000000000:role/{name}")),
        tracing: true,
        log_group: Input::known(
            "arn:aws:logs:eu-central-1:000000000000:log-group:/aws/vendedlogs/states/emulated",
        ),
        log_level: LogLevel::Error,
        unmanaged: Unmanaged::new(),
    }
}

#[tokio::test]
async fn tables_functions_permissions_and_state_machines_live_and_die_on_the_emulator() {
    let Some(mut aws) = emulator().await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (
        zip(&mut aws, folder.path(), "#!/bin/sh\n"),
        zip(&mut aws, folder.path(), "#!/bin/sh\n# new\n"),
    );
    let role = role(&aws, "emulated-life").await;
    let mut table = at("emulated-table", table("emulated-life"));
    let index = |projection| Index {
        partition_key: KeyAttribute {
            name: "shard".to_owned(),
            kind: AttributeKind::S,
        },
        sort_key: Some(table.properties.sort_key.clone()),
        projection,
        limits: None,
    };
    let (keys, all) = (index(Projection::KeysOnly), index(Projection::All));
    let named = |name: &str, index: &Index| (name.to_owned(), index.clone());
    table.properties.indexes = [
        named("kept", &keys),
        named("gone", &keys),
        named("other", &all),
    ]
    .into();
    live(&aws, &mut table, |table| {
        table.indexes = [
            named("kept", &keys),
            named("other", &keys),
            named("new", &all),
        ]
        .into();
        table.stream = Some(StreamView::NewImage);
        table.key = None;
        table.point_in_time_recovery = false;
        table.deletion_protection = true;
    })
    .await;

    let function = function("emulated-life", &old, folder.path());
    let mut function = at("emulated-function", function);
    live(&aws, &mut function, |function| {
        function.code = Input::known(new);
        function.architecture = Architecture::X86_64;
        function.memory_mb = 256;
        function.tracing = false;
        function.environment.clear();
        function.reserved_concurrency = Some(3);
    })
    .await;
    assert_eq!(function.outputs["version"], "2");

    let permission = |source: &str| Permission {
        sid: "webhooks".to_owned(),
        function: Input::known("emulated-life"),
        principal: "apigateway.amazonaws.com".to_owned(),
        source_arn: Input::known(source),
        unmanaged: Unmanaged::new(),
    };
    let mut permission = at("emulated-permission", permission("arn:aws:execute-api:::a"));
    live(&aws, &mut permission, |permission| {
        permission.source_arn = Input::known("arn:aws:execute-api:::b");
    })
    .await;

    let alias = &function.outputs["aliasArn"];
    let machine = machine("emulated-life", alias, "emulated-life");
    let mut machine = at("emulated-machine", machine);
    live(&aws, &mut machine, |machine| {
        machine.definition["Comment"] = json!("changed");
        machine.log_level = LogLevel::All;
    })
    .await;

    die(&aws, &machine).await;
    die(&aws, &permission).await;
    die(&aws, &function).await;
    die(&aws, &table).await;
    die(&aws, &role).await;
}
