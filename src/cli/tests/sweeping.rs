//! The search by tags, as the user hears of it, on a cloud in memory.

use super::keeping::{context, deployed, kinds};
use crate::cli::explain::explain;
use crate::cli::{Context, Exit, destroy};
use crate::engine::{Engine, discard};
use crate::memory::{Fault, MemoryCloud, MemoryStore};
use crate::resources::{Address, Cloud, CloudError, Delete, Given, Leftover, Put, Seen, Tagged};
use crate::view::Paint;
use async_trait::async_trait;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const LESS: &str = "alarms.enabled = false\ndashboard.enabled = false";

/// A cloud whose first searches list nothing yet.
struct Lagging {
    cloud: MemoryCloud,
    lag: AtomicUsize,
}

#[async_trait]
impl Cloud for Lagging {
    async fn given(&self) -> Result<Given, CloudError> {
        self.cloud.given().await
    }

    async fn read(&self, at: &Address) -> Result<Option<Seen>, CloudError> {
        self.cloud.read(at).await
    }

    async fn leftovers(&self, at: &Address, seen: &Seen) -> Result<Vec<Leftover>, CloudError> {
        self.cloud.leftovers(at, seen).await
    }

    async fn tagged(&self, stack: &str, env: &str) -> Result<Vec<Tagged>, CloudError> {
        let less = |lag: usize| lag.checked_sub(1);
        match self
            .lag
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
        {
            Ok(_) => Ok(Vec::new()),
            Err(_) => self.cloud.tagged(stack, env).await,
        }
    }

    async fn put(&self, at: &Address, seen: Option<&Seen>) -> Result<Put, CloudError> {
        self.cloud.put(at, seen).await
    }

    async fn delete(&self, at: &Address, seen: &Seen) -> Result<Delete, CloudError> {
        self.cloud.delete(at, seen).await
    }
}

async fn destroyed(
    context: &Context,
    cloud: &dyn Cloud,
    store: &MemoryStore,
) -> anyhow::Result<()> {
    let given = cloud.given().await.expect("an account");
    let token = context.interrupt.token.clone();
    let engine = Engine::open(cloud, store, discard(), token).await;
    let mut engine = engine.expect("the state loads");
    destroy::carry_out(context, &mut engine, &given, true).await
}

#[tokio::test(start_paused = true)]
async fn what_still_stands_after_a_destroy_is_named_and_the_next_destroy_finds_it() {
    let (memory, store) = deployed("").await;
    store.lose();
    let cloud = Lagging {
        cloud: memory.clone(),
        lag: AtomicUsize::new(1),
    };
    let (context, said) = context(LESS, false);
    let error = destroyed(&context, &cloud, &store).await;
    let explanation = explain(&error.expect_err("something stands"), Paint::NONE);
    assert_eq!(explanation.exit, Exit::Failed);
    for name in [
        "sns-topic payment-webhook-alarms-dev",
        "alarm payment-webhook-api-5xx-dev",
    ] {
        assert!(explanation.words.contains(name), "{}", explanation.words);
    }
    assert!(explanation.next[0].contains("run `payhook destroy` again"));
    assert!(!said.out().contains("Destroyed dev"), "{}", said.out());

    destroyed(&context, &cloud, &store)
        .await
        .expect("destroyed");
    assert_eq!(kinds(&memory), [""; 0]);
    let told = said.out();
    assert!(told.contains("its tags say that it is ours"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn who_may_not_search_is_told_once_which_action_it_takes() {
    let (memory, store) = deployed("").await;
    let denied = |_, verb: &str, _: &str| (verb == "search").then(Fault::denied);
    let cloud = memory.with_faults(Arc::new(denied));
    let (context, said) = context("", false);
    destroyed(&context, &cloud, &store)
        .await
        .expect("no dead end");
    assert_eq!(kinds(&memory), [""; 0]);
    let notes = said.err();
    assert_eq!(notes.matches("tag:GetResources").count(), 1, "{notes}");
}

#[tokio::test(start_paused = true)]
async fn a_destroy_searches_twice_and_one_that_finds_nothing_once() {
    let (memory, store) = deployed("").await;
    let (context, _) = context("", false);
    let searches = || {
        let calls = memory.calls().into_iter();
        calls.filter(|call| call.verb == "search").count()
    };
    memory.forget_calls();
    destroyed(&context, &memory, &store)
        .await
        .expect("destroyed");
    assert_eq!(searches(), 2);
    memory.forget_calls();
    destroyed(&context, &memory, &store)
        .await
        .expect("destroyed");
    assert_eq!(searches(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_retained_is_no_reason_to_fail_also_where_only_its_tags_tell_of_it() {
    let (memory, store) = deployed("").await;
    store.lose();
    let (context, said) = context(&format!("retain = [\"sns-topic\"]\n{LESS}"), false);
    destroyed(&context, &memory, &store)
        .await
        .expect("destroyed");
    assert_eq!(kinds(&memory), ["kms-key", "sns-topic"]);
    assert!(said.out().contains("Left standing and forgotten"));
}
