use super::*;
use crate::resources::scripted::*;
use crate::resources::{At, Delete, Live, Observed, Put, Tags};
use proptest::prelude::*;
use serde_json::json;

const GET: &str = "cloudwatch:GetDashboard";
const PUT: &str = "cloudwatch:PutDashboard";
const DELETE: &str = "cloudwatch:DeleteDashboards";

fn dashboard() -> Dashboard {
    Dashboard {
        name: "payment-webhook-dev-eu-central-1".to_owned(),
        body: json!({"widgets": [{"type": "metric", "x": 0, "y": 0, "properties": {"metrics": [["a", "b"]]}}]}),
        unmanaged: Unmanaged::new(),
    }
}

fn wanted() -> At<Dashboard> {
    at("dashboard", dashboard())
}

fn ownership() -> Tags {
    let tags = wanted().tags.into_iter();
    tags.filter(|(key, _)| key.starts_with("payhook:"))
        .collect()
}

async fn read(body: &str) -> Observed<Dashboard> {
    let answer = json!({"DashboardName": "d", "DashboardBody": body});
    let (aws, _) = scripted([reply(GET, 200, answer)]);
    Dashboard::read(&aws, &wanted()).await.unwrap().unwrap()
}

async fn settled() -> Observed<Dashboard> {
    read(&marker::mark(&dashboard().body, &wanted().tags).to_string()).await
}

proptest! {
    #[test]
    fn a_marker_comes_off_as_it_went_on(texts in proptest::collection::vec("[a-z `=]{0,6}", 0..3), env in "[a-z-]{1,8}") {
        let widgets: Vec<Value> = texts.iter().map(|t| json!({"type": "text", "properties": {"markdown": t}})).collect();
        let body = json!({"start": "-PT3H", "widgets": widgets});
        let tags = Tags::from([("payhook:env".to_owned(), env), ("team".to_owned(), "payments".to_owned())]);
        let (unmarked, read) = marker::unmark(marker::mark(&body, &tags));
        prop_assert_eq!(unmarked, body);
        prop_assert_eq!(read.get("payhook:env"), tags.get("payhook:env"));
        prop_assert_eq!(read.len(), 1);
    }
}

#[tokio::test]
async fn a_dashboard_says_whose_it_is_in_a_widget_and_reads_back_without_it() {
    let (aws, script) = scripted([reply(PUT, 200, json!({}))]);
    Dashboard::put(&aws, &wanted(), None).await.unwrap();
    let sent = script.body(PUT)["DashboardBody"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        sent.contains("Owned by payhook `payhook:env=dev`"),
        "{sent}"
    );
    let observed = read(&sent).await;
    assert_eq!(observed.properties, dashboard());
    assert_eq!(observed.tags, Some(ownership()));
}

#[tokio::test]
async fn somebody_elses_dashboard_of_the_same_name_carries_no_tags_of_ours() {
    let observed = read(&dashboard().body.to_string()).await;
    assert_eq!(observed.tags, Some(Tags::new()));
    assert_eq!(observed.properties.unmanaged["owner"], "nobody");
    let unreadable = read("not JSON").await;
    assert_eq!(unreadable.tags, Some(Tags::new()));
    assert_eq!(unreadable.properties.body, json!("not JSON"));
}

#[tokio::test]
async fn another_spacing_or_order_of_the_same_body_costs_no_call() {
    let marked = marker::mark(&dashboard().body, &wanted().tags);
    let spaced = serde_json::to_string_pretty(&marked).unwrap();
    let reordered = spaced.replace("\"type\": \"metric\",", "").replacen(
        "\"x\": 0,",
        "\"x\": 0, \"type\": \"metric\",",
        1,
    );
    assert_ne!(spaced, reordered);
    for body in [spaced, reordered] {
        let observed = read(&body).await;
        let (aws, script) = scripted([]);
        let put = Dashboard::put(&aws, &wanted(), Some(&observed))
            .await
            .unwrap();
        assert_eq!(put, Put::Done(Default::default()));
        script.assert_calls([]);
    }
}

#[tokio::test]
async fn a_changed_body_or_a_lost_marker_is_put_again() {
    let mut changed = settled().await;
    changed.properties.body["widgets"][0]["x"] = 6.into();
    let mut unmarked = settled().await;
    unmarked.tags = Some(Tags::new());
    for observed in [changed, unmarked] {
        let (aws, script) = scripted([reply(PUT, 200, json!({}))]);
        Dashboard::put(&aws, &wanted(), Some(&observed))
            .await
            .unwrap();
        script.assert_calls([PUT]);
    }
}

#[tokio::test]
async fn an_absent_dashboard_is_not_there_and_one_already_gone_is_gone() {
    let (aws, _) = scripted([reply_error(GET, 404, "ResourceNotFound", "does not exist")]);
    assert!(Dashboard::read(&aws, &wanted()).await.unwrap().is_none());
    let gone = reply_error(DELETE, 404, "DashboardNotFoundError", "does not exist");
    for answer in [reply(DELETE, 200, json!({})), gone] {
        let (aws, script) = scripted([answer]);
        let deleted = Dashboard::delete(&aws, &wanted(), &settled().await)
            .await
            .unwrap();
        assert_eq!(deleted, Delete::Gone);
        assert_eq!(
            script.body(DELETE)["DashboardNames"],
            json!([dashboard().name])
        );
    }
}

#[tokio::test]
async fn a_dashboard_lives_and_dies_on_the_emulator() {
    use crate::resources::emulated::{die, emulator, live};
    let Some(aws) = emulator().await else {
        return;
    };
    let mut at = at(
        "emulated-dashboard",
        Dashboard {
            name: "emulated".to_owned(),
            ..dashboard()
        },
    );
    live(&aws, &mut at, |dashboard| {
        dashboard.body["start"] = "-PT3H".into()
    })
    .await;
    die(&aws, &at).await;
}

#[tokio::test]
async fn only_an_emulator_may_lack_dashboards() {
    let lacking = || [reply(GET, 404, "Not Found".into())];
    let (aws, _) = scripted(lacking());
    assert!(Dashboard::read(&aws, &wanted()).await.unwrap().is_none());
    let (mut aws, _) = scripted(lacking());
    aws.emulated = true;
    let observed = Dashboard::read(&aws, &wanted()).await.unwrap().unwrap();
    assert_eq!(observed.properties, dashboard());
    let data = serde_json::to_value(dashboard()).unwrap();
    let names: Vec<_> = data.as_object().unwrap().keys().collect();
    assert_eq!(names, observed.unseen);
    let (mut aws, _) = scripted([reply_error(GET, 404, "DashboardNotFoundError", "none")]);
    aws.emulated = true;
    assert!(Dashboard::read(&aws, &wanted()).await.unwrap().is_none());
}
