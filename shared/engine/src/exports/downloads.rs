//! Downloads of exports, as the bucket's own record of calls tells of them.

use crate::{
    Result,
    core::{plain_item, transition_order},
    exports::Exports,
    items::{download_key, request_partition},
    ports::{Condition, Item},
    transaction::Committed,
};
use jiff::Timestamp;
use oubli_domain::{
    audit::EventType,
    ids::{OrganizationId, RequestId},
};

/// A call that fetched an export, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// The object: `{organization}/{request}.zip.enc`.
    pub object: String,
    /// The record's own id: the same call is noted once.
    pub event: String,
    /// When.
    pub at: Timestamp,
    /// By a link; otherwise by a principal of the account.
    pub by_link: bool,
    /// The principal's opaque id.
    pub principal: Option<String>,
    /// Bytes sent.
    pub bytes: u64,
}

/// Downloads of an export that are noted: a link can be fetched in pieces without number, and the log forgets nothing.
const MOST_NOTED: u32 = 1_000;

impl Exports {
    /// Notes that an export was downloaded. What is no export, or is forgotten, is passed over.
    ///
    /// # Errors
    /// [`crate::EngineError::Transient`]: the same call should be made again.
    pub async fn note_download(&self, download: &Download) -> Result<()> {
        let Some((organization, request)) = whose(&download.object) else { return Ok(()) };
        let key = download_key(&request_partition(&organization, &request), &download.event);
        loop {
            if self.core.find::<Item>(key.clone()).await?.is_some() {
                return Ok(());
            }
            let Some(before) = self.core.find_request(&organization, &request).await? else { return Ok(()) };
            if before.sealed_identity.is_none() || before.export_state().is_none() {
                return Ok(());
            }
            if before.export_state().is_some_and(|export| export.downloads >= MOST_NOTED) {
                return Ok(());
            }
            let mut after = before.clone();
            after.version += 1;
            if let Some(export) = after.export_state_mut() {
                export.downloads += 1;
            }
            let order = format!("{}#download-{}", transition_order(&after), download.event);
            let mut event = self.core.event(&after, EventType::ExportDownloaded, &order);
            event.details.insert("at".to_owned(), download.at.to_string().into());
            event.details.insert("by".to_owned(), if download.by_link { "link" } else { "principal" }.into());
            event.details.insert("principal".to_owned(), download.principal.clone().into());
            event.details.insert("size_bytes".to_owned(), download.bytes.into());
            let noted = plain_item([("at", download.at.to_string().into())]);
            let transaction =
                self.core.write_request(&before, &after, None)?.put(key.clone(), &noted, vec![Condition::ItemAbsent])?;
            let transaction = self.core.outbox(transaction, &organization, &order, &event)?;
            if transaction.commit(self.core.ports.table.as_ref()).await? == Committed::Yes {
                return self.core.notify_workers(&after, None).await;
            }
        }
    }
}

fn whose(object: &str) -> Option<(OrganizationId, RequestId)> {
    let (organization, file) = object.split_once('/')?;
    Some((organization.parse().ok()?, file.strip_suffix(".zip.enc")?.parse().ok()?))
}
