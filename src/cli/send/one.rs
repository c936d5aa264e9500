//! One test event on its whole way.

use super::Wishes;
use super::maker::{Made, Maker};
use super::post::{Answer, Poster};
use super::record::Record;
use crate::audit::Expected;
use crate::cli::Exit;
use crate::cli::following::{Hops, Route, Sought, follow};
use crate::outputs::{FlatOutputs, OutputsError, key};
use crate::resources::Aws;
use payments::providers::Outgoing;
use payments::secret::Secret;
use payments::store::{DynamoStore, Store};
use serde_json::json;

/// What the event passes.
pub fn route(outputs: &FlatOutputs, wishes: Wishes) -> Result<Route<'_>, OutputsError> {
    Ok(Route {
        table: outputs.get(key::TABLE_NAME)?,
        state_machine: outputs.get(key::STATE_MACHINE_ARN)?,
        pipe: outputs.get(key::PIPE_NAME)?,
        patience: wishes.patience,
    })
}

/// Sends it as wished, and follows it.
pub async fn send(
    aws: &Aws,
    maker: &Maker<'_, Secret>,
    poster: &Poster,
    record: &Record,
    route: &Route<'_>,
    wishes: Wishes,
    hops: &Hops<'_>,
) -> anyhow::Result<Exit> {
    let made = maker.make()?;
    let store = DynamoStore::new(aws.dynamodb.clone(), route.table);
    let sought = Sought::of(&store, &made.event, made.by_arrival).await?;
    let name = match made.by_arrival {
        true => &made.event.provider_payment_id,
        false => &made.event.event_id,
    };
    hops.say(
        "signed",
        &format!("{} {name}", made.event.event_type),
        json!({"eventId": (!made.by_arrival).then_some(name), "paymentId": made.event.payment_id()}),
    );
    let courier = Courier {
        poster,
        record,
        hops,
    };
    if wishes.tamper {
        return courier.tampered(maker, &made, &store, &sought).await;
    }
    let answer = courier
        .post(&made, &made.outgoing, Expected::Stored)
        .await?;
    if !answer.is_accepted() {
        hops.hint(next_after(answer.status));
        return Ok(Exit::Failed);
    }
    if wishes.duplicate {
        let again = courier
            .post(&made, &made.outgoing, Expected::Stored)
            .await?;
        if !again.is_accepted() {
            hops.hint(next_after(again.status));
            return Ok(Exit::Failed);
        }
    }
    let followed = follow(aws, route, &sought, hops).await?;
    match wishes.duplicate {
        true => courier.recognised(&made, &store, &sought, followed).await,
        false => Ok(followed),
    }
}

struct Courier<'a> {
    poster: &'a Poster,
    record: &'a Record,
    hops: &'a Hops<'a>,
}

impl Courier<'_> {
    async fn post(
        &self,
        made: &Made,
        outgoing: &Outgoing,
        expected: Expected,
    ) -> anyhow::Result<Answer> {
        let answer = self.poster.post(outgoing).await?;
        self.record
            .add(made, outgoing, expected, Some(answer.status))?;
        self.hops.say(
            "answered",
            &format!("{} {}", answer.status, answer.body),
            json!({"status": answer.status, "body": answer.body}),
        );
        Ok(answer)
    }

    /// Sends the event with a signed byte changed; done when it is refused and kept out.
    async fn tampered(
        &self,
        maker: &Maker<'_, Secret>,
        made: &Made,
        store: &DynamoStore,
        sought: &Sought,
    ) -> anyhow::Result<Exit> {
        let (changed, place) = maker.tamper(made)?;
        let place = place.as_str();
        let detail = format!("one signed byte of the {place}");
        self.hops.say("tampered", &detail, json!({"place": place}));
        // A notice that was signed in the same second has the same id.
        let before = sought.count(&store.events(&sought.payment_id).await?);
        let answer = self.post(made, &changed, Expected::Refused).await?;
        let stored = sought.count(&store.events(&sought.payment_id).await?);
        if answer.status == 401 && stored == before {
            self.hops
                .say("kept out", "refused, and nothing stored", json!({}));
            return Ok(Exit::Done);
        }
        self.hops.say(
            "NOT KEPT OUT",
            &format!("{} is not 401, or something was stored", answer.status),
            json!({"stored": stored}),
        );
        self.hops.hint("an event that was changed on its way must be answered 401 and never be stored; look at the validator with `payhook logs`");
        Ok(Exit::Failed)
    }

    /// Whether the second delivery made no second event.
    async fn recognised(
        &self,
        made: &Made,
        store: &DynamoStore,
        sought: &Sought,
        followed: Exit,
    ) -> anyhow::Result<Exit> {
        let stored = sought.count(&store.events(&sought.payment_id).await?);
        let more = json!({"stored": stored});
        if made.by_arrival {
            let detail = format!(
                "{} gives this no id, so each delivery is an event of its own: {stored} stored",
                made.event.provider
            );
            self.hops.say("not recognisable", &detail, more);
            return Ok(followed);
        }
        match stored {
            1 => {
                let detail = "the second delivery was recognised: one event is stored";
                self.hops.say("recognised", detail, more);
                Ok(followed)
            }
            count => {
                let detail = format!("the event is stored {count} times");
                self.hops.say("NOT RECOGNISED", &detail, more);
                self.hops
                    .hint("`payhook events audit` looks for more of this");
                Ok(Exit::Failed)
            }
        }
    }
}

fn next_after(status: u16) -> &'static str {
    match status {
        401 => {
            "the function holds another secret: wait a minute for its cache, or set the secret again"
        }
        403 => "the API does not know this path: deploy again",
        404 => "the function does not know the provider: switch it on in infra.toml and deploy",
        429 => "throttled: wait, or raise [throttling] or the reserved concurrency in infra.toml",
        500..=599 => "the function failed: look at its log group; a provider would try again",
        _ => "see the body of the answer",
    }
}
