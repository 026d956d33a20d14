//! `oubli discover`.

use crate::{
    client::{Client, path_id},
    failure::Failure,
    output::{self, list, plain, size, table},
    person::{self, Given},
    requests::plan,
};
use clap::Args;
use serde_json::Value;
use std::{
    thread::sleep,
    time::{Duration, Instant},
};

const PATH: &str = "/v1/compliance/data-discovery";

#[derive(Args)]
#[command(group(clap::ArgGroup::new("person").required(true).multiple(true).args(["subject_id", "subject_email", "identifiers", "id"])))]
pub struct Options {
    /// A discovery that was begun before
    #[arg(value_name = "DISCOVERY_ID", conflicts_with_all = ["subject_id", "subject_email", "identifiers"])]
    id: Option<String>,
    #[command(flatten)]
    person: Given,
    /// Wait so many seconds for it to end
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    timeout: u64,
}

pub fn run(client: &Client, options: &Options, json: bool) -> Result<(), Failure> {
    let since = Instant::now();
    let metadata = ("include_metadata", Some("true".to_owned()));
    let mut found = match &options.id {
        Some(id) => client.get(&format!("{PATH}/{}", path_id(id)?), std::slice::from_ref(&metadata))?,
        None => client.post(PATH, &body(options))?,
    };
    while found["status"] == "running" {
        let id = plain(&found["discovery_id"]);
        if since.elapsed() > Duration::from_secs(options.timeout) {
            return Err(Failure::Refused(format!("it still runs; ask again with: oubli discover {id}")));
        }
        sleep(Duration::from_secs(1));
        found = client.get(&format!("{PATH}/{}", path_id(&id)?), std::slice::from_ref(&metadata))?;
    }
    if json {
        output::print_json(&found);
    } else {
        output::print(&describe(&found));
    }
    if found["status"] == "completed" {
        Ok(())
    } else {
        Err(Failure::Refused(format!("discovery ended as {}: {}", plain(&found["status"]), plain(&found["failure"]["message"]))))
    }
}

fn body(options: &Options) -> Value {
    let mut body = options.person.fields();
    body.insert("include_metadata".to_owned(), true.into());
    body.into()
}

fn describe(found: &Value) -> String {
    let unsearched = plan::unsearched(&found["unsearched"]);
    let known = list(&found["identifiers"]);
    let who = if known.is_empty() { String::new() } else { person::describe(known, found["identifiers_incomplete"] == true) };
    if found["total_items"] == 0 {
        return format!("{who}{}{unsearched}", person::nobody(known, Some(searched(found))));
    }
    let mut rows: Vec<_> = list(&found["data_categories"])
        .iter()
        .map(|category| {
            vec![
                category["name"].clone(),
                category["document_count"].clone(),
                category["vector_count"].clone(),
                size(&category["total_size_bytes"]),
                category["retention_reason"].clone(),
                category["retained_until"].clone(),
            ]
        })
        .collect();
    rows.push(vec!["all".into(), found["total_items"].clone(), Value::Null, size(&found["total_size_bytes"])]);
    let there = table(&["category", "documents", "vectors", "size", "kept because", "until"], rows);
    format!("{who}{there}\n{unsearched}")
}

/// Producers that were looked at, if only in part.
fn searched(found: &Value) -> usize {
    let missed = |name: &Value| list(&found["unsearched"]).iter().any(|u| u["producer"] == *name && u["by_part"] != true);
    let all = list(&found["data_categories"]).iter().flat_map(|category| list(&category["producers"]));
    all.filter(|producer| !missed(&producer["name"])).count()
}
