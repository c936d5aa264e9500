use super::{Context, Exit, number};
use clap::Args;
use ear::Ear;
use forward::{Forward, Target};
use jiff::Timestamp;
use payments::outcome::{DETAIL_TYPE, SOURCE};
use serde_json::{Value, json};
use std::time::Duration;

pub mod ear;
mod forward;

/// Show the outcomes that an environment publishes, and forward each to a local URL while developing.
///
/// Makes a queue and a rule on the event bus for as long as it runs, and removes them at the end; those of a listener that
/// died are removed by the next one, by --sweep and by `destroy`. Delivery is at least once and in no order: tell outcomes
/// apart by `detail.outcomeId`. Needs permission to create, tag and delete queues (SQS) and rules (EventBridge) named
/// payment-webhook-listen-ENV-*.
#[derive(Debug, Args)]
pub struct Listen {
    /// POST each outcome event there as JSON, such as http://localhost:3000/outcomes; what is not taken with 2xx is sent
    /// again.
    #[arg(long, value_name = "URL", value_parser = target)]
    forward_to: Option<Target>,
    /// End after so many outcomes.
    #[arg(long, value_name = "N", value_parser = number::from_zero::<usize>)]
    count: Option<usize>,
    /// Only remove what listeners left that died.
    #[arg(long, conflicts_with_all = ["forward_to", "count"])]
    sweep: bool,
}

/// Pause after a failure of the network or of AWS, before the queue is asked again.
const PAUSE: Duration = Duration::from_secs(2);

impl Listen {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let aws = context.connect().await?.aws;
        let bus = context.config.events.bus.as_str();
        let swept = ear::sweep(&aws, context.env(), bus, ear::Which::Dead).await?;
        if swept > 0 || self.sweep {
            context
                .ui
                .note(format!("Removed what {swept} listeners left that died."));
        }
        if self.sweep {
            return Ok(Exit::Done);
        }
        // From the first thing that is made, Ctrl-C ends by removing it.
        let in_flight = context.interrupt.finish_what_is_in_flight();
        let (ear, made) = Ear::make(&aws, context.env(), bus).await;
        let heard = match made {
            Ok(()) => self.hear(context, &ear).await,
            Err(error) => Err(error.into()),
        };
        ear.remove().await?;
        drop(in_flight);
        heard
    }

    async fn hear(&self, context: &Context, ear: &Ear<'_>) -> anyhow::Result<Exit> {
        let forward = Forward::new(self.forward_to.clone())?;
        let ui = &context.ui;
        let to = self.forward_to.as_ref();
        ui.note(format!(
            "Listening to `{DETAIL_TYPE}` of {SOURCE} in {}{}; Ctrl-C ends it.",
            context.env(),
            to.map_or_else(String::new, |url| format!(", forwarding to {url}"))
        ));
        let stop = &context.interrupt.token;
        let mut heard = 0;
        // Without a reader there is nothing left to do but to forward.
        let wanted =
            |heard| (ui.is_read() || to.is_some()) && self.count.is_none_or(|count| heard < count);
        while wanted(heard) {
            let outcomes = tokio::select! {
                () = stop.cancelled() => return Ok(Exit::Interrupted),
                outcomes = ear.hear() => outcomes,
            };
            let outcomes = match outcomes {
                Ok(outcomes) => outcomes,
                Err(error) => {
                    ui.note(format!("{error}; asking again"));
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            // Several come at once; what is more than wanted goes with the queue.
            for outcome in outcomes {
                if !wanted(heard) {
                    break;
                }
                let taken = forward.send(&outcome.event, stop).await;
                tell(context, &outcome.event, &taken);
                // What was not taken shows again, as any consumer of a queue has it.
                if taken.is_done() {
                    ear.forget(&outcome).await?;
                }
                heard += 1;
            }
        }
        Ok(Exit::Done)
    }
}

fn tell(context: &Context, event: &Value, taken: &forward::Taken) {
    if context.ui.is_json() {
        return context.ui.json(&json!({
            "event": "outcome",
            "outcome": event,
            "forwarded": taken.status,
            "tries": taken.tries,
        }));
    }
    let detail = &event["detail"];
    let text = |name: &str| detail[name].as_str().unwrap_or("-").to_owned();
    let amount = &detail["amount"];
    let money = match (amount["minor"].as_i64(), amount["currency"].as_str()) {
        (Some(minor), Some(currency)) => format!("  {minor} {currency} (minor units)"),
        _ => String::new(),
    };
    let forwarded = match (taken.tries, taken.status) {
        (0, _) => String::new(),
        (_, Some(status)) => format!("  -> {status}"),
        (_, None) => "  -> no answer".to_owned(),
    };
    let now = Timestamp::now();
    let at = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
    context.ui.say(format!(
        "{at}  {}  {}{money}  {}{forwarded}",
        text("paymentId"),
        text("status"),
        text("eventType"),
    ));
}

fn target(text: &str) -> Result<Target, String> {
    let url = reqwest::Url::parse(text)
        .map_err(|_| "give a URL such as http://localhost:3000/".to_owned())?;
    match url.scheme() {
        "http" | "https" => Ok(Target(url)),
        _ => Err("give an http or https URL".to_owned()),
    }
}
