//! `oubli export`.

mod open;
mod subject_copy;
mod submit;
mod unpack;

use crate::{
    client::{Client, Parameter},
    failure::Failure,
    output::{self, fields, list, plain, size},
    requests::{
        One, act, approve, plan,
        show::Reveal,
        watch::{self, How},
    },
};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

/// Where exports are.
const PATH: &str = "/v1/compliance/export-requests";

#[derive(Subcommand)]
pub enum Command {
    /// Ask for a person's data
    Submit(submit::Options),
    /// List exports, newest first
    List(List),
    /// Show an export
    Show(Shows),
    /// Watch an export until it can be opened, or somebody is needed
    Watch(Watch),
    /// Attest that the person's identity was checked
    Attest(act::Verify),
    /// Approve an export that the organization's settings want decided
    Approve(approve::Options),
    /// Name ambiguous identifiers of an export as the person's; the data is then looked for by them, too
    Identify(act::Identify),
    /// Reject an export
    Reject(act::Reject),
    /// Try again what failed
    Retry(One),
    /// Cancel an export that cannot be opened yet
    Cancel(One),
    /// Fetch, decrypt and check an export, and unpack it into a new folder
    Open(open::Options),
    /// End an export: it is gone at once, and every link to it
    Revoke(One),
}

#[derive(Args)]
pub struct Watch {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    how: How,
}

#[derive(Args)]
pub struct List {
    /// Only those of this status
    #[arg(long)]
    status: Option<String>,
    /// At most so many, 1 to 100
    #[arg(long, default_value_t = 20)]
    limit: u8,
    /// Go on after a page
    #[arg(long)]
    cursor: Option<String>,
}

#[derive(Args)]
pub struct Shows {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    reveal: Reveal,
}

impl Command {
    /// Needs no service.
    pub fn is_local(&self) -> bool {
        matches!(self, Self::Open(options) if options.file.is_some())
    }
}

/// Does what needs no service.
///
/// # Errors
/// Any [`Failure`].
pub fn run_local(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Open(options) => open::run_local(options, json),
        _ => Ok(()),
    }
}

pub fn run(client: &Client, command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Submit(options) => submit::run(client, options, json),
        Command::List(options) => show_list(client, &options, json),
        Command::Show(shows) => {
            let answer = client.get(&shows.one.path(PATH, "")?, &[shows.reveal.parameter()])?;
            show(&answer, json);
            Ok(())
        }
        Command::Watch(options) => watch::follow(client, &options.one.path(PATH, "/status")?, &options.how, json),
        Command::Attest(options) => act::verify(client, PATH, &options, json),
        Command::Approve(options) => approve::run(client, PATH, &options, json),
        Command::Identify(options) => act::identify(client, PATH, &options, json),
        Command::Reject(options) => act::reject(client, PATH, &options, json),
        Command::Retry(one) => act::retry(client, PATH, &one, json),
        Command::Cancel(one) => done(&client.post(&one.path(PATH, "/cancel")?, &json!({}))?, "Cancelled", json),
        Command::Revoke(one) => done(&client.post(&one.path(PATH, "/revoke")?, &json!({}))?, "Revoked", json),
        Command::Open(options) => open::run(client, &options, json),
    }
}

fn done(answer: &Value, what: &str, json: bool) -> Result<(), Failure> {
    crate::requests::print_outcome(answer, json, what);
    Ok(())
}

fn show(answer: &Value, json: bool) {
    if json {
        return output::print_json(answer);
    }
    let names = [
        "request_id",
        "status",
        "phase",
        "received_at",
        "submitted_at",
        "deadline",
        "records",
        "missing_records",
        "expires_at",
        "links",
        "downloads",
        "erasure_request_id",
        "delivered_to",
    ];
    let mut text = output::lines(answer, &names);
    if answer["size_bytes"].is_u64() {
        text.push_str(&format!("size             {}\n", plain(&size(&answer["size_bytes"]))));
    }
    let plan = if answer["phase"] == "in_review" { plan::describe(answer) } else { plan::person(answer) };
    if !plan.is_empty() {
        text.push_str(&format!("\n{plan}"));
    }
    output::print(&text);
}

fn show_list(client: &Client, options: &List, json: bool) -> Result<(), Failure> {
    let parameters: [Parameter<'_>; 3] =
        [("status", options.status.clone()), ("limit", Some(options.limit.to_string())), ("cursor", options.cursor.clone())];
    let page = client.page(PATH, &parameters, "requests")?;
    if json {
        output::print_json(&page);
        return Ok(());
    }
    let requests = list(&page["requests"]);
    if requests.is_empty() {
        output::print("There are no exports.");
    } else {
        output::print(&fields(requests, &["request_id", "status", "phase", "submitted_at", "records", "expires_at"]));
    }
    if let Some(next) = page["next_cursor"].as_str() {
        output::print(&format!("\nMore: --cursor {next}"));
    }
    Ok(())
}
