//! `oubli map publish` and `oubli map confirm`.

use super::{OneFile, show::PATH};
use crate::{client::Client, failure::Failure, output};
use clap::Args;
use serde_json::{Value, json};

/// Most open requests that are named.
const NAMED: usize = 20;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    file: OneFile,
    /// Publish it also where open requests need what it does not have any more
    #[arg(long)]
    yes: bool,
}

#[derive(Args)]
pub struct Confirm {
    /// The proposal's digest, as whoever proposed it was told
    #[arg(value_name = "DIGEST")]
    digest: String,
}

pub fn run(client: &Client, options: &Options, json: bool) -> Result<(), Failure> {
    let body = json!({ "yaml": options.file.read()? });
    let preview = client.post(&format!("{PATH}/preview"), &body)?;
    let affected = output::list(&preview["affected"]);
    if !json {
        output::print_some(&changes(&preview));
        output::print_some(&in_words(affected, preview["more_affected"] == true));
    }
    if !affected.is_empty() && !options.yes {
        if json {
            output::print_json(&json!({ "version": null, "preview": preview }));
        }
        return Err(Failure::Usage("nothing was published: give --yes to publish it all the same".to_owned()));
    }
    let published = client.put(PATH, &body)?;
    if json {
        output::print_json(&published);
        return Ok(());
    }
    output::print(&said(&options.file, &published));
    Ok(())
}

/// Publishes, as a second member, what another one proposed.
pub fn confirm(client: &Client, options: &Confirm, json: bool) -> Result<(), Failure> {
    let published = client.post(&format!("{PATH}/confirm"), &json!({ "digest": options.digest }))?;
    if json {
        output::print_json(&published);
    } else {
        output::print(&format!("Published version {}.", published["version"]));
    }
    Ok(())
}

fn said(file: &OneFile, published: &Value) -> String {
    let mut lines: Vec<String> = output::list(&published["findings"]).iter().map(|f| file.located(f)).collect();
    lines.push(match (published["version"].as_u64(), published["proposal"].as_str()) {
        (Some(version), _) => format!("Published version {version}."),
        (None, digest) => format!(
            "Proposed. It counts once another administrator confirms it: oubli map confirm {}",
            output::clean(digest.unwrap_or_default())
        ),
    });
    lines.join("\n")
}

/// What it takes away: producers that are searched no more, and duties that end or change.
fn changes(preview: &Value) -> String {
    let of_producers = output::list(&preview["differences"]).iter().filter(|d| d["section"] == "producers");
    let mut lines = Vec::new();
    for difference in of_producers {
        let name = output::plain(&difference["name"]);
        let key = difference["key"].as_str();
        match (difference["change"].as_str(), key) {
            (Some("dropped"), None) => lines.push(format!("- {name}: nobody looks there any more")),
            (Some("dropped" | "changed"), Some(key)) if key == "retention" || key.starts_with("retention.") => {
                let to = if difference["to"].is_null() { "nothing".to_owned() } else { output::plain(&difference["to"]) };
                lines.push(format!("  {name}: {key}: {} → {to}", output::plain(&difference["from"])));
            }
            _ => {}
        }
    }
    lines.join("\n")
}

/// The requests whose plans need what is not there any more.
fn in_words(affected: &[Value], more: bool) -> String {
    if affected.is_empty() {
        return String::new();
    }
    let names = |what: &str, names: &Value| {
        let names: Vec<String> = output::list(names).iter().map(output::plain).collect();
        (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
    };
    let mut lines = vec!["Plans of open requests need what this map does not have any more:".to_owned()];
    for one in affected.iter().take(NAMED) {
        let what = [names("without", &one["dropped"]), names("not or less far reached:", &one["reached_less"])];
        let what = what.into_iter().flatten().collect::<Vec<_>>().join("; ");
        let (id, phase) = (output::plain(&one["request_id"]), output::plain(&one["phase"]));
        lines.push(format!("  {id}  {phase}, planned by version {}: {what}", one["map_version"]));
    }
    let further = affected.len().saturating_sub(NAMED);
    if further > 0 || more {
        let least = if more { "at least " } else { "" };
        lines.push(format!("  and {least}{further} more"));
    }
    lines.push(
        "What they planned is carried out, and verified, by the version it was planned by. Where it is looked for once more before \
         that, or in a further round, this map counts: then these producers are named as not searched, and somebody has to decide \
         anew."
            .to_owned(),
    );
    lines.join("\n")
}
