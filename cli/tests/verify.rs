//! `oubli verify` and the page for browsers, of the same certificate.

use serde_json::Value;
use std::process::Command;

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
