//! Where the state of an environment is kept, as infra.toml says or a move needs it.

use super::refusal::Refusal;
use super::{Context, who};
use crate::config::StateBackend;
use crate::stack;
use crate::state::{Account, Bucket, Holder, LocalStore, Reach, S3Store, StateError, Store};
use std::path::PathBuf;
use std::sync::Arc;

/// A backend and where it is.
pub enum Place {
    /// A folder on this machine.
    Local(PathBuf),
    /// A bucket.
    S3(Bucket),
}

impl Context {
    /// Where the state is kept.
    pub async fn place(&self) -> anyhow::Result<Place> {
        self.place_in(self.config.state.backend).await
    }

    /// Where a backend keeps the state; connects only if it has to.
    pub async fn place_in(&self, backend: StateBackend) -> anyhow::Result<Place> {
        Ok(match backend {
            StateBackend::Local => Place::Local(self.root.join(".payhook").join("state")),
            StateBackend::S3 => Place::S3(self.bucket().await?),
        })
    }

    /// The bucket that infra.toml names, or the one that is named after account and region.
    pub async fn bucket(&self) -> anyhow::Result<Bucket> {
        let link = self.link().await?;
        let (settings, given) = (&self.config.state, &link.aws.given);
        let region = match &settings.region {
            Some(region) => region.as_str(),
            None => &given.region,
        };
        let name = match &settings.bucket {
            Some(bucket) => bucket.as_str().to_owned(),
            None => format!("payhook-state-{}-{region}", given.account),
        };
        let account = Account {
            id: given.account.clone(),
            partition: given.partition.clone(),
        };
        let reach = Reach {
            in_path: link.aws.emulated,
            tls: !link.aws.emulated,
        };
        Ok(Bucket::new(
            &link.sdk,
            &name,
            region,
            account,
            stack::NAME,
            reach,
        ))
    }

    /// The state, for reading only; no lock is taken.
    pub async fn store(&self) -> anyhow::Result<Box<dyn Store>> {
        Ok(self.reading(&self.place().await?))
    }

    /// The same in a given place.
    pub fn reading(&self, place: &Place) -> Box<dyn Store> {
        match place {
            Place::Local(root) => Box::new(LocalStore::read_only(root, self.env())),
            Place::S3(bucket) => Box::new(S3Store::read_only(self.objects(bucket), self.env())),
        }
    }

    /// This environment's objects in a bucket.
    pub fn objects(&self, bucket: &Bucket) -> Arc<crate::state::Client> {
        Arc::new(bucket.client(self.config.state.prefix.as_str(), self.env()))
    }

    /// Takes the lock in a place, if nobody has it.
    pub async fn writing(
        &self,
        place: &Place,
        holder: &Holder,
    ) -> Result<Box<dyn Store>, StateError> {
        Ok(match place {
            Place::Local(root) => Box::new(LocalStore::locked(root, self.env(), holder)?),
            Place::S3(bucket) => {
                let (objects, token) = (self.objects(bucket), who::token());
                Box::new(S3Store::locked(objects, self.env(), holder, &token, &who::lives).await?)
            }
        })
    }

    /// Refuses a bucket that is not ours, and one that is empty because the state was left on this machine.
    pub async fn guard_backend(&self, place: &Place) -> anyhow::Result<()> {
        let Place::S3(bucket) = place else {
            return Ok(());
        };
        bucket.guard().await?;
        let here = self.place_in(StateBackend::Local).await?;
        let left = self.reading(&here).load().await;
        if left.is_ok_and(|state| !state.is_empty()) && self.reading(place).load().await?.is_empty()
        {
            return Err(Refusal::LeftBehind {
                env: self.env().to_owned(),
                bucket: bucket.name().to_owned(),
            }
            .into());
        }
        Ok(())
    }
}
