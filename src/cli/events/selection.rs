use crate::cli::refusal::Misuse;
use crate::config::nearest;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use payments::providers;
use payments::store::{DynamoStore, EventItem, Found, Processing, Search, Store as _};

/// Which events are meant.
#[derive(Debug, Args)]
pub struct Selection {
    /// Only of this payment, such as stripe:pi_123.
    #[arg(long, value_name = "ID")]
    payment: Option<String>,
    /// Only of this provider.
    #[arg(long, value_parser = provider)]
    provider: Option<String>,
    /// Only with this processing: received, processed, ignored or failed.
    #[arg(long, value_name = "PROCESSING", value_parser = processing)]
    status: Option<Processing>,
    /// Only those that arrived from then on: a time such as 2026-01-31T00:00:00Z, or an age such as 2h or 30m.
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Only those that arrived before then.
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,
}

impl Selection {
    /// The events, in order of their arrival. A payment is asked for by its key and what is received or failed by the index;
    /// only what is neither is looked for through the table, until `most` items are read.
    pub async fn read(&self, store: &DynamoStore, most: u64) -> anyhow::Result<Found> {
        let search = self.search()?;
        let asked = |events| Found {
            events,
            is_whole: true,
            ..Found::default()
        };
        Ok(match (&self.payment, self.status) {
            (Some(payment), _) => asked(of_payment(store, payment, &search).await?),
            (None, Some(Processing::Received | Processing::Failed)) => {
                asked(store.unsettled(&search).await?)
            }
            (None, _) => store.scan(&search, most).await?,
        })
    }

    /// Those that are not settled, in order of their arrival, and how many settled ones were met; never through the whole table.
    pub async fn read_unsettled(
        &self,
        store: &DynamoStore,
    ) -> anyhow::Result<(Vec<EventItem>, usize)> {
        if let Some(settled) = self.status.filter(|status| status.is_final()) {
            let misuse = Misuse {
                words: format!("{} events are settled and left alone", settled.as_str()),
                next: "give --status received or --status failed, or neither for both".to_owned(),
            };
            return Err(misuse.into());
        }
        let search = self.search()?;
        let Some(payment) = &self.payment else {
            return Ok((store.unsettled(&search).await?, 0));
        };
        let mut events = of_payment(store, payment, &search).await?;
        let all = events.len();
        events.retain(|event| !event.processing.is_final());
        let settled = all - events.len();
        Ok((events, settled))
    }

    pub fn search(&self) -> Result<Search, Misuse> {
        if self.from.zip(self.to).is_some_and(|(from, to)| to <= from) {
            return Err(Misuse {
                words: "--to does not lie after --from".to_owned(),
                next: "give the later time as --to".to_owned(),
            });
        }
        Ok(Search {
            provider: self.provider.clone(),
            processing: self.status,
            from: self.from,
            to: self.to,
        })
    }

    /// Whether nothing narrows the choice.
    pub fn is_everything(&self) -> bool {
        self.payment.is_none()
            && self.provider.is_none()
            && self.status.is_none()
            && self.from.is_none()
            && self.to.is_none()
    }
}

async fn of_payment(
    store: &DynamoStore,
    payment: &str,
    search: &Search,
) -> anyhow::Result<Vec<EventItem>> {
    let mut events = store.events(payment).await?;
    events.retain(|event| search.holds(event));
    events.sort_by_key(|event| event.received_at);
    Ok(events)
}

fn processing(text: &str) -> Result<Processing, String> {
    let known = || Processing::ALL.map(Processing::as_str).join(", ");
    Processing::parse(text).ok_or_else(|| format!("it is one of {}", known()))
}

fn provider(text: &str) -> Result<String, String> {
    let known = || providers::all().iter().map(|provider| provider.key());
    if known().any(|key| key == text) {
        return Ok(text.to_owned());
    }
    Err(match nearest(text, known()) {
        Some(meant) => format!("did you mean {meant}?"),
        None => format!("known are {}", known().collect::<Vec<_>>().join(", ")),
    })
}

/// A point in time, or how long ago it was.
pub fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let age: SignedDuration = text
        .parse()
        .map_err(|_| "give a time such as 2026-01-31T00:00:00Z, or an age such as 2h".to_owned())?;
    Timestamp::now()
        .checked_sub(age.abs())
        .map_err(|_| "that is longer ago than time goes back".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{processing, provider, time};
    use jiff::{SignedDuration, Timestamp};

    #[test]
    fn a_time_is_a_point_or_an_age_and_nothing_else() {
        assert_eq!(
            time("2026-01-31T00:00:00Z"),
            Ok("2026-01-31T00:00:00Z".parse().unwrap())
        );
        let ago = time("2h").unwrap();
        let age = Timestamp::now().duration_since(ago);
        assert!(age >= SignedDuration::from_hours(2) && age < SignedDuration::from_hours(3));
        for wrong in ["yesterday", "", "2", "2026-01-31", "99999999999h"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_provider_that_there_is_not_is_answered_with_the_one_that_was_meant() {
        assert_eq!(provider("stripe"), Ok("stripe".to_owned()));
        assert_eq!(provider("strpe"), Err("did you mean stripe?".to_owned()));
        assert!(
            provider("bank")
                .unwrap_err()
                .starts_with("known are adyen, ")
        );
    }

    #[test]
    fn a_wrong_status_is_answered_with_those_there_are() {
        let said = processing("done").unwrap_err();
        assert_eq!(said, "it is one of received, processed, ignored, failed");
    }
}
