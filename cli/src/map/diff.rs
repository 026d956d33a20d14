//! `oubli map diff`.

use super::{OneFile, show};
use crate::{client::Client, failure::Failure, output};
use clap::Args;
use oubli_domain::datamap::{Change, Difference, differences};
use serde_json::json;
use std::path::PathBuf;

#[derive(Args)]
pub struct Options {
    /// The older map and the newer one, YAML; with --published the newer one alone
    #[arg(value_name = "FILE", required = true, num_args = 1..=2)]
    files: Vec<PathBuf>,
    /// The published map is the older one
    #[arg(long)]
    published: bool,
    /// Which version of it; the newest, unless given
    #[arg(long, value_name = "N", requires = "published")]
    version: Option<u64>,
}

pub fn run(client: impl FnOnce() -> Result<Client, Failure>, options: &Options, json: bool) -> Result<(), Failure> {
    let read = |file: &PathBuf| OneFile { file: file.clone() }.read();
    let (older, newer) = match (options.files.as_slice(), options.published) {
        ([older, newer], false) => (read(older)?, read(newer)?),
        ([newer], true) => {
            let newer = read(newer)?;
            let older = client()?.get(show::PATH, &[("version", options.version.map(|v| v.to_string()))])?;
            (older["yaml"].as_str().unwrap_or_default().to_owned(), newer)
        }
        ([_], false) => {
            return Err(Failure::Usage("give the older map too, or --published for the published one".to_owned()));
        }
        _ => return Err(Failure::Usage("give one file beside --published: the published map is the older one".to_owned())),
    };
    let differences = differences(&older, &newer)
        .ok_or_else(|| Failure::Usage("one of the two is no YAML: oubli map check says where".to_owned()))?;
    if json {
        output::print_json(&json!({ "differences": differences }));
    } else {
        output::print_some(&output::clean(&in_words(&differences)));
    }
    if differences.is_empty() { Ok(()) } else { Err(Failure::Different) }
}

/// Grouped by what they are about.
fn in_words(differences: &[Difference]) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut about = None;
    for difference in differences {
        let Difference { section, name, change, key, .. } = difference;
        let what = match (section.as_str(), name) {
            ("producers", Some(name)) => format!("producer {name}"),
            (section, Some(name)) => format!("{section}: {name}"),
            (section, None) => section.to_owned(),
        };
        // Of a producer that came or went, there is one line.
        if section == "producers" && key.is_none() {
            lines.push(match change {
                Change::Added => format!("+ {what} ({})", difference.to.as_deref().unwrap_or_default()),
                Change::Dropped => {
                    format!("- {what} ({}): nobody looks there any more", difference.from.as_deref().unwrap_or_default())
                }
                Change::Changed => format!("  {what}: {difference}"),
            });
            about = None;
            continue;
        }
        if about.as_ref() != Some(&what) {
            lines.push(format!("  {what}"));
            about = Some(what);
        }
        lines.push(format!("      {difference}"));
    }
    lines.join("\n")
}
