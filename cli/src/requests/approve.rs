//! `oubli approve`: the plan is shown before it is approved, and exactly that plan is approved.

use super::{One, plan, print_outcome};
use crate::{client::Client, failure::Failure, output};
use clap::Args;
use serde_json::{Map, Value, json};
use std::io::{BufRead as _, IsTerminal as _, Write as _};

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    one: One,
    /// Recorded with the decision, sealed
    #[arg(long)]
    notes: Option<String>,
    /// Recorded as stated, beside the key's own identity
    #[arg(long, value_name = "NAME")]
    approved_by: Option<String>,
    /// Leave a category out: CATEGORY:REASON or CATEGORY:REASON:DATE, until when it is kept; can be repeated
    #[arg(long = "exclude", value_name = "CATEGORY:REASON[:DATE]", value_parser = exclusion)]
    exclusions: Vec<Value>,
    /// Approve only if this is the plan that stands; the one shown, unless given
    #[arg(long, value_name = "DIGEST")]
    plan_digest: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

fn exclusion(text: &str) -> Result<Value, String> {
    let accepted = "accepted: CATEGORY:REASON or CATEGORY:REASON:DATE, such as invoices:tax audit:2027-12-31";
    let (category, rest) = text.split_once(':').ok_or(accepted)?;
    let dated = rest.rsplit_once(':').filter(|(_, date)| date.trim().parse::<jiff::civil::Date>().is_ok());
    let (reason, until) = dated.map_or((rest, None), |(reason, date)| (reason, Some(date.trim())));
    if category.is_empty() || reason.trim().is_empty() {
        return Err(accepted.to_owned());
    }
    Ok(json!({ "category": category, "reason": reason.trim(), "retention_until": until }))
}

pub fn run(client: &Client, base: &str, options: &Options, json: bool) -> Result<(), Failure> {
    let request = client.get(&options.one.path(base, "")?, &[])?;
    let mut digest = options.plan_digest.clone();
    if !json && request["plan"].is_object() {
        output::print(&plan::describe(&request["plan"]));
    }
    if digest.is_none() {
        digest = request["plan_digest"].as_str().map(ToOwned::to_owned);
    }
    // Without a plan to approve the service says what is missing; there is nothing to ask.
    if request["phase"] == "in_review" && !options.yes {
        confirm(if base == super::PATH { "Erase this?" } else { "Export this?" }, json)?;
    }
    let mut body = Map::new();
    let texts =
        [("plan_digest", digest), ("approval_notes", options.notes.clone()), ("approved_by", options.approved_by.clone())];
    for (name, text) in texts {
        body.extend(text.map(|text| (name.to_owned(), text.into())));
    }
    if !options.exclusions.is_empty() {
        body.insert("exclusions".to_owned(), options.exclusions.clone().into());
    }
    let answer = client.post(&options.one.path(base, "/execute")?, &body.into())?;
    print_outcome(&answer, json, "Approved");
    Ok(())
}

fn confirm(question: &str, json: bool) -> Result<(), Failure> {
    let stdin = std::io::stdin();
    if json || !stdin.is_terminal() || !std::io::stderr().is_terminal() {
        return Err(Failure::Usage("nobody is there to ask; add --yes to approve without being asked".to_owned()));
    }
    eprint!("\n{question} [y/N] ");
    let _ = std::io::stderr().flush();
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    if read.is_ok() && ["y", "yes"].contains(&line.trim().to_lowercase().as_str()) {
        Ok(())
    } else {
        Err(Failure::Refused("not approved".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exclusion_has_a_reason_and_may_have_a_date() {
        let read = |text| exclusion(text).expect(text);
        assert_eq!(read("invoices:tax")["retention_until"], Value::Null);
        assert_eq!(read("invoices:case 4: open:2027-12-31")["reason"], "case 4: open");
        assert_eq!(read("invoices:case 4: open:2027-12-31")["retention_until"], "2027-12-31");
        for bad in ["invoices", "invoices:", ":tax", "invoices: :2027-12-31"] {
            assert!(exclusion(bad).is_err(), "{bad}");
        }
    }
}
