use super::events::ago;
use super::{Context, Exit};
use crate::resources::{Aws, During};
use crate::stack::Names;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use line::Line;
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::sleep;

mod line;

/// Time between two looks with --follow.
const LOOK: Duration = Duration::from_secs(2);
/// CloudWatch Logs shows a line some seconds after it was written, so each look goes back so far.
const LATE: SignedDuration = SignedDuration::from_secs(30);

/// Show the logs of both functions, the state machine and the API, merged in order of time.
#[derive(Debug, Args)]
pub struct Logs {
    /// Go on with new lines until Ctrl-C.
    #[arg(long, short)]
    follow: bool,
    /// Lines from then on: a time such as 2026-01-31T00:00:00Z, or an age such as 2h or 30m.
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = ago)]
    since: Timestamp,
    /// Only lines of this trace, which is one webhook or event on its whole way.
    #[arg(long, value_name = "ID")]
    trace: Option<String>,
}

impl Logs {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let aws = context.connect().await?.aws;
        let names = Names::of(context.env());
        let mut shown = HashSet::<String>::new();
        let mut since = self.since;
        loop {
            let started = Timestamp::now();
            let lines = read(&aws, &names, since).await?;
            let new = lines.iter().filter(|line| !shown.contains(&line.id));
            for line in new.filter(|line| line.is_of(self.trace.as_deref())) {
                match context.ui.is_json() {
                    true => context.ui.json(&line.facts()),
                    false => context.ui.say(line.words(context.ui.paint())),
                }
            }
            if !self.follow || !context.ui.is_read() {
                return Ok(Exit::Done);
            }
            shown = lines.into_iter().map(|line| line.id).collect();
            since = since.max(started.checked_sub(LATE).unwrap_or(started));
            sleep(LOOK).await;
        }
    }
}

/// The lines of all four log groups since then, in order of time; those of one millisecond in the order of their group.
async fn read(aws: &Aws, names: &Names, since: Timestamp) -> anyhow::Result<Vec<Line>> {
    let (validator, processor, workflow, api) = tokio::try_join!(
        group(aws, "validator", &names.validator_logs, since),
        group(aws, "processor", &names.processor_logs, since),
        group(aws, "workflow", &names.state_machine_logs, since),
        group(aws, "api", &names.api_logs, since),
    )?;
    let mut all = [validator, processor, workflow, api].concat();
    all.sort_by_key(|line| line.at);
    Ok(all)
}

async fn group(
    aws: &Aws,
    source: &'static str,
    name: &str,
    since: Timestamp,
) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    let mut token = None;
    loop {
        let call = aws
            .logs
            .filter_log_events()
            .log_group_name(name)
            .start_time(since.as_millisecond())
            .set_next_token(token);
        let Some(page) = call.send().await.or_absent("logs:FilterLogEvents")? else {
            return Ok(lines);
        };
        lines.extend(
            page.events()
                .iter()
                .filter_map(|event| Line::read(source, event)),
        );
        token = page.next_token;
        if token.is_none() {
            return Ok(lines);
        }
    }
}
