//! What all providers' APIs have in common: a question about one payment, tries, and a bounded answer.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::{Confirmed, Gateway, GatewayError, HttpClient, Listed, News};
use crate::json::{Json, MalformedBody};
use crate::mac::BASE64;
use crate::money::Money;
use crate::secret::SecretValue;
use base64::Engine;

/// A second try right away covers a lost packet and a short burst; what takes longer is the state machine's to retry.
const TRIES: u32 = 2;
const PAUSE: Duration = Duration::from_millis(250);
/// Longest id that is put into an address.
const LONGEST_ID: usize = 128;
/// A granted token is given up this long before it ends.
const TOKEN_MARGIN: Duration = Duration::from_secs(60);

/// What one provider's API is asked, and how its answer reads.
pub(super) trait Api: Send + Sync {
    /// The question about a payment; `None` when the id is not one of something the API can be asked about.
    fn question(&self, id: &str, key: &SecretValue) -> Result<Option<Question>, GatewayError>;

    /// Where else the payment may be, in turn, when nothing was found before: ids of some providers do not tell their kind.
    fn elsewhere(&self, _id: &str) -> Vec<Question> {
        Vec::new()
    }

    /// Reads the answer to the question about this payment.
    fn answer(&self, id: &str, body: &[u8]) -> Result<Confirmed, GatewayError>;

    /// The question about the list of events behind this place; `None` where the provider has no such list.
    fn news_question(
        &self,
        _after: u64,
        _key: &SecretValue,
    ) -> Result<Option<Question>, GatewayError> {
        Ok(None)
    }

    /// Reads a page of the list: its events in any order, and whether the list goes on.
    fn page(&self, _body: &[u8]) -> Result<(Vec<Listed>, bool), GatewayError> {
        Err(GatewayError::Unreadable("no list of events is documented"))
    }

    /// How a token is obtained, where the API key itself does not open the API.
    fn grant(&self, _key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        Ok(None)
    }

    /// What tells the provider that its notice has been dealt with, where it waits for that.
    fn acknowledgement(
        &self,
        _id: &str,
        _key: &SecretValue,
        _idempotency_key: &str,
    ) -> Result<Option<Question>, GatewayError> {
        Ok(None)
    }
}

/// One HTTP request to a provider.
pub(super) struct Question {
    pub(super) method: Method,
    /// From the first slash on.
    pub(super) path: String,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Vec<u8>,
}

impl Question {
    pub(super) fn get(path: String) -> Self {
        Self {
            method: Method::GET,
            path,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(super) fn post(path: impl Into<String>) -> Self {
        Self {
            method: Method::POST,
            ..Self::get(path.into())
        }
    }

    /// With a JSON body.
    pub(super) fn json(mut self, body: &serde_json::Value) -> Self {
        let json = HeaderValue::from_static("application/json");
        self.headers.push((CONTENT_TYPE, json));
        self.body = body.to_string().into_bytes();
        self
    }

    /// With a form body.
    pub(super) fn form(mut self, body: &'static str) -> Self {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        self.headers.push((CONTENT_TYPE, form));
        self.body = body.into();
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        let header = (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
        self.headers.push(header);
        self
    }

    /// With a header that nobody may see.
    pub(super) fn secret(mut self, name: HeaderName, value: String) -> Result<Self, GatewayError> {
        let mut value = HeaderValue::try_from(value).map_err(|_| GatewayError::NoKey)?;
        value.set_sensitive(true);
        self.headers.push((name, value));
        Ok(self)
    }

    /// With the key's one text as bearer token.
    pub(super) fn bearer(self, key: &SecretValue) -> Result<Self, GatewayError> {
        let token = key.text().ok_or(GatewayError::NoKey)?;
        self.secret(AUTHORIZATION, format!("Bearer {token}"))
    }

    /// With two texts as Basic authentication.
    pub(super) fn basic(self, user: &str, password: &str) -> Result<Self, GatewayError> {
        let text = zeroize::Zeroizing::new(format!("{user}:{password}"));
        self.secret(AUTHORIZATION, format!("Basic {}", BASE64.encode(&*text)))
    }
}

/// One of the named texts of an API key.
pub(super) fn named<'k>(key: &'k SecretValue, name: &str) -> Result<&'k str, GatewayError> {
    key.named(name)
        .filter(|text| !text.is_empty())
        .ok_or(GatewayError::NoKey)
}

/// Whether an id can stand in an address without meaning anything there.
pub(super) fn plain(id: &str) -> bool {
    let harmless =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'=' | b'~' | b'.');
    (1..=LONGEST_ID).contains(&id.len())
        && id.bytes().all(harmless)
        && !id.bytes().all(|byte| byte == b'.')
}

/// The JSON object of an answer.
pub(super) fn object(body: &[u8]) -> Result<Json<'_>, GatewayError> {
    Json::parse_object(body).map_err(|_| GatewayError::Unreadable("it is not a JSON object"))
}

/// A member that the provider documents as an object.
pub(super) fn inner<'b>(object: Json<'b>, path: &str) -> Result<Json<'b>, GatewayError> {
    object
        .at(path)
        .ok_or(GatewayError::Unreadable("the payment is missing from it"))
}

/// Refuses an answer whose id at this path is another one's.
pub(super) fn about(object: Json<'_>, path: &str, id: &str) -> Result<(), GatewayError> {
    if object.id_at(path).as_deref() == Some(id) {
        Ok(())
    } else {
        Err(GatewayError::Unreadable("it is about another payment"))
    }
}

/// The money of an answer, or that it is not usable.
pub(super) fn usable(
    money: Result<Option<Money>, MalformedBody>,
) -> Result<Option<Money>, GatewayError> {
    money.map_err(|_| GatewayError::Unreadable("an amount is not usable"))
}

/// A status that payhook does not know may be a new one, so that the event waits for whoever looks.
pub(super) const NEW_STATUS: GatewayError =
    GatewayError::Unreadable("the status of the payment is not a documented one");

/// A provider's API at its address.
pub(super) struct Asking<A> {
    api: A,
    base_url: String,
    http: HttpClient,
    token: Mutex<Option<(String, Instant)>>,
}

impl<A: Api> Asking<A> {
    pub(super) fn new(api: A, base_url: &str, http: HttpClient) -> Self {
        Self {
            api,
            base_url: base_url.trim_end_matches('/').to_owned(),
            http,
            token: Mutex::new(None),
        }
    }

    /// Sends a question with the right to ask it.
    async fn ask(&self, question: Question, key: &SecretValue) -> Result<Vec<u8>, GatewayError> {
        let Some(grant) = self.api.grant(key)? else {
            return self.send(question).await;
        };
        let mut token = self.token.lock().await;
        let now = Instant::now();
        let granted = match &*token {
            Some((text, until)) if now < *until => text.clone(),
            _ => {
                let (text, lasts) = granted(&self.send(grant).await?)?;
                let until = now + lasts.saturating_sub(TOKEN_MARGIN);
                token.insert((text, until)).0.clone()
            }
        };
        drop(token);
        let question = question.secret(AUTHORIZATION, format!("Bearer {granted}"))?;
        let answer = self.send(question).await;
        if let Err(GatewayError::Denied(_)) = answer {
            // The token may have been withdrawn, or the key behind it replaced.
            *self.token.lock().await = None;
        }
        answer
    }

    async fn send(&self, question: Question) -> Result<Vec<u8>, GatewayError> {
        let mut tries = 1;
        loop {
            match self.http.send(&self.base_url, &question).await {
                Err(error) if tries < TRIES && error.is_over_soon() => {
                    tries += 1;
                    sleep(PAUSE).await;
                }
                answer => return answer,
            }
        }
    }
}

#[async_trait]
impl<A: Api> Gateway for Asking<A> {
    async fn payment(
        &self,
        id: &str,
        api_key: &SecretValue,
    ) -> Result<Option<Confirmed>, GatewayError> {
        if !plain(id) {
            return Ok(None);
        }
        let Some(question) = self.api.question(id, api_key)? else {
            return Ok(None);
        };
        let mut answer = self.ask(question, api_key).await;
        for question in self.api.elsewhere(id) {
            if answer != Err(GatewayError::NoSuchPayment) {
                break;
            }
            answer = self.ask(question, api_key).await;
        }
        self.api.answer(id, &answer?).map(Some)
    }

    async fn news(&self, after: u64, api_key: &SecretValue) -> Result<Option<News>, GatewayError> {
        let Some(question) = self.api.news_question(after, api_key)? else {
            return Ok(None);
        };
        let answer = self.ask(question, api_key).await?;
        let (events, has_more) = self.api.page(&answer)?;
        News::new(after, events, has_more).map(Some)
    }

    async fn acknowledge(
        &self,
        id: &str,
        api_key: &SecretValue,
        idempotency_key: &str,
    ) -> Result<(), GatewayError> {
        let question = match plain(id) {
            true => self.api.acknowledgement(id, api_key, idempotency_key)?,
            false => None,
        };
        match question {
            Some(question) => self.ask(question, api_key).await.map(drop),
            None => Ok(()),
        }
    }
}

/// The token of an OAuth answer and how long it lasts (RFC 6749, section 5.1).
fn granted(body: &[u8]) -> Result<(String, Duration), GatewayError> {
    let answer = object(body)?;
    let token = answer
        .text_at("access_token")
        .ok_or(GatewayError::Unreadable("it grants no token"))?;
    let seconds = answer.get("expires_in").and_then(Json::integer);
    let lasts = Duration::from_secs(seconds.and_then(|s| s.try_into().ok()).unwrap_or(0));
    Ok((token, lasts))
}
