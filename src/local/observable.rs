//! What the local emulator cannot show, in one place: `verify` and `drift` report it as such and never pass it silently.
//!
//! Settings read back as on AWS once the launcher has filled the gaps. What is listed here is what a setting *does*:
//! reading it on the emulator proves that it was asked for, not that it works.

/// Why the effect of `property` of a resource of `kind` says nothing on the emulator; none when it does.
///
/// `kind` is the kind's name in plans and state, `property` the setting whose effect is meant.
pub fn not_observable(kind: &str, property: &str) -> Option<&'static str> {
    NOT_OBSERVABLE
        .iter()
        .find(|(of_kind, named, _)| *of_kind == kind && *named == property)
        .map(|(_, _, why)| *why)
}

const NO_TRACES: &str = "the emulator keeps the setting but records no X-Ray traces";
const NO_ENCRYPTION: &str = "the emulator keeps the key but encrypts nothing with it";
const NO_EVALUATION: &str = "the emulator keeps the policy but does not evaluate it";
const ONLY_FUNCTIONS: &str =
    "the emulator evaluates the roles of functions, but not of other services";

const NOT_OBSERVABLE: &[(&str, &str, &str)] = &[
    (
        "alarm",
        "topic",
        "the emulator evaluates no alarm on metrics of AWS services",
    ),
    (
        "api-account",
        "role",
        "the emulator writes no API log, so it never uses the role",
    ),
    ("api-stage", "tracing", NO_TRACES),
    (
        "api-stage",
        "accessLogFormat",
        "the emulator writes no access log",
    ),
    (
        "api-stage",
        "accessLogGroup",
        "the emulator writes no access log",
    ),
    (
        "api-stage",
        "detailedMetrics",
        "the emulator counts no API metrics",
    ),
    ("dynamodb-table", "key", NO_ENCRYPTION),
    (
        "dynamodb-table",
        "pointInTimeRecovery",
        "the emulator keeps the setting but no earlier states",
    ),
    ("iam-role", "statements", ONLY_FUNCTIONS),
    ("iam-role", "trust", NO_EVALUATION),
    ("kms-key", "statements", NO_EVALUATION),
    (
        "kms-key",
        "rotation",
        "the emulator keeps the setting but rotates nothing",
    ),
    (
        "lambda-function",
        "architecture",
        "the emulator runs functions as processes of this machine, whatever their architecture",
    ),
    ("lambda-function", "key", NO_ENCRYPTION),
    (
        "lambda-function",
        "memoryMb",
        "the emulator does not limit memory",
    ),
    ("lambda-function", "tracing", NO_TRACES),
    ("lambda-permission", "sourceArn", NO_EVALUATION),
    ("log-group", "key", NO_ENCRYPTION),
    (
        "log-group",
        "retentionDays",
        "the emulator keeps the setting but expires nothing",
    ),
    (
        "pipe",
        "batchingWindowSeconds",
        "the launcher's pipe never waits for a batch to fill",
    ),
    (
        "pipe",
        "parallelizationFactor",
        "the launcher's pipe delivers one batch after the other",
    ),
    ("pipe", "role", ONLY_FUNCTIONS),
    (
        "s3-bucket",
        "expiryDays",
        "the emulator keeps the setting but expires nothing",
    ),
    ("s3-bucket", "key", NO_ENCRYPTION),
    (
        "s3-bucket",
        "tlsOnly",
        "the emulator is asked without TLS, and lets that pass",
    ),
    ("secret", "key", NO_ENCRYPTION),
    ("sns-topic", "email", "the emulator sends no mail"),
    ("sns-topic", "key", NO_ENCRYPTION),
    ("sqs-queue", "key", NO_ENCRYPTION),
    (
        "state-machine",
        "logLevel",
        "the emulator writes no state machine log",
    ),
    (
        "state-machine",
        "logGroup",
        "the emulator writes no state machine log",
    ),
    ("state-machine", "role", ONLY_FUNCTIONS),
    ("state-machine", "tracing", NO_TRACES),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_emulator_does_show_needs_no_reason() {
        assert_eq!(not_observable("dynamodb-table", "billing"), None);
    }

    #[test]
    fn tracing_is_a_setting_without_traces_wherever_it_is_set() {
        for kind in ["api-stage", "lambda-function", "state-machine"] {
            assert_eq!(not_observable(kind, "tracing"), Some(NO_TRACES));
        }
    }

    #[test]
    fn every_kind_and_property_is_listed_once_in_order() {
        let names: Vec<_> = NOT_OBSERVABLE
            .iter()
            .map(|(kind, name, _)| (*kind, *name))
            .collect();
        let mut kinds: Vec<_> = names.iter().map(|(kind, _)| *kind).collect();
        kinds.sort_unstable();
        let in_order: Vec<_> = names.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(in_order, kinds);
        for (index, name) in names.iter().enumerate() {
            assert!(!names[..index].contains(name), "{name:?}");
        }
    }
}
