use super::*;
use payments::event::Status;
use payments::head::{Change, Head};
use payments::money::{Currency, Money};
use payments::outcome::outcome_id;
use payments::store::{Marker, MarkerItem, Record, sha256_hex};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + seconds).expect("a time")
}

fn event(number: i64) -> EventItem {
    let provider = "stripe".to_owned();
    let event_id = format!("evt_{number}");
    EventItem {
        key: Key {
            payment_id: format!("stripe:pi_{}", number / 2),
            timestamp: 1_000 + number,
        },
        outcome_id: Some(outcome_id(&provider, &event_id)),
        provider,
        body_digest: sha256_hex(event_id.as_bytes()),
        event_id,
        event_type: "payment_intent.succeeded".to_owned(),
        common_digest: None,
        occurred_ms: Some(1_000 + number),
        event_status: Some(Status::Succeeded),
        money: Some(Money {
            minor: 1999,
            currency: Currency::parse("EUR").expect("a currency"),
            exponent: 2,
        }),
        provider_payment_id: format!("pi_{}", number / 2),
        received_at: at(number),
        signed: true,
        trace_id: None,
        expires_at: None,
        body: None,
        body_events: 1,
        told_by: None,
        erased_at: None,
        processing: Processing::Processed,
        processed_at: Some(at(number + 1)),
        ignored: None,
        status: Some(Status::Succeeded),
        mismatch: None,
        resolved: None,
        failure: None,
    }
}

fn marker(event: &EventItem) -> MarkerItem {
    MarkerItem {
        id: event.marker_id(),
        marker: Marker {
            key: event.key.clone(),
            digest: event.identity().to_owned(),
        },
        expires_at: None,
    }
}

/// Ten events of five payments, all processed, with their markers and heads.
fn sound() -> Snapshot {
    let events: Vec<EventItem> = (0..10).map(event).collect();
    let mut snapshot = Snapshot::of(events.iter().flat_map(|event| {
        [
            Record::Event(Box::new(event.clone())),
            Record::Marker(marker(event)),
        ]
    }));
    for event in &events {
        let change = Change {
            event_id: event.event_id.clone(),
            status: Status::Succeeded,
            occurred_at: event.occurred_ms.expect("a time"),
            money: event.money.clone(),
        };
        let payment = &event.key.payment_id;
        let head = Head::after(snapshot.heads.get(payment), &change, at(20));
        snapshot
            .heads
            .extend(head.map(|head| (payment.clone(), head)));
    }
    snapshot
}

fn sent() -> Vec<Sent> {
    let line = |event: EventItem| Sent {
        provider: event.provider,
        payment_id: Some(event.key.payment_id),
        digest: Some(event.body_digest),
        event_id: Some(event.event_id),
        expected: Expected::Stored,
        answer: Some(200),
    };
    let twice = (0..10).chain(0..3);
    let mut sent: Vec<Sent> = twice.map(|number| line(event(number))).collect();
    // One byte of an event that was sent, and of one that was not.
    for number in [1, 99] {
        sent.push(Sent {
            digest: Some(sha256_hex(b"changed")),
            expected: Expected::Refused,
            answer: Some(401),
            ..line(event(number))
        });
    }
    sent
}

fn seen() -> Vec<Seen> {
    let seen = |event: EventItem| Seen {
        outcome_id: event.outcome_id.expect("its outcome"),
        provider: event.provider,
        payment_id: event.key.payment_id,
        event_id: event.event_id,
    };
    // EventBridge delivers at least once.
    let numbers = (0..10).chain([4]);
    numbers.map(|number| seen(event(number))).collect()
}

/// Everything that an audit looks at, to plant faults in.
struct Scene {
    snapshot: Snapshot,
    sent: Vec<Sent>,
    seen: Vec<Seen>,
    in_queue: BTreeSet<Key>,
    running: BTreeSet<Key>,
    broken: BTreeSet<Key>,
    confirmed: BTreeSet<String>,
    events_expire: bool,
    from: Option<Timestamp>,
}

impl Scene {
    fn sound() -> Self {
        Self {
            snapshot: sound(),
            sent: sent(),
            seen: seen(),
            in_queue: BTreeSet::new(),
            running: BTreeSet::new(),
            broken: BTreeSet::new(),
            confirmed: BTreeSet::new(),
            events_expire: false,
            from: None,
        }
    }

    fn event(&mut self, number: i64) -> &mut EventItem {
        self.snapshot
            .events
            .get_mut(&event(number).key)
            .expect("the event")
    }

    fn open(&mut self, number: i64) -> Key {
        let event = self.event(number);
        event.processing = Processing::Received;
        event.status = None;
        event.outcome_id = None;
        event.key.clone()
    }

    fn audit(&self) -> Report {
        let now = Circumstances {
            at: at(100),
            window: (self.from, None),
            deadline: SignedDuration::from_secs(60),
            confirmed: self.confirmed.clone(),
            events_expire: self.events_expire,
            in_queue: &self.in_queue,
            running: &self.running,
            broken: &self.broken,
        };
        audit(&self.snapshot, &now, Some(&self.sent), Some(&self.seen))
    }

    fn kinds(&self) -> Vec<FaultKind> {
        let mut kinds: Vec<_> = self.audit().faults.iter().map(|fault| fault.kind).collect();
        kinds.dedup();
        kinds
    }
}

/// What one change of the sound scene is found as.
fn planted(plant: impl Fn(&mut Scene)) -> Vec<FaultKind> {
    let mut scene = Scene::sound();
    plant(&mut scene);
    scene.kinds()
}

#[test]
fn a_sound_table_has_no_faults_and_every_event_is_counted_once() {
    let report = Scene::sound().audit();
    assert_eq!(report.faults, []);
    let figures = report.figures;
    assert_eq!((figures.events, figures.processed), (10, 10));
    assert_eq!((figures.payments, figures.markers), (5, 10));
    assert_eq!(
        (figures.sent, figures.outcomes, figures.outcomes_repeated),
        (15, 11, 1)
    );
}

#[test]
fn an_event_that_was_deleted_is_missed_by_its_marker_and_its_sender() {
    let found = planted(|scene| {
        scene.snapshot.events.remove(&event(4).key);
        scene.seen.retain(|seen| seen.event_id != "evt_4");
    });
    assert_eq!(found, [FaultKind::NotStored, FaultKind::MarkerWithoutEvent]);
}

#[test]
fn an_event_that_is_two_items_is_found_even_with_another_payment() {
    let found = planted(|scene| {
        let mut twin = event(4);
        twin.key.payment_id = "stripe:pi_0".to_owned();
        scene.snapshot.events.insert(twin.key.clone(), twin);
    });
    let head_of_the_other = FaultKind::HeadDisagrees;
    assert_eq!(
        found,
        [
            FaultKind::StoredTwice,
            FaultKind::MarkerMissing,
            head_of_the_other
        ]
    );
}

#[test]
fn a_marker_that_is_gone_or_of_another_body_is_found() {
    let gone = planted(|scene| drop(scene.snapshot.markers.remove(&event(2).marker_id())));
    let other = planted(|scene| {
        let marker = scene.snapshot.markers.get_mut(&event(2).marker_id());
        marker.expect("a marker").marker.digest = "other".to_owned();
    });
    assert_eq!(
        (gone, other),
        (
            vec![FaultKind::MarkerMissing],
            vec![FaultKind::MarkerMissing]
        )
    );
}

#[test]
fn heads_that_are_gone_alone_or_at_odds_with_their_events_are_found() {
    let gone = planted(|scene| drop(scene.snapshot.heads.remove("stripe:pi_1")));
    assert_eq!(gone, [FaultKind::HeadMissing]);
    let alone = planted(|scene| {
        let head = scene.snapshot.heads["stripe:pi_1"].clone();
        scene.snapshot.heads.insert("stripe:pi_77".to_owned(), head);
    });
    assert_eq!(alone, [FaultKind::HeadWithoutEvents]);
    let late = |seconds: i64| {
        planted(move |scene| {
            let head = scene.snapshot.heads.get_mut("stripe:pi_1").expect("a head");
            *head.latest.get_mut(&Status::Succeeded).expect("a time") += seconds;
        })
    };
    assert_eq!(late(5), [FaultKind::HeadDisagrees]);
    assert_eq!(late(-1), [FaultKind::HeadDisagrees]);
    let other_status = planted(|scene| {
        let head = scene.snapshot.heads.get_mut("stripe:pi_1").expect("a head");
        let at = head.latest.remove(&Status::Succeeded).expect("a time");
        head.latest.insert(Status::Failed, at);
    });
    assert_eq!(other_status, [FaultKind::HeadDisagrees]);
}

#[test]
fn what_an_api_confirmed_may_be_another_status_than_the_event_claimed() {
    let found = planted(|scene| {
        scene.confirmed.insert("stripe".to_owned());
        let head = scene.snapshot.heads.get_mut("stripe:pi_1").expect("a head");
        let at = head.latest.remove(&Status::Succeeded).expect("a time");
        head.latest.insert(Status::Settled, at);
    });
    assert_eq!(found, []);
}

#[test]
fn an_event_that_waits_is_overdue_unless_it_has_time_runs_or_is_in_the_queue() {
    let waiting = |plant: fn(&mut Scene, Key)| {
        let mut scene = Scene::sound();
        let key = scene.open(8);
        scene.seen.retain(|seen| seen.event_id != "evt_8");
        plant(&mut scene, key);
        (scene.kinds(), scene.audit().figures)
    };
    let (kinds, figures) = waiting(|_, _| {});
    assert_eq!(kinds, [FaultKind::Overdue]);
    assert_eq!((figures.overdue, figures.waiting_since), (1, Some(at(8))));
    let (kinds, figures) = waiting(|scene, key| scene.in_queue.extend([key]));
    assert_eq!((kinds, figures.in_queue), (vec![], 1));
    let (kinds, figures) = waiting(|scene, key| scene.running.extend([key]));
    assert_eq!((kinds, figures.pending), (vec![], 1));
    let (kinds, figures) = waiting(|scene, _| scene.event(8).received_at = at(90));
    assert_eq!((kinds, figures.pending), (vec![], 1));
    let (kinds, _) = waiting(|scene, key| {
        scene.event(8).received_at = at(90);
        scene.broken.insert(key);
    });
    assert_eq!(
        kinds,
        [FaultKind::Overdue],
        "its execution failed and did not say so"
    );
}

#[test]
fn outcomes_that_are_missing_doubled_under_another_id_or_of_nothing_are_found() {
    let missing = planted(|scene| scene.seen.retain(|seen| seen.event_id != "evt_3"));
    assert_eq!(missing, [FaultKind::OutcomeMissing]);
    let doubled = planted(|scene| {
        let mut second = scene.seen[3].clone();
        second.outcome_id = "another".to_owned();
        scene.seen.push(second);
    });
    assert_eq!(doubled, [FaultKind::OutcomeOfNothing]);
    let of_nothing = planted(|scene| {
        let stray = Seen {
            outcome_id: outcome_id("stripe", "evt_77"),
            event_id: "evt_77".to_owned(),
            ..scene.seen[0].clone()
        };
        scene.seen.push(stray);
    });
    assert_eq!(of_nothing, [FaultKind::OutcomeOfNothing]);
    let on_the_item = planted(|scene| {
        scene.event(3).outcome_id = event(4).outcome_id;
    });
    assert_eq!(on_the_item, [FaultKind::WrongOutcome]);
}

#[test]
fn forgeries_strangers_and_wrong_answers_are_found() {
    let forged = planted(|scene| {
        let digest = sha256_hex(b"changed");
        scene.event(1).body_digest.clone_from(&digest);
        let id = event(1).marker_id();
        scene
            .snapshot
            .markers
            .get_mut(&id)
            .expect("a marker")
            .marker
            .digest = digest;
    });
    assert_eq!(forged, [FaultKind::Forged, FaultKind::OtherBody]);
    let stranger = planted(|scene| {
        scene
            .sent
            .retain(|one| one.event_id.as_deref() != Some("evt_7"));
    });
    assert_eq!(stranger, [FaultKind::NeverSent]);
    let refused = planted(|scene| scene.sent[5].answer = Some(401));
    assert_eq!(refused, [FaultKind::WrongAnswer]);
    let accepted = planted(|scene| scene.sent[14].answer = Some(200));
    assert_eq!(accepted, [FaultKind::WrongAnswer]);
    let throttled = planted(|scene| scene.sent[5].answer = Some(429));
    assert_eq!(throttled, [], "it was sent again");
}

#[test]
fn a_failure_needs_a_reason_and_what_nobody_wrote_is_named() {
    let failed = |failure: Option<&str>| {
        planted(|scene| {
            let event = scene.event(9);
            event.processing = Processing::Failed;
            event.failure = failure.map(str::to_owned);
        })
    };
    assert_eq!(failed(None), [FaultKind::NoReason]);
    assert_eq!(failed(Some("Permanent")), []);
    let unknown = planted(|scene| {
        scene.snapshot.unknown.insert(event(50).key, "recordType");
    });
    assert_eq!(unknown, [FaultKind::Unknown]);
}

#[test]
fn what_has_expired_or_lies_outside_the_window_is_not_missed() {
    let expired = planted(|scene| {
        scene.sent.clear();
        scene.events_expire = true;
        scene.snapshot.events.clear();
        for marker in scene.snapshot.markers.values_mut() {
            marker.expires_at = Some(at(50));
        }
        scene.seen.clear();
    });
    assert_eq!(expired, []);
    let before = planted(|scene| {
        scene.open(1);
        scene.from = Some(at(5));
    });
    assert_eq!(before, []);
}

#[test]
fn outcomes_are_read_as_eventbridge_and_as_listen_write_them() {
    let detail = r#"{"outcomeId":"1","provider":"stripe","paymentId":"stripe:pi_1","eventId":"evt_1","status":"succeeded"}"#;
    let event = format!(r#"{{"version":"0","detail-type":"Payment Completed","detail":{detail}}}"#);
    let listened = format!(r#"{{"event":"outcome","outcome":{event}}}"#);
    let seen = Seen::read_lines(&[detail, &event, &listened].join("\n")).expect("outcomes");
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|one| *one == seen[0]));
    assert_eq!(Seen::read_lines("\n{}").expect_err("nothing").0, 2);
}

proptest::proptest! {
    #[test]
    fn no_single_loss_in_the_table_goes_unnoticed(number in 0usize..25) {
        let mut scene = Scene::sound();
        let snapshot = &mut scene.snapshot;
        let removed = match number {
            0..10 => snapshot.events.remove(&event(number as i64).key).is_some(),
            10..20 => snapshot.markers.remove(&event(number as i64 - 10).marker_id()).is_some(),
            other => snapshot.heads.remove(&format!("stripe:pi_{}", other - 20)).is_some(),
        };
        proptest::prop_assert!(removed);
        scene.sent.clear();
        scene.seen.clear();
        proptest::prop_assert!(!scene.kinds().is_empty());
    }
}
