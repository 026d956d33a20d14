//! `oubli hold`.

use crate::{
    client::{Client, path_id},
    failure::Failure,
    output::{self, fields, lines, list},
};
use clap::{Args, Subcommand};
use serde_json::{Map, Value};

const PATH: &str = "/v1/compliance/legal-holds";
const FIELDS: [&str; 8] = ["hold_id", "status", "covers", "categories", "placed_at", "released_at", "reason", "reference"];

#[derive(Subcommand)]
pub enum Command {
    /// Place a legal hold on a person, on categories, or on categories of a person
    Place(Place),
    /// List legal holds
    List(List),
    /// Show a legal hold
    Show(One),
    /// Release a legal hold; what it deferred goes on
    Release(One),
}

#[derive(Args)]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true).args(["subject_id", "subject_email", "categories"])))]
pub struct Place {
    /// The organization's own id of the person
    #[arg(long)]
    subject_id: Option<String>,
    /// The person's email address
    #[arg(long)]
    subject_email: Option<String>,
    /// Only this category; can be repeated
    #[arg(long = "category", value_name = "CATEGORY")]
    categories: Vec<String>,
    /// Why
    #[arg(long)]
    reason: String,
    /// A case number or the like
    #[arg(long)]
    reference: Option<String>,
}

#[derive(Args)]
pub struct List {
    /// Only holds on this person, by the organization's own id
    #[arg(long)]
    subject_id: Option<String>,
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
        Command::Place(place) => (client.post(PATH, &place.body())?, placed),
        Command::List(list) => (client.get(PATH, &list.parameters())?, listed),
        Command::Show(one) => (client.get(&one.path()?, &[])?, |hold| lines(hold, &FIELDS)),
        Command::Release(one) => (client.delete(&one.path()?)?, |hold| lines(hold, &FIELDS)),
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
        let mut body = Map::from_iter([("reason".to_owned(), self.reason.into())]);
        let texts = [("subject_id", self.subject_id), ("subject_email", self.subject_email), ("reference", self.reference)];
        for (name, text) in texts {
            body.extend(text.map(|text| (name.to_owned(), text.into())));
        }
        if !self.categories.is_empty() {
            body.insert("categories".to_owned(), self.categories.into());
        }
        body.into()
    }
}

impl List {
    fn parameters(self) -> [(&'static str, Option<String>); 4] {
        let limit = Some(self.limit.to_string());
        [("subject_id", self.subject_id), ("status", self.status), ("limit", limit), ("cursor", self.cursor)]
    }
}

fn placed(answer: &Value) -> String {
    let effects = list(&answer["effects"]);
    let mut text = lines(answer, &FIELDS);
    if !effects.is_empty() {
        let columns = ["request_id", "status", "phase", "recoverable", "purged", "untouched"];
        text.push_str(&format!("\nOpen requests it touches\n{}\n", fields(effects, &columns)));
        if answer["more_effects"] == true {
            text.push_str("\nIt touches more: `oubli list` shows every request.\n");
        }
    }
    text
}

fn listed(answer: &Value) -> String {
    let mut text = fields(list(&answer["holds"]), &FIELDS);
    if let Some(cursor) = answer["next_cursor"].as_str() {
        text.push_str(&format!("\n\nMore: --cursor {}", output::clean(cursor)));
    }
    text
}
