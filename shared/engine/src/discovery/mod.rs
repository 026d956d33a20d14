//! Finding a subject's data: for a plan, to verify an erasure, or just to look.

mod api;
mod bounded;
mod cautions;
mod claim;
mod commit;
mod gaps;
mod held;
mod preview;
mod resolve;
mod run;
mod sorting;
mod sources;
mod staying;
mod twice;
mod unsearched;
mod walk;

pub use api::{CategoryInventory, DiscoveryView};

use crate::core::Core;

/// Finding what is there for a subject.
#[derive(Clone)]
pub struct Discovery {
    pub(crate) core: Core,
}
