use super::*;
use crate::graph::Input;
use crate::resources::policy::document;
use crate::resources::scripted::*;
use crate::resources::{At, Class, Delete, Live, Observed, Put, Tags};
use proptest::prelude::*;
use serde_json::{Value, json};

const NAME: &str = "webhook-validator-dev";
const ARN: &str = "arn:aws:iam::123456789012:role/webhook-validator-dev";
const MANAGED: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

fn statement(action: &str, resource: &str) -> Statement {
    Statement {
        actions: vec![action.to_owned()],
        resources: vec![Input::known(resource)],
        conditions: vec![],
    }
}

fn role() -> Role {
    let conditions = vec![Condition::new(
        "StringEquals",
        "aws:SourceAccount",
        "123456789012",
    )];
    let mut role = Role::assumed_by(NAME.to_owned(), "lambda.amazonaws.com", conditions);
    role.statements = vec![statement("dynamodb:PutItem", "t"), statement("a:B", "é+ %")];
    role
}

fn documents(role: &Role) -> (String, String) {
    let statements = role.statements.iter().map(|s| document::write(s).unwrap());
    let policy = document::document(statements.collect()).to_string();
    (trust::write(&role.trust).unwrap(), policy)
}

// The way IAM encodes documents.
fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn shown(role: &Role, tags: &Tags) -> Vec<Reply> {
    let (trust, policy) = documents(role);
    let shown = json!({"Role": {"RoleName": role.name, "RoleId": "AROA1", "Arn": "AROA1", "Path": "/",
        "CreateDate": "2026-01-01T00:00:00Z", "Description": role.description,
        "AssumeRolePolicyDocument": encoded(&trust), "Tags": tag_list(tags, "Key", "Value")}});
    let (managed, inline): (Vec<_>, Vec<_>) = role
        .other_policies
        .iter()
        .partition(|p| p.starts_with("arn:"));
    let managed: Vec<Value> = managed
        .iter()
        .map(|arn| json!({ "PolicyArn": arn }))
        .collect();
    let mut names = json!(inline);
    let ours = match role.statements.is_empty() {
        true => reply_error("iam:GetRolePolicy", 404, "NoSuchEntity", "no policy"),
        false => {
            names.as_array_mut().unwrap().push(json!(Role::POLICY));
            let policy = json!({"RoleName": role.name, "PolicyName": Role::POLICY,
                "PolicyDocument": encoded(&policy)});
            reply("iam:GetRolePolicy", 200, policy)
        }
    };
    vec![
        reply("iam:GetRole", 200, shown),
        ours,
        reply("iam:ListRolePolicies", 200, json!({ "PolicyNames": names })),
        reply(
            "iam:ListAttachedRolePolicies",
            200,
            json!({ "AttachedPolicies": managed }),
        ),
    ]
}

async fn read_back(role: &Role) -> Observed<Role> {
    let at = at("validator-role", role.clone());
    let (aws, script) = scripted(shown(role, &at.tags));
    let observed = Role::read(&aws, &at).await.unwrap().unwrap();
    assert_eq!(observed.tags.as_ref(), Some(&at.tags));
    assert_eq!(script.calls().len(), 4);
    observed
}

fn roles() -> impl Strategy<Value = Role> {
    let statements = proptest::collection::vec(("[a-c]:[A-C]", "[ -~]{1,5}"), 0..4);
    let others = proptest::collection::vec(prop_oneof![Just(MANAGED), Just("extra")], 0..2);
    ("[ -~]{1,9}", statements, others, any::<bool>()).prop_map(
        |(description, all, others, bound)| {
            let mut role = role();
            role.description = description.trim().to_owned() + ".";
            role.statements = all.iter().map(|(a, r)| statement(a, r)).collect();
            role.other_policies = others.into_iter().map(str::to_owned).collect();
            if !bound {
                role.trust.conditions.clear();
            }
            role
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn a_read_gives_back_every_property(role in roles()) {
        let observed = run(read_back(&role));
        prop_assert_eq!(observed.properties, role.canonical());
        prop_assert_eq!(&observed.outputs["roleArn"], ARN);
        prop_assert_eq!(&observed.outputs["roleId"], "AROA1");
    }
}

#[tokio::test]
async fn a_boundary_and_a_longer_session_set_by_hand_are_named_and_taken_back() {
    let at = at("validator-role", role());
    let role_with = |field: &str, value: Value| {
        let mut role = json!({"RoleName": NAME, "RoleId": "AROA1", "Arn": ARN, "Path": "/",
            "CreateDate": "2026-01-01T00:00:00Z", "Description": role().description,
            "AssumeRolePolicyDocument": encoded(&documents(&role()).0),
            "Tags": tag_list(&at.tags, "Key", "Value")});
        role[field] = value;
        let mut replies = shown(&at.properties, &at.tags);
        replies[0] = reply("iam:GetRole", 200, json!({ "Role": role }));
        replies
    };
    let boundary = json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": MANAGED});
    let table = [
        (
            "PermissionsBoundary",
            boundary,
            "permissionsBoundary",
            "iam:DeleteRolePermissionsBoundary",
        ),
        (
            "MaxSessionDuration",
            json!(43_200),
            "maxSessionDuration",
            "iam:UpdateRole",
        ),
    ];
    for (field, value, name, call) in table {
        let (aws, _) = scripted(role_with(field, value));
        let observed = Role::read(&aws, &at).await.unwrap().unwrap();
        let named: Vec<&String> = observed.properties.unmanaged.keys().collect();
        assert_eq!(named, [name]);
        let (aws, script) = scripted([reply(call, 200, json!({}))]);
        Role::put(&aws, &at, Some(&observed)).await.unwrap();
        script.assert_calls([call]);
        if call == "iam:UpdateRole" {
            assert_eq!(script.body(call)["MaxSessionDuration"], "3600");
            // An update without it would leave the description; one with an empty one would erase it.
            assert_eq!(script.body(call)["Description"], json!(role().description));
        }
    }
    let (aws, _) = scripted(role_with("MaxSessionDuration", json!(3_600)));
    let observed = Role::read(&aws, &at).await.unwrap().unwrap();
    assert_eq!(observed.properties, role().canonical());
}

#[tokio::test]
async fn a_new_role_is_ready_only_with_its_policy_in_place() {
    let created = json!({"Role": {"RoleName": NAME, "RoleId": "AROA1", "Arn": "AROA1", "Path": "/",
        "CreateDate": "2026-01-01T00:00:00Z"}});
    let at = at("validator-role", role());
    let (aws, script) = scripted([
        reply("iam:CreateRole", 200, created.clone()),
        reply("iam:PutRolePolicy", 200, json!({})),
    ]);
    let Put::Done(outputs) = Role::put(&aws, &at, None).await.unwrap() else {
        panic!("nothing is left to wait for");
    };
    assert_eq!((&*outputs["roleArn"], &*outputs["roleId"]), (ARN, "AROA1"));
    script.assert_calls(["iam:CreateRole", "iam:PutRolePolicy"]);
    let sent = script.body("iam:CreateRole");
    assert_eq!(sent["Tags.member.1.Key"], "payhook:env");
    let trust: Value =
        serde_json::from_str(sent["AssumeRolePolicyDocument"].as_str().unwrap()).unwrap();
    let condition = json!({"StringEquals": {"aws:SourceAccount": ["123456789012"]}});
    assert_eq!(trust["Statement"][0]["Condition"], condition);

    let (aws, _) = scripted([
        reply("iam:CreateRole", 200, created),
        reply_error("iam:PutRolePolicy", 404, "NoSuchEntity", "not visible yet"),
    ]);
    let error = Role::put(&aws, &at, None).await.unwrap_err();
    assert_eq!(
        waits_for::<Role>(&error.code, &error.message),
        Some("role to be visible to IAM")
    );
}

#[tokio::test]
async fn a_role_as_wanted_costs_no_call_however_its_statements_are_ordered() {
    let observed = read_back(&role()).await;
    let mut other = role();
    other.statements.reverse();
    let (aws, script) = scripted([]);
    let put = Role::put(&aws, &at("validator-role", other), Some(&observed))
        .await
        .unwrap();
    assert_eq!(put, Put::Done(observed.outputs));
    script.assert_calls([]);
}

#[tokio::test]
async fn each_change_makes_exactly_its_own_call() {
    type Change = fn(&mut At<Role>);
    let table: [(&str, Change); 8] = [
        ("iam:UpdateRole", |at| {
            at.properties.description = "x".to_owned()
        }),
        ("iam:UpdateAssumeRolePolicy", |at| {
            at.properties.trust.service = "x".to_owned()
        }),
        ("iam:UpdateAssumeRolePolicy", |at| {
            at.properties.trust.conditions.clear()
        }),
        ("iam:PutRolePolicy", |at| {
            at.properties.statements.truncate(1)
        }),
        ("iam:PutRolePolicy", |at| {
            at.properties.statements[0].actions.push("c:D".to_owned())
        }),
        ("iam:DeleteRolePolicy", |at| {
            at.properties.statements.clear()
        }),
        ("iam:TagRole", |at| {
            drop(at.tags.insert("a".to_owned(), "b".to_owned()))
        }),
        ("iam:UntagRole", |at| drop(at.tags.remove("team"))),
    ];
    let observed = read_back(&role()).await;
    for (call, change) in table {
        let mut at = at("validator-role", role());
        change(&mut at);
        let (aws, script) = scripted([reply(call, 200, json!({}))]);
        Role::put(&aws, &at, Some(&observed)).await.unwrap();
        script.assert_calls([call]);
        assert_eq!(script.body(call)["RoleName"], NAME);
    }
}

#[tokio::test]
async fn permissions_added_behind_our_back_are_seen_and_taken_away() {
    let mut widened = role();
    widened.other_policies = vec![MANAGED.to_owned(), "extra".to_owned()];
    let observed = read_back(&widened).await;
    let calls = ["iam:DetachRolePolicy", "iam:DeleteRolePolicy"];
    let (aws, script) = scripted(calls.map(|call| reply(call, 200, json!({}))));
    Role::put(&aws, &at("validator-role", role()), Some(&observed))
        .await
        .unwrap();
    script.assert_calls(calls);
    assert_eq!(script.body(calls[0])["PolicyArn"], MANAGED);
    assert_eq!(script.body(calls[1])["PolicyName"], "extra");
}

#[test]
fn a_trust_policy_of_another_form_never_equals_ours() {
    let simple = trust::write(&role().trust).unwrap();
    assert_eq!(trust::read(&simple), role().trust);
    for odd in [
        simple.replace("sts:AssumeRole", "sts:*"),
        simple.replace("Allow", "Deny"),
        simple.replace("Service", "AWS"),
        r#"{"Statement": []}"#.to_owned(),
    ] {
        assert_ne!(trust::read(&odd), role().trust, "{odd}");
    }
}

#[tokio::test]
async fn a_role_is_deleted_after_everything_attached_to_it() {
    let mut full = role();
    full.other_policies = vec![MANAGED.to_owned()];
    let observed = read_back(&full).await;
    let calls = [
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:DeleteRole",
    ];
    let at = at("validator-role", role());
    for gone in [false, true] {
        let (aws, script) = scripted(calls.map(|call| match gone {
            true => reply_error(call, 404, "NoSuchEntity", "gone"),
            false => reply(call, 200, json!({})),
        }));
        assert_eq!(
            Role::delete(&aws, &at, &observed).await.unwrap(),
            Delete::Gone
        );
        script.assert_calls(calls);
    }
}

#[tokio::test]
async fn a_role_that_does_not_exist_reads_as_none() {
    let calls = [
        "GetRole",
        "GetRolePolicy",
        "ListRolePolicies",
        "ListAttachedRolePolicies",
    ];
    let absent = |call| reply_error(&format!("iam:{call}"), 404, "NoSuchEntity", "no role");
    let (aws, _) = scripted(calls.map(absent));
    assert!(
        Role::read(&aws, &at("validator-role", role()))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_name_taken_meanwhile_is_a_conflict_and_a_full_account_a_quota() {
    for (code, class) in [
        ("EntityAlreadyExists", Class::Conflict),
        ("LimitExceeded", Class::Quota),
    ] {
        let (aws, _) = scripted([reply_error("iam:CreateRole", 409, code, "x")]);
        let error = Role::put(&aws, &at("r", role()), None).await.unwrap_err();
        assert_eq!(error.class, class);
    }
    let waits = waits_for::<Role>;
    assert!(waits("ConcurrentModification", "").is_some());
    assert!(waits("DeleteConflict", "").is_some());
    assert!(waits("MalformedPolicyDocument", "Invalid principal in policy: x").is_some());
    assert_eq!(
        waits("MalformedPolicyDocument", "Syntax errors in policy."),
        None
    );
}
