//! `oubli attest`, `extend`, `identify`, `reject`, `cancel`, `restore`, `retry`, `resolve`, `conflicts`, `give-up`.

use super::{One, PATH, print_outcome, show};
use crate::{client::Client, failure::Failure, output, person};
use clap::Args;
use serde_json::{Value, json};

#[derive(Args)]
pub struct Verify {
    #[command(flatten)]
    one: One,
    /// How the person's identity was checked, such as id_document
    #[arg(long)]
    method: String,
    /// When, with offset; now unless given
    #[arg(long, value_name = "TIME")]
    verified_at: Option<String>,
}

pub fn verify(client: &Client, base: &str, options: &Verify, json: bool) -> Result<(), Failure> {
    let verified_at = options.verified_at.clone().unwrap_or_else(|| jiff::Timestamp::now().to_string());
    let body = json!({ "method": options.method, "verified_at": verified_at });
    let answer = client.post(&options.one.path(base, "/verify")?, &body)?;
    print_outcome(&answer, json, "Verified");
    Ok(())
}

#[derive(Args)]
pub struct Extend {
    #[command(flatten)]
    one: One,
    /// Why it needs longer
    #[arg(long)]
    reasons: String,
}

pub fn extend(client: &Client, options: &Extend, json: bool) -> Result<(), Failure> {
    let answer = client.post(&options.one.path(PATH, "/extend")?, &json!({ "reasons": options.reasons }))?;
    if json {
        output::print_json(&answer);
    } else {
        output::print(&format!("Extended: due {}", output::plain(&answer["legal_deadline"])));
    }
    Ok(())
}

#[derive(Args)]
pub struct Identify {
    #[command(flatten)]
    one: One,
    /// An ambiguous identifier that is the person's, by what the plan calls it, such as i2
    #[arg(value_name = "IDENTIFIER", required = true)]
    identifiers: Vec<String>,
    /// The plan in which it is called so, as `oubli show` has it: in another plan the same name may be somebody else's
    #[arg(long, value_name = "DIGEST")]
    plan_digest: Option<String>,
}

pub fn identify(client: &Client, base: &str, options: &Identify, json: bool) -> Result<(), Failure> {
    let path = options.one.path(base, "")?;
    let asks = !json && options.plan_digest.is_none();
    let request = if asks { show::revealed(client, &path)? } else { client.get(&path, &[])? };
    let all = output::list(&request["identifiers"]);
    let named: Vec<_> = options.identifiers.iter().filter_map(|id| person::called(all, &id.as_str().into())).collect();
    let named: Vec<_> = named.into_iter().map(person::named).collect();
    let digest = options.plan_digest.as_deref().or(request["plan_digest"].as_str());
    if let (None, Some(digest)) = (&options.plan_digest, digest) {
        if asks
            && options.identifiers.iter().any(|id| person::called(all, &id.as_str().into()).is_some_and(|i| i["value"].is_null()))
        {
            let reason = format!("you are not shown what they are, so nobody asks you; name the plan: --plan-digest {digest}");
            return Err(Failure::Usage(reason));
        }
        let question = format!("In the plan that stands these are {}. Are they the person's?", named.join(", "));
        let otherwise = format!("nobody is there to ask; name the plan in which it is called so: --plan-digest {digest}");
        super::approve::confirm(&question, json, &otherwise)?;
    }
    let body = json!({ "identifiers": options.identifiers, "plan_digest": digest });
    let answer = client.post(&options.one.path(base, "/identifiers")?, &body)?;
    print_outcome(&answer, json, "Looked for again");
    if !json {
        output::print(&format!("By these, too: {}. The plan that comes of it needs a decision of its own.", named.join(", ")));
    }
    Ok(())
}

#[derive(Args)]
pub struct Reject {
    #[command(flatten)]
    one: One,
    /// Why
    #[arg(long)]
    reason: String,
}

pub fn reject(client: &Client, base: &str, options: &Reject, json: bool) -> Result<(), Failure> {
    let answer = client.post(&options.one.path(base, "/reject")?, &json!({ "reason": options.reason }))?;
    print_outcome(&answer, json, "Rejected");
    Ok(())
}

#[derive(Args)]
pub struct Cancel {
    #[command(flatten)]
    one: One,
    /// Why
    #[arg(long)]
    reason: Option<String>,
}

pub fn cancel(client: &Client, options: &Cancel, json: bool) -> Result<(), Failure> {
    let answer = client.post(&options.one.path(PATH, "/cancel")?, &json!({ "reason": options.reason }))?;
    print_outcome(&answer, json, "Cancelled");
    if !json {
        let account = &answer["account"];
        let count = |field: &str| output::plain(&account[field]);
        output::print(&format!(
            "Can be restored: {}, destroyed: {}, not touched: {}. {}",
            count("recoverable"),
            count("purged"),
            count("untouched"),
            output::plain(&answer["note"]),
        ));
    }
    Ok(())
}

#[derive(Args)]
pub struct Restore {
    #[command(flatten)]
    one: One,
    /// Only this category; can be repeated
    #[arg(long = "category", value_name = "CATEGORY")]
    categories: Vec<String>,
    /// Also records of which it is not known whether Oubli or somebody else removed them
    #[arg(long)]
    include_uncertain: bool,
    /// Only this record, by its name in the list of conflicts; can be repeated
    #[arg(long = "record", value_name = "NAME")]
    records: Vec<String>,
}

pub fn restore(client: &Client, options: &Restore, json: bool) -> Result<(), Failure> {
    let categories = (!options.categories.is_empty()).then_some(&options.categories);
    let records = (!options.records.is_empty()).then_some(&options.records);
    let body = json!({ "categories": categories, "include_uncertain": options.include_uncertain, "records": records });
    let answer = client.post(&options.one.path(PATH, "/restore")?, &body)?;
    print_outcome(&answer, json, "Restoring");
    Ok(())
}

pub fn retry(client: &Client, base: &str, one: &One, json: bool) -> Result<(), Failure> {
    let answer = client.post(&one.path(base, "/retry")?, &Value::Object(serde_json::Map::new()))?;
    print_outcome(&answer, json, "Trying again");
    Ok(())
}

pub fn resolve(client: &Client, one: &One, json: bool) -> Result<(), Failure> {
    let answer = client.post(&one.path(PATH, "/resolve")?, &Value::Object(serde_json::Map::new()))?;
    print_outcome(&answer, json, "Going on without what failed");
    Ok(())
}

#[derive(Args)]
pub struct GiveUp {
    #[command(flatten)]
    one: One,
    /// A record's name in the list of conflicts; can be repeated
    #[arg(long = "record", value_name = "NAME", required = true)]
    records: Vec<String>,
}

pub fn give_up(client: &Client, options: &GiveUp, json: bool) -> Result<(), Failure> {
    let answer = client.post(&options.one.path(PATH, "/conflicts/give-up")?, &json!({ "records": options.records }))?;
    print_outcome(&answer, json, "Giving up");
    Ok(())
}

pub fn conflicts(client: &Client, one: &One, json: bool) -> Result<(), Failure> {
    let mut all: Vec<Value> = Vec::new();
    let mut cursor = None::<String>;
    loop {
        let page = client.get(&one.path(PATH, "/conflicts")?, &[("cursor", cursor.take())])?;
        all.extend(page["conflicts"].as_array().cloned().unwrap_or_default());
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    if json {
        output::print_json(&Value::Array(all));
        return Ok(());
    }
    if all.is_empty() {
        output::print("Nothing is in conflict.");
    }
    for conflict in &all {
        let text = |field: &str| output::plain(&conflict[field]);
        output::print(&format!(
            "{} ({}) hidden {}, found {}: {}",
            text("name"),
            text("producer"),
            text("hidden_at"),
            text("conflict_at"),
            text("reason"),
        ));
    }
    Ok(())
}
