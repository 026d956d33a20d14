//! What the end-to-end tests share: the stack, its API, the shop behind it, and one erasure's way through.

#![forbid(unsafe_code)]

mod api;
mod description;
mod export;
mod flow;
mod hold;
mod issuer;
mod organization;
mod shop;
mod stack;

pub use api::{Answer, Api};
pub use description::{Description, Field};
pub use export::{Export, Folder, fetch, text};
pub use flow::{Job, full_erasure, partial_erasure, verification};
pub use hold::resolved_hold;
pub use issuer::Issuer;
pub use organization::{Organization, new_key};
pub use shop::{Customer, Holdings};
pub use stack::{Ran, adapter, agent, example, node, oubli, python, root, run_example, trust_log, unique, variable};

pub const REQUESTS: &str = "/v1/compliance/erasure-requests";
pub const EXPORTS: &str = "/v1/compliance/export-requests";
pub const QUERIES: &str = "/v1/compliance/saved-queries";
pub const DISCOVERY: &str = "/v1/compliance/data-discovery";
pub const HOLDS: &str = "/v1/compliance/legal-holds";
pub const AUDIT: &str = "/v1/compliance/audit-log";
