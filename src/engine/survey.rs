//! Looks for everything that is ours: by name what is declared, by tags what nobody knows of any more.

use super::observe::{observe, read_patiently};
use super::{Cause, EngineError};
use crate::graph::{Graph, LogicalName};
use crate::plan::{self, Facts, Standing};
use crate::resources::{Class, Cloud, CloudError, Kind, Schedule, Seen, Tagged};
use crate::state::{Entry, State};
use futures_util::future::join_all;
use std::collections::BTreeMap;
use tokio::time::{Instant, sleep};

/// How often the search is asked through throttles and failures of the server: without it the run goes on.
const TRIES: usize = 5;

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// What a read of everything declared showed.
    pub seen: BTreeMap<LogicalName, Seen>,
    /// What is ours, and neither declared nor on record.
    pub strays: Vec<(LogicalName, Entry)>,
    /// What could not be found out; never in the way of a run.
    pub unsure: Vec<Unsure>,
}

/// A question that AWS did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsure {
    /// The search by tags itself.
    #[error(
        "Could not search by tags, so what infra.toml no longer declares may be left standing unseen: {0}"
    )]
    Search(CloudError),
    /// Whether something that it lists still stands.
    #[error(
        "{kind} {physical} carries the tags of this stack, but whether it stands is unknown: {why}"
    )]
    Standing {
        /// Kind.
        kind: Kind,
        /// Name in the cloud.
        physical: String,
        /// Why.
        why: String,
    },
}

/// Reads what the graph declares and searches by tags for what it does not, both at once.
///
/// `everything` holds all that any infra.toml of this payhook could declare.
pub async fn survey(
    cloud: &dyn Cloud,
    graph: &Graph,
    everything: &Graph,
    state: &State,
    facts: &Facts,
) -> Result<Survey, EngineError> {
    let looked = plan::by_name(graph, everything);
    let (seen, hits) = tokio::join!(
        observe(cloud, &looked, state, facts),
        search_patiently(cloud, facts)
    );
    let mut seen = seen?;
    let (hits, mut unsure) = answered(hits)?;
    let unknown = plan::unknown(hits, &looked, state, &seen);
    let (mut standing, unread) = read_back(cloud, unknown, everything, facts).await?;
    unsure.extend(unread);
    standing.retain(|one| {
        let late = one.is_declared(graph) && !seen.contains_key(&one.hit.logical);
        if late {
            seen.insert(one.hit.logical.clone(), one.seen.clone());
        }
        !late
    });
    let strays = plan::strays(graph, &looked, everything, state, &seen, standing, facts)?;
    Ok(Survey {
        seen,
        strays,
        unsure,
    })
}

/// The same where the answer is put on record and nobody searches again: without one there is an error.
///
/// Whoever may not search goes on all the same; a policy of an earlier payhook does not allow it.
pub async fn survey_for_good(
    cloud: &dyn Cloud,
    graph: &Graph,
    everything: &Graph,
    state: &State,
    facts: &Facts,
) -> Result<Survey, EngineError> {
    let mut found = survey(cloud, graph, everything, state, facts).await?;
    let may_not =
        |one: &Unsure| matches!(one, Unsure::Search(error) if error.class == Class::Denied);
    match found.unsure.iter().position(|one| !may_not(one)) {
        Some(open) => Err(EngineError::Unsure(found.unsure.swap_remove(open))),
        None => Ok(found),
    }
}

/// The same where the state may not know of everything; otherwise what is declared is read, and nothing is searched for.
pub async fn survey_if_lost(
    cloud: &dyn Cloud,
    graph: &Graph,
    everything: &Graph,
    state: &State,
    facts: &Facts,
) -> Result<Survey, EngineError> {
    if !state.knows_all() {
        return survey_for_good(cloud, graph, everything, state, facts).await;
    }
    Ok(Survey {
        seen: observe(cloud, graph, state, facts).await?,
        ..Survey::default()
    })
}

/// What is ours and still stands after a destroy, apart from what is known to be gone or to be kept.
pub async fn left_standing(
    cloud: &dyn Cloud,
    everything: &Graph,
    facts: &Facts,
    settled: impl Fn(&Tagged) -> bool,
) -> Result<(Vec<Standing>, Vec<Unsure>), EngineError> {
    let (mut hits, mut unsure) = answered(search_patiently(cloud, facts).await)?;
    hits.retain(|hit| !settled(hit));
    let (standing, unread) = read_back(cloud, hits, everything, facts).await?;
    unsure.extend(unread);
    Ok((standing, unsure))
}

fn answered(hits: Result<Vec<Tagged>, CloudError>) -> Result<(Vec<Tagged>, Vec<Unsure>), Unsure> {
    match hits {
        Ok(hits) => Ok((hits, Vec::new())),
        Err(error) if error.class == Class::Credentials => Err(Unsure::Search(error)),
        Err(error) => Ok((Vec::new(), vec![Unsure::Search(error)])),
    }
}

async fn search_patiently(cloud: &dyn Cloud, facts: &Facts) -> Result<Vec<Tagged>, CloudError> {
    let start = Instant::now();
    for round in 1.. {
        match cloud.tagged(&facts.stack, &facts.env).await {
            Err(error)
                if round < TRIES
                    && [Class::Throttle, Class::Unavailable].contains(&error.class) =>
            {
                sleep(Schedule::BACKOFF.pause(round - 1, start.elapsed())).await;
            }
            found => return found,
        }
    }
    Ok(Vec::new())
}

/// Reads what a search lists: the list may lag behind, and tags are changed by anybody.
async fn read_back(
    cloud: &dyn Cloud,
    hits: Vec<Tagged>,
    everything: &Graph,
    facts: &Facts,
) -> Result<(Vec<Standing>, Vec<Unsure>), EngineError> {
    let reads = hits.into_iter().map(async |hit| {
        let at = plan::address_of_tagged(&hit, everything, facts)?;
        let read = read_patiently(cloud, at.clone()).await;
        Ok::<_, EngineError>((hit, at, read))
    });
    let (mut standing, mut unsure) = (Vec::new(), Vec::new());
    for read in join_all(reads).await {
        let (hit, at, read) = read?;
        match read {
            Ok(Some(seen)) => standing.extend(Standing::of(hit, &at, seen, facts)),
            Ok(None) => {}
            Err(EngineError::Read { cause, .. }) if !ends(&cause) => {
                unsure.push(Unsure::Standing {
                    kind: at.kind,
                    physical: at.physical,
                    why: cause.to_string(),
                })
            }
            Err(error) => return Err(error),
        }
    }
    Ok((standing, unsure))
}

/// Whether nothing more can be asked after it.
fn ends(cause: &Cause) -> bool {
    matches!(cause, Cause::Call(error) if error.class == Class::Credentials)
}
