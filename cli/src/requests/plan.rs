//! A plan in words and numbers.

use crate::{
    output::{list, plain, size, table},
    person::{self, called, named},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Who is meant, what goes, what stays and why; nothing before anything is known.
pub fn describe(request: &Value) -> String {
    let plan = &request["plan"];
    let mut text = person(request);
    if !plan.is_object() {
        return text;
    }
    if !text.is_empty() {
        text.push('\n');
    }
    if plan["records"] == 0 && list(&plan["kept"]).is_empty() {
        text.push_str(&person::nobody(list(&request["identifiers"]), None));
    } else {
        text.push_str(&goes(request));
        text.push_str(&format!("\nStays: {} records\n", plain(&plan["kept_records"])));
        if !list(&plan["kept"]).is_empty() {
            text.push_str(&kept(&plan["kept"]));
            text.push('\n');
        }
    }
    let quiet: Vec<String> = list(&request["nothing_found"]).iter().map(plain).collect();
    if !quiet.is_empty() {
        text.push_str(&format!("\nSearched, and nothing found: {}\n", quiet.join(", ")));
    }
    text.push_str(&unsearched(&plan["unsearched"]));
    text.push_str(&unasked(&plan["unasked_queries"]));
    for caution in list(&plan["cautions"]) {
        text.push_str(&format!("\nMind: {}", plain(caution)));
    }
    text.push_str(&format!("\nPlan {}, data as of {}\n", plain(&plan["digest"]), plain(&plan["discovered_at"])));
    let aside = to_acknowledge(request);
    if !aside.is_empty() {
        text.push_str("\nWhoever approves has to acknowledge\n");
        for (name, why) in aside {
            text.push_str(&format!(" {name}: {why}\n"));
        }
    }
    text
}

/// By what the person of a request is known.
pub fn person(request: &Value) -> String {
    person::describe(list(&request["identifiers"]), request["identifiers_incomplete"] == true)
}

/// What goes, and apart from it, what only an identifier led to that was not given.
fn goes(request: &Value) -> String {
    let plan = &request["plan"];
    let mut text = format!("Goes: {} records\n", plain(&plan["records"]));
    let steps = list(&plan["steps"]);
    let rows = steps
        .iter()
        .map(|step| vec![step["category"].clone(), step["producer"].clone(), step["records"].clone(), size(&step["size_bytes"])]);
    text.push_str(&table(&["category", "producer", "records", "size"], rows));
    text.push('\n');
    let late = |step: &Value| step["found_late"].as_u64().unwrap_or_default();
    let late: Vec<(u64, String)> =
        steps.iter().map(|step| (late(step), plain(&step["producer"]))).filter(|(n, _)| *n > 0).collect();
    if !late.is_empty() {
        let (all, each): (u64, Vec<String>) =
            (late.iter().map(|(n, _)| n).sum(), late.iter().map(|(n, producer)| format!("{producer} {n}")).collect());
        text.push_str(&format!(
            "\nOf these, found late: {all} ({}). No earlier round found them, or it kept them: written since, perhaps by a person who \
             came back, or there all the while, where an index lagged, a look-up failed or a bound was reached.\n",
            each.join(", ")
        ));
    }
    let mut through: BTreeMap<&String, (u64, Vec<String>)> = BTreeMap::new();
    for step in steps {
        for (id, records) in step["found_through"].as_object().into_iter().flatten() {
            let counted = through.entry(id).or_default();
            counted.0 += records.as_u64().unwrap_or_default();
            counted.1.push(format!("{} {records}", plain(&step["producer"])));
        }
    }
    if !through.is_empty() {
        text.push_str("\nOf these, found only by what was not given\n");
        for (id, (records, producers)) in through {
            let by = called(list(&request["identifiers"]), &id.as_str().into()).map(named).unwrap_or_default();
            text.push_str(&format!(" {records} by {by} ({}): {}\n", plain(&id.as_str().into()), producers.join(", ")));
        }
    }
    text
}

/// What an approval has to name, and why.
pub fn to_acknowledge(request: &Value) -> Vec<(String, String)> {
    let why = |name: &Value| {
        if let Some(identifier) = called(list(&request["identifiers"]), name) {
            return format!(
                "{} is ambiguous, {}, and nothing is searched by it",
                named(identifier),
                plain(&identifier["reason"])
            );
        }
        let plan = &request["plan"];
        let missed = list(&plan["unsearched"]).iter().filter(|u| u["producer"] == *name);
        let missed = missed.map(|u| if u["by_part"] == true { "searched only in part" } else { "not searched" }.to_owned());
        let unasked = list(&plan["unasked_queries"]).iter().filter(|u| u["query"] == *name);
        // A saved query may have the name of a producer.
        let why: BTreeSet<String> = missed.chain(unasked.map(|u| format!("saved query, {}", plain(&u["reason"])))).collect();
        if why.is_empty() { "not searched".to_owned() } else { Vec::from_iter(why).join("; ") }
    };
    list(&request["to_acknowledge"]).iter().map(|name| (plain(name), why(name))).collect()
}

/// What was not looked at, or only in part; nothing if everything was.
pub fn unsearched(unsearched: &Value) -> String {
    left_aside("Not searched", list(unsearched), ["producer", "searched"])
}

/// The saved queries that an export does not ask, or not by everything; nothing if there are none.
pub fn unasked(unasked: &Value) -> String {
    left_aside("Saved queries not asked", list(unasked), ["query", "asked"])
}

fn left_aside(title: &str, left: &[Value], [what, done]: [&str; 2]) -> String {
    if left.is_empty() {
        return String::new();
    }
    let rows = left.iter().map(|one| {
        let how = if one["by_part"] == true { "in part" } else { "not at all" };
        vec![one["category"].clone(), one[what].clone(), how.into(), one["why"].clone(), one["reason"].clone()]
    });
    format!("\n{title}\n{}\n", table(&["category", what, done, "why", "reason"], rows))
}

/// What stays and why.
pub fn kept(kept: &Value) -> String {
    let rows = list(kept).iter().map(|kept| {
        let reason = if kept["reason"].is_null() { kept["hold_id"].clone() } else { kept["reason"].clone() };
        let until = kept["retention_until"].clone();
        vec![kept["category"].clone(), kept["producer"].clone(), kept["records"].clone(), kept["why"].clone(), reason, until]
    });
    table(&["category", "producer", "records", "why", "reason", "until"], rows)
}
