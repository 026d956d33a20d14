//! Erasure requests.

pub mod about;
pub mod act;
pub mod approve;
pub mod list;
pub mod plan;
pub mod show;
pub mod status;
pub mod submit;
pub mod watch;

use crate::{client::path_id, failure::Failure, output};
use clap::Args;
use serde_json::Value;

/// Where requests are.
pub const PATH: &str = "/v1/compliance/erasure-requests";

/// One request.
#[derive(Args)]
pub struct One {
    /// Its id
    #[arg(value_name = "ID")]
    pub id: String,
}

impl One {
    /// A path under this request, by where requests of its kind are.
    ///
    /// # Errors
    /// What is given is no id.
    pub fn path(&self, base: &str, below: &str) -> Result<String, Failure> {
        Ok(format!("{base}/{}{below}", path_id(&self.id)?))
    }
}

/// Prints an answer, or in one line where the request is now.
pub fn print_outcome(answer: &Value, json: bool, done: &str) {
    if json {
        return output::print_json(answer);
    }
    let text = |field: &str| output::plain(&answer[field]);
    output::print(&format!("{done}: {}, {} ({})", text("request_id"), text("status"), text("phase")));
}
