//! `oubli list`.

use super::PATH;
use crate::{client::Client, failure::Failure, output};
use clap::Args;

#[derive(Args)]
pub struct Options {
    /// Only requests of this status, such as in_review
    #[arg(long)]
    status: Option<String>,
    /// How many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=100))]
    limit: u8,
    /// Go on where the list before ended
    #[arg(long)]
    cursor: Option<String>,
}

pub fn run(client: &Client, options: &Options, json: bool) -> Result<(), Failure> {
    let parameters =
        [("status", options.status.clone()), ("limit", Some(options.limit.to_string())), ("cursor", options.cursor.clone())];
    let answer = client.page(PATH, &parameters, "requests")?;
    if json {
        output::print_json(&answer);
        return Ok(());
    }
    let columns = ["request_id", "status", "phase", "request_type", "submitted_at", "legal_deadline"];
    let mut text = output::fields(output::list(&answer["requests"]), &columns);
    if let Some(cursor) = answer["next_cursor"].as_str() {
        text.push_str(&format!("\n\nMore: --cursor {}", output::clean(cursor)));
    }
    output::print(&text);
    Ok(())
}
