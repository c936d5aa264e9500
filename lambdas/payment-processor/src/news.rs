//! Reading on in a provider's list of events, after a webhook that told only that it has grown.
//!
//! Each event of the list becomes an item of its own, exactly once, and goes the way of every other event from there. The
//! cursor moves only when everything before it is stored, so that a run that stops anywhere passes over nothing.

use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use payments::confirm::{GatewayError, Listed};
use payments::event::PaymentEvent;
use payments::logging::{Log, identifier};
use payments::metrics::{self, Metric};
use payments::store::{
    Body, Conflict, End, EventItem, Ignored, Key, Packed, Processing, Stored, sha256_hex,
    store_once,
};

use crate::processor::about;
use crate::{Failure, Processor};

/// Pages that one run reads at most.
const PAGES: u32 = 10;
/// Payments whose events are stored at the same time.
const AT_ONCE: usize = 8;

impl Processor {
    /// Stores what the list holds behind the cursor, and settles the notice that told of it.
    pub(crate) async fn read_list(
        &self,
        log: &Log,
        owner: &str,
        notice: &EventItem,
    ) -> Result<EventItem, Failure> {
        let provider = notice.provider.as_str();
        let started = (self.clock)();
        let mut place = self.store.cursor(provider).await?.unwrap_or(0);
        for _ in 0..PAGES {
            let news = self.confirmation.news(provider, place).await?;
            self.store_page(log, notice, news.events()).await?;
            if let Some(last) = news.last() {
                place = self.advance(provider, last).await?;
            }
            if !news.has_more {
                return self.read_through(log, owner, notice).await;
            }
            // The function ends before its lease does, and what it was about then would be done again.
            if (self.clock)().duration_since(started) * 2 > self.lease {
                break;
            }
        }
        self.leave_rest(notice, place).await?;
        self.read_through(log, owner, notice).await
    }

    async fn read_through(
        &self,
        log: &Log,
        owner: &str,
        notice: &EventItem,
    ) -> Result<EventItem, Failure> {
        log.info("list of events read", &about(notice).fields());
        let end = End::Ignored(Some(Ignored::ListRead));
        self.finish(owner, notice, end).await
    }

    /// Moves the cursor; where to read on, which is further where another run was faster.
    async fn advance(&self, provider: &str, to: u64) -> Result<u64, Failure> {
        if self.store.advance(provider, to).await? {
            return Ok(to);
        }
        Ok(self.store.cursor(provider).await?.unwrap_or(to).max(to))
    }

    async fn store_page(
        &self,
        log: &Log,
        notice: &EventItem,
        events: &[Listed],
    ) -> Result<(), Failure> {
        // Events of one payment and second take keys one after the other, so their order is kept.
        let mut payments: Vec<Vec<&Listed>> = Vec::new();
        for listed in events {
            let same = |known: &&mut Vec<&Listed>| {
                known[0].event.provider_payment_id == listed.event.provider_payment_id
            };
            match payments.iter_mut().find(same) {
                Some(known) => known.push(listed),
                None => payments.push(vec![listed]),
            }
        }
        for some in payments.chunks(AT_ONCE) {
            let stored = some
                .iter()
                .map(|of_payment| self.store_in_turn(log, notice, of_payment));
            try_join_all(stored).await?;
        }
        Ok(())
    }

    async fn store_in_turn(
        &self,
        log: &Log,
        notice: &EventItem,
        events: &[&Listed],
    ) -> Result<(), Failure> {
        for listed in events {
            self.store_listed(log, notice, listed).await?;
        }
        Ok(())
    }

    async fn store_listed(
        &self,
        log: &Log,
        notice: &EventItem,
        listed: &Listed,
    ) -> Result<(), Failure> {
        let item = self.item(notice, listed.event.clone());
        let body = Packed::new(&item.provider, &item.event_id, &listed.raw);
        let item = item.with_body(&body).ok();
        let item = item.filter(|item| matches!(item.body, Some(Body::Inline { .. })));
        // The function may not write to the bucket of large bodies.
        let item = item.ok_or(GatewayError::Unreadable("an event of its list is too long"))?;
        let (payment, event) = (item.key.payment_id.clone(), item.event_id.clone());
        let fields = [
            ("provider", item.provider.clone()),
            ("paymentId", identifier(&payment).into_owned()),
            ("eventId", identifier(&event).into_owned()),
        ];
        let fields = fields
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let metric = match store_once(self.store.as_ref(), item.clone()).await? {
            Stored::New(_) => Metric::EventListed,
            Stored::Duplicate(_) => return Ok(()),
            Stored::Conflict(first) => {
                self.store.record(&Conflict::new(&item, first)).await?;
                log.error(
                    "an event is listed with another content than it was stored with; the first one is kept",
                    &fields,
                );
                Metric::EventConflict
            }
        };
        metrics::emit(log, &notice.provider, &[(metric, 1)]);
        Ok(())
    }

    /// Leaves what is behind this place to an execution of its own, by a notice of ours that starts it.
    async fn leave_rest(&self, notice: &EventItem, place: u64) -> Result<(), Failure> {
        let now = (self.clock)();
        let event_id = format!("after-{place}");
        let key = Key {
            payment_id: notice.key.payment_id.clone(),
            timestamp: now.as_millisecond().max(1),
        };
        let rest = EventItem {
            key,
            body_digest: sha256_hex(event_id.as_bytes()),
            event_id,
            occurred_ms: None,
            received_at: now,
            expires_at: self.expiry(now),
            body: None,
            told_by: Some(notice.event_id.clone()),
            processing: Processing::Received,
            failure: None,
            ..notice.clone()
        };
        store_once(self.store.as_ref(), rest).await?;
        Ok(())
    }

    fn item(&self, notice: &EventItem, event: PaymentEvent) -> EventItem {
        let now = (self.clock)();
        EventItem {
            trace_id: notice.trace_id.clone(),
            expires_at: self.expiry(now),
            told_by: Some(notice.event_id.clone()),
            ..EventItem::new(event, now)
        }
    }

    fn expiry(&self, from: Timestamp) -> Option<Timestamp> {
        let keep: SignedDuration = self.retention?;
        from.checked_add(keep).ok()
    }
}
