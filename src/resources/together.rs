//! What is asked at the same time about several resources of a kind is asked in one call.

use super::CloudError;
use futures_util::future::{BoxFuture, FutureExt, Shared};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::sleep;

/// Whoever asks within this time asks in the same call.
const WINDOW: Duration = Duration::from_millis(1);

/// The answer for every name that was asked about, where there is one.
type Answers<T> = Result<Arc<HashMap<String, T>>, CloudError>;
type Names = Arc<Mutex<Vec<String>>>;

/// One call that has not been sent yet: names can still be added to it.
struct Round<T> {
    names: Names,
    answers: Shared<BoxFuture<'static, Answers<T>>>,
}

/// Collects names until the call about them is sent; every clone shares the same calls.
pub struct Together<T> {
    open: Arc<Mutex<Option<Round<T>>>>,
    most: usize,
}

impl<T: Clone + Send + Sync + 'static> Together<T> {
    /// At most so many names in one call.
    pub fn of(most: usize) -> Self {
        Self {
            open: Arc::default(),
            most,
        }
    }

    /// The answer for one name; `call` is made once for all that ask before it is sent.
    pub async fn ask<F>(
        &self,
        name: &str,
        call: impl FnOnce(Vec<String>) -> F + Send + 'static,
    ) -> Result<Option<T>, CloudError>
    where
        F: Future<Output = Result<HashMap<String, T>, CloudError>> + Send + 'static,
    {
        let answers = self.join(name, call);
        Ok(answers.await?.get(name).cloned())
    }

    fn join<F>(
        &self,
        name: &str,
        call: impl FnOnce(Vec<String>) -> F + Send + 'static,
    ) -> Shared<BoxFuture<'static, Answers<T>>>
    where
        F: Future<Output = Result<HashMap<String, T>, CloudError>> + Send + 'static,
    {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(round) = open.as_ref() {
            let mut names = round.names.lock().unwrap_or_else(PoisonError::into_inner);
            // An emptied list has been sent.
            if !names.is_empty() && names.len() < self.most {
                names.push(name.to_owned());
                return round.answers.clone();
            }
        }
        let names: Names = Arc::new(Mutex::new(vec![name.to_owned()]));
        let collected = names.clone();
        let answers = async move {
            sleep(WINDOW).await;
            let names =
                std::mem::take(&mut *collected.lock().unwrap_or_else(PoisonError::into_inner));
            call(names).await.map(Arc::new)
        };
        let answers = answers.boxed().shared();
        *open = Some(Round {
            names,
            answers: answers.clone(),
        });
        answers
    }
}

impl<T> Clone for Together<T> {
    fn clone(&self) -> Self {
        Self {
            open: self.open.clone(),
            most: self.most,
        }
    }
}

impl<T> fmt::Debug for Together<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Together")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::Class;
    use futures_util::future::join_all;

    type Sent = Arc<Mutex<Vec<usize>>>;

    async fn ask(together: &Together<String>, sent: &Sent, name: &str) -> Option<String> {
        let sent = sent.clone();
        let call = move |names: Vec<String>| async move {
            sent.lock().unwrap().push(names.len());
            let there = names.into_iter().filter(|name| name != "absent");
            Ok(there.map(|name| (name.clone(), name)).collect())
        };
        together.ask(name, call).await.unwrap()
    }

    #[tokio::test]
    async fn what_is_asked_at_once_is_one_call_and_each_gets_its_own_answer() {
        let (together, sent) = (Together::of(100), Sent::default());
        let names = ["a", "b", "absent", "c"];
        let answers = join_all(names.map(|name| ask(&together, &sent, name))).await;
        let there = |name: &str| Some(name.to_owned());
        assert_eq!(answers, [there("a"), there("b"), None, there("c")]);
        assert_eq!(*sent.lock().unwrap(), [4]);
        // What is asked later is asked anew.
        assert_eq!(ask(&together, &sent, "a").await, there("a"));
        assert_eq!(*sent.lock().unwrap(), [4, 1]);
    }

    #[tokio::test]
    async fn no_call_asks_about_more_than_it_may() {
        let (together, sent) = (Together::of(2), Sent::default());
        let names = ["a", "b", "c", "d", "e"];
        let answers = join_all(names.map(|name| ask(&together, &sent, name))).await;
        assert!(answers.iter().all(Option::is_some));
        assert_eq!(*sent.lock().unwrap(), [2, 2, 1]);
    }

    #[tokio::test]
    async fn everybody_hears_of_a_refusal_and_whoever_gives_up_takes_nothing_from_the_others() {
        let together: Together<String> = Together::of(100);
        let refuse = |_| async { Err(CloudError::new("c", Class::Throttle, "Throttling", "")) };
        let (a, b) = tokio::join!(together.ask("a", refuse), together.ask("b", refuse));
        assert!(a.is_err() && b.is_err());
        let sent = Sent::default();
        let mut given_up = Box::pin(ask(&together, &sent, "a"));
        let mut other = Box::pin(ask(&together, &sent, "b"));
        assert!(given_up.as_mut().now_or_never().is_none());
        assert!(other.as_mut().now_or_never().is_none());
        drop(given_up);
        assert_eq!(other.await.as_deref(), Some("b"));
    }
}
