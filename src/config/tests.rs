use miette::{GraphicalReportHandler, GraphicalTheme};
use proptest::prelude::*;

use super::*;

mod shipped;

const SHIPPED: &str = include_str!("../../infra.toml");
/// Says nothing but what has no default.
const BARE: &str = "region = \"eu-central-1\"\n[env.local]\n[env.dev]\n[env.prod]\n";

fn parse(text: &str, env: &str) -> Result<Config, ConfigError> {
    Config::parse("infra.toml", text, Some(env), None)
}

fn dev(text: &str) -> Config {
    parse(text, "dev").unwrap_or_else(|error| panic!("{}", render(&error)))
}

/// What the user sees, without colours and at a fixed width.
fn render(error: &ConfigError) -> String {
    let mut out = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .with_links(false)
        .render_report(&mut out, error)
        .expect("a report renders into a string");
    out
}

fn problems(text: &str) -> Vec<String> {
    match parse(text, "dev") {
        Err(ConfigError::Invalid { problems, .. }) => {
            problems.into_iter().map(|p| p.message).collect()
        }
        Err(other) => panic!("{other}"),
        Ok(_) => Vec::new(),
    }
}

fn rendered(text: &str, env: Option<&str>) -> String {
    let error = Config::parse("infra.toml", text, env, None).expect_err("the text has a mistake");
    render(&error)
}

#[test]
fn an_environment_overrides_single_keys_and_keeps_the_other_defaults() {
    let text = "region = \"eu-central-1\"\n[pipe]\nbatch_size = 3\nparallelization_factor = 4\n\
                [tags]\nteam = \"pay\"\nstage = \"any\"\n\
                [env.dev.pipe]\nbatch_size = 7\n[env.dev.tags]\nstage = \"dev\"\n";
    let config = dev(text);
    assert_eq!(config.pipe.batch_size.get(), 7);
    assert_eq!(config.pipe.parallelization_factor.get(), 4);
    let tags: Vec<_> = config
        .tags
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(tags, [("stage", "dev"), ("team", "pay")]);
}

#[test]
fn default_env_decides_when_no_environment_is_named() {
    let config = Config::parse("infra.toml", SHIPPED, None, None).unwrap();
    assert_eq!(config.env.as_str(), "dev");
}

#[test]
fn the_only_environment_needs_no_default() {
    let text = "region = \"eu-central-1\"\n[env.staging]\n";
    let config = Config::parse("infra.toml", text, None, None).unwrap();
    assert_eq!(config.env.as_str(), "staging");
}

#[test]
fn only_local_runs_on_the_emulator_and_the_variable_wins_everywhere() {
    assert_eq!(
        parse(SHIPPED, "local").unwrap().endpoint,
        Endpoint::Emulator
    );
    assert_eq!(parse(SHIPPED, "dev").unwrap().endpoint, Endpoint::Aws);
    let given = "http://127.0.0.1:9999";
    let with_endpoint = shipped::everything_on();
    for env in ["local", "dev", "prod"] {
        let config = Config::parse("infra.toml", &with_endpoint, Some(env), Some(given)).unwrap();
        assert_eq!(
            config.endpoint,
            Endpoint::At(EndpointUrl::new(given).unwrap())
        );
    }
    let config = Config::parse("infra.toml", SHIPPED, Some("dev"), Some("")).unwrap();
    assert_eq!(config.endpoint, Endpoint::Aws);
}

#[test]
fn an_endpoint_variable_that_is_no_address_is_refused() {
    let error = Config::parse("infra.toml", SHIPPED, None, Some("localhost:4566")).unwrap_err();
    insta::assert_snapshot!(render(&error));
}

#[test]
fn a_provider_can_be_switched_off_in_one_environment() {
    let text = format!("{SHIPPED}[env.prod.providers.generic_hmac]\nenabled = false\n");
    assert!(
        !parse(&text, "prod")
            .unwrap()
            .providers
            .contains_key("generic_hmac")
    );
    assert!(
        parse(&text, "dev")
            .unwrap()
            .providers
            .contains_key("generic_hmac")
    );
}

#[test]
fn providers_reach_the_functions_as_the_json_they_read() {
    let text =
        format!("{BARE}[providers.stripe.confirm]\n[providers.generic_hmac]\nprefix = \"v0=\"\n");
    let providers = dev(&text).providers;
    let json = serde_json::to_value(&providers).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "generic_hmac": {"tolerance_seconds": 300, "header": "X-Signature", "prefix": "v0=",
                "algorithm": "sha256", "encoding": "hex", "key_encoding": "text"},
            "stripe": {"tolerance_seconds": 300, "confirm": {"base_url": "https://api.stripe.com"}},
        })
    );
    let read: ProviderSettings = serde_json::from_value(json).unwrap();
    assert_eq!(read, providers);
}

#[test]
fn exactly_the_providers_that_the_functions_know_can_be_switched_on() {
    let theirs: Vec<_> = payments::providers::all().iter().map(|p| p.key()).collect();
    assert_eq!(providers::known().collect::<Vec<_>>(), theirs);
}

#[test]
fn what_nobody_signs_is_confirmed_without_being_asked_for_and_the_rest_only_where_it_is() {
    let confirmed = |provider: &str, more: &str| {
        let text = format!("{BARE}[providers.{provider}]\n{more}");
        let confirm = dev(&text).providers[provider].confirm.clone();
        confirm.map(|confirm| confirm.base_url)
    };
    let on = "[providers.mollie.confirm]\n";
    assert_eq!(confirmed("mollie", ""), None);
    assert_eq!(
        confirmed("mollie", on).as_deref(),
        Some("https://api.mollie.com")
    );
    assert_eq!(
        confirmed("klarna", "").as_deref(),
        Some("https://api.klarna.com")
    );
    let off = "[providers.klarna.confirm]\nenabled = false\n";
    assert_eq!(confirmed("klarna", off), None);
    let text = format!("{BARE}[providers.shopify.confirm]\n");
    assert_eq!(
        problems(&text),
        ["`confirm` of this provider needs `base_url`"]
    );
}

#[test]
fn every_api_that_may_be_asked_has_a_client() {
    let text = super::tests::shipped::everything_on();
    let providers = parse(&text, "local").expect("a configuration").providers;
    payments::confirm::gateways(&providers).expect("a client for each");
    let confirmed = providers.values().filter(|one| one.confirm.is_some());
    assert_eq!(confirmed.count(), 19);
}

#[test]
fn a_provider_that_signs_its_registered_url_needs_that_url() {
    let text = format!("{BARE}[providers.square]\n");
    assert_eq!(problems(&text), ["`providers.square` needs `url`"]);
    let url = "https://pay.example.com/prod/webhooks/square?shop=1";
    let square = dev(&format!("{text}url = \"{url}\"\n")).providers["square"].clone();
    assert_eq!(square.url.as_deref(), Some(url));
    assert_eq!(problems(&format!("{text}enabled = false\n")), [""; 0]);
}

#[test]
fn a_misspelled_key_points_at_its_line_and_names_the_right_one() {
    let text = BARE.replace(
        "[env.dev]\n",
        "[env.dev.lambda.payment_processor]\nmemory = 512\nmemmory_mb = 512\n",
    );
    insta::assert_snapshot!(rendered(&text, Some("dev")));
}

#[test]
fn an_unknown_environment_is_answered_with_the_known_ones() {
    insta::assert_snapshot!(rendered(SHIPPED, Some("prd")));
}

#[test]
fn an_unknown_default_environment_points_at_its_line() {
    let text = SHIPPED.replace("default_env = \"dev\"", "default_env = \"staging\"");
    insta::assert_snapshot!(rendered(&text, None));
}

#[test]
fn every_mistake_is_reported_at_once_and_each_only_once() {
    let text = "region = \"Frankfurt\"\naccount = 123456789012\nprotekt = true\n\
                [table]\nretention_days = 7\n\
                [retry]\nmax_delay_seconds = 2\nbackoff_rate = \"2\"\n\
                [env.dev]\nendpoint = \"http://127.0.0.1:4566\"\n\
                [env.Prod_1]\n[env.local.key]\nrotation_period_days = 1.5\n";
    insta::assert_snapshot!(rendered(text, Some("dev")));
}

#[test]
fn text_that_is_not_toml_points_at_the_place() {
    insta::assert_snapshot!(rendered("region = \"eu-central-1\n[env.dev\n", None));
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_repeated() {
    let text = format!("{BARE}[providers.stripe]\nsigning = [\"whsec_very_private\"]\n");
    let shown = rendered(&text, Some("dev"));
    assert!(!shown.contains("very_private"));
    insta::assert_snapshot!(shown);
}

#[test]
fn a_missing_file_says_how_to_name_it() {
    let error = Config::load(Path::new("nowhere/infra.toml"), None, None).unwrap_err();
    insta::assert_snapshot!(render(&error));
}

#[test]
fn a_mistake_in_another_environment_shows_before_it_is_deployed() {
    let text = format!("{BARE}[env.prod.table]\ndeletion_protection = \"yes\"\n");
    assert_eq!(
        problems(&text),
        ["`table.deletion_protection` must be true or false"]
    );
}

#[test]
fn a_bad_default_is_reported_although_it_is_overridden() {
    let text = "region = 1\n[env.dev]\nregion = \"eu-central-1\"\n";
    assert_eq!(problems(text).len(), 1);
}

#[test]
fn values_outside_their_rules_are_refused() {
    let cases = [
        ("account = \"12345678901\"", "account"),
        ("region = \"eu-central\"", "region"),
        ("protect = \"no\"", "protect"),
        ("tags = { \"aws:x\" = \"1\" }", "tags"),
        ("tags = { team = 5 }", "tags.team"),
        ("tags = { team = \"a,b\" }", "tags.team"),
        (
            "lambda.webhook_validator.timeout_seconds = 30",
            "lambda.webhook_validator.timeout_seconds",
        ),
        (
            "lambda.payment_processor.timeout_seconds = 901",
            "lambda.payment_processor.timeout_seconds",
        ),
        (
            "lambda.payment_processor.memory_mb = 127",
            "lambda.payment_processor.memory_mb",
        ),
        (
            "lambda.payment_processor.reserved_concurrency = -1",
            "lambda.payment_processor.reserved_concurrency",
        ),
        ("logs.retention_days = 10", "logs.retention_days"),
        ("retry.backoff_rate = 1.0", "retry.backoff_rate"),
        ("retry.backoff_rate = nan", "retry.backoff_rate"),
        ("retry.interval_seconds = 60", "retry.max_delay_seconds"),
        (
            "pipe.maximum_retry_attempts = -1",
            "pipe.maximum_retry_attempts",
        ),
        ("pipe.batch_size = 99999999999999999999", "pipe.batch_size"),
        (
            "table.point_in_time_recovery = false",
            "table.point_in_time_recovery",
        ),
        ("table = 1", "table"),
        ("key.rotation_period_days = 89", "key.rotation_period_days"),
        (
            "secret.recovery_window_days = 31",
            "secret.recovery_window_days",
        ),
        (
            "events.bus = \"arn:aws:sns:eu-central-1:123456789012:topic\"",
            "events.bus",
        ),
        ("alarms.email = \"oncall\"", "alarms.email"),
        (
            "providers.stripe.confirm.base_url = \"http://api.stripe.com\"",
            "providers.stripe.confirm.base_url",
        ),
        ("providers.stripe.header = \"X\"", "providers.stripe.header"),
        ("providers.paypall = {}", "providers.paypall"),
        (
            "providers.square.url = \"http://pay.example.com\"",
            "providers.square.url",
        ),
        (
            "providers.generic_hmac.header = \"X Sig\"",
            "providers.generic_hmac.header",
        ),
        (
            "providers.generic_hmac.event.id = \"a..b\"",
            "providers.generic_hmac.event.id",
        ),
        (
            "providers.generic_hmac.algorithm = \"md5\"",
            "providers.generic_hmac.algorithm",
        ),
        ("local.port = 80", "local.port"),
        ("local.python = \"\"", "local.python"),
        (
            "artifact.target = \"x86_64-unknown-linux-gnu\"",
            "artifact.target",
        ),
        ("env.local.default_env = \"dev\"", "default_env"),
        ("env.dev = 3", "env.dev"),
    ];
    for (line, key) in cases {
        let text = format!(
            "{line}\n{}",
            if line.starts_with("env.dev") {
                "region = \"eu-central-1\"\n".to_owned()
            } else if line.starts_with("region") {
                "env.dev = {}\n".to_owned()
            } else if line.starts_with("env.") {
                "region = \"eu-central-1\"\nenv.dev = {}\n".to_owned()
            } else {
                BARE.to_owned()
            }
        );
        let found = problems(&text);
        assert!(
            found
                .iter()
                .any(|message| message.contains(&format!("`{key}`"))),
            "{line}: {found:?}"
        );
    }
}

#[test]
fn a_lease_outlasts_every_run_that_any_timeout_allows_and_is_what_the_function_is_told() {
    use crate::resources::function::Function;
    for seconds in TimeoutSeconds::MIN..=TimeoutSeconds::MAX {
        let function = FunctionSettings {
            memory: MemoryMb::default(),
            timeout: TimeoutSeconds::new(seconds).expect("it is allowed"),
            reserved_concurrency: ReservedConcurrency::default(),
        };
        // Lambda ends a run first, the state machine next, and nobody else begins before the lease is over.
        assert!(seconds < function.run_seconds(), "{seconds}");
        assert!(
            function.run_seconds() < function.lease_seconds(),
            "{seconds}"
        );
    }
    for seconds in [1, 30, 900] {
        let text = format!(
            "region = \"eu-central-1\"\n[lambda.payment_processor]\ntimeout_seconds = {seconds}\n[env.dev]\n"
        );
        let config = dev(&text);
        let lease = config.lambda.payment_processor.lease_seconds().to_string();
        let stack = crate::stack::Stack::payment_webhooks(&config);
        let function = stack
            .graph
            .properties::<Function>(&stack.processor)
            .unwrap();
        assert_eq!(
            function.environment["PAYHOOK_LEASE_SECONDS"],
            crate::graph::Input::known(lease)
        );
    }
}

#[test]
fn an_express_workflow_needs_every_try_to_fit_into_its_five_minutes() {
    use crate::resources::state_machine::{StateMachine, Workflow};
    let express = |more: &str| {
        format!("region = \"eu-central-1\"\n[workflow]\ntype = \"express\"\n{more}\n[env.dev]\n")
    };
    let workflow = |config: &Config| {
        let stack = crate::stack::Stack::payment_webhooks(config);
        let machine = stack.graph.properties::<StateMachine>(&stack.state_machine);
        machine.unwrap().workflow
    };
    assert_eq!(
        workflow(&dev("region = \"eu-central-1\"\n[env.dev]\n")),
        Workflow::Standard
    );
    assert_eq!(
        workflow(&parse(&express(""), "dev").unwrap()),
        Workflow::Express
    );
    for too_long in [
        "[pipe]\nbatch_size = 41",
        "[retry]\nmax_attempts = 6",
        "[lambda.payment_processor]\ntimeout_seconds = 60",
    ] {
        assert!(parse(&express(too_long), "dev").is_err(), "{too_long}");
    }
    assert!(parse(&express("[pipe]\nbatch_size = 40"), "dev").is_ok());
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(?s).{0,200}", env in proptest::option::of(".{0,8}")) {
        let _ = Config::parse("infra.toml", &text, env.as_deref(), None);
    }

    #[test]
    fn no_change_of_one_line_of_the_shipped_file_makes_the_reader_or_the_report_panic(
        line in 0..SHIPPED.lines().count(),
        instead in "[a-z.\\[\\]=\"0-9é ]{0,30}",
    ) {
        let text: String = SHIPPED
            .lines()
            .enumerate()
            .map(|(i, old)| if i == line { format!("{instead}\n") } else { format!("{old}\n") })
            .collect();
        if let Err(error) = parse(&text, "dev") {
            render(&error);
        }
    }
}
