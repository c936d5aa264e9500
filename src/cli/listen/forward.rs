//! Hands outcomes on to a URL of the developer.

use serde_json::Value;
use std::fmt;
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Longest wait for an answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Pauses before an outcome is sent again; after the last it waits in the queue.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(3),
];

/// Where outcomes go.
#[derive(Clone, Debug)]
pub struct Target(pub reqwest::Url);

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Sends outcomes, if there is somewhere to send them.
pub struct Forward {
    client: reqwest::Client,
    target: Option<Target>,
}

/// How an outcome was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The last answer.
    pub status: Option<u16>,
    /// How often it was sent.
    pub tries: usize,
}

impl Taken {
    /// Whether it need not be sent again.
    pub fn is_done(self) -> bool {
        self.tries == 0
            || self
                .status
                .is_some_and(|status| (200..300).contains(&status))
    }
}

impl Forward {
    pub fn new(target: Option<Target>) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().timeout(ANSWER).no_proxy();
        Ok(Self {
            client: client.build()?,
            target,
        })
    }

    /// Posts the event as EventBridge delivers it, until it is taken or there is no point for now.
    pub async fn send(&self, event: &Value, stop: &CancellationToken) -> Taken {
        let Some(Target(url)) = &self.target else {
            return Taken::default();
        };
        let mut taken = Taken::default();
        for pause in std::iter::once(Duration::ZERO).chain(PAUSES) {
            tokio::select! {
                () = stop.cancelled(), if taken.tries > 0 => return taken,
                () = sleep(pause) => {}
            }
            let request = self.client.post(url.clone());
            let request = request.header("content-type", "application/json");
            let answer = request.body(event.to_string()).send().await;
            taken.tries += 1;
            taken.status = answer.ok().map(|answer| answer.status().as_u16());
            if taken.is_done() {
                break;
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// Answers the statuses in order, the last one for ever.
    fn server(statuses: &'static [u16]) -> Target {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        std::thread::spawn(move || {
            for (number, connection) in listener.incoming().flatten().enumerate() {
                let mut connection = connection;
                let _ = connection.read(&mut [0; 4096]);
                let status = statuses[number.min(statuses.len() - 1)];
                let answer = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                );
                let _ = connection.write_all(answer.as_bytes());
            }
        });
        Target(format!("http://{address}/").parse().expect("a URL"))
    }

    async fn sent(target: Option<Target>) -> Taken {
        let forward = Forward::new(target).expect("a client");
        let event = serde_json::json!({"detail": {}});
        forward.send(&event, &CancellationToken::new()).await
    }

    #[tokio::test]
    async fn an_outcome_is_sent_again_until_it_is_taken() {
        let taken = sent(Some(server(&[503, 200]))).await;
        assert_eq!(
            (taken.status, taken.tries, taken.is_done()),
            (Some(200), 2, true)
        );
    }

    #[tokio::test]
    async fn what_is_refused_for_good_stays_in_the_queue_and_without_a_url_nothing_is_sent() {
        let taken = sent(Some(server(&[500]))).await;
        assert_eq!(
            (taken.status, taken.tries, taken.is_done()),
            (Some(500), 4, false)
        );
        let taken = sent(None).await;
        assert_eq!((taken.tries, taken.is_done()), (0, true));
    }
}
