//! `oubli verify` and the page for browsers, of the same certificate.

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use oubli_domain::{
    audit::{AuditEntry, AuditEvent, EventType, GENESIS, commitment},
    ledger::{Checkpoint, Edge, LedgerKey},
};
use oubli_engine::ports::Signer as _;
use oubli_simulation::{SimLedger, World, polls::block_on};
use serde_json::{Value, json};
use std::{path::Path, process::Command};

const CERTIFICATE: &str = include_str!("../../shared/domain/src/ledger/samples/certificate-v4.json");

/// The certificate as a file, and its log's key.
fn certificate() -> (tempfile::NamedTempFile, String) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), CERTIFICATE.trim_end()).expect("written");
    let certificate: Value = serde_json::from_str(CERTIFICATE).expect("json");
    (file, certificate["log_key"].as_str().expect("a key").to_owned())
}

/// What a program says of the person: the kind by which the certificate opened; or why not, of these.
fn said(command: &mut Command, field: &str) -> String {
    let output = command.output().expect("it runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        assert!(err.contains("it is not about the person of the identifier given"), "{err}");
        return "nobody".to_owned();
    }
    let said: Value = serde_json::from_str(&out).expect("json");
    said[field].as_str().unwrap_or("cannot be told").to_owned()
}

#[test]
fn a_certificate_opens_by_the_form_of_each_kind_on_the_page_as_on_the_command_line() {
    let (file, key) = certificate();
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/support/verify_page.mjs");
    for (given, by_oubli, by_page) in [
        ("cust-1", "subject_id", "subject_id"),
        ("CUST-1", "nobody", "nobody"),
        ("a@example.org", "subject_email", "subject_email"),
        ("A@EXAMPLE.org.", "subject_email", "subject_email"),
        ("b@example.org", "nobody", "nobody"),
        ("Ann", "login", "login"),
        ("007", "member", "member"),
        ("house-1", "nobody", "nobody"),
        ("+33 6 12 34 56 78", "phone", "phone"),
        // Without the tables that the page lacks, no is more than it knows.
        ("06 12 34 56 78", "phone", "cannot be told"),
        ("+49 30 123456", "nobody", "cannot be told"),
        ("8e0", "nobody", "cannot be told"),
        ("ann@b\u{fc}cher.example", "nobody", "cannot be told"),
    ] {
        let mut oubli = Command::new(env!("CARGO_BIN_EXE_oubli"));
        oubli.arg("verify").arg(file.path()).args(["--json", "--key", &key, "--subject", given]);
        assert_eq!(said(&mut oubli, "opened_by"), by_oubli, "{given}: oubli verify");
        let mut node = Command::new("node");
        node.arg(page).arg(file.path()).args([&key, given]);
        assert_eq!(said(&mut node, "kind"), by_page, "{given}: verify.html");
    }
}

#[test]
fn p1_the_order_in_which_it_was_done_is_seen_on_the_page_as_on_the_command_line() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/support/verify_page.mjs");
    let good = include_str!("../../shared/domain/src/ledger/samples/certificate-v5.json");
    let both = |text: &str| {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text.trim_end()).expect("written");
        let key: Value = serde_json::from_str(text).expect("json");
        let key = key["log_key"].as_str().expect("a key").to_owned();
        let oubli =
            Command::new(env!("CARGO_BIN_EXE_oubli")).arg("verify").arg(file.path()).args(["--json", "--key", &key]).output();
        let node = Command::new("node").arg(page).arg(file.path()).arg(&key).output();
        [oubli, node].map(|output| {
            let output = output.expect("it runs");
            let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            (output.status.success(), said)
        })
    };
    for (held, said) in both(good) {
        assert!(held, "{said}");
        let said: Value = serde_json::from_str(&said).expect("json");
        assert_eq!(said["order"], serde_json::json!({ "approved": 0, "hidden": 1, "purged": 2, "completed": 3 }));
    }
    let order = "is not in the order in which an erasure goes";
    for (text, why) in [
        (include_str!("../../shared/domain/src/ledger/samples/refused/hidden-first.json").to_owned(), order),
        (include_str!("../../shared/domain/src/ledger/samples/refused/destroyed-after.json").to_owned(), order),
        (
            include_str!("../../shared/domain/src/ledger/samples/refused/another-plan.json").to_owned(),
            "is of another plan than the certificate names",
        ),
        (include_str!("../../shared/domain/src/ledger/samples/refused/unapproved-round.json").to_owned(), order),
        // Called older, it would need no order.
        (good.replace("certificate/v5", "certificate/v4"), "format"),
    ] {
        for (held, said) in both(&text) {
            assert!(!held && said.contains(why), "{why}: {said}");
        }
    }
}

/// What `oubli verify` says of a file with these arguments: whether it held, and its words.
fn verify(arguments: &[&str]) -> (Option<i32>, String) {
    let mut oubli = Command::new(env!("CARGO_BIN_EXE_oubli"));
    // Whoever verifies may also be somebody who calls the API.
    let output = oubli.arg("verify").args(arguments).env("OUBLI_API_KEY", "oubli_of_a_caller").output().expect("it runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn a_checkpoint_is_believed_by_the_policy_of_whoever_asks() {
    // Cosigned by a program that is not ours.
    let sample: Value = serde_json::from_str(include_str!("../../shared/domain/src/ledger/samples/cosigned.json")).expect("json");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let (log, first, second) = (text(&sample["log"]), text(&sample["witnesses"][0]["key"]), text(&sample["witnesses"][1]["key"]));
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("written");
        path.to_str().expect("a path").to_owned()
    };
    let note = file("checkpoint", &text(&sample["notes"][0]));
    let (code, said) = verify(&["checkpoint", &note, "--key", &log]);
    assert_eq!((code, said.contains("signed this checkpoint of 20852163 entries.")), (Some(0), true), "{said}");
    let both = format!("log {log}\nwitness one {first}\nwitness two {second}\ngroup both all one two\nquorum both\n");
    let (code, said) = verify(&["checkpoint", &note, "--policy", &file("both", &both)]);
    assert_eq!((code, said.contains("cosigned by witness.example/w1 (2023-03-20T12:25:47Z), ")), (Some(0), true), "{said}");
    let without_log = both.split_once('\n').expect("lines").1;
    let without_log = file("without", without_log);
    let (code, said) = verify(&["checkpoint", &note, "--policy", &without_log]);
    assert_eq!((code, said.contains("policy names no log")), (Some(2), true), "{said}");
    assert_eq!(verify(&["checkpoint", &note, "--policy", &without_log, "--key", &log]).0, Some(0));
    let broken = file("broken", &format!("log {log}\nwitness one {}\nquorum one\n", first.replace("w1", "w2")));
    let (code, said) = verify(&["checkpoint", &note, "--policy", &broken]);
    assert_eq!((code, said.contains("line 2: ")), (Some(2), true), "{said}");

    let bare: String = text(&sample["notes"][0]).split_inclusive('\n').take(5).collect();
    let bare = file("bare", &bare);
    let (code, said) = verify(&["checkpoint", &bare, "--policy", &file("again", &both)]);
    assert_eq!((code, said.contains("the policy asks for both, and none of its witnesses cosigned")), (Some(1), true), "{said}");
    assert_eq!(verify(&["checkpoint", &note]).0, Some(2), "it is not believed on its own word");
}

const REQUEST: &str = "req_019a0000000070008000000000000001";

/// What the entry of this order commits to.
type Text = (&'static str, &'static str, &'static str);

const REASONS: Text = ("extended", "reasons", "Twelve years of letters");
const NOTES: Text = ("approved", "notes", "Looked at twice");
const APPROVED_BY: Text = ("approved", "approved_by", "Rita Reviewer");

/// What opens a commitment: another one for each text.
fn opening((_, what, _): Text) -> [u8; 32] {
    [what.len() as u8; 32]
}

/// What was said, as `oubli show --reveal --json` prints it.
fn words(said: Text) -> Value {
    let (order, what, text) = said;
    json!({ "what": what, "text": text, "opening": HEXLOWER.encode(&opening(said)), "audit_id": format!("aud_{order}") })
}

/// What happened to the request, and what was said of it then.
fn event(event_type: EventType, said: &[Text]) -> AuditEvent {
    let (order, ..) = said[0];
    let commit = |said: &Text| (format!("{}_commitment", said.1), Value::from(commitment(&opening(*said), said.2)));
    AuditEvent {
        request_id: Some(REQUEST.parse().expect("an id")),
        details: said.iter().map(commit).collect(),
        ..AuditEvent::new(order, event_type, Timestamp::UNIX_EPOCH)
    }
}

/// A log of two entries that commit to three texts, with its checkpoint beside it: its file, and its key.
fn log(folder: &Path) -> (String, String) {
    let extended = event(EventType::DeadlineExtended, &[REASONS]);
    let approved = event(EventType::RequestApproved, &[NOTES, APPROVED_BY]);
    let (mut leaves, mut previous) = (Vec::new(), GENESIS.to_owned());
    for (place, event) in (0..).zip([extended, approved]) {
        let entry = AuditEntry::seal(place, event, previous, format!("{place:064}"));
        leaves.push(entry.leaf().into_bytes());
        previous = entry.hash;
    }
    let ledger = SimLedger(World::new(1, None, false));
    let key = LedgerKey::new("oubli.example/acme", block_on(ledger.public_key()).expect("a key"));
    let root = Edge::default().grow(&leaves).expect("it grows").root;
    let checkpoint = Checkpoint { origin: key.name().to_owned(), size: leaves.len() as u64, root };
    let signature = block_on(ledger.sign(checkpoint.text().as_bytes())).expect("signed");
    let file = folder.join("log.ndjson");
    std::fs::write(&file, leaves.join(&b"\n"[..])).expect("written");
    std::fs::write(folder.join("log.ndjson.checkpoint"), checkpoint.note(&key, signature).expect("a note")).expect("written");
    (file.to_str().expect("a path").to_owned(), key.to_string())
}

/// What is said of the log where these words of the request are shown: for people, and for machines.
fn shown(words: &[Value]) -> [(Option<i32>, String); 2] {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, key) = log(folder.path());
    let request = folder.path().join("request.json");
    std::fs::write(&request, json!({ "request_id": REQUEST, "words": words }).to_string()).expect("written");
    let arguments = ["log", &log, "--key", &key, "--words", request.to_str().expect("a path")];
    [verify(&arguments), verify(&[&arguments[..], &["--json"]].concat())]
}

#[test]
fn p7_of_what_people_said_it_is_counted_what_is_not_shown() {
    for (texts, left_out) in [(vec![REASONS, NOTES, APPROVED_BY], None), (vec![REASONS, APPROVED_BY], Some("1 text"))] {
        let count = texts.len();
        let [people, machines] = shown(&texts.into_iter().map(words).collect::<Vec<_>>());
        let said = format!("Committed to: {count} texts of people, word for word.");
        assert_eq!((people.0, people.1.contains(&said)), (Some(0), true), "{}", people.1);
        let missing = left_out.map(|left_out| format!("Not shown: {left_out} that it commits to besides."));
        assert_eq!(people.1.contains("Not shown"), missing.is_some(), "{}", people.1);
        assert!(people.1.contains(&missing.unwrap_or_default()), "{}", people.1);
        let verdict: Value = serde_json::from_str(&machines.1).expect("json");
        let counted = ["words_shown", "words_committed", "words_missing"].map(|name| verdict[name].as_u64());
        assert_eq!(counted, [count as u64, 3, 3 - count as u64].map(Some), "{verdict}");
    }
}

#[test]
fn p7_a_text_that_is_shown_twice_stands_for_no_other() {
    for twice in [[REASONS, NOTES, NOTES], [NOTES, NOTES, APPROVED_BY]] {
        for (code, said) in shown(&twice.map(words)) {
            assert_eq!(code, Some(1), "{said}");
            assert!(said.contains("notes of entry aud_approved is shown twice"), "{said}");
        }
    }
}

#[test]
fn p7_a_text_is_shown_as_what_it_was_said_as() {
    let (mut notes, mut approved_by) = (words(NOTES), words(APPROVED_BY));
    // Each with what opens it: only the place is another.
    (notes["what"], approved_by["what"]) = (approved_by["what"].take(), notes["what"].take());
    for (code, said) in shown(&[words(REASONS), notes, approved_by]) {
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("approved_by is not what entry aud_approved commits to"), "{said}");
    }
    let mut other = words(NOTES);
    other["text"] = json!("Looked at once");
    for (code, said) in shown(&[other]) {
        assert_eq!((code, said.contains("notes is not what entry aud_approved commits to")), (Some(1), true), "{said}");
    }
}
