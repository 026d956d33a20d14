//! Whom a command is about, and by what a person is known.

use crate::{
    client::Client,
    output::{list, plain},
};
use clap::Args;
use serde_json::{Map, Value, json};
use std::{
    thread::sleep,
    time::{Duration, Instant},
};

/// So long a command waits for the identifiers of a person, which are looked for in the stores.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(300);

/// The identifiers that are given.
#[derive(Args)]
#[group(skip)]
pub struct Given {
    /// The organization's own id of the person
    #[arg(long)]
    subject_id: Option<String>,
    /// The person's email address
    #[arg(long)]
    subject_email: Option<String>,
    /// Another identifier of the person, of a kind that the data map declares, such as phone=+33123456789; can be repeated
    #[arg(long = "identifier", value_name = "KIND=VALUE", value_parser = identifier)]
    identifiers: Vec<Value>,
}

fn identifier(text: &str) -> Result<Value, String> {
    match text.split_once('=') {
        Some((kind, value)) if !kind.is_empty() && !value.is_empty() => Ok(json!({ "kind": kind, "value": value })),
        _ => Err("accepted: KIND=VALUE, such as phone=+33123456789".to_owned()),
    }
}

impl Given {
    /// The fields of a body; nothing empty is sent.
    pub fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        for (name, text) in [("subject_id", &self.subject_id), ("subject_email", &self.subject_email)] {
            fields.extend(text.as_ref().map(|text| (name.to_owned(), text.clone().into())));
        }
        if !self.identifiers.is_empty() {
            fields.insert("identifiers".to_owned(), self.identifiers.clone().into());
        }
        fields
    }
}

/// One identifier: its kind, and itself.
pub fn named(identifier: &Value) -> String {
    match identifier["value"].as_str() {
        Some(_) => format!("{} {}", plain(&identifier["kind"]), plain(&identifier["value"])),
        // Whoever wants to see it asks with --reveal.
        None => plain(&identifier["kind"]),
    }
}

/// The identifier that an answer calls so.
pub fn called<'a>(identifiers: &'a [Value], id: &Value) -> Option<&'a Value> {
    identifiers.iter().find(|i| i["id"] == *id && id.is_string())
}

/// Where an identifier comes from, and who said that it is the person's.
fn origin(identifiers: &[Value], identifier: &Value) -> String {
    let mut text = match (identifier["found_in"].as_str(), called(identifiers, &identifier["through"])) {
        (Some(_), Some(through)) => format!(", found in {} through {}", plain(&identifier["found_in"]), named(through)),
        (Some(_), None) => format!(", found in {}", plain(&identifier["found_in"])),
        (None, _) => String::new(),
    };
    if identifier["named"] == true {
        text.push_str(", named as theirs");
    }
    text
}

/// By what a person is known, and what may be theirs; nothing before they were looked for.
pub fn describe(identifiers: &[Value], incomplete: bool) -> String {
    let (own, ambiguous): (Vec<_>, Vec<_>) = identifiers.iter().partition(|i| i["searched_by"] == true);
    let line = |word: &str, i: &Value| format!("{word} {} ({}){}\n", named(i), plain(&i["id"]), origin(identifiers, i));
    let mut text = String::new();
    for (place, identifier) in own.iter().enumerate() {
        text.push_str(&line(if place == 0 { "Known by" } else { "also" }, identifier));
    }
    for identifier in ambiguous {
        let said = line("Ambiguous:", identifier);
        text.push_str(&format!("{}: {}. Nothing is searched by it.\n", said.trim_end(), plain(&identifier["reason"])));
    }
    if incomplete {
        text.push_str("There may be more identifiers: they are looked for within bounds, and these were reached.\n");
    }
    text
}

/// Whether a hold covers whoever has an identifier of its person: what is theirs alone, and what it was placed by.
pub fn is_held(identifier: &Value) -> bool {
    match identifier["ambiguous"].as_str() {
        None | Some("unconfirmed") => true,
        Some("behind_shared") => false,
        Some(_) => identifier["given"] == true,
    }
}

/// Whom a hold covers: not who is only behind what others share.
pub fn held(identifiers: &[Value]) -> String {
    let (held, not): (Vec<_>, Vec<_>) = identifiers.iter().partition(|i| is_held(i));
    let mut text = String::new();
    for (place, identifier) in held.into_iter().enumerate() {
        let word = if place == 0 { "Covers whoever is known by" } else { "also" };
        text.push_str(&format!("{word} {}{}", named(identifier), origin(identifiers, identifier)));
        if identifier["reason"].is_string() {
            text.push_str(&format!(" ({})", plain(&identifier["reason"])));
        }
        text.push('\n');
    }
    for identifier in not {
        let (name, why) = (named(identifier), plain(&identifier["reason"]));
        let line = if identifier["ambiguous"] == "shared" {
            format!("Covers what is found by {name}, and nobody else who has it: {why}\n")
        } else {
            format!("Does not cover {name}: {why}\n")
        };
        text.push_str(&line);
    }
    text
}

/// That nobody was found, in so many words.
pub fn nobody(identifiers: &[Value], places: Option<usize>) -> String {
    let own: Vec<_> = identifiers.iter().filter(|i| i["searched_by"] == true).map(named).collect();
    if own.is_empty() && !identifiers.is_empty() {
        return "Nothing was searched: by itself none of these identifiers finds anything.\n".to_owned();
    }
    let who = if own.is_empty() { "what was given".to_owned() } else { own.join(", ") };
    let places = match places {
        Some(1) => "the 1 place".to_owned(),
        Some(places) => format!("the {places} places"),
        None => "the places".to_owned(),
    };
    format!("Nobody known by {who} was found in {places} searched.\n")
}

/// What is answered once the person's identifiers are there; none if that takes longer than a few seconds.
pub fn wait(client: &Client, path: &str, known: impl Fn(&Value) -> bool) -> Option<Value> {
    let since = Instant::now();
    while let Some(left) = PATIENCE.checked_sub(since.elapsed()) {
        let answer = client.glance(path, left)?;
        if known(&answer) {
            return Some(answer);
        }
        sleep(PAUSE);
    }
    None
}

/// After a submission: who is meant, once that is known, or how to ask.
pub fn known_after(client: &Client, path: &str, submitted: &Value, show: &str) -> String {
    let phase = |answer: &Value| matches!(answer["phase"].as_str(), Some("received" | "discovering"));
    if !phase(submitted) {
        return String::new();
    }
    match wait(client, path, |answer| !list(&answer["identifiers"]).is_empty() || !phase(answer)) {
        Some(answer) if !list(&answer["identifiers"]).is_empty() => {
            format!("\n{}", describe(list(&answer["identifiers"]), answer["identifiers_incomplete"] == true))
        }
        _ => format!("\nWho is meant is still looked for: {show}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(id: &str, kind: &str, value: &str) -> Value {
        json!({ "id": id, "kind": kind, "value": value, "given": true, "found_in": null, "through": null,
                "searched_by": true, "ambiguous": null, "reason": null, "named": false })
    }

    fn found(id: &str, value: &str, through: &str) -> Value {
        let mut found = known(id, "subject_email", value);
        (found["given"], found["found_in"], found["through"]) = (false.into(), "profiles".into(), through.into());
        found
    }

    fn ambiguous(mut identifier: Value, why: &str, reason: &str) -> Value {
        (identifier["searched_by"], identifier["ambiguous"]) = (false.into(), why.into());
        identifier["reason"] = reason.into();
        identifier
    }

    #[test]
    fn an_identifier_is_a_kind_and_a_value_that_may_have_an_equals_sign() {
        assert_eq!(identifier("account=a=b"), Ok(json!({ "kind": "account", "value": "a=b" })));
        for bad in ["phone", "=x", "phone=", ""] {
            assert!(identifier(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn it_is_said_where_an_identifier_comes_from_and_why_one_is_not_used() {
        let shared = ambiguous(known("i3", "phone", "+33123456789"), "shared", "it leads to more than one person");
        let text = describe(&[known("i1", "subject_id", "u1"), found("i2", "a@b.example", "i1"), shared], true);
        for part in [
            "Known by subject_id u1 (i1)\n",
            "also subject_email a@b.example (i2), found in profiles through subject_id u1\n",
            "Ambiguous: phone +33123456789 (i3): it leads to more than one person. Nothing is searched by it.\n",
            "There may be more identifiers",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert_eq!(describe(&[], false), "");
    }

    #[test]
    fn a_hold_covers_what_is_shared_and_not_who_is_behind_it() {
        let shared = ambiguous(known("i1", "subject_email", "a@b.example"), "shared", "it leads to more than one person");
        let behind = ambiguous(known("i2", "subject_id", "u2"), "behind_shared", "only a shared one leads to it");
        let family = ambiguous(found("i3", "f@b.example", "i1"), "shared", "it leads to more than one person");
        let text = held(&[shared, behind, family]);
        assert!(text.starts_with("Covers whoever is known by subject_email a@b.example (it leads to"), "{text}");
        assert!(text.contains("Covers what is found by subject_email f@b.example, and nobody else who has it"), "{text}");
        assert!(text.contains("Does not cover subject_id u2: only a shared one leads to it"), "{text}");
    }

    #[test]
    fn that_nobody_was_found_is_said_in_words() {
        let text = nobody(&[known("i1", "subject_id", "u1")], Some(8));
        assert_eq!(text, "Nobody known by subject_id u1 was found in the 8 places searched.\n");
        assert_eq!(nobody(&[], None), "Nobody known by what was given was found in the places searched.\n");
    }
}
