use super::following::{self, Hops, Sought};
use super::refusal::Misuse;
use super::{Context, Exit, number, secret};
use crate::outputs::{FlatOutputs, key};
use clap::Args;
use maker::Maker;
use payments::providers;
use post::Poster;
use record::Record;
use stand_in::StandIn;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

mod maker;
mod many;
mod one;
mod post;
mod record;
mod signing;
mod stand_in;

/// Sign a realistic test event as a provider would, post it, and follow it until it is processed.
///
/// Signs with the provider's secret in Secrets Manager. On an emulator one is made where there is none. Ends with exit
/// code 1 unless the pipeline did what it should: took what is genuine, knew again what came twice, refused what was
/// tampered with.
#[derive(Debug, Args)]
#[command(after_long_help = types_of_all())]
pub struct Send {
    /// Provider, as under [providers] in infra.toml.
    provider: String,
    /// Type of the event, in the provider's words; without it, that of a payment that succeeded.
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Amount in minor units.
    #[arg(long, default_value = "1999")]
    amount: String,
    /// Currency.
    #[arg(long, default_value = "EUR")]
    currency: String,
    /// The provider's id of a payment to tell more about; without it, a new payment.
    #[arg(long, value_name = "ID")]
    payment: Option<String>,
    /// Send so many different events, and sum up in place of following each.
    #[arg(long, value_name = "N", default_value = "1", value_parser = number::from_one)]
    count: NonZeroUsize,
    /// With --count, have no more than this many on the way to the API at once.
    #[arg(long, value_name = "N", default_value = "8", value_parser = number::from_one)]
    concurrency: NonZeroUsize,
    /// Send each event twice, and check that the second delivery is recognised.
    #[arg(long, conflicts_with = "tamper")]
    duplicate: bool,
    /// Change a byte that the signature covers after signing, and check that the event is refused.
    #[arg(long)]
    tamper: bool,
    /// Append what was sent to this file, for `payhook events audit --sent`.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Seconds to wait until what was sent is processed.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = number::from_zero::<u64>)]
    timeout: u64,
    /// Make and store a random secret where the provider has none, also on AWS.
    #[arg(long)]
    make_secret: bool,
}

/// What the command line says beyond which event it is.
#[derive(Clone, Copy, Debug)]
struct Wishes {
    duplicate: bool,
    tamper: bool,
    patience: Duration,
}

impl Send {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let provider = secret::known(&self.provider)?;
        let Some(settings) = context.config.providers.get(&self.provider) else {
            return Err(self.switched_off(context));
        };
        let maker = Maker::new(&self, provider, settings)?;
        let outputs = FlatOutputs::read_of(&context.outputs_file(), context.env())?;
        let aws = context.connect().await?.aws;
        let vault = outputs.get(key::SECRET_NAME)?;
        let stand_in = match aws.emulated {
            true => StandIn::start(provider.key(), settings, maker.money()).await?,
            false => None,
        };
        let secret = match &stand_in {
            Some(stand_in) => signing::played(context, &aws, &maker, vault, stand_in).await?,
            None => signing::secret(&self, context, &aws, &maker, vault).await?,
        };
        let fetched = stand_in
            .as_ref()
            .and_then(|played| played.gives_out.clone());
        let maker = maker.with(secret, fetched);
        let poster = Poster::new(&aws, outputs.get(key::API_URL)?, provider.key())?;
        let record = Record::open(self.record.as_deref())?;
        let wishes = Wishes {
            duplicate: self.duplicate,
            tamper: self.tamper,
            patience: Duration::from_secs(self.timeout),
        };
        if self.count.get() == 1 {
            let hops = Hops::start(&context.ui);
            let route = one::route(&outputs, wishes)?;
            let sent = one::send(&aws, &maker, &poster, &record, &route, wishes, &hops).await?;
            let listed = stand_in.as_ref().and_then(|played| played.listed.clone());
            return match listed.filter(|_| sent == Exit::Done && !wishes.tamper) {
                Some((payment, event)) => {
                    let listed = Sought::event(payment, event);
                    following::follow(&aws, &route, &listed, &hops).await
                }
                None => Ok(sent),
            };
        }
        if let Some(event_type) = provider.list_notice() {
            return Err(misuse(
                format!("every {event_type} of {} tells the same", provider.key()),
                "send one, without --count",
            ));
        }
        let store = payments::store::DynamoStore::new(aws.dynamodb, outputs.get(key::TABLE_NAME)?);
        many::Run {
            ui: &context.ui,
            maker: &maker,
            poster: &poster,
            record: &record,
            store: &store,
            wishes,
            concurrency: self.concurrency.get(),
        }
        .send(self.count.get())
        .await
    }

    fn switched_off(&self, context: &Context) -> anyhow::Error {
        let on = context.config.providers.keys().map(String::as_str);
        misuse(
            format!("{} is not switched on in {}", self.provider, context.env()),
            format!(
                "switched on are {}; add [providers.{}] to infra.toml and deploy",
                on.collect::<Vec<_>>().join(", "),
                self.provider
            ),
        )
    }
}

/// The event types that there are samples of, provider by provider.
fn types_of_all() -> String {
    let line = |provider: &&'static dyn providers::Provider| {
        let types = provider.sample_types().join(", ");
        format!("\n  {}: {types}", provider.key())
    };
    let lines: String = providers::all().iter().map(line).collect();
    format!("Types of events, the usual one first:{lines}")
}

fn misuse(words: impl Into<String>, next: impl Into<String>) -> anyhow::Error {
    Misuse {
        words: words.into(),
        next: next.into(),
    }
    .into()
}
