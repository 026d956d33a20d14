//! `oubli export submit`.

use super::PATH;
use crate::{
    client::{Client, path_id},
    failure::Failure,
    output, person,
    requests::about::About,
};
use clap::Args;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    about: About,
    /// Copies kept as backups as well
    #[arg(long)]
    include_backups: bool,
    /// Run this saved query, and no other but those named; can be repeated
    #[arg(long = "query", value_name = "NAME")]
    queries: Vec<String>,
    /// Run no saved query
    #[arg(long, conflicts_with = "queries")]
    no_queries: bool,
    /// Copy it, encrypted, into the organization's own bucket as well
    #[arg(long)]
    deliver: bool,
}

pub fn run(client: &Client, options: Options, json: bool) -> Result<(), Failure> {
    let waits = options.about.waits();
    let mut body = options.about.fields();
    body.insert("include_backups".to_owned(), options.include_backups.into());
    body.insert("deliver".to_owned(), options.deliver.into());
    if options.no_queries || !options.queries.is_empty() {
        body.insert("saved_queries".to_owned(), options.queries.into());
    }
    let answer = client.post(PATH, &body.into())?;
    if json {
        output::print_json(&answer);
    } else {
        output::print(&output::lines(&answer, &["request_id", "status", "phase", "deadline", "duplicate_of"]));
        if let Some(id) = answer["request_id"].as_str().filter(|_| waits) {
            let path = format!("{PATH}/{}", path_id(id)?);
            output::print_some(&person::known_after(client, &path, &answer, &format!("oubli export show {id}")));
        }
    }
    Ok(())
}
