//! What every adapter of a port must do, in memory or on AWS. Each function fails by panicking, as tests do.
#![allow(clippy::expect_used, clippy::panic)]

mod connector;
mod objects;
mod table;

pub use connector::{ConnectorFixture, connector};
pub use objects::{objects, scratch};
pub use table::table;
