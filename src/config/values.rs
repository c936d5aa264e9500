//! The types of single settings: a value outside its rule cannot be built.

use toml::de::DeValue;

use super::setting::{Setting, integer, texts, whole_numbers, word_settings, words};

whole_numbers! {
    /// Memory of a function in MB; Lambda gives processor time in proportion.
    MemoryMb(u32): 256 in 128..=10_240;
    /// Longest run of a function in seconds.
    TimeoutSeconds(u32): 30 in 1..=900;
    /// Longest run in seconds of a function behind API Gateway, which gives up after 29.
    ApiTimeoutSeconds(u32): 10 in 1..=29;
    /// Concurrent runs set aside for one function, which are also its ceiling; 0 stops it.
    ReservedConcurrency(u32): 10 in 0..=100_000;
    /// Sustained requests per second that the API stage lets through.
    RateLimit(u32): 50 in 1..=100_000;
    /// Requests that may arrive at once above the sustained rate.
    BurstLimit(u32): 100 in 1..=50_000;
    /// Seconds before the first retry of an event.
    IntervalSeconds(u32): 2 in 1..=3_600;
    /// Retries of an event after its first attempt.
    MaxAttempts(u32): 3 in 1..=20;
    /// Longest wait in seconds between two attempts.
    MaxDelaySeconds(u32): 60 in 2..=86_400;
    /// Stream records handed to one execution at most.
    BatchSize(u32): 10 in 1..=10_000;
    /// Seconds the pipe may wait for a batch to fill.
    BatchingWindowSeconds(u32): 0 in 0..=300;
    /// Retries of a batch before it goes to the dead-letter queue; infinite is not offered, since it blocks the shard.
    PipeRetryAttempts(u32): 20 in 0..=10_000;
    /// Seconds after which an undelivered record goes to the dead-letter queue; a stream keeps 24 hours.
    RecordAgeSeconds(u32): 43_200 in 60..=86_400;
    /// Batches of one shard in flight at once; order per payment is kept.
    ParallelizationFactor(u32): 1 in 1..=10;
    /// Days between two rotations of the key.
    RotationPeriodDays(u32): 365 in 90..=2_560;
    /// Days a destroyed key can still be brought back.
    DeletionWindowDays(u32): 30 in 7..=30;
    /// Days a destroyed secret can still be brought back.
    RecoveryWindowDays(u32): 30 in 7..=30;
    /// Seconds a signed timestamp may be away from now.
    ToleranceSeconds(u32): 300 in 1..=86_400;
    /// Port of the local emulator on 127.0.0.1.
    Port(u16): 4566 in 1024..=65_535;
}

texts! {
    /// Name of an environment; part of every physical name, so short enough for all of them.
    EnvName: "1 to 20 of a-z, 0-9 and -, not starting or ending with -", |text| {
        (1..=20).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
    };
    /// An AWS region.
    Region: "a region name such as \"eu-central-1\"", |text| {
        let parts: Vec<&str> = text.split('-').collect();
        let [first, middle @ .., last] = parts.as_slice() else { return false };
        first.len() == 2
            && first.bytes().all(|b| b.is_ascii_lowercase())
            && !middle.is_empty()
            && middle.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase()))
            && !last.is_empty()
            && last.len() <= 2
            && last.bytes().all(|b| b.is_ascii_digit())
    };
    /// An AWS account.
    AccountId: "12 digits in quotes", |text| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    /// A bucket; names are shared by all accounts of a partition.
    BucketName: "a bucket name: 3 to 63 of a-z, 0-9, - and .", |text| {
        let outer = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        (3..=63).contains(&text.len())
            && text.bytes().all(|b| outer(b) || b == b'-' || b == b'.')
            && text.bytes().next().is_some_and(outer)
            && text.bytes().last().is_some_and(outer)
            && !text.contains("..")
    };
    /// What the names of all state objects begin with.
    KeyPrefix: "up to 200 of A-Z, a-z, 0-9 and / . _ -, not starting with /", |text| {
        text.len() <= 200
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(&b))
            && !text.starts_with('/')
    };
    /// Address of something that speaks the AWS protocols.
    EndpointUrl: "an http or https address such as \"http://127.0.0.1:4566\"", |text| {
        address(text).is_some()
    };
    /// Base address of a provider's API; plain http only towards this machine.
    BaseUrl: "an https address without query, such as \"https://api.stripe.com\"", |text| {
        address(text).is_some_and(|url| url.scheme() == "https" || loopback(&url))
    };
    /// Where a provider was told to send its webhooks, exactly as registered there.
    NotificationUrl: "an https address, exactly as registered with the provider", |text| {
        reqwest::Url::parse(text).is_ok_and(|url| {
            (url.scheme() == "https" || loopback(&url)) && !text.contains(char::is_whitespace)
        })
    };
    /// Key of a tag of the user's own.
    TagKey: "1 to 128 letters, digits, spaces or _ . : / = + - @, not starting with aws: or payhook:", |text| {
        let lower = text.to_ascii_lowercase();
        (1..=128).contains(&text.chars().count())
            && text.chars().all(tag_char)
            && !lower.starts_with("aws:")
            && !lower.starts_with("payhook:")
    };
    /// Value of a tag.
    TagValue: "text of up to 256 letters, digits, spaces or _ . : / = + - @", |text| {
        text.chars().count() <= 256 && text.chars().all(tag_char)
    };
    /// Address that alarms are sent to.
    Email: "an e-mail address", |text| {
        text.len() <= 254
            && text.split_once('@').is_some_and(|(name, host)| {
                !name.is_empty() && host.contains('.') && !host.contains('@') && !host.starts_with('.') && !host.ends_with('.')
            })
            && text.bytes().all(|b| b.is_ascii_graphic())
    };
    /// Name or ARN of an EventBridge event bus.
    EventBus: "the name or ARN of an event bus", |text| {
        let name = match text.split_once(":event-bus/") {
            Some((arn, name)) if arn.starts_with("arn:aws") && arn.contains(":events:") => name,
            Some(_) => return false,
            None => text,
        };
        (1..=256).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b))
    };
    /// Name of an HTTP header.
    HeaderName: "a header name such as \"X-Signature\"", |text| {
        (1..=100).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    };
    /// What stands before the signature in its header.
    SignaturePrefix: "up to 50 visible ASCII characters", |text| {
        text.len() <= 50 && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
    };
    /// Place of a value in a JSON body: member names joined by dots.
    FieldPath: "names joined by dots, such as \"data.id\"", |text| {
        text.len() <= 200 && text.split('.').all(|name| !name.is_empty())
    };
    /// A program: a name looked up in PATH, or a path.
    Program: "the name or path of a program", |text| !text.trim().is_empty() && !text.contains('\0');
}

words! {
    /// Where state is kept.
    StateBackend {
        /// A folder on this machine.
        Local = "local",
        /// A bucket that several machines share.
        S3 = "s3",
    }
    /// The type of the state machine.
    WorkflowType {
        /// Every execution is kept for 90 days with its history.
        Standard = "standard",
        /// Cheaper by far, ends after five minutes, may run twice, and leaves only logs.
        Express = "express",
    }
    /// What compiles the functions for AWS.
    Builder {
        /// cargo-lambda where it is installed, else cargo with a cross linker.
        Auto = "auto",
        CargoLambda = "cargo-lambda",
        Cargo = "cargo",
    }
    /// Compilation target of the functions on AWS, always arm64.
    ArmTarget {
        Gnu = "aarch64-unknown-linux-gnu",
        Musl = "aarch64-unknown-linux-musl",
    }
}

impl EnvName {
    /// The environment that runs on the emulator of this machine.
    pub const LOCAL: &'static str = "local";

    pub fn is_local(&self) -> bool {
        self.as_str() == Self::LOCAL
    }
}

impl Region {
    /// First part of every ARN of this region.
    pub fn partition(&self) -> &'static str {
        match self.as_str() {
            r if r.starts_with("cn-") => "aws-cn",
            r if r.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }
}

impl From<ApiTimeoutSeconds> for TimeoutSeconds {
    fn from(shorter: ApiTimeoutSeconds) -> Self {
        const { assert!(ApiTimeoutSeconds::MAX <= Self::MAX) };
        Self(shorter.get())
    }
}

/// Days that CloudWatch keeps a log line; CloudWatch accepts only these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogRetentionDays(u32);

impl LogRetentionDays {
    const ACCEPTED: [u32; 22] = [
        1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557,
        2922, 3288, 3653,
    ];

    pub fn new(days: u32) -> Option<Self> {
        Self::ACCEPTED.contains(&days).then_some(Self(days))
    }

    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Default for LogRetentionDays {
    fn default() -> Self {
        Self(90)
    }
}

impl Setting for LogRetentionDays {
    fn rule() -> String {
        let days: Vec<String> = Self::ACCEPTED.iter().map(u32::to_string).collect();
        format!("one of {}", days.join(", "))
    }

    fn read(value: &DeValue<'_>) -> Option<Self> {
        let days = value.as_integer().and_then(integer)?;
        u32::try_from(days).ok().and_then(Self::new)
    }
}

/// How long an item stays in the table.
///
/// Providers redeliver for up to 30 days, and a forgotten event would be taken for a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ItemRetention {
    #[default]
    Forever,
    Days(ItemRetentionDays),
}

whole_numbers! {
    /// Days until an item expires.
    ItemRetentionDays(u32): 400 in 35..=36_500;
}

impl ItemRetention {
    /// Days until an item expires, if it does.
    pub fn days(self) -> Option<u32> {
        match self {
            Self::Forever => None,
            Self::Days(days) => Some(days.get()),
        }
    }
}

impl Setting for ItemRetention {
    fn rule() -> String {
        format!("a whole number, {}", Self::allowed())
    }

    fn allowed() -> String {
        format!("0 (keep) or {}", ItemRetentionDays::allowed())
    }

    fn read(value: &DeValue<'_>) -> Option<Self> {
        match value.as_integer().and_then(integer)? {
            0 => Some(Self::Forever),
            _ => ItemRetentionDays::read(value).map(Self::Days),
        }
    }
}

/// Factor between two retry delays; above 1, so that the delays grow.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct BackoffRate(f64);

impl BackoffRate {
    pub fn new(rate: f64) -> Option<Self> {
        (1.1..=10.0).contains(&rate).then_some(Self(rate))
    }

    pub const fn get(self) -> f64 {
        self.0
    }
}

impl Default for BackoffRate {
    fn default() -> Self {
        Self(2.0)
    }
}

impl Setting for BackoffRate {
    fn rule() -> String {
        format!("a number, {}", Self::allowed())
    }

    fn allowed() -> String {
        "1.1 to 10.0".into()
    }

    fn read(value: &DeValue<'_>) -> Option<Self> {
        let text = match value {
            DeValue::Float(float) => float.as_str(),
            DeValue::Integer(whole) if whole.radix() == 10 => whole.as_str(),
            _ => return None,
        };
        text.parse().ok().and_then(Self::new)
    }
}

fn tag_char(c: char) -> bool {
    c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c)
}

/// An http(s) address with a host and nothing but a path behind it.
fn address(text: &str) -> Option<reqwest::Url> {
    let url = reqwest::Url::parse(text).ok()?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    plain.then_some(url)
}

fn loopback(url: &reqwest::Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"))
}

impl Default for KeyPrefix {
    fn default() -> Self {
        Self("payhook/".into())
    }
}

impl Default for HeaderName {
    fn default() -> Self {
        Self("X-Signature".into())
    }
}

impl Default for EventBus {
    fn default() -> Self {
        Self("default".into())
    }
}

impl Default for Program {
    fn default() -> Self {
        Self("python3".into())
    }
}

/// Resources chosen by kind or by name inside the stack; which names there are only the stack knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection(Vec<String>);

impl Selection {
    /// Whether a resource of this name and kind is chosen.
    pub fn covers(&self, name: &str, kind: &str) -> bool {
        self.0.iter().any(|word| word == name || word == kind)
    }

    /// What infra.toml says, word by word.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl Setting for Selection {
    fn rule() -> String {
        "a list of kinds or names inside the stack, such as [\"dynamodb-table\", \"providers\"]"
            .into()
    }

    fn allowed() -> String {
        "kinds or names inside the stack".into()
    }

    fn read(value: &DeValue<'_>) -> Option<Self> {
        let words = value.as_array()?.iter();
        let words = words.map(|word| word.get_ref().as_str().map(str::to_owned));
        words.collect::<Option<_>>().map(Self)
    }
}
