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
