//! The difference between two property trees.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One property that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Path of the property: `environment.TABLE_NAME`, `statements[0].actions`.
    pub property: String,
    /// As it is; `None` when it is not there.
    pub before: Option<Value>,
    /// As it will be; `None` when it goes away. References stand for what is known only after the apply.
    pub after: Option<Value>,
}

impl Change {
    /// Whether it is the named property or lies below it.
    pub fn is_of(&self, property: &str) -> bool {
        self.property
            .strip_prefix(property)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }
}

/// Every property in which `after` differs from `before`.
pub fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    compare("", Some(before), Some(after), &mut found);
    found
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Change>) {
    match (before, after) {
        (Some(Value::Object(b)), Some(Value::Object(a))) if !is_reference(a) => {
            let keys = b.keys().chain(a.keys().filter(|key| !b.contains_key(*key)));
            for key in keys {
                compare(&below(path, key), b.get(key), a.get(key), found);
            }
        }
        (Some(Value::Array(b)), Some(Value::Array(a))) if a.len() == b.len() => {
            for (index, (b, a)) in b.iter().zip(a).enumerate() {
                compare(&format!("{path}[{index}]"), Some(b), Some(a), found);
            }
        }
        (b, a) if same(b, a) => {}
        (b, a) => found.push(Change {
            property: path.to_owned(),
            before: b.filter(|v| !v.is_null()).cloned(),
            after: a.filter(|v| !v.is_null()).cloned(),
        }),
    }
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

fn is_reference(object: &serde_json::Map<String, Value>) -> bool {
    object.len() == 1 && (object.contains_key("$output") || object.contains_key("$join"))
}

/// Equal as data: a missing property is null, and 10 is 10.0.
fn same(before: Option<&Value>, after: Option<&Value>) -> bool {
    let before = before.unwrap_or(&Value::Null);
    let after = after.unwrap_or(&Value::Null);
    match (before, after) {
        (Value::Number(b), Value::Number(a)) => b == a || b.as_f64() == a.as_f64(),
        (b, a) => b == a,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z]{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z]{1,3}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_tree_does_not_differ_from_itself(a in tree()) {
            prop_assert_eq!(changes(&a, &a), vec![]);
        }

        #[test]
        fn different_trees_differ_somewhere_and_the_same_way_back(a in tree(), b in tree()) {
            let forth = changes(&a, &b);
            prop_assert_eq!(forth.is_empty(), changes(&b, &a).is_empty());
            if a != b && !a.is_object() {
                prop_assert!(!forth.is_empty());
            }
        }
    }

    #[test]
    fn a_change_is_named_by_its_path() {
        let before = json!({"environment": {"A": "1", "B": "2"}, "list": [1, 2]});
        let after = json!({"environment": {"A": "1", "B": "3"}, "list": [1, 2, 3]});
        let found: Vec<_> = changes(&before, &after)
            .into_iter()
            .map(|c| c.property)
            .collect();
        assert_eq!(found, ["environment.B", "list"]);
    }

    #[test]
    fn a_change_belongs_to_its_property_and_to_no_namesake() {
        let change = Change {
            property: "stream.view".into(),
            before: None,
            after: None,
        };
        assert!(change.is_of("stream"));
        assert!(!change.is_of("str"));
    }
}
