use super::*;
use std::sync::{Arc, Mutex};

/// Settles each event some time after it was handed over, unless it is one that fails or hangs.
#[derive(Default)]
struct Fake {
    started: Mutex<HashMap<Key, Instant>>,
    most: Mutex<usize>,
}

const RUN: Duration = Duration::from_secs(3);

fn key(number: usize) -> Key {
    Key {
        payment_id: format!("stripe:pi_{number}"),
        timestamp: 1,
    }
}

fn stays(key: &Key, what: &str) -> bool {
    key.payment_id.ends_with(what)
}

impl Fake {
    fn running(&self) -> usize {
        let started = self.started.lock().expect("the events");
        let runs = |at: &&Instant| at.elapsed() < RUN;
        started.values().filter(runs).count()
    }
}

#[async_trait]
impl Pipeline for Fake {
    async fn start(&self, keys: &[Key]) -> anyhow::Result<()> {
        for key in keys {
            let mut started = self.started.lock().expect("the events");
            started.insert(key.clone(), Instant::now());
        }
        let running = self.running();
        let mut most = self.most.lock().expect("the most");
        *most = running.max(*most);
        Ok(())
    }

    async fn standing(&self, keys: &[Key]) -> anyhow::Result<HashMap<Key, Standing>> {
        let started = self.started.lock().expect("the events");
        let of = |key: &Key| {
            let over = started.get(key).is_some_and(|at| at.elapsed() >= RUN);
            let over = over && !stays(key, "hangs");
            let (processing, failed_at) = match (over, stays(key, "fails")) {
                (true, false) => (Processing::Processed, "before"),
                (true, true) => (Processing::Failed, "again"),
                (false, _) => (Processing::Failed, "before"),
            };
            let failed_at = Some(failed_at.to_owned());
            (
                key.clone(),
                Standing {
                    processing,
                    failed_at,
                },
            )
        };
        Ok(keys.iter().map(of).collect())
    }
}

const PACE: Pace = Pace {
    events: 5,
    executions: 2,
    patience: Duration::from_secs(60),
};

async fn handed(fake: &Fake, keys: &[Key]) -> anyhow::Result<(Ended, Vec<String>)> {
    let said = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&said);
    let tell = Box::new(move |text| told.lock().expect("the notes").push(text));
    let mut handover = Handover::of(fake, PACE, tell);
    handover.hand_over(keys).await?;
    let ended = handover.end().await?;
    let said = said.lock().expect("the notes").clone();
    Ok((ended, said))
}

#[tokio::test(start_paused = true)]
async fn no_more_events_are_under_way_than_there_is_room_for_and_all_are_seen_to_their_end() {
    let fake = Fake::default();
    let mut keys: Vec<Key> = (0..98).map(key).collect();
    for name in ["stripe:fails", "adyen:fails"] {
        keys.push(Key {
            payment_id: name.to_owned(),
            timestamp: 1,
        });
    }
    let (ended, _) = handed(&fake, &keys).await.expect("a working pipeline");
    let all = Ended {
        settled: 98,
        failed: 2,
        waiting: 0,
    };
    assert_eq!(ended, all);
    assert_eq!(*fake.most.lock().expect("the most"), 10);
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_that_ends_nothing_is_given_nothing_more() {
    let fake = Fake::default();
    let hanging = |number: usize| Key {
        payment_id: format!("stripe:{number}hangs"),
        timestamp: 1,
    };
    let keys: Vec<Key> = (0..100).map(hanging).collect();
    let error = handed(&fake, &keys).await.expect_err("nothing ends");
    assert!(error.to_string().contains("payhook doctor"), "{error}");
    assert_eq!(fake.started.lock().expect("the events").len(), 10);
}

#[tokio::test(start_paused = true)]
async fn one_event_that_hangs_holds_up_only_its_own_execution_and_something_is_said_meanwhile() {
    let fake = Fake::default();
    let mut keys: Vec<Key> = (0..49).map(key).collect();
    keys.push(Key {
        payment_id: "stripe:hangs".to_owned(),
        timestamp: 1,
    });
    let (ended, said) = handed(&fake, &keys).await.expect("a working pipeline");
    assert_eq!((ended.settled, ended.waiting), (49, 1));
    assert_eq!(said.len(), 7, "one for each 10 s of the 75: {said:?}");
}

#[test]
fn half_of_the_functions_concurrency_is_used() {
    let pace = |reserved: u32| {
        let text = format!(
            "region = \"eu-central-1\"\n[env.dev.lambda.payment_processor]\nreserved_concurrency = {reserved}"
        );
        let config = Config::parse("infra.toml", &text, Some("dev"), None).expect("a config");
        let pace = Pace::of(&config);
        (pace.events, pace.executions)
    };
    let cases = [
        (0, (1, 1)),
        (1, (1, 1)),
        (10, (5, 1)),
        (20, (10, 1)),
        (100, (10, 5)),
    ];
    for (reserved, wanted) in cases {
        assert_eq!(pace(reserved), wanted, "{reserved}");
    }
}
