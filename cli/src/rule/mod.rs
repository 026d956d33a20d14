//! `oubli rule`: who is asked for a review.

mod tried;
mod whom;
mod written;

use crate::{
    client::Client,
    failure::Failure,
    object::object,
    output::{self, list, pairs, plain, table},
};
use clap::{Args, Subcommand};
use oubli_domain::review::RuleId;
use serde_json::Value;

const PATH: &str = "/v1/routing-rules";

#[derive(Subcommand)]
pub enum Command {
    /// List the rules, in the order in which they are looked at
    List,
    /// Show a rule
    Show(One),
    /// Add a rule: which reviews it is for, and who is asked then
    Add(written::Add),
    /// Change a rule; what is not given stays
    Change(written::Change),
    /// Remove a rule; reviews that were asked for before stay with whom they were given to
    Remove(One),
    /// Say which rule a review would match, and why; nothing is asked
    Test(Test),
}

#[derive(Args)]
pub struct One {
    /// The rule's number
    #[arg(value_name = "ID")]
    id: RuleId,
}

impl One {
    fn path(&self) -> String {
        format!("{PATH}/{}", self.id)
    }
}

#[derive(Args)]
pub struct Test {
    /// A review as it would be asked for, as a JSON object, or in a file
    #[arg(long, value_name = "JSON|@FILE")]
    review: String,
}

pub fn run(client: &Client, command: Command, json: bool) -> Result<(), Failure> {
    let (answer, text): (Value, fn(&Value) -> String) = match command {
        Command::List => (client.get(PATH, &[])?, listed),
        Command::Show(one) => (client.get(&one.path(), &[])?, described),
        Command::Add(add) => (client.post(PATH, &add.body()?)?, described),
        Command::Change(change) => (client.patch(&change.path(), &change.body()?)?, described),
        Command::Remove(one) => (client.delete(&one.path())?, removed),
        Command::Test(test) => (client.ask(&format!("{PATH}/test"), &object("--review", &test.review)?)?, tried::described),
    };
    if json {
        output::print_json(&answer);
    } else {
        output::print(&text(&answer));
    }
    Ok(())
}

/// Whoever a rule says is asked: a team, a member, or both.
fn named(answer: &Value, team: &str, user: &str) -> String {
    let both = [("team", &answer[team]), ("member", &answer[user])];
    let both = both.into_iter().filter_map(|(what, number)| Some(format!("{what} {}", number.as_u64()?)));
    both.collect::<Vec<_>>().join(" and ")
}

fn asked(rule: &Value) -> String {
    named(rule, "assign_to_team_id", "assign_to_user_id")
}

fn described(rule: &Value) -> String {
    let of = |field: &str| plain(&rule[field]);
    let mut text = pairs(&[
        ("rule", of("id")),
        ("name", of("name")),
        ("priority", of("priority")),
        ("active", of("is_active")),
        ("asks", asked(rule)),
        ("conditions", output::clean(&format!("{:#}", rule["conditions"]))),
        ("created at", of("created_at")),
        ("updated at", of("updated_at")),
    ]);
    for warning in list(&rule["warnings"]) {
        text.push_str(&format!("\nWarning: {}\n", plain(warning)));
    }
    text
}

fn listed(answer: &Value) -> String {
    let rules = list(&answer["rules"]);
    if rules.is_empty() {
        return "There are no rules.".to_owned();
    }
    let rows = rules.iter().map(|rule| {
        let of = |field: &str| rule[field].clone();
        vec![of("id"), of("name"), of("priority"), of("is_active"), asked(rule).into(), of("conditions")]
    });
    let mut text = table(&["id", "name", "priority", "active", "asks", "conditions"], rows);
    let warnings = rules.iter().flat_map(|rule| list(&rule["warnings"]).iter().map(move |warning| (rule, warning)));
    let warnings = warnings.map(|(rule, warning)| format!("\nWarning of rule {}: {}", plain(&rule["id"]), plain(warning)));
    let warnings: String = warnings.collect();
    if !warnings.is_empty() {
        text.push_str(&format!("\n{warnings}"));
    }
    text
}

fn removed(answer: &Value) -> String {
    format!("Removed: rule {}", plain(&answer["id"]))
}
