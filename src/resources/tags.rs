//! Tags read from AWS, and what must be set and removed to reach the wanted ones.

use super::Tags;

/// Keys of the tags that prove ownership.
pub mod tag {
    /// Name of the stack: the same in every environment.
    pub const STACK: &str = "payhook:stack";
    /// Environment.
    pub const ENV: &str = "payhook:env";
    /// Logical name.
    pub const RESOURCE: &str = "payhook:resource";
    /// Stands among the tags of a resource that has none and is taken for ours all the same; never sent to AWS.
    pub const UNTAGGED: &str = "payhook:untagged";
}

/// The calls that bring tags in line; the same for every service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retag {
    /// Tags to set: new ones and those of another value.
    pub set: Tags,
    /// Keys to remove.
    pub remove: Vec<String>,
}

impl Retag {
    /// Compares what is there with what is wanted; `None` counts as no tags.
    pub fn between(observed: Option<&Tags>, wanted: &Tags) -> Self {
        let none = Tags::new();
        let observed = observed.unwrap_or(&none);
        let differs = |(key, value): &(&String, &String)| observed.get(*key) != Some(*value);
        let set = wanted.iter().filter(differs);
        Self {
            set: set.map(|(k, v)| (k.clone(), v.clone())).collect(),
            remove: observed
                .keys()
                .filter(|key| !wanted.contains_key(*key))
                .cloned()
                .collect(),
        }
    }
}

/// Tags as a service lists them, without those that AWS sets itself and nobody may change.
pub fn collect(listed: impl IntoIterator<Item = (String, String)>) -> Tags {
    listed
        .into_iter()
        .filter(|(key, _)| !key.starts_with("aws:"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tags() -> impl Strategy<Value = Tags> {
        proptest::collection::btree_map("[a-d]", "[x-z]", 0..5)
    }

    proptest! {
        #[test]
        fn applying_a_retag_reaches_the_wanted_tags_and_touches_nothing_else(
            before in tags(), wanted in tags()
        ) {
            let retag = Retag::between(Some(&before), &wanted);
            prop_assert!(retag.set.iter().all(|(k, v)| before.get(k) != Some(v)));
            let mut after = before.clone();
            retag.remove.iter().for_each(|key| assert!(after.remove(key).is_some()));
            after.extend(retag.set);
            prop_assert_eq!(after, wanted);
        }
    }

    #[test]
    fn tags_that_aws_sets_itself_are_not_seen() {
        let listed = [("aws:cloudformation:stack-name", "x"), ("team", "payments")];
        let tags = collect(listed.map(|(k, v)| (k.to_owned(), v.to_owned())));
        assert_eq!(tags.into_keys().collect::<Vec<_>>(), ["team"]);
    }
}
