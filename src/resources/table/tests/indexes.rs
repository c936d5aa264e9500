//! Indexes: one change in a call, and a change of keys or projection as a removal and an addition.

use super::*;

async fn read_as(table: &Table, status: &str) -> Observed<Table> {
    let mut replies = shown(table, &at("payments", ()).tags);
    let mut description = description(table, "ACTIVE");
    description["GlobalSecondaryIndexes"] = json!([described("open", &open(), status)]);
    replies[0] = reply(READ[0], 200, json!({ "Table": description }));
    let (aws, _) = scripted(replies);
    Table::read(&aws, &known(table.clone()))
        .await
        .unwrap()
        .unwrap()
}

/// Puts until nothing is left to do, as DynamoDB would follow; what each call said.
async fn changes(wanted: &Table, is: &Table) -> Vec<Value> {
    let mut is = is.clone();
    let mut sent = Vec::new();
    loop {
        let observed = read_back(is.clone()).await;
        let (aws, script) = scripted([reply(UPDATE, 200, json!({}))]);
        match Table::put(&aws, &known(wanted.clone()), Some(&observed)).await {
            Ok(Put::Waiting(what)) => assert_eq!(what, "the table's update to end"),
            done => {
                assert_eq!(done.unwrap(), Put::Done(observed.outputs));
                return sent;
            }
        }
        let body = script.body(UPDATE);
        let updates = body["GlobalSecondaryIndexUpdates"].as_array().unwrap();
        assert_eq!(updates.len(), 1, "{body}");
        for (does, change) in updates[0].as_object().unwrap() {
            let name = change["IndexName"].as_str().unwrap();
            match does.as_str() {
                "Delete" => drop(is.indexes.remove(name)),
                _ => drop(
                    is.indexes
                        .insert(name.to_owned(), wanted.indexes[name].clone()),
                ),
            }
        }
        sent.push(body);
    }
}

fn with(indexes: &[(&str, Index)]) -> Table {
    let indexes = indexes
        .iter()
        .map(|(name, index)| ((*name).to_owned(), index.clone()));
    Table {
        indexes: indexes.collect(),
        ..table()
    }
}

/// The first member of the only update, such as Create, with the index it is about.
fn acts(sent: &[Value]) -> Vec<(String, String)> {
    let act = |body: &Value| {
        let update = body["GlobalSecondaryIndexUpdates"][0].as_object().unwrap();
        let (does, change) = update.iter().next().unwrap();
        (
            does.clone(),
            change["IndexName"].as_str().unwrap().to_owned(),
        )
    };
    sent.iter().map(act).collect()
}

fn act(does: &str, index: &str) -> (String, String) {
    (does.to_owned(), index.to_owned())
}

#[tokio::test]
async fn a_new_index_comes_to_a_standing_table_with_the_definitions_of_its_own_keys() {
    let sent = changes(&with(&[("open", open())]), &with(&[])).await;
    let expected = json!({
        "TableName": "payments-dev",
        "AttributeDefinitions": [
            {"AttributeName": "shard", "AttributeType": "S"},
            {"AttributeName": "state", "AttributeType": "S"},
        ],
        "GlobalSecondaryIndexUpdates": [{"Create": {
            "IndexName": "open",
            "KeySchema": [
                {"AttributeName": "shard", "KeyType": "HASH"},
                {"AttributeName": "state", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }}],
    });
    assert_eq!(sent, [expected]);
}

#[tokio::test]
async fn each_call_changes_one_index_and_room_is_made_before_new_ones_come() {
    let other = Index {
        projection: Projection::All,
        ..open()
    };
    let is = with(&[("old", other.clone()), ("open", open()), ("older", open())]);
    let wanted = with(&[("new", other), ("newer", open()), ("open", open())]);
    let sent = changes(&wanted, &is).await;
    assert_eq!(
        acts(&sent),
        [
            act("Delete", "old"),
            act("Delete", "older"),
            act("Create", "new"),
            act("Create", "newer")
        ]
    );
}

#[tokio::test]
async fn another_key_or_projection_takes_the_index_away_and_makes_it_anew() {
    let names =
        |names: &[&str]| Projection::Include(names.iter().map(|n| (*n).to_owned()).collect());
    let others = [
        Index {
            projection: Projection::All,
            ..open()
        },
        Index {
            projection: names(&["b", "a"]),
            ..open()
        },
        Index {
            sort_key: None,
            ..open()
        },
        Index {
            partition_key: table().partition_key,
            ..open()
        },
    ];
    for other in others {
        let sent = changes(&with(&[("open", other.clone())]), &table()).await;
        assert_eq!(
            acts(&sent),
            [act("Delete", "open"), act("Create", "open")],
            "{other:?}"
        );
    }
    let sent = changes(
        &with(&[(
            "open",
            Index {
                projection: names(&["b", "a"]),
                ..open()
            },
        )]),
        &table(),
    )
    .await;
    let projection = &sent[1]["GlobalSecondaryIndexUpdates"][0]["Create"]["Projection"];
    let expected = json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a", "b"]});
    assert_eq!(*projection, expected);
}

#[tokio::test]
async fn limits_that_somebody_set_are_taken_back_in_place() {
    let limited = Index {
        limits: Some((5, -1)),
        ..open()
    };
    let sent = changes(&table(), &with(&[("open", limited)])).await;
    let limits = json!({"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": -1});
    let update = json!({"Update": {"IndexName": "open", "OnDemandThroughput": limits}});
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["GlobalSecondaryIndexUpdates"], json!([update]));
}

#[tokio::test]
async fn an_active_table_is_not_settled_while_an_index_of_it_is_not() {
    for (status, what) in [
        ("CREATING", "the table's index to be filled"),
        ("UPDATING", "the table's index to change"),
        ("DELETING", "the table's index to be gone"),
    ] {
        let found = read_as(&table(), status).await;
        assert_eq!(found.condition, Condition::Settling(what), "{status}");
        let (aws, script) = scripted([]);
        let put = Table::put(&aws, &known(with(&[])), Some(&found)).await;
        assert_eq!(put.unwrap(), Put::Waiting(what));
        script.assert_calls([]);
    }
    assert_eq!(
        read_as(&table(), "ACTIVE").await.condition,
        Condition::Settled
    );
}

#[test]
fn a_state_that_was_written_before_there_were_indexes_reads_as_having_none() {
    let mut written = serde_json::to_value(table()).unwrap();
    drop(written.as_object_mut().unwrap().remove("indexes"));
    let read: Table = serde_json::from_value(written).unwrap();
    assert_eq!(read, with(&[]));
}
