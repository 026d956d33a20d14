//! `oubli approve`: the plan is shown before it is approved, and exactly that plan is approved.

use super::{One, plan, print_outcome, show};
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
    /// Accept that the plan leaves this aside: a producer that was not searched, or an ambiguous identifier; can be repeated
    #[arg(long = "acknowledge", value_name = "NAME")]
    acknowledged: Vec<String>,
    /// Do not ask; what the plan leaves aside has to be acknowledged by name all the same
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
    let path = options.one.path(base, "")?;
    let asks = !json && !options.yes;
    let request = if asks { show::revealed(client, &path)? } else { client.get(&path, &[])? };
    let mut digest = options.plan_digest.clone();
    if !json {
        output::print_some(&plan::describe(&request));
    }
    if digest.is_none() {
        digest = request["plan_digest"].as_str().map(ToOwned::to_owned);
    }
    let mut acknowledged = options.acknowledged.clone();
    let missing = plan::to_acknowledge(&request).into_iter().filter(|(name, _)| !acknowledged.contains(name));
    let missing: Vec<(String, String)> = missing.collect();
    if request["phase"] == "in_review" && !missing.is_empty() {
        acknowledge(&missing, options.yes || json)?;
        acknowledged.extend(missing.into_iter().map(|(name, _)| name));
    }
    // Without a plan to approve the service says what is missing; there is nothing to ask.
    if request["phase"] == "in_review" && !options.yes {
        let otherwise = "nobody is there to ask; add --yes to approve without being asked";
        confirm(if base == super::PATH { "Erase this?" } else { "Export this?" }, json, otherwise)?;
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
    if !acknowledged.is_empty() {
        body.insert("acknowledged".to_owned(), acknowledged.into());
    }
    let answer = client.post(&options.one.path(base, "/execute")?, &body.into())?;
    print_outcome(&answer, json, "Approved");
    Ok(())
}

/// Has whoever approves say that what the plan leaves aside may be left so. Nobody says it for them.
fn acknowledge(missing: &[(String, String)], unasked: bool) -> Result<(), Failure> {
    if unasked || !somebody_is_there() {
        let names: Vec<_> = missing.iter().map(|(name, why)| format!("{name} ({why})")).collect();
        let flags: Vec<_> = missing.iter().map(|(name, _)| format!("--acknowledge {name}")).collect();
        let text = format!("the plan leaves aside {}; to approve it so, add: {}", names.join(", "), flags.join(" "));
        return Err(Failure::Usage(text));
    }
    for (name, why) in missing {
        ask(&format!("{name}: {why}. Approve all the same?"))?;
    }
    Ok(())
}

fn somebody_is_there() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks whoever is there; says what to do where nobody is.
pub(super) fn confirm(question: &str, json: bool, otherwise: &str) -> Result<(), Failure> {
    if json || !somebody_is_there() {
        return Err(Failure::Usage(otherwise.to_owned()));
    }
    ask(question)
}

fn ask(question: &str) -> Result<(), Failure> {
    eprint!("\n{question} [y/N] ");
    let _ = std::io::stderr().flush();
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
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
