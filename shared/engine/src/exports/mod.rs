//! Exports: a person's data copied into one encrypted archive (Art. 15 and 20 GDPR).
//!
//! An export is a request like any other until its plan stands. Then one worker at a time packages it: it copies the rows
//! of tables to a staging area first, so that what is shown as JSON and as a table is the same; then it writes the archive front to
//! back, encrypting as it goes, and puts itself down between two files, or inside of a large one, whenever enough was
//! written or its time is up.
//! Whoever takes over goes on under a new fence, and no frame is ever encrypted with a nonce of somebody before.

mod access;
mod api;
mod begin;
mod collect;
mod deliver;
mod downloads;
mod files;
mod hidden;
mod notes;
mod objects;
mod open_file;
mod pack;
mod package;
mod packaging;
mod query;
mod sink;
mod summary;
mod tables;
mod undecided;

pub use api::ExportAccess;

use crate::{Result, core::Core, items::RequestItem, ports::Message};
pub use downloads::Download;

/// The folder of everything that is staged while an export is packaged.
fn staging_prefix(owner: &str) -> String {
    format!("export/{}", owner.replace('#', "/"))
}

/// Packaging exports, opening and revoking them.
#[derive(Clone)]
pub struct Exports {
    pub(crate) core: Core,
}

impl Exports {
    fn package_message(request: &RequestItem) -> Message {
        Message::Package { organization: request.organization.clone(), request: request.id }
    }

    pub(crate) async fn send_package(&self, request: &RequestItem) -> Result<()> {
        self.core.send(Self::package_message(request)).await
    }
}
