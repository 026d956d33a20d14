//! `oubli hold`.

use crate::{
    client::{Client, path_id},
    failure::Failure,
    output::{self, fields, lines, list, plain, table},
    person::{self, Given},
    requests::show::Reveal,
};
use clap::{Args, Subcommand};
use serde_json::Value;

const PATH: &str = "/v1/compliance/legal-holds";
/// The place of whom a hold covers among the fields.
const COVERS: usize = 2;
const FIELDS: [&str; 8] = ["hold_id", "status", "covers", "categories", "placed_at", "released_at", "reason", "reference"];

#[derive(Subcommand)]
pub enum Command {
    /// Place a legal hold on a person, on categories, or on categories of a person
    Place(Place),
    /// List legal holds
    List(List),
    /// Show a legal hold
    Show(Shows),
    /// Release a legal hold; what it deferred goes on
    Release(One),
}

#[derive(Args)]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true).args(["subject_id", "subject_email", "identifiers", "categories"])))]
pub struct Place {
    #[command(flatten)]
    person: Given,
    /// Only this category; can be repeated
    #[arg(long = "category", value_name = "CATEGORY")]
    categories: Vec<String>,
    /// Why
    #[arg(long)]
    reason: String,
    /// A case number or the like
    #[arg(long)]
    reference: Option<String>,
    /// Do not wait for what else the person is known by
    #[arg(long)]
    no_wait: bool,
}

#[derive(Args)]
pub struct List {
    /// Only holds on this person, by the organization's own id
    #[arg(long)]
    subject_id: Option<String>,
    /// Only holds on this person, by email address
    #[arg(long)]
    subject_email: Option<String>,
    /// effective or released
    #[arg(long)]
    status: Option<String>,
    /// How many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=100))]
    limit: u8,
    /// Go on where the list before ended
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

#[derive(Args)]
pub struct One {
    /// Its id
    #[arg(value_name = "ID")]
    id: String,
}

impl One {
    fn path(&self) -> Result<String, Failure> {
        Ok(format!("{PATH}/{}", path_id(&self.id)?))
    }
}

pub fn run(client: &Client, command: Command, json: bool) -> Result<(), Failure> {
    let (answer, text): (Value, fn(&Value) -> String) = match command {
        Command::Place(place) => {
            let waits = !place.no_wait && !json;
            let answer = client.post(PATH, &place.body())?;
            (if waits { resolved(client, answer)? } else { answer }, with_effects)
        }
        // In a body: what names a person stands in no address.
        Command::List(list) => (client.ask_page(&format!("{PATH}/search"), &list.body(), "holds")?, listed),
        Command::Show(shows) => (client.get(&shows.one.path()?, &[shows.reveal.parameter()])?, shown),
        Command::Release(one) => (client.delete(&one.path()?)?, described),
    };
    if json {
        output::print_json(&answer);
    } else {
        output::print(&text(&answer));
    }
    Ok(())
}

impl Place {
    fn body(self) -> Value {
        let mut body = self.person.fields();
        body.insert("reason".to_owned(), self.reason.into());
        body.extend(self.reference.map(|text| ("reference".to_owned(), text.into())));
        if !self.categories.is_empty() {
            body.insert("categories".to_owned(), self.categories.into());
        }
        body.into()
    }
}

impl List {
    fn body(self) -> Value {
        let Self { subject_id, subject_email, status, limit, cursor } = self;
        let given = [("subject_id", subject_id), ("subject_email", subject_email), ("status", status), ("cursor", cursor)];
        let given = given.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::from(text?))));
        given.chain([("limit".to_owned(), limit.into())]).collect::<serde_json::Map<_, _>>().into()
    }
}

/// A hold with what else its person is known by, and which requests that touches, if it is found within a few seconds.
fn resolved(client: &Client, hold: Value) -> Result<Value, Failure> {
    let Some(id) = hold["hold_id"].as_str().filter(|_| is_about_somebody(&hold) && hold["identifiers"].is_null()) else {
        return Ok(hold);
    };
    let path = format!("{PATH}/{}", path_id(id)?);
    Ok(person::wait(client, &path, |hold| hold["identifiers"].is_array()).unwrap_or(hold))
}

fn is_about_somebody(hold: &Value) -> bool {
    hold["covers"] == "subject"
}

fn described(hold: &Value) -> String {
    let mut text = lines(hold, &FIELDS);
    if hold["identifiers"].is_array() {
        text.push_str(&format!("\n{}", person::held(list(&hold["identifiers"]))));
        if hold["found_nobody"] == true {
            text.push_str("No record that says whom it is about has any of them: look for a typing error.\n");
        }
        if hold["identifiers_incomplete"] == true {
            text.push_str("They may be known by more: the search for identifiers went past what it is bound to.\n");
        }
    } else if is_about_somebody(hold) && hold["status"] == "effective" {
        let id = plain(&hold["hold_id"]);
        let given = "\nCovers the person by what was given; what else they are known by is still looked for:";
        text.push_str(&format!("{given} oubli hold show {id}\n"));
    }
    text
}

fn shown(hold: &Value) -> String {
    if hold["status"] == "effective" { with_effects(hold) } else { described(hold) }
}

fn with_effects(answer: &Value) -> String {
    let effects = list(&answer["effects"]);
    let mut text = described(answer);
    if effects.is_empty() {
        text.push_str("\nIt touches no open request.\n");
    } else {
        let columns = ["request_id", "status", "phase", "recoverable", "purged", "untouched"];
        text.push_str(&format!("\nOpen requests it touches\n{}\n", fields(effects, &columns)));
        if answer["more_effects"] == true {
            text.push_str("\nIt touches more: `oubli list` shows every request.\n");
        }
    }
    text
}

/// Whom a hold covers, in a few words.
fn whom(hold: &Value) -> String {
    let identifiers = list(&hold["identifiers"]);
    if !is_about_somebody(hold) {
        return plain(&hold["covers"]);
    }
    if identifiers.is_empty() {
        return "a person".to_owned();
    }
    let covered = identifiers.iter().filter(|i| person::is_held(i));
    covered.map(person::named).collect::<Vec<_>>().join(", ")
}

fn listed(answer: &Value) -> String {
    let rows = list(&answer["holds"]).iter().map(|hold| {
        let mut row: Vec<Value> = FIELDS.iter().map(|field| hold[*field].clone()).collect();
        row[COVERS] = whom(hold).into();
        row
    });
    let header = FIELDS.map(|field| field.replace('_', " "));
    let mut text = table(&header.each_ref().map(String::as_str), rows);
    if let Some(cursor) = answer["next_cursor"].as_str() {
        text.push_str(&format!("\n\nMore: --cursor {}", output::clean(cursor)));
    }
    text
}
