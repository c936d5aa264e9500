mod changes;
mod indexes;

use super::*;
use crate::resources::scripted::*;
use crate::resources::{At, Class, Condition, Delete, Live, Observed, Put};
use proptest::prelude::*;
use serde_json::{Value, json};

const KEY: &str = "arn:aws:kms:eu-central-1:123456789012:key/k-1";
const ARN: &str = "arn:aws:dynamodb:eu-central-1:123456789012:table/payments-dev";
const STREAM: &str =
    "arn:aws:dynamodb:eu-central-1:123456789012:table/payments-dev/stream/2026-01-01T00:00:00.000";
const READ: [&str; 4] = [
    "dynamodb:DescribeTable",
    "dynamodb:DescribeContinuousBackups",
    "dynamodb:DescribeTimeToLive",
    "dynamodb:ListTagsOfResource",
];
const UPDATE: &str = "dynamodb:UpdateTable";
const BACKUPS: &str = "dynamodb:UpdateContinuousBackups";
const TTL: &str = "dynamodb:UpdateTimeToLive";

fn table() -> Table {
    let key = |name: &str, kind| KeyAttribute {
        name: name.to_owned(),
        kind,
    };
    Table {
        name: "payments-dev".to_owned(),
        partition_key: key("paymentId", AttributeKind::S),
        sort_key: key("timestamp", AttributeKind::N),
        indexes: Indexes::from([("open".to_owned(), open())]),
        billing: Billing::OnDemand,
        stream: Some(StreamView::NewAndOldImages),
        key: Some(Input::known(KEY)),
        point_in_time_recovery: true,
        ttl_attribute: Some("expiresAt".to_owned()),
        deletion_protection: false,
        unmanaged: Unmanaged::new(),
    }
}

/// The index of the table above.
fn open() -> Index {
    let key = |name: &str| KeyAttribute {
        name: name.to_owned(),
        kind: AttributeKind::S,
    };
    Index {
        partition_key: key("shard"),
        sort_key: Some(key("state")),
        projection: Projection::KeysOnly,
        limits: None,
    }
}

/// What DescribeTable says of a table, with the members that AWS leaves out by default left out.
fn description(table: &Table, status: &str) -> Value {
    let mut shown = json!({
        "TableName": table.name,
        "TableStatus": status,
        "AttributeDefinitions": definitions(table),
        "KeySchema": [
            {"AttributeName": table.partition_key.name, "KeyType": "HASH"},
            {"AttributeName": table.sort_key.name, "KeyType": "RANGE"},
        ],
        "DeletionProtectionEnabled": table.deletion_protection,
        "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
        "WarmThroughput": {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000},
    });
    if !table.indexes.is_empty() {
        let indexes = table.indexes.iter().rev();
        let indexes: Vec<_> = indexes.map(|(n, i)| described(n, i, "ACTIVE")).collect();
        shown["GlobalSecondaryIndexes"] = json!(indexes);
    }
    if table.billing == Billing::OnDemand {
        shown["BillingModeSummary"] = json!({"BillingMode": "PAY_PER_REQUEST"});
    }
    if let Some(view) = table.stream {
        shown["StreamSpecification"] = json!({"StreamEnabled": true, "StreamViewType": view});
        shown["LatestStreamArn"] = json!(STREAM);
    }
    if let Some(key) = &table.key {
        shown["SSEDescription"] = json!({"Status": "ENABLED", "SSEType": "KMS",
            "KMSMasterKeyArn": key.get().unwrap()});
    }
    shown
}

/// Definitions come in any order, and one attribute may be a key of several indexes.
fn definitions(table: &Table) -> Vec<Value> {
    let mut keys = vec![&table.sort_key, &table.partition_key];
    for index in table.indexes.values() {
        keys.extend(index.sort_key.iter().chain([&index.partition_key]));
    }
    let mut named: Vec<_> = keys
        .iter()
        .map(|key| json!({"AttributeName": key.name, "AttributeType": key.kind}))
        .collect();
    named.dedup();
    named
}

/// One index as DescribeTable shows it, with members that nobody asked for.
fn described(name: &str, index: &Index, status: &str) -> Value {
    let mut schema = vec![json!({"AttributeName": index.partition_key.name, "KeyType": "HASH"})];
    let sort = index.sort_key.iter();
    schema.extend(sort.map(|key| json!({"AttributeName": key.name, "KeyType": "RANGE"})));
    let projection = match &index.projection {
        Projection::KeysOnly => json!({"ProjectionType": "KEYS_ONLY"}),
        Projection::All => json!({"ProjectionType": "ALL"}),
        Projection::Include(names) => {
            let names: Vec<_> = names.iter().rev().collect();
            json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": names})
        }
    };
    json!({
        "IndexName": name, "IndexStatus": status, "KeySchema": schema, "Projection": projection,
        "IndexArn": format!("{ARN}/index/{name}"), "ItemCount": 3, "IndexSizeBytes": 300,
        "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
        "OnDemandThroughput": {"MaxReadRequestUnits": index.limits.map_or(-1, |(read, _)| read),
            "MaxWriteRequestUnits": index.limits.map_or(-1, |(_, write)| write)},
        "WarmThroughput": {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000},
    })
}

fn recovery(status: &str) -> Value {
    let recovery = json!({"PointInTimeRecoveryStatus": status, "RecoveryPeriodInDays": 35});
    json!({"ContinuousBackupsDescription": {"ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": recovery}})
}

fn shown(table: &Table, tags: &crate::resources::Tags) -> Vec<Reply> {
    let status = match table.point_in_time_recovery {
        true => "ENABLED",
        false => "DISABLED",
    };
    let ttl = match &table.ttl_attribute {
        Some(name) => json!({"TimeToLiveStatus": "ENABLED", "AttributeName": name}),
        None => json!({"TimeToLiveStatus": "DISABLED"}),
    };
    let described = json!({ "Table": description(table, "ACTIVE") });
    let ttl = json!({ "TimeToLiveDescription": ttl });
    // AWS shows ten tags a page; the second page must not be forgotten.
    let (first, rest): (Vec<_>, Vec<_>) = tags.iter().partition(|(key, _)| *key == "team");
    let page = |tags: Vec<(&String, &String)>| {
        let tags = tags.into_iter().map(|(k, v)| (k.clone(), v.clone()));
        tag_list(&tags.collect(), "Key", "Value")
    };
    vec![
        reply(READ[0], 200, described),
        reply(READ[1], 200, recovery(status)),
        reply(READ[2], 200, ttl),
        reply(READ[3], 200, json!({"Tags": page(first), "NextToken": "2"})),
        reply(READ[3], 200, json!({ "Tags": page(rest) })),
    ]
}

fn known(table: Table) -> At<Table> {
    let mut at = at("payments", table);
    at.outputs.insert("streamArn".to_owned(), STREAM.to_owned());
    at
}

async fn read_back(table: Table) -> Observed<Table> {
    let at = known(table.clone());
    let (aws, script) = scripted(shown(&table, &at.tags));
    let observed = Table::read(&aws, &at).await.unwrap().unwrap();
    assert_eq!(script.calls().len(), 5);
    assert_eq!(observed.tags, Some(at.tags));
    observed
}

fn any_index() -> impl Strategy<Value = Index> {
    let names = prop::collection::btree_set("[a-z]{1,5}", 1..4);
    let projection = prop_oneof![
        Just(Projection::KeysOnly),
        Just(Projection::All),
        names.prop_map(Projection::Include)
    ];
    let limits = prop::option::of((1i64..9, prop_oneof![Just(-1i64), 1i64..9]));
    let sorted = prop::option::of(Just(table().sort_key));
    (projection, limits, sorted).prop_map(|(projection, limits, sorted)| Index {
        projection,
        limits,
        // A key of the table may be a key of an index too, here of the other kind than text.
        sort_key: sorted,
        ..open()
    })
}

fn any_table() -> impl Strategy<Value = Table> {
    let views = prop_oneof![
        Just(StreamView::NewAndOldImages),
        Just(StreamView::NewImage),
        Just(StreamView::OldImage),
        Just(StreamView::KeysOnly),
    ];
    let kinds = prop_oneof![
        Just(AttributeKind::S),
        Just(AttributeKind::N),
        Just(AttributeKind::B)
    ];
    let billing = prop_oneof![Just(Billing::OnDemand), Just(Billing::Provisioned)];
    let key = prop::option::of(Just(KEY));
    (
        prop::collection::btree_map("[a-z]{3}", any_index(), 0..3),
        billing,
        prop::option::of(views),
        key,
        any::<bool>(),
        prop::option::of("[a-z]{1,8}"),
        any::<bool>(),
        kinds,
    )
        .prop_map(
            |(indexes, billing, stream, key, recovery, ttl, protection, kind)| Table {
                indexes,
                billing,
                stream,
                key: key.map(Input::known),
                point_in_time_recovery: recovery,
                ttl_attribute: ttl,
                deletion_protection: protection,
                sort_key: KeyAttribute {
                    name: "timestamp".to_owned(),
                    kind,
                },
                ..table()
            },
        )
        .prop_map(|mut table| {
            // One attribute has one kind, whatever keys it is part of.
            for index in table.indexes.values_mut() {
                index.sort_key = index.sort_key.take().map(|_| table.sort_key.clone());
            }
            table
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn a_read_gives_back_every_property_and_a_put_of_the_same_calls_nothing(table in any_table()) {
        run(async {
            let observed = read_back(table.clone()).await;
            assert_eq!(observed.properties, table);
            assert_eq!(observed.condition, Condition::Settled);
            let (aws, script) = scripted([]);
            let done = Table::put(&aws, &known(table.clone()), Some(&observed)).await.unwrap();
            assert_eq!(done, Put::Done(observed.outputs));
            script.assert_calls([]);
        });
    }
}

#[tokio::test]
async fn a_table_that_does_not_exist_reads_as_none() {
    let code = "ResourceNotFoundException";
    let (aws, _) = scripted([
        reply_error(READ[0], 400, code, "no table"),
        reply_error(READ[1], 400, "TableNotFoundException", "no table"),
        reply_error(READ[2], 400, code, "no table"),
        reply_error(READ[3], 400, "AccessDeniedException", "Access denied"),
    ]);
    let found = Table::read(&aws, &at("payments", table())).await.unwrap();
    assert!(found.is_none());
}

#[tokio::test]
async fn a_new_table_carries_stream_key_and_tags_from_the_first_call() {
    let (aws, script) = scripted([reply("dynamodb:CreateTable", 200, json!({}))]);
    let at = at("payments", table());
    let put = Table::put(&aws, &at, None).await.unwrap();
    assert_eq!(put, Put::Waiting("the table to become active"));
    let sent = script.body("dynamodb:CreateTable");
    let expected = json!({
        "TableName": "payments-dev",
        "AttributeDefinitions": [
            {"AttributeName": "paymentId", "AttributeType": "S"},
            {"AttributeName": "timestamp", "AttributeType": "N"},
            {"AttributeName": "shard", "AttributeType": "S"},
            {"AttributeName": "state", "AttributeType": "S"},
        ],
        "KeySchema": [
            {"AttributeName": "paymentId", "KeyType": "HASH"},
            {"AttributeName": "timestamp", "KeyType": "RANGE"},
        ],
        "GlobalSecondaryIndexes": [{
            "IndexName": "open",
            "KeySchema": [
                {"AttributeName": "shard", "KeyType": "HASH"},
                {"AttributeName": "state", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        "SSESpecification": {"Enabled": true, "SSEType": "KMS", "KMSMasterKeyId": KEY},
        "DeletionProtectionEnabled": false,
        "Tags": tag_list(&at.tags, "Key", "Value"),
    });
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn a_table_is_settled_only_when_it_is_active_and_its_new_stream_can_be_read() {
    let statuses = [
        ("ENABLED", Condition::Settled),
        (
            "ENABLING",
            Condition::Settling("the table's stream to be readable"),
        ),
    ];
    for (status, condition) in statuses {
        let mut replies = shown(&table(), &at("payments", ()).tags);
        let stream = json!({"StreamDescription": {"StreamStatus": status}});
        replies.push(reply("dynamodb:DescribeStream", 200, stream));
        let (aws, script) = scripted(replies);
        let found = Table::read(&aws, &at("payments", table()))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.outputs.contains_key("streamArn"), status == "ENABLED");
        assert_eq!(found.condition, condition);
        assert_eq!(script.body("dynamodb:DescribeStream")["StreamArn"], STREAM);
    }
    for (status, settling) in [
        ("CREATING", "the table to become active"),
        ("UPDATING", "the table's update to end"),
        ("DELETING", "the table to be gone"),
    ] {
        let mut replies = shown(&table(), &at("payments", ()).tags);
        let described = json!({ "Table": description(&table(), status) });
        replies[0] = reply(READ[0], 200, described);
        let (aws, _) = scripted(replies);
        let found = Table::read(&aws, &known(table())).await.unwrap().unwrap();
        assert_eq!(found.condition, Condition::Settling(settling));
    }
}

#[tokio::test]
async fn a_table_whose_key_is_disabled_says_which_key_and_what_to_do() {
    let mut replies = shown(&table(), &at("payments", ()).tags);
    let described = description(&table(), "INACCESSIBLE_ENCRYPTION_CREDENTIALS");
    replies[0] = reply(READ[0], 200, json!({ "Table": described }));
    let (aws, _) = scripted(replies);
    let found = Table::read(&aws, &known(table())).await.unwrap().unwrap();
    let error = Table::put(&aws, &known(table()), Some(&found))
        .await
        .unwrap_err();
    assert_eq!(error.class, Class::Failed);
    assert!(error.message.contains(KEY) && error.message.contains("enable the key"));
}

#[tokio::test]
async fn expiry_that_is_only_being_switched_on_counts_as_on() {
    let mut replies = shown(&table(), &at("payments", ()).tags);
    let ttl = json!({"TimeToLiveStatus": "ENABLING", "AttributeName": "expiresAt"});
    replies[2] = reply(READ[2], 200, json!({ "TimeToLiveDescription": ttl }));
    let (aws, _) = scripted(replies);
    let found = Table::read(&aws, &known(table())).await.unwrap().unwrap();
    assert_eq!(found.properties, table());
}

#[tokio::test]
async fn a_protected_table_is_unprotected_and_then_deleted() {
    let protected = Table {
        deletion_protection: true,
        ..table()
    };
    let observed = read_back(protected.clone()).await;
    let delete = "dynamodb:DeleteTable";
    let (aws, script) = scripted([reply(UPDATE, 200, json!({})), reply(delete, 200, json!({}))]);
    let gone = Table::delete(&aws, &known(protected), &observed).await;
    assert_eq!(gone.unwrap(), Delete::Waiting("the table to be gone"));
    script.assert_calls([UPDATE, delete]);
}

#[tokio::test]
async fn a_table_that_is_gone_or_going_is_not_deleted_twice() {
    let mut observed = read_back(table()).await;
    let code = "ResourceNotFoundException";
    let (aws, _) = scripted([reply_error("dynamodb:DeleteTable", 400, code, "no table")]);
    let gone = Table::delete(&aws, &known(table()), &observed).await;
    assert_eq!(gone.unwrap(), Delete::Gone);

    observed.condition = Condition::Settling("the table to be gone");
    let (aws, script) = scripted([]);
    let going = Table::delete(&aws, &known(table()), &observed).await;
    assert!(matches!(going.unwrap(), Delete::Waiting(_)));
    script.assert_calls([]);
}

#[test]
fn a_busy_table_is_waited_for_and_a_taken_name_is_not() {
    let indexes = "Attempt to change a resource which is still in use: Cannot delete table while \
                   indexes are being created, updated, or deleted.";
    let busy = "Attempt to change a resource which is still in use: Table is being updated: x";
    let taken = "Table already exists: payments-dev";
    let backups = "Backups are being enabled for the table: x. Please retry later";
    let rule = |code, message| waits_for::<Table>(code, message);
    let in_use = "ResourceInUseException";
    assert_eq!(
        rule(in_use, busy),
        Some("the table's running change to end")
    );
    assert_eq!(rule(in_use, taken), None);
    assert_eq!(
        rule(in_use, indexes),
        Some("the change of the table's indexes to end")
    );
    for (code, waits) in [
        (
            "ContinuousBackupsUnavailableException",
            "the table's backups to be available",
        ),
        ("ValidationException", "the table's backups to be prepared"),
    ] {
        assert_eq!(rule(code, backups), Some(waits));
    }
    assert_eq!(
        rule(
            "ValidationException",
            "One or more parameter values were invalid"
        ),
        None
    );
}

#[test]
fn names_known_before_the_table_exists_are_its_arn_and_name_but_not_its_stream() {
    let (aws, _) = scripted([]);
    let predicted = table().predicted(&aws.given);
    assert_eq!(predicted["tableArn"], ARN);
    assert_eq!(predicted["tableName"], "payments-dev");
    assert!(!predicted.contains_key("streamArn"));
}
