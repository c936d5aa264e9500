use super::*;
use std::collections::BTreeSet;
use tokio::time::sleep;

async fn times(pace: &Pace, call: &str, count: usize) -> Vec<u64> {
    let start = Instant::now();
    let mut at = Vec::new();
    for _ in 0..count {
        pace.turn(call).await;
        at.push(start.elapsed().as_millis() as u64);
    }
    at
}

#[tokio::test(start_paused = true)]
async fn a_burst_goes_through_and_the_rest_follows_at_the_published_rate() {
    let pace = Pace::default();
    let at = times(&pace, "cloudwatch:PutMetricAlarm", 6).await;
    assert_eq!(at, [0, 0, 0, 334, 668, 1002]);
    sleep(Duration::from_secs(60)).await;
    let at = times(&pace, "cloudwatch:PutMetricAlarm", 3).await;
    assert_eq!(at, [0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_its_own_rate_takes_nothing_of_its_service_meanwhile() {
    let pace = Pace::default();
    pace.turn("apigateway:DeleteRestApi").await;
    let late = pace.turn("apigateway:DeleteRestApi");
    let others = times(&pace, "apigateway:GetStage", 39);
    let (_, others) = tokio::join!(late, others);
    assert_eq!(others.last(), Some(&0));
}

#[tokio::test(start_paused = true)]
async fn calls_without_a_published_rate_never_wait() {
    let at = times(&Pace::default(), "iam:CreateRole", 500).await;
    assert_eq!(at.last(), Some(&0));
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_more_than_a_second_is_told_by_its_name_and_a_shorter_one_is_not() {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let into = told.clone();
    let teller: Teller = Arc::new(move |name, wait| {
        let line = format!("{name}, {} s", wait.as_secs());
        into.lock().unwrap().push(line);
    });
    let pace = Pace::default();
    telling(teller, async {
        times(&pace, "cloudwatch:PutMetricAlarm", 4).await;
        times(&pace, "apigateway:DeleteRestApi", 2).await;
    })
    .await;
    let told = told.lock().unwrap().clone();
    assert_eq!(told, ["API Gateway to allow the next DeleteRestApi, 30 s"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_obeys_the_rates_is_admitted_and_whoever_does_not_is_refused() {
    for rate in RATES {
        let (obeying, server) = (Pace::default(), Pace::default());
        let call = rate.calls[0].replace('*', "Anything");
        for _ in 0..rate.burst * 2 {
            obeying.turn(&call).await;
            assert_eq!(server.admit(&call), Ok(()), "{}", rate.name);
        }
        let refused = (0..rate.burst * 2).any(|_| server.admit(&call).is_err());
        assert!(refused, "{}", rate.name);
    }
}

#[test]
fn every_rate_has_a_name_of_its_own_a_source_and_calls() {
    let names: BTreeSet<_> = RATES.iter().map(|rate| rate.name).collect();
    assert_eq!(names.len(), RATES.len());
    for rate in RATES {
        assert!(rate.name.contains(" to allow "), "{}", rate.name);
        assert!(!rate.calls.is_empty() && !rate.source.is_empty());
        assert!(rate.every_ms > 0 && rate.burst > 0, "{}", rate.name);
    }
}

#[tokio::test(start_paused = true)]
async fn of_those_that_wait_whoever_has_the_most_work_behind_it_goes_first() {
    let pace = Pace::default();
    let went: Mutex<Vec<u64>> = Mutex::default();
    let call = |behind: u64| {
        let (pace, went) = (&pace, &went);
        async move {
            with_behind(Duration::from_secs(behind), async {
                pace.turn("apigateway:CreateDeployment").await;
                went.lock().unwrap().push(behind);
            })
            .await;
        }
    };
    tokio::join!(call(0), call(1), call(7), call(3), call(9));
    assert_eq!(*went.lock().unwrap(), [0, 9, 7, 3, 1]);
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_waiting_holds_nobody_up_and_takes_nothing() {
    let pace = Pace::default();
    let call = "apigateway:CreateDeployment";
    pace.turn(call).await;
    let start = Instant::now();
    let given_up = tokio::time::timeout(Duration::from_secs(1), pace.turn(call));
    let (given_up, ()) = tokio::join!(given_up, pace.turn(call));
    assert!(given_up.is_err());
    assert_eq!(start.elapsed().as_secs(), 5);
}
