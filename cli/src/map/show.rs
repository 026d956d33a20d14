//! `oubli map show`.

use crate::{
    admin::{organization_id, with_engine},
    failure::Failure,
    output,
};
use clap::Args;
use oubli_domain::ids::OrganizationId;
use serde_json::json;

#[derive(Args)]
pub struct Options {
    /// Whose
    #[arg(long, value_parser = organization_id, value_name = "ID")]
    organization: OrganizationId,
    /// A version of it; the newest, unless given
    #[arg(long, value_name = "N")]
    version: Option<u64>,
}

pub fn run(options: &Options, json: bool) -> Result<(), Failure> {
    let map =
        with_engine(async |_, engine| Ok(engine.directory().published_map(&options.organization, options.version).await?))?;
    if json {
        output::print_json(&json!(map));
        return Ok(());
    }
    // Beside the text, which can be written to a file as it is.
    let by = map.published_by.map(|by| format!(" by {by}")).unwrap_or_default();
    eprintln!("Version {}, published {}{by}", map.version, output::plain(&json!(map.published_at)));
    output::print(&map.yaml);
    Ok(())
}
