//! Each change of a table by its own call, one class of change a round.

use super::*;

#[tokio::test]
async fn a_fresh_table_then_gets_recovery_and_expiry_in_one_round() {
    let fresh = Table {
        point_in_time_recovery: false,
        ttl_attribute: None,
        ..table()
    };
    let observed = read_back(fresh).await;
    let (aws, script) = scripted([
        reply(BACKUPS, 200, recovery("ENABLED")),
        reply(TTL, 200, json!({})),
    ]);
    let done = Table::put(&aws, &known(table()), Some(&observed)).await;
    assert_eq!(done.unwrap(), Put::Done(observed.outputs));
    script.assert_calls([BACKUPS, TTL]);
}

#[tokio::test]
async fn recovery_that_is_not_on_yet_is_waited_for_before_expiry_is_touched() {
    let fresh = Table {
        point_in_time_recovery: false,
        ttl_attribute: None,
        ..table()
    };
    let observed = read_back(fresh).await;
    for status in ["DISABLED", "ENABLING"] {
        let (aws, script) = scripted([reply(BACKUPS, 200, recovery(status))]);
        let put = Table::put(&aws, &known(table()), Some(&observed)).await;
        assert!(matches!(put.unwrap(), Put::Waiting(_)), "{status}");
        script.assert_calls([BACKUPS]);
    }
}

#[tokio::test]
async fn each_change_makes_exactly_its_own_call() {
    type Change = fn(&mut At<Table>);
    let table_of: [(&str, Value, Change); 10] = [
        (UPDATE, json!({"BillingMode": "PROVISIONED"}), |at| {
            at.properties.billing = Billing::Provisioned;
        }),
        (UPDATE, json!({"DeletionProtectionEnabled": true}), |at| {
            at.properties.deletion_protection = true;
        }),
        (
            UPDATE,
            json!({"SSESpecification": {"Enabled": true, "SSEType": "KMS", "KMSMasterKeyId": "k-2"}}),
            |at| at.properties.key = Some(Input::known("k-2")),
        ),
        (
            UPDATE,
            json!({"SSESpecification": {"Enabled": false}}),
            |at| {
                at.properties.key = None;
            },
        ),
        (
            UPDATE,
            json!({"StreamSpecification": {"StreamEnabled": false}}),
            |at| at.properties.stream = None,
        ),
        // A live stream cannot change what it carries: it goes off first, and on in the next round.
        (
            UPDATE,
            json!({"StreamSpecification": {"StreamEnabled": false}}),
            |at| at.properties.stream = Some(StreamView::NewImage),
        ),
        (
            BACKUPS,
            json!({"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": false}}),
            |at| at.properties.point_in_time_recovery = false,
        ),
        (
            TTL,
            json!({"TimeToLiveSpecification": {"AttributeName": "expiresAt", "Enabled": false}}),
            |at| at.properties.ttl_attribute = None,
        ),
        (
            "dynamodb:TagResource",
            json!({"ResourceArn": ARN, "Tags": [{"Key": "a", "Value": "b"}]}),
            |at| drop(at.tags.insert("a".to_owned(), "b".to_owned())),
        ),
        (
            "dynamodb:UntagResource",
            json!({"ResourceArn": ARN, "TagKeys": ["team"]}),
            |at| drop(at.tags.remove("team")),
        ),
    ];
    let observed = read_back(table()).await;
    for (call, mut body, change) in table_of {
        let mut at = known(table());
        change(&mut at);
        let answer = match call {
            BACKUPS => recovery("DISABLED"),
            _ => json!({}),
        };
        let (aws, script) = scripted([reply(call, 200, answer)]);
        Table::put(&aws, &at, Some(&observed)).await.unwrap();
        script.assert_calls([call]);
        if body.get("ResourceArn").is_none() {
            body["TableName"] = json!("payments-dev");
        }
        assert_eq!(script.body(call), body);
    }
}

#[tokio::test]
async fn a_stream_that_is_off_is_switched_on_with_the_wanted_view() {
    let off = Table {
        stream: None,
        ..table()
    };
    let observed = read_back(off).await;
    assert!(!observed.outputs.contains_key("streamArn"));
    let (aws, script) = scripted([reply(UPDATE, 200, json!({}))]);
    Table::put(&aws, &known(table()), Some(&observed))
        .await
        .unwrap();
    let wanted = json!({"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"});
    assert_eq!(script.body(UPDATE)["StreamSpecification"], wanted);
}

#[tokio::test]
async fn many_changes_are_made_one_class_a_round() {
    let is = Table {
        billing: Billing::Provisioned,
        deletion_protection: true,
        key: None,
        ..table()
    };
    let mut observed = read_back(is).await;
    for property in [
        "BillingMode",
        "DeletionProtectionEnabled",
        "SSESpecification",
    ] {
        let (aws, script) = scripted([reply(UPDATE, 200, json!({}))]);
        let put = Table::put(&aws, &known(table()), Some(&observed)).await;
        assert_eq!(put.unwrap(), Put::Waiting("the table's update to end"));
        let sent = script.body(UPDATE);
        let sent: Vec<_> = sent.as_object().unwrap().keys().cloned().collect();
        assert_eq!(sent, ["TableName", property].map(str::to_owned));
        match property {
            "BillingMode" => observed.properties.billing = table().billing,
            "DeletionProtectionEnabled" => observed.properties.deletion_protection = false,
            _ => observed.properties.key = table().key,
        }
    }
}

#[tokio::test]
async fn settings_that_payhook_never_makes_are_seen_and_taken_back() {
    let mut described = description(&table(), "ACTIVE");
    described["TableClassSummary"] = json!({"TableClass": "STANDARD_INFREQUENT_ACCESS"});
    described["OnDemandThroughput"] = json!({"MaxReadRequestUnits": 5});
    let mut replies = shown(&table(), &at("payments", ()).tags);
    replies[0] = reply(READ[0], 200, json!({ "Table": described }));
    let mut short = recovery("ENABLED");
    short["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]["RecoveryPeriodInDays"] =
        json!(1);
    replies[1] = reply(READ[1], 200, short);
    let (aws, _) = scripted(replies);
    let mut observed = Table::read(&aws, &known(table())).await.unwrap().unwrap();
    let found: Vec<_> = observed.properties.unmanaged.keys().cloned().collect();
    let all = ["onDemandThroughput", "recoveryPeriodInDays", "tableClass"];
    assert_eq!(found, all);

    let rounds = [
        (UPDATE, "tableClass", json!({"TableClass": "STANDARD"})),
        (
            UPDATE,
            "onDemandThroughput",
            json!({"OnDemandThroughput": {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": -1}}),
        ),
        (
            BACKUPS,
            "recoveryPeriodInDays",
            json!({"PointInTimeRecoverySpecification":
                {"PointInTimeRecoveryEnabled": true, "RecoveryPeriodInDays": 35}}),
        ),
    ];
    for (call, setting, mut body) in rounds {
        let (aws, script) = scripted([reply(call, 200, recovery("ENABLED"))]);
        Table::put(&aws, &known(table()), Some(&observed))
            .await
            .unwrap();
        body["TableName"] = json!("payments-dev");
        assert_eq!(script.body(call), body);
        observed.properties.unmanaged.remove(setting);
    }
}

#[tokio::test]
async fn a_second_change_of_expiry_within_an_hour_says_when_to_try_again() {
    let observed = read_back(table()).await;
    let mut renamed = known(table());
    renamed.properties.ttl_attribute = Some("endsAt".to_owned());
    let (aws, script) = scripted([reply(TTL, 200, json!({}))]);
    let error = Table::put(&aws, &renamed, Some(&observed))
        .await
        .unwrap_err();
    let off = json!({"AttributeName": "expiresAt", "Enabled": false});
    assert_eq!(script.body(TTL)["TimeToLiveSpecification"], off);
    assert!(error.message.contains("deploy again in an hour"), "{error}");

    let mut off = observed.clone();
    off.properties.ttl_attribute = None;
    let words = "Time to live has been modified multiple times within a fixed interval";
    let (aws, _) = scripted([reply_error(TTL, 400, "ValidationException", words)]);
    let error = Table::put(&aws, &renamed, Some(&off)).await.unwrap_err();
    assert!(error.message.starts_with(words), "{error}");
    assert!(error.message.contains("deploy again in an hour"), "{error}");
}

#[tokio::test]
async fn what_is_set_beside_a_table_is_named_and_each_is_taken_back_by_its_own_call() {
    let policy =
        r#"{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "dynamodb:*"}]}"#;
    let streams = json!({"TableName": "payments-dev", "KinesisDataStreamDestinations": [
        {"StreamArn": "arn:k", "DestinationStatus": "ACTIVE"},
        {"StreamArn": "arn:old", "DestinationStatus": "DISABLED"}]});
    let table = [
        (
            "GetResourcePolicy",
            json!({ "Policy": policy }),
            "policy",
            "DeleteResourcePolicy",
        ),
        (
            "DescribeKinesisStreamingDestination",
            streams,
            "kinesisStreams",
            "DisableKinesisStreamingDestination",
        ),
        (
            "DescribeContributorInsights",
            json!({"ContributorInsightsStatus": "ENABLED"}),
            "contributorInsights",
            "UpdateContributorInsights",
        ),
    ];
    for (read, answer, name, back) in table {
        for on_record in [true, false] {
            let at = match on_record {
                true => known(super::table()),
                false => at("payments", super::table()),
            };
            let mut replies = shown(&super::table(), &at.tags);
            let status = json!({"StreamDescription": {"StreamStatus": "ENABLED"}});
            replies.push(reply("dynamodb:DescribeStream", 200, status));
            replies.push(reply(&format!("dynamodb:{read}"), 200, answer.clone()));
            let (aws, _) = scripted(replies);
            let observed = Table::read(&aws, &at).await.unwrap().unwrap();
            let named: Vec<&String> = observed.properties.unmanaged.keys().collect();
            assert_eq!(named, [name]);
            let back = format!("dynamodb:{back}");
            let (aws, script) = scripted([reply(&back, 200, json!({}))]);
            let put = Table::put(&aws, &at, Some(&observed)).await.unwrap();
            assert!(matches!(put, Put::Waiting(_)), "it is looked at again");
            script.assert_calls([back.as_str()]);
        }
    }
}

#[tokio::test]
async fn a_policy_of_the_stream_is_told_from_one_of_the_table_and_taken_back_from_the_stream() {
    const GET: &str = "dynamodb:GetResourcePolicy";
    const DELETE: &str = "dynamodb:DeleteResourcePolicy";
    let policy = r#"{"Statement": [{"Effect": "Allow", "Principal": "*"}]}"#;
    let mut replies = shown(&table(), &known(table()).tags);
    let none = "Resource-based policy not found";
    replies.push(reply_error(GET, 400, "PolicyNotFoundException", none));
    replies.push(reply(GET, 200, json!({ "Policy": policy })));
    let (aws, script) = scripted(replies);
    let observed = Table::read(&aws, &known(table())).await.unwrap().unwrap();
    let named: Vec<&String> = observed.properties.unmanaged.keys().collect();
    assert_eq!(named, ["streamPolicy"]);
    let table_arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/payments-dev";
    assert_eq!(
        script.bodies(GET),
        [
            json!({ "ResourceArn": table_arn }),
            json!({ "ResourceArn": STREAM })
        ]
    );

    let (aws, script) = scripted([reply(DELETE, 200, json!({}))]);
    let put = Table::put(&aws, &known(table()), Some(&observed))
        .await
        .unwrap();
    assert!(matches!(put, Put::Waiting(_)), "it is looked at again");
    assert_eq!(script.body(DELETE), json!({ "ResourceArn": STREAM }));
}

#[tokio::test]
async fn a_policy_of_a_stream_that_was_replaced_by_hand_counts_no_more_and_its_successors_does() {
    const GET: &str = "dynamodb:GetResourcePolicy";
    let old = r#"{"Statement": [{"Sid": "old", "Effect": "Allow", "Principal": "*"}]}"#;
    let new = old.replace("old", "new");
    for (new, named) in [
        (Some(new), json!({"streamPolicy": "new"})),
        (None, json!({})),
    ] {
        let mut at = known(table());
        at.outputs
            .insert("streamArn".to_owned(), "arn:replaced".to_owned());
        let mut replies = shown(&table(), &at.tags);
        let status = json!({"StreamDescription": {"StreamStatus": "ENABLED"}});
        replies.push(reply("dynamodb:DescribeStream", 200, status));
        let none = || reply_error(GET, 400, "PolicyNotFoundException", "none");
        replies.extend([none(), reply(GET, 200, json!({ "Policy": old }))]);
        replies.push(match new {
            Some(new) => reply(GET, 200, json!({ "Policy": new })),
            None => none(),
        });
        let (aws, _) = scripted(replies);
        let observed = Table::read(&aws, &at).await.unwrap().unwrap();
        let mut found = json!(observed.properties.unmanaged);
        if let Some(policy) = found.get_mut("streamPolicy") {
            *policy = policy["Statement"][0]["Sid"].take();
        }
        assert_eq!(found, named);
    }
}

#[tokio::test]
async fn a_table_without_a_policy_of_its_own_has_nothing_beside_it() {
    let mut replies = shown(&table(), &known(table()).tags);
    replies.push(reply_error(
        "dynamodb:GetResourcePolicy",
        400,
        "PolicyNotFoundException",
        "Resource-based policy not found",
    ));
    let disabled = json!({"ContributorInsightsStatus": "DISABLED"});
    replies.push(reply("dynamodb:DescribeContributorInsights", 200, disabled));
    let (aws, _) = scripted(replies);
    let observed = Table::read(&aws, &known(table())).await.unwrap().unwrap();
    assert_eq!(observed.properties, table());
}
