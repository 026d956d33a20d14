//! `oubli admin map`.

use super::organization_id;
use crate::{failure::Failure, map::OneFile, output};
use clap::{Args, Subcommand};
use oubli_aws::Aws;
use oubli_domain::ids::{OrganizationId, ProducerName};
use oubli_engine::{
    Engine,
    directory::{Affected, AffectedRequests},
};
use serde_json::json;

/// Most requests that are named.
const NAMED: usize = 20;

#[derive(Subcommand)]
pub enum Command {
    /// Publish a new version of the data map; requests under way keep theirs
    Publish(Publish),
}

#[derive(Args)]
pub struct Publish {
    /// Whose
    #[arg(long, value_parser = organization_id, value_name = "ID")]
    organization: OrganizationId,
    #[command(flatten)]
    file: OneFile,
    /// Publish it also where open requests need what it does not have any more
    #[arg(long)]
    yes: bool,
}

pub async fn run(aws: &Aws, engine: &Engine, command: &Command, json: bool) -> Result<(), Failure> {
    let Command::Publish(Publish { organization, file, yes }) = command;
    let text = file.read()?;
    let affected = engine.directory().affected_by_map(organization, &text).await?;
    if !json {
        output::print_some(&in_words(&affected));
    }
    if !affected.requests.is_empty() && !yes {
        if json {
            output::print_json(&json!({ "version": null, "affected": affected }));
        }
        return Err(Failure::Usage("nothing was published: give --yes to publish it all the same".to_owned()));
    }
    let by = aws.caller().await;
    let (version, findings) = engine.directory().publish_map_by(organization, &text, by.as_deref()).await?;
    if json {
        output::print_json(&json!({ "version": version, "findings": findings, "affected": affected }));
        return Ok(());
    }
    let mut lines: Vec<_> = findings.iter().map(|f| file.locate(f)).collect();
    lines.push(format!("Published version {version}."));
    output::print(&lines.join("\n"));
    Ok(())
}

/// The requests whose plans need what is not there any more.
fn in_words(affected: &AffectedRequests) -> String {
    if affected.requests.is_empty() {
        return String::new();
    }
    let names = |what: &str, names: &[ProducerName]| {
        let names: Vec<&str> = names.iter().map(ProducerName::as_str).collect();
        (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
    };
    let mut lines = vec!["Plans of open requests need what this map does not have any more:".to_owned()];
    for Affected { request_id, phase, map_version, dropped, reached_less } in affected.requests.iter().take(NAMED) {
        let what = [names("without", dropped), names("not or less far reached:", reached_less)];
        let what = what.into_iter().flatten().collect::<Vec<_>>().join("; ");
        lines.push(format!("  {request_id}  {}, planned by version {map_version}: {what}", phase.name()));
    }
    let further = affected.requests.len().saturating_sub(NAMED);
    if further > 0 || affected.more {
        let least = if affected.more { "at least " } else { "" };
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
