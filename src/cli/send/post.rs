//! Posts webhooks to the API.

use crate::resources::Aws;
use anyhow::Context as _;
use payments::providers::Outgoing;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Longest wait for the answer to a webhook; providers wait about as long.
const ANSWER: Duration = Duration::from_secs(30);
/// Pauses before what was throttled or not stored is sent again; providers wait longer and try more often.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// As much of an answer is shown.
const SHOWN: usize = 200;

/// One provider's path of the API.
pub struct Poster {
    client: reqwest::Client,
    url: String,
}

/// What the API said.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    pub took: Duration,
}

impl Answer {
    pub fn is_accepted(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether a provider would send the webhook again.
    fn asks_for_more(&self) -> bool {
        self.status == 429 || self.status >= 500
    }

    /// The one word of the body, such as `stored`; the whole body where it is another.
    pub fn word(&self) -> String {
        let body: Option<serde_json::Value> = serde_json::from_str(&self.body).ok();
        let word = body.and_then(|body| Some(body.get("status")?.as_str()?.to_owned()));
        word.unwrap_or_else(|| self.body.clone())
    }
}

impl Poster {
    /// The path below the API's address.
    pub fn new(aws: &Aws, url: &str, provider: &str) -> anyhow::Result<Self> {
        let mut builder = reqwest::Client::builder().timeout(ANSWER);
        if aws.emulated {
            // Proxy settings are for the world outside this machine.
            builder = builder.no_proxy();
        }
        Ok(Self {
            client: builder.build()?,
            url: format!("{url}/{provider}"),
        })
    }

    /// Posts a webhook once.
    pub async fn post(&self, outgoing: &Outgoing) -> anyhow::Result<Answer> {
        let start = Instant::now();
        let query = outgoing.query.as_deref();
        let query = query.map_or_else(String::new, |query| format!("?{query}"));
        let url = format!("{}{query}", self.url);
        let mut request = self.client.post(url).body(outgoing.body.clone());
        for (name, value) in &outgoing.headers {
            request = request.header(name, value);
        }
        let answer = request
            .send()
            .await
            .map_err(reqwest::Error::without_url)
            .context("the API did not answer")?;
        let status = answer.status().as_u16();
        let body = answer.text().await.unwrap_or_default();
        Ok(Answer {
            status,
            body: body.chars().take(SHOWN).collect(),
            took: start.elapsed(),
        })
    }

    /// Posts a webhook until it is taken or refused, as providers do; every answer in order, the last one decides.
    pub async fn deliver(&self, outgoing: &Outgoing) -> anyhow::Result<Vec<Answer>> {
        let mut answers = vec![self.post(outgoing).await?];
        for pause in PAUSES {
            if !answers.last().is_some_and(Answer::asks_for_more) {
                break;
            }
            sleep(pause).await;
            answers.push(self.post(outgoing).await?);
        }
        Ok(answers)
    }
}
