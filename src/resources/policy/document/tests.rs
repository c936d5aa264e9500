use super::*;
use proptest::prelude::*;

fn statement() -> impl Strategy<Value = Statement> {
    let texts = || proptest::collection::vec("[a-c]", 1..4);
    let condition = ("[p-q]", "[k-m]", texts()).prop_map(|(operator, key, values)| Condition {
        operator,
        key,
        values: values.into_iter().map(Input::known).collect(),
    });
    let conditions = proptest::collection::btree_map("[a-c]", condition, 0..3).prop_map(|map| {
        map.into_iter()
            .map(|(key, condition)| Condition { key, ..condition })
            .collect()
    });
    (texts(), texts(), conditions).prop_map(|(actions, resources, conditions)| Statement {
        actions,
        resources: resources.into_iter().map(Input::known).collect(),
        conditions,
    })
}

fn all() -> impl Strategy<Value = Vec<Statement>> {
    proptest::collection::vec(statement(), 0..5)
}

fn through_json(all: &[Statement]) -> Vec<Statement> {
    let written = all.iter().map(|s| write(s).unwrap()).collect();
    let text = document(written).to_string();
    statements(&text).iter().map(read).collect()
}

proptest! {
    #[test]
    fn a_document_reads_back_as_the_statements_it_was_written_from(all in all()) {
        prop_assert_eq!(canonical(through_json(&canonical(all.clone()))), canonical(all));
    }

    #[test]
    fn order_and_repetition_mean_nothing(all in all(), seed in 0usize..100) {
        let mut other = all.clone();
        other.rotate_left(seed % all.len().max(1));
        other.extend(all.first().cloned());
        for statement in &mut other {
            statement.actions.reverse();
            statement.resources.reverse();
            statement.conditions.reverse();
        }
        prop_assert_eq!(canonical(other), canonical(all));
    }

    #[test]
    fn canonical_statements_stay_as_they_are(all in all()) {
        let once = canonical(all);
        prop_assert_eq!(canonical(once.clone()), once);
    }
}

#[test]
fn a_single_text_is_a_list_of_one() {
    let short = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Sid": "A",
        "Condition": {"Bool": {"aws:SecureTransport": true}}});
    let long = json!({"Resource": ["*"], "Action": ["s3:GetObject"], "Effect": "Allow",
        "Condition": {"Bool": {"aws:SecureTransport": ["true"]}}});
    assert_eq!(read(&short), read(&long));
    assert_eq!(read(&short).conditions[0].key, "aws:SecureTransport");
}

#[test]
fn a_statement_that_is_not_ours_to_express_never_equals_one_of_ours() {
    for odd in [
        json!({"Effect": "Deny", "Action": "*", "Resource": "*"}),
        json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
        json!({"Effect": "Allow", "Action": "a:B", "NotResource": "*"}),
        json!({"Effect": "Allow", "Action": {"a": 1}, "Resource": "*"}),
        json!("text"),
    ] {
        let read = read(&odd);
        assert_eq!(read.resources, vec![], "{odd}");
        assert!(!read.actions[0].is_empty());
    }
}

#[test]
fn text_that_is_no_policy_is_kept_whole() {
    assert_eq!(statements("not json"), vec![json!("not json")]);
    assert_eq!(statements("{}"), vec![json!("{}")]);
    let one = statements(r#"{"Statement": {"Effect": "Deny"}}"#);
    assert_eq!(one, vec![json!({"Effect": "Deny"})]);
}
