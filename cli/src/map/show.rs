//! `oubli map show`.

use crate::{client::Client, failure::Failure, output};
use clap::Args;

pub const PATH: &str = "/v1/organization/map";

#[derive(Args)]
pub struct Options {
    /// A version of it; the newest, unless given
    #[arg(long, value_name = "N")]
    version: Option<u64>,
}

pub fn run(client: &Client, options: &Options, json: bool) -> Result<(), Failure> {
    let map = client.get(PATH, &[("version", options.version.map(|v| v.to_string()))])?;
    if json {
        output::print_json(&map);
        return Ok(());
    }
    // Beside the text, which can be written to a file as it is.
    let by = map["published_by"].as_str().map(|by| format!(" by {}", output::clean(by))).unwrap_or_default();
    eprintln!("Version {}, published {}{by}", map["version"], output::plain(&map["published_at"]));
    output::print(map["yaml"].as_str().unwrap_or_default());
    Ok(())
}
