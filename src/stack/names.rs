//! Names in the cloud: deterministic, so that lost state can be rebuilt from them.

/// Every physical name of one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// Environment.
    pub env: String,
    /// Description of the key.
    pub key: String,
    /// Alias of the key.
    pub key_alias: String,
    /// Table.
    pub table: String,
    /// Bucket of large bodies, without the account and region that S3 needs to tell it from others.
    pub bodies: String,
    /// Secret.
    pub secret: String,
    /// Dead-letter queue.
    pub dead_letters: String,
    /// Function that verifies and stores.
    pub validator: String,
    /// Function that moves payments forward.
    pub processor: String,
    /// State machine.
    pub state_machine: String,
    /// Pipe.
    pub pipe: String,
    /// REST API.
    pub api: String,
    /// Topic of the alarms.
    pub topic: String,
    /// Dashboard.
    pub dashboard: String,
    /// Log group of the validator.
    pub validator_logs: String,
    /// Log group of the processor.
    pub processor_logs: String,
    /// Log group of the state machine.
    pub state_machine_logs: String,
    /// Log group of the API's access log.
    pub api_logs: String,
}

impl Names {
    /// The names of an environment.
    pub fn of(env: &str) -> Self {
        let validator = format!("webhook-validator-{env}");
        let processor = format!("payment-processor-{env}");
        let api = format!("payment-webhook-api-{env}");
        Self {
            key: format!("payment-webhook-{env}"),
            key_alias: format!("alias/payment-webhook-{env}"),
            table: format!("payments-{env}"),
            bodies: format!("payment-bodies-{env}"),
            secret: format!("payment-webhook/{env}/providers"),
            dead_letters: format!("payment-events-dlq-{env}"),
            state_machine: format!("payment-processor-{env}"),
            pipe: format!("payment-events-pipe-{env}"),
            topic: format!("payment-webhook-alarms-{env}"),
            dashboard: format!("payment-webhook-{env}"),
            validator_logs: format!("/aws/lambda/{validator}"),
            processor_logs: format!("/aws/lambda/{processor}"),
            // The prefix keeps the account's log resource policy from growing with every state machine.
            state_machine_logs: format!("/aws/vendedlogs/states/payment-processor-{env}"),
            api_logs: format!("/aws/apigateway/{api}"),
            env: env.to_owned(),
            validator,
            processor,
            api,
        }
    }

    /// Name of a role of this environment.
    pub fn role(&self, of: &str) -> String {
        format!("{of}-role-{}", self.env)
    }

    /// Name of an alarm of this environment.
    pub fn alarm(&self, of: &str) -> String {
        format!("payment-webhook-{of}-{}", self.env)
    }
}
