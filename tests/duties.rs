//! What stays with something else, what is shown and not erased, and whom a numeric table is asked about.

use anyhow::{Context, Result, ensure};
use oubli_tests::{EXPORTS, Export, Folder, QUERIES, new_key, oubli, verification};
use serde_json::{Value, json};

use crate::stores::{Place, certificate, kept};

const INVOICES: &str = "
version: 1
stores: {db: {connector: dynamodb}, files: {connector: s3}}
anchors: {invoice: [db/PREFIX-invoices], line: [db/PREFIX-lines], label: [files/PREFIX-labels]}
producers:
  - name: invoices
    category: invoices
    store: db
    table: PREFIX-invoices
    key: [owner, invoice_id]
    select: [{by: subject_id, attribute: owner}]
    retention: {reason: Tax law, exception: legal_obligation, from: issued_at, from_end_of: year, years: 7}
    owns: [invoice]
  - name: lines
    category: invoices
    store: db
    table: PREFIX-lines
    key: [invoice_id, line_no]
    select: [{by: {producer: invoices, field: invoice_id}, attribute: invoice_id}]
    retention: {with: parent}
    owns: [line]
  - name: labels
    category: labels
    store: files
    bucket: PREFIX-labels
    select: [{by: {producer: invoices, field: invoice_id}, prefix: 'labels/{}/'}]
    retention: {with: parent}
    owns: [label]
";

#[test]
fn p2_p3_lines_and_labels_of_a_kept_invoice_stay_with_it() -> Result<()> {
    for versioned in [&[][..], &["versioned"]] {
        let place = Place::make(INVOICES)?;
        place.run("table", "invoices", &["owner", "invoice_id"])?;
        place.run("table", "lines", &["invoice_id", "line_no"])?;
        place.run("bucket", "labels", versioned)?;
        let (mut lines, mut labels) = (Vec::new(), Vec::new());
        for (id, issued) in [("i-old", "2009-12-31"), ("i-new", "2026-02-01"), ("i-odd", "last spring")] {
            place.put("invoices", &[json!({ "owner": "c-8", "invoice_id": id, "issued_at": issued })])?;
            lines.extend([json!({ "invoice_id": id, "line_no": "1" }), json!({ "invoice_id": id, "line_no": "2" })]);
            labels.push(format!("labels/{id}/label.pdf"));
        }
        place.put("lines", &lines)?;
        place.run("objects", "labels", &labels.iter().map(String::as_str).collect::<Vec<_>>())?;
        let (job, plan, ended) = place.erased("c-8")?;
        ensure!(plan.to_string().contains("as long as invoices: Tax law"), "{plan}");
        ensure!(ended["status"] == "completed_with_exceptions", "{ended}");
        assert_eq!(place.left("keys", "invoices")?, ["c-8 i-new", "c-8 i-odd"]);
        assert_eq!(place.left("keys", "lines")?, ["i-new 1", "i-new 2", "i-odd 1", "i-odd 2"]);
        assert_eq!(place.left("listed", "labels")?, ["labels/i-new/label.pdf", "labels/i-odd/label.pdf"]);
        let kept = kept(&certificate(&job)?["claims"]);
        let of =
            |category: &str, reason: &str| -> u64 { kept.iter().filter(|k| k.0 == category && k.1 == reason).map(|k| k.2).sum() };
        assert_eq!(
            (of("invoices", "retention"), of("invoices", "with_parent"), of("labels", "with_parent")),
            (2, 4, 2),
            "{kept:?}"
        );
    }
    Ok(())
}

#[test]
fn p2_p3_a_label_under_an_id_with_a_slash_is_named_and_nobody_elses_is_taken() -> Result<()> {
    let place = Place::make(INVOICES)?;
    place.run("table", "invoices", &["owner", "invoice_id"])?;
    place.run("table", "lines", &["invoice_id", "line_no"])?;
    place.run("bucket", "labels", &[])?;
    let invoice = |owner: &str, id: &str| json!({ "owner": owner, "invoice_id": id, "issued_at": "2009-12-31" });
    place.put("invoices", &[invoice("c-8", "2009/17"), invoice("c-8", "17"), invoice("c-9", "2009")])?;
    place.put("lines", &["2009/17", "17", "2009"].map(|id| json!({ "invoice_id": id, "line_no": "1" })))?;
    let labels = ["labels/2009/17/label.pdf", "labels/17/label.pdf", "labels/2009/label.pdf"];
    place.run("objects", "labels", &labels)?;
    let (_, plan, ended) = place.erased("c-8")?;
    assert_eq!(plan["to_acknowledge"], json!(["labels"]), "{plan}");
    let unsearched = &plan["plan"]["unsearched"][0];
    assert_eq!((&unsearched["producer"], &unsearched["why"]), (&json!("labels"), &json!("unusable_identifier")), "{plan}");
    ensure!(unsearched["reason"].as_str().is_some_and(|r| r.starts_with("1 could") && r.contains("delimit")), "{plan}");
    ensure!(ended["status"] == "completed_with_exceptions", "{ended}");
    assert_eq!(place.left("keys", "invoices")?, ["c-9 2009"]);
    assert_eq!(place.left("keys", "lines")?, ["2009 1"]);
    // Under labels/2009/ stands what is of the invoice 2009/17, and of 2009, which is somebody else's.
    assert_eq!(place.left("listed", "labels")?, ["labels/2009/17/label.pdf", "labels/2009/label.pdf"]);
    Ok(())
}

const MESSAGES: &str = "
version: 1
stores: {db: {connector: dynamodb}}
anchors: {message: [db/PREFIX-messages]}
producers:
  - name: messages
    category: messages
    store: db
    table: PREFIX-messages
    key: [message_id]
    select:
      - {by: subject_id, index: by_sender, attribute: sender}
      - {by: subject_id, index: by_recipient, attribute: recipient, export: only, because: Somebody else wrote them}
    export: {mask: [sender, replies.agent, agnet]}
    owns: [message]
";

#[test]
fn p2_p3_what_somebody_else_wrote_is_shown_masked_and_stays() -> Result<()> {
    let place = Place::make(MESSAGES)?;
    place.run("table", "messages", &["message_id", "by_sender=sender", "by_recipient=recipient"])?;
    let reply = json!({ "M": { "agent": { "S": "Sam Okafor" }, "text": { "S": "hi" } } });
    let message = |id: &str, sender: &str, recipient: &str| json!({ "message_id": id, "sender": sender, "recipient": recipient, "text": "my address is …", "replies": { "L": [reply] } });
    place.put("messages", &[message("x-1", "c-1", "c-2"), message("x-2", "c-2", "c-1"), message("x-3", "c-2", "c-2")])?;
    let export = Export::ready(&place.organization, "c-2")?;
    let (folder, key) = (Folder::new()?, new_key(&place.organization.key, "privacy_officer")?);
    oubli(&key, &["export", "open", &export.id, "--out", &folder.path("out"), "--json"])?.succeeded()?;
    let rows = std::fs::read_to_string(folder.0.join("out/data/messages/messages.json"))?;
    ensure!(rows.matches("my address is").count() == 3 && !rows.contains("Sam Okafor"), "{rows}");
    let manifest: Value = serde_json::from_slice(&std::fs::read(folder.0.join("out/manifest.json"))?)?;
    ensure!(manifest.to_string().contains("\"fields_not_found\":[\"agnet\"]"), "{manifest}");
    let page = std::fs::read_to_string(folder.0.join("out/index.html"))?;
    ensure!(page.contains("About other people: Sender, replies.agent") && !page.contains("agnet"), "{page}");

    let (job, _, ended) = place.erased("c-2")?;
    ensure!(ended["status"] == "completed_with_exceptions", "{ended}");
    assert_eq!(place.left("keys", "messages")?, ["x-1"]);
    assert_eq!(kept(&certificate(&job)?["claims"]), [("messages".to_owned(), "export_only".to_owned(), 1)]);
    Ok(())
}

const REVIEWS: &str = "
version: 1
stores: {db: {connector: dynamodb}}
anchors: {note: [db/PREFIX-notes], review: [db/PREFIX-notes]}
producers:
  - {name: notes, category: notes, store: db, table: PREFIX-notes, key: [owner, note], select: [{by: subject_id, attribute: owner}], owns: [note]}
  - name: reviews
    category: reviews
    store: db
    table: PREFIX-notes
    key: [owner, note]
    select: [{by: subject_id, attribute: owner, where: {type: review}}]
    erase: {fields: {author: tokenization, text: redaction}}
    owns: [review]
";

#[test]
fn p2_p3_a_record_whose_fields_are_to_be_replaced_is_named_with_them_and_left_as_it_is() -> Result<()> {
    let place = Place::make(REVIEWS)?;
    place.run("table", "notes", &["owner", "note"])?;
    let review = |note: &str| json!({ "owner": "c-4", "note": note, "type": "review", "author": "Ada", "text": "it fits" });
    place.put("notes", &[review("r-1"), review("r-2"), json!({ "owner": "c-4", "note": "n-1", "text": "call me" })])?;
    let (job, plan, ended) = place.erased("c-4")?;
    assert_eq!((&plan["plan"]["records"], &plan["plan"]["kept_records"]), (&json!(1), &json!(2)), "{plan}");
    let words = json!("not replaced by this version: author (tokenization), text (redaction)");
    for kept in [&plan["plan"]["kept"], &ended["kept"]] {
        assert_eq!(kept.as_array().map(Vec::len), Some(1), "{kept}");
        let line = &kept[0];
        assert_eq!(
            (&line["producer"], &line["why"], &line["reason"]),
            (&json!("reviews"), &json!("fields_not_replaced"), &words)
        );
    }
    ensure!(ended["status"] == "completed_with_exceptions", "{ended}");
    let certificate = certificate(&job)?;
    assert_eq!(kept(&certificate["claims"]), [("reviews".to_owned(), "fields_not_replaced".to_owned(), 2)]);
    assert_eq!(certificate["claims"]["kept"][0]["duty"], "author (tokenization), text (redaction)", "{certificate}");
    assert_eq!(certificate["claims"]["pseudonymized"], json!([]), "{certificate}");
    assert_eq!(place.left("keys", "notes")?, ["c-4 r-1", "c-4 r-2"]);
    Ok(())
}

const LOGINS: &str = "
version: 1
identifiers: {subject_id: {form: number}}
stores: {db: {connector: dynamodb}}
anchors: {login: [db/PREFIX-logins]}
producers:
  - {name: logins, category: logins, store: db, table: PREFIX-logins, key: [customer_id], select: [{by: subject_id, attribute: customer_id}], owns: [login]}
";

#[test]
fn a_saved_query_asks_a_table_of_numbers_by_a_number() -> Result<()> {
    let place = Place::make(LOGINS)?;
    place.run("table", "logins", &["customer_id:N"])?;
    let login = |id: &str, device: &str| json!({ "customer_id": { "N": id }, "device": device });
    place.put("logins", &[login("42", "a phone"), login("7", "a tablet")])?;
    let statement = format!("SELECT device FROM \"{}-logins\" WHERE customer_id = ?", place.prefix);
    let query = json!({
        "short_name": "logins", "category": "logins", "store": "db", "parameters": ["subject_id"], "statement": statement,
    });
    place.organization.administrator.post(QUERIES, &query)?.ok()?;
    let key = new_key(&place.organization.key, "privacy_officer")?;
    for (subject, device) in [("42", "a phone"), ("007", "a tablet")] {
        let body = json!({ "subject_id": subject, "verification": verification(), "saved_queries": ["logins"] });
        let export = Export::submit(&place.organization, &body)?;
        let made = export.wait_for("available")?;
        ensure!(made["missing_records"] == 0, "{made}");
        let folder = Folder::new()?;
        oubli(&key, &["export", "open", &export.id, "--out", &folder.path("out"), "--json"])?.succeeded()?;
        let mut tables = std::fs::read_dir(folder.0.join("out/queries"))?;
        let table = std::fs::read_to_string(tables.next().context("no table")??.path())?;
        ensure!(table.contains(device) && table.lines().count() == 2, "{EXPORTS} of {subject}: {table}");
    }
    Ok(())
}
