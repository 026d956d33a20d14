//! From a committed head to what everybody can read.

use crate::{
    EngineError, Result,
    core::{LedgerHead, object},
    items::{ledger_head_key, outbox_partition},
    ledger::{
        Ledger,
        seal::{Sealing, Staged, grown},
    },
    ports::{Key, ObjectError, TableName},
    transaction::{Committed, Transaction},
};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use oubli_domain::{
    ids::OrganizationId,
    ledger::{Checkpoint, Edge, checkpoint_name, is_full_tile, staging_name},
};

/// Objects written at the same time.
const TOGETHER: usize = 16;

impl Ledger {
    /// The right edge of a log of this size, as stored. Its root is to be compared before it is believed.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] when the log has grown since `head` was read, and what was its edge may be gone.
    pub(super) async fn stored_edge(&self, organization: &OrganizationId, head: &LedgerHead, size: u64) -> Result<Edge> {
        let (tiles, bundle) = Edge::names(size);
        let names: Vec<(Option<u8>, String)> =
            tiles.into_iter().map(|(level, name)| (Some(level), name)).chain(bundle.map(|name| (None, name))).collect();
        let reads = names.into_iter().map(|(level, name)| async move {
            let stored = self.core.ports.ledger.read(&object(organization, &name)).await?;
            match stored {
                Some(stored) => Result::Ok((level, stored.body.to_vec())),
                None if self.core.log_head(organization).await? != *head => Err(EngineError::Conflict("the log has grown")),
                None => Err(EngineError::internal(format!("{name} is missing from a log"))),
            }
        });
        let parts: Vec<_> = stream::iter(reads).buffered(TOGETHER).try_collect().await?;
        let mut edge = Edge { size, ..Edge::default() };
        for (level, body) in parts {
            match level {
                Some(level) => drop(edge.tiles.insert(level, body)),
                None => edge.bundle = body,
            }
        }
        Ok(edge)
    }

    /// What a sealing committed and is not published as of this head; none where it is by now.
    pub(super) async fn staged(&self, organization: &OrganizationId, head: &LedgerHead) -> Result<Option<Staged>> {
        let name = object(organization, &staging_name(head.size, head.root));
        let Some(stored) = self.core.ports.ledger.read(&name).await? else {
            // Whoever finished it took the staged entries away last.
            let current = self.core.log_head(organization).await?;
            let moved_on = current.size != head.size || current.is_published();
            let lost = || EngineError::internal(format!("the entries of the log of {organization} were never staged"));
            return if moved_on { Ok(None) } else { Err(lost()) };
        };
        let unreadable = |_| EngineError::internal("staged entries cannot be read");
        serde_json::from_slice(&stored.body).map(Some).map_err(unreadable)
    }

    /// Publishes what an earlier sealing committed and did not publish to the end.
    pub(super) async fn finish_publication(&self, organization: &OrganizationId, head: &LedgerHead) -> Result<()> {
        let Some(staged) = self.staged(organization, head).await? else { return Ok(()) };
        let edge = self.stored_edge(organization, head, staged.after).await?;
        let growth = grown(&edge, &staged)?;
        if growth.root != head.root || growth.size != head.size {
            return Err(EngineError::internal(format!("the staged entries of {organization} do not make up its log's root")));
        }
        self.publish(organization, head, Sealing { staged, growth }).await
    }

    /// Everything here may have happened already, in whole or in part, by somebody who is still at it.
    pub(super) async fn publish(&self, organization: &OrganizationId, head: &LedgerHead, sealing: Sealing) -> Result<()> {
        let Sealing { staged, growth } = sealing;
        let rows = Self::index_rows(organization, &staged, &growth)?;
        let writes = growth.objects.into_iter().map(|(name, body)| self.create_once(organization, name, body.into()));
        stream::iter(writes).buffer_unordered(TOGETHER).try_collect::<Vec<()>>().await?;
        self.publish_checkpoint(organization, head).await?;
        if !rows.is_empty() {
            self.core.ports.table.put_all(rows).await?;
        }
        let pk = outbox_partition(organization);
        let sealed = staged.outbox.into_iter().map(|sk| Key { table: TableName::Control, pk: pk.clone(), sk }).collect();
        self.core.ports.table.delete_all(sealed).await?;
        let after = LedgerHead { published: head.size, published_checkpoint: Some(head.checkpoint.clone()), ..head.clone() };
        let transaction = Transaction::new().put(ledger_head_key(organization), &after, head.unchanged())?;
        if transaction.commit(self.core.ports.table.as_ref()).await? == Committed::Refused {
            return Ok(());
        }
        self.tidy(organization, head, growth.completed).await
    }

    /// Until when nobody can delete what is needed for as long as the log.
    pub(super) fn kept_until(&self) -> Timestamp {
        self.core.now() + SignedDuration::from_hours(24 * i64::from(self.core.config.checkpoints_kept_days))
    }

    async fn create_once(&self, organization: &OrganizationId, name: String, body: Bytes) -> Result<()> {
        let (stays, name) = (is_full_tile(&name), object(organization, &name));
        let ledger = &self.core.ports.ledger;
        let created = if stays {
            ledger.preserve(&name, body.clone(), self.kept_until()).await
        } else {
            ledger.create(&name, body.clone()).await
        };
        match created {
            Ok(()) => Ok(()),
            Err(ObjectError::Exists) => {
                let stored = self.core.ports.ledger.read(&name).await?;
                let same = stored.is_none_or(|s| s.body == body);
                if same { Ok(()) } else { Err(EngineError::internal(format!("{name} is there with another content"))) }
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn publish_checkpoint(&self, organization: &OrganizationId, head: &LedgerHead) -> Result<()> {
        let body = Bytes::from(head.checkpoint.clone());
        let name = object(organization, &checkpoint_name(head.size));
        match self.core.ports.ledger.preserve(&name, body.clone(), self.kept_until()).await {
            Ok(()) | Err(ObjectError::Exists) => {}
            Err(error) => return Err(error.into()),
        }
        let name = object(organization, "checkpoint");
        loop {
            let stored = self.core.ports.ledger.read(&name).await?;
            let shown = stored.as_ref().and_then(|s| std::str::from_utf8(&s.body).ok()).map(Checkpoint::read);
            // Somebody slow must not put an older one in the place of a newer.
            if shown.is_some_and(|c| c.is_ok_and(|c| c.size >= head.size)) {
                return Ok(());
            }
            match self.core.ports.ledger.replace(&name, body.clone(), stored.as_ref().map(|s| s.tag.as_str())).await {
                Ok(()) => return Ok(()),
                Err(ObjectError::Exists) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Takes away what is not needed any more: staged entries, and partial tiles of which the full one is there.
    async fn tidy(&self, organization: &OrganizationId, head: &LedgerHead, completed: Vec<String>) -> Result<()> {
        let mut gone = Vec::new();
        for name in self.core.ports.ledger.list(&object(organization, "staging/")).await? {
            let size = name.rsplit('/').next().and_then(|n| n.split('-').next()).and_then(|n| n.parse::<u64>().ok());
            if size.is_some_and(|size| size <= head.size) {
                gone.push(name);
            }
        }
        for prefix in completed {
            gone.extend(self.core.ports.ledger.list(&object(organization, &prefix)).await?);
        }
        for names in gone.chunks(1_000) {
            self.core.ports.ledger.delete(names).await?;
        }
        Ok(())
    }
}
