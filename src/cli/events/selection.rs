use crate::cli::refusal::Misuse;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use payments::store::{DynamoStore, EventItem, Processing, Search};

/// Which events are meant.
#[derive(Debug, Args)]
pub struct Selection {
    /// Only of this payment, such as stripe:pi_123; without it the whole table is read.
    #[arg(long, value_name = "ID")]
    payment: Option<String>,
    /// Only of this provider.
    #[arg(long)]
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
    /// The events, in order of their arrival.
    pub async fn read(&self, store: &DynamoStore) -> anyhow::Result<Vec<EventItem>> {
        if self.from.zip(self.to).is_some_and(|(from, to)| to <= from) {
            let misuse = Misuse {
                words: "--to does not lie after --from".to_owned(),
                next: "give the later time as --to".to_owned(),
            };
            return Err(misuse.into());
        }
        let search = Search {
            provider: self.provider.clone(),
            processing: self.status,
            from: self.from,
            to: self.to,
        };
        use payments::store::Store as _;
        let Some(payment) = &self.payment else {
            return Ok(store.search(&search).await?);
        };
        let mut events = store.events(payment).await?;
        events.retain(|event| search.holds(event));
        events.sort_by_key(|event| event.received_at);
        Ok(events)
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

fn processing(text: &str) -> Result<Processing, String> {
    let known = || Processing::ALL.map(Processing::as_str).join(", ");
    Processing::parse(text).ok_or_else(|| format!("it is one of {}", known()))
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
    use super::{processing, time};
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
    fn a_wrong_status_is_answered_with_those_there_are() {
        let said = processing("done").unwrap_err();
        assert_eq!(said, "it is one of received, processed, ignored, failed");
    }
}
