//! What an organization's settings make of exports: decisions, who opens them and how, what goes into them and where.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use oubli_tests::{
    AUDIT, Customer, EXPORTS, Export, Folder, HOLDS, Job, Organization, QUERIES, fetch, full_erasure, new_key, oubli, python,
    text, unique, verification,
};
use serde_json::{Value, json};

fn organization(settings: &[&str]) -> Result<Organization> {
    let organization = Organization::create(3_600)?;
    if !settings.is_empty() {
        organization.set(settings)?;
    }
    Ok(organization)
}

/// The kinds of events of a request, once this one is among them.
fn logged(organization: &Organization, id: &str, event: &str) -> Result<Vec<Value>> {
    let since = Instant::now();
    loop {
        let (entries, _) = organization.auditor.all(&format!("{AUDIT}?request_id={id}"), "entries", 100)?;
        if entries.iter().any(|e| e["event_type"] == event) {
            return Ok(entries);
        }
        ensure!(since.elapsed() < Duration::from_secs(90), "{event} is not in the log: {entries:?}");
        std::thread::sleep(Duration::from_millis(300));
    }
}

#[test]
fn p1_nothing_is_hidden_before_the_export_that_goes_first_can_be_opened() -> Result<()> {
    let organization = organization(&["--export-review", "true"])?;
    let customer = Customer::plant()?;
    let before = customer.counts()?;
    let mut body = full_erasure(&customer.id);
    body["export_first"] = json!(true);
    let job = Job::in_review(&organization, &body)?;
    ensure!(job.submitted["export_first"] == true && job.submitted["export_request_id"].is_null(), "{}", job.submitted);
    job.execute(&json!({}))?.ok()?;
    job.watch("recoverable", |status| {
        if status["phase"] == "exporting" {
            // Counting takes a while: what it found is judged only if the erasure still waits.
            let now = customer.counts()?;
            let waits = job.status()?["phase"] == "exporting";
            ensure!(now == before || !waits, "something was hidden before the export was there");
        }
        Ok(())
    })?;
    let detail = job.detail()?;
    let export = Export { id: text(&detail, "export_request_id")?.to_owned(), organization: organization.clone() };
    // The approval of the erasure covered it, though exports are decided on here.
    let made = export.wait_for("available")?;
    ensure!(made["erasure_request_id"] == job.id.as_str() && made["missing_records"] == 0, "{made}");
    let planned = detail["plan"]["records"].as_u64().context("no plan")?;
    ensure!(made["records"].as_u64().is_some_and(|n| n >= planned && planned > 0), "{made} {planned}");
    let entries = job.sealed_log("data_hidden")?;
    let place = |event: &str| entries.iter().position(|e| e["event_type"] == event).with_context(|| format!("no {event}"));
    ensure!(place("export_awaited")? < place("export_made")? && place("export_made")? < place("gdpr_erasure_started")?, "order");
    job.cancel()?.ok()?;
    Ok(())
}

#[test]
fn an_erasure_whose_export_fails_hides_nothing_and_can_be_tried_again() -> Result<()> {
    let organization = organization(&[])?;
    let customer = Customer::plant()?;
    let before = customer.counts()?;
    let mut body = full_erasure(&customer.id);
    body["export_first"] = json!(true);
    let bad = json!({
        "short_name": "broken", "category": "profile", "store": "shop", "parameters": ["subject_id"],
        "statement": "SELECT name FROM \"shop-profiles\".\"no_such_index\" WHERE customer_id = ?",
    });
    organization.administrator.post(QUERIES, &bad)?.ok()?;
    let job = Job::in_review(&organization, &body)?;
    job.execute(&json!({}))?.ok()?;
    let failed = job.until(|status| Ok(status["phase"] == "failed"))?;
    ensure!(failed["failure"]["code"] == "export_incomplete", "{failed}");
    ensure!(customer.counts()? == before, "something was hidden");
    organization.administrator.delete(&format!("{QUERIES}/broken"))?.ok()?;
    organization.officer.post(&job.path("/retry"), &json!({}))?.ok()?;
    job.wait_for("recoverable")?;
    Ok(())
}

#[test]
fn an_export_that_is_to_be_decided_on_waits_for_somebody_else() -> Result<()> {
    let organization = organization(&["--export-review", "true"])?;
    let customer = Customer::plant()?;
    let query = json!({
        "short_name": "orders", "category": "order_history", "store": "shop", "parameters": ["subject_id"],
        "statement": "SELECT order_id FROM \"shop-orders\".\"by_customer\" WHERE customer_id = ?",
    });
    organization.administrator.post(QUERIES, &query)?.ok()?;
    let export = Export::of(&organization, &customer.id)?;
    let waiting = export.wait_for("in_review")?;
    // What must be kept is no reason not to show it.
    let hold = json!({ "subject_id": customer.id, "reason": "Dispute" });
    organization.officer.post(HOLDS, &hold)?.ok()?;
    ensure!(waiting["plan"]["records"].as_u64() > Some(0), "{waiting}");
    organization.officer.post(&export.path("/execute"), &json!({}))?.refused(403, "forbidden")?;
    organization.officer.post(&export.path("/access"), &json!({}))?.refused(409, "export_not_ready")?;
    let excluded = json!({ "exclusions": [
        { "category": "documents", "reason": "somebody else's" }, { "category": "order_history", "reason": "a gift" },
    ] });
    organization.reviewer.post(&export.path("/execute"), &excluded)?.ok()?;
    let made = export.wait_for("available")?;
    ensure!(made["records"].as_u64() < waiting["plan"]["records"].as_u64(), "{made}");
    organization.reviewer.post(&export.path("/execute"), &json!({}))?.refused(409, "invalid_state")?;
    let folder = Folder::new()?;
    let out = folder.path("out");
    oubli(&new_key(&organization.key, "privacy_officer")?, &["export", "open", &export.id, "--out", &out])?.succeeded()?;
    let there = |name: &str| folder.0.join("out").join(name).exists();
    ensure!(there("data/profile") && !there("data/order_history") && !there("queries"), "what was left out is in it");
    let refused = Export::of(&organization, &customer.id)?;
    refused.wait_for("in_review")?;
    organization.reviewer.post(&refused.path("/reject"), &json!({ "reason": "not the person" }))?.ok()?;
    let shown = organization.officer.get(&refused.path(""))?.ok()?;
    ensure!(shown["status"] == "rejected", "{shown}");
    // One submitted by whoever may decide is decided by somebody else.
    let own = json!({ "subject_id": customer.id, "verification": verification() });
    let own = organization.administrator.post(EXPORTS, &own)?.ok()?;
    let own = Export { id: text(&own, "request_id")?.to_owned(), organization: organization.clone() };
    own.wait_for("in_review")?;
    organization.administrator.post(&own.path("/execute"), &json!({}))?.refused(403, "own_request")?;
    Ok(())
}

#[test]
fn p9_only_the_roles_that_the_organization_names_open_exports() -> Result<()> {
    let organization = organization(&["--export-openers", "reviewer"])?;
    let export = Export::ready(&organization, &Customer::plant()?.id)?;
    organization.officer.post(&export.path("/access"), &json!({}))?.refused(403, "forbidden")?;
    organization.officer.post(&export.path("/revoke"), &json!({}))?.refused(403, "forbidden")?;
    let access = organization.reviewer.post(&export.path("/access"), &json!({}))?.ok()?;
    ensure!(fetch(text(&access, "download_url")?)?.0 == 200, "{access}");
    Ok(())
}

/// The code that an app shows now, or after so many seconds.
fn code(secret: &str, later: u64) -> Result<String> {
    let bytes = totp_rs::Secret::try_from_base32(secret).map_err(|e| anyhow::anyhow!("{e:?}"))?;
    let codes = totp_rs::Builder::new().with_secret(bytes).with_account_name("test").build();
    let codes = codes.map_err(|e| anyhow::anyhow!("{e:?}"))?;
    Ok(codes.generate(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + later).to_string())
}

#[test]
fn p9_a_one_time_code_opens_once() -> Result<()> {
    let organization = organization(&[])?;
    let export = Export::ready(&organization, &Customer::plant()?.id)?;
    organization.set(&["--export-step-up", "true"])?;
    let open = |body: Value| organization.officer.post(&export.path("/access"), &body);
    open(json!({}))?.refused(403, "code_not_enrolled")?;
    let listed = oubli(&organization.key, &["key", "list", "--json"])?.succeeded()?;
    let listed: Value = serde_json::from_str(&listed)?;
    let keys = listed["keys"].as_array().context("no keys")?;
    let officer = keys.iter().find(|k| k["name"] == "privacy_officer").context("no officer")?;
    let enroll = ["key", "enroll", text(officer, "key_id")?, "--json"];
    let enrolled: Value = serde_json::from_str(&oubli(&organization.key, &enroll)?.succeeded()?)?;
    let secret = text(&enrolled, "secret")?;
    ensure!(text(&enrolled, "url")?.contains(secret), "{enrolled}");
    open(json!({}))?.refused(403, "code_needed")?;
    open(json!({ "code": "000000" }))?.refused(403, "code_wrong")?;
    let now = code(secret, 0)?;
    let access = open(json!({ "code": now }))?.ok()?;
    ensure!(access["links"] == 1, "{access}");
    open(json!({ "code": now }))?.refused(403, "code_wrong")?;
    open(json!({ "code": code(secret, 30)? }))?.ok()?;
    for _ in 0..5 {
        open(json!({ "code": "123" }))?.refused(403, "code_wrong")?;
    }
    open(json!({ "code": code(secret, 60)? }))?.refused(403, "too_many_codes")?;
    let since = Instant::now();
    loop {
        let (refused, _) = organization.auditor.all(&format!("{AUDIT}?event_type=code_refused"), "entries", 100)?;
        if refused.len() == 7 {
            break;
        }
        ensure!(since.elapsed() < Duration::from_secs(30), "{} refused codes are in the log", refused.len());
        std::thread::sleep(Duration::from_millis(300));
    }
    Ok(())
}

#[test]
fn saved_queries_and_delivery() -> Result<()> {
    let organization = organization(&["--file-prefix", "e2e_", "--delivery-names-people", "true"])?;
    organization.share(&["s3/oubli-demo-delivery", "s3/no-such-bucket-anywhere"])?;
    organization.set(&["--delivery-bucket", "oubli-demo-delivery", "--delivery-app", "Demo / EU"])?;
    let folder = Folder::new()?;
    let customer = Customer::plant()?;
    let other = Customer::plant_as(format!("{}0", customer.id))?;
    let query = |name: &str, statement: &str| {
        json!({
            "short_name": name, "category": "order_history", "store": "shop", "parameters": ["subject_id"],
            "statement": statement, "description": "What you ordered",
        })
    };
    let by_index = "SELECT order_id, customer_id FROM \"shop-orders\".\"by_customer\" WHERE customer_id = ?";
    let orders = query("orders", by_index);
    organization.officer.post(QUERIES, &orders)?.refused(403, "forbidden")?;
    let registered = organization.administrator.post(QUERIES, &orders)?.ok()?;
    ensure!(registered["columns"] == json!(["order_id", "customer_id"]), "{registered}");
    organization.administrator.post(QUERIES, &orders)?.ok()?;
    organization
        .administrator
        .post(QUERIES, &query("orders", "SELECT order_id FROM \"shop-orders\" WHERE customer_id = ?"))?
        .refused(409, "saved_query_exists")?;
    for (wrong, field) in [
        (query("all", "SELECT name FROM \"shop-profiles\" WHERE customer_id = ?"), "statement"),
        (query("all", "SELECT order_id FROM \"shop-orders\""), "statement"),
        (query("all", "SELECT order_id FROM \"shop-orders\" WHERE customer_id = ? OR order_id > 'a'"), "statement"),
        (query("all", "SELECT * FROM \"shop-orders\" WHERE customer_id = ?"), "statement"),
        (query("all", "DELETE FROM \"shop-orders\" WHERE customer_id = ?"), "statement"),
        (query("all", "SELECT pk FROM \"oubli-jobs\" WHERE pk = ?"), "statement"),
        (query("all", "SELECT order_id FROM \"shop-orders\" WHERE customer_id = ? AND order_id = ?"), "parameters"),
    ] {
        organization.administrator.post(QUERIES, &wrong)?.refused(400, "invalid_query")?.names(field)?;
    }
    let mut wrong = query("no name!", by_index);
    wrong["parameters"] = json!(["phone"]);
    let refused = organization.administrator.post(QUERIES, &wrong)?;
    refused.names("short_name")?;
    refused.names("parameters[0]")?;
    let broken = query("gone", "SELECT order_id FROM \"shop-orders\".\"no_such_index\" WHERE customer_id = ?");
    organization.administrator.post(QUERIES, &broken)?.ok()?;
    ensure!(organization.auditor.get(QUERIES)?.ok()?["saved_queries"].as_array().is_some_and(|q| q.len() == 2), "listed");

    let named = |names: Value| json!({ "subject_id": customer.id, "verification": verification(), "saved_queries": names, "deliver": true });
    organization.officer.post(EXPORTS, &named(json!(["nothing"])))?.refused(400, "unknown_saved_query")?;
    let export = Export::submit(&organization, &named(json!(["orders"])))?;
    let made = export.wait_for("available")?;
    ensure!(made["missing_records"] == 0 && made["saved_queries"] == json!(["orders"]), "{made}");
    let out = folder.path("out");
    let key = new_key(&organization.key, "privacy_officer")?;
    oubli(&key, &["export", "open", &export.id, "--out", &out])?.succeeded()?;
    let tables: Vec<_> = std::fs::read_dir(folder.0.join("out/queries"))?.flatten().map(|f| f.path()).collect();
    let [table] = tables.as_slice() else { anyhow::bail!("{tables:?}") };
    let name = table.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let stamp = name.strip_prefix("e2e_orders_").and_then(|n| n.strip_suffix("Z.csv")).context(name.clone())?;
    ensure!(stamp.len() == 15 && stamp.as_bytes()[8] == b'T', "{name}");
    let rows = std::fs::read_to_string(table)?;
    let (head, rows) = rows.split_once("\r\n").context("no rows")?;
    let held = customer.counts()?.into_iter().find(|(store, _)| store.contains("orders")).map_or(0, |(_, n)| n);
    ensure!(head == "\u{feff}\"order_id\",\"customer_id\"" && rows.lines().count() == held && held > 0, "{held}: {rows}");
    ensure!(rows.lines().all(|row| row.ends_with(&format!(",\"{}\"", customer.id))) && !rows.contains(&other.id), "{rows}");

    ensure!(made["delivered_to"] == json!(null), "{made}");
    let made = organization.officer.get(&export.path("?reveal=identity"))?.ok()?;
    let place = text(&made, "delivered_to")?;
    let prefix = format!("GDPR access - Demo _ EU - {}/", customer.id);
    let digits = &export.id[export.id.len() - 12..];
    ensure!(place == format!("s3://oubli-demo-delivery/{prefix}e2e_export_{stamp}Z_{digits}.zip.enc"), "{place}");
    let file = folder.path("delivered.zip.enc");
    let keys = python("deliveries.py", &["oubli-demo-delivery", &prefix, &file])?;
    ensure!(place.ends_with(serde_json::from_str::<Vec<String>>(&keys)?.first().context("nothing was delivered")?), "{keys}");
    let access = export.access()?;
    ensure!(fetch(text(&access, "download_url")?)?.1 == std::fs::read(&file)?, "another file was delivered");
    organization.officer.post(&export.path("/revoke"), &json!({}))?.ok()?;
    ensure!(python("deliveries.py", &["oubli-demo-delivery", &prefix, &file])?.trim() == "[]", "it outlived its revocation");

    // One that its store refuses is said to be missing; by default all are run.
    let whole = Export::of(&organization, &customer.id)?;
    let made = whole.wait_for("available")?;
    ensure!(made["missing_records"] == 1 && made["saved_queries"] == json!(["gone", "orders"]), "{made}");
    let out = folder.path("whole");
    let said: Value = serde_json::from_str(&oubli(&key, &["export", "open", &whole.id, "--out", &out, "--json"])?.succeeded()?)?;
    ensure!(said["complete"] == false && said["missing"] == 1, "{said}");
    organization.administrator.delete(&format!("{QUERIES}/gone"))?.ok()?;
    organization.administrator.delete(&format!("{QUERIES}/gone"))?.refused(404, "not_found")?;
    organization.set(&["--delivery-bucket", "no-such-bucket-anywhere"])?;
    let refused = Export::submit(&organization, &named(json!([])))?;
    let since = Instant::now();
    loop {
        let status = organization.officer.get(&refused.path("/status"))?.ok()?;
        if status["phase"] == "failed" {
            ensure!(text(&status["failure"], "message")?.contains("no-such-bucket-anywhere"), "{status}");
            break;
        }
        ensure!(since.elapsed() < Duration::from_secs(60), "{status}");
        std::thread::sleep(Duration::from_millis(300));
    }
    Ok(())
}

#[test]
fn p9_its_people_are_told_and_an_export_ends_with_its_time() -> Result<()> {
    let address = format!("dpo-{}@shop.example", unique());
    let organization = organization(&["--notify", &address, "--export-kept-seconds", "30"])?;
    let folder = Folder::new()?;
    let export = Export::ready(&organization, &Customer::plant()?.id)?;
    let access = export.access()?;
    let url = text(&access, "download_url")?;
    let file = folder.path("export.zip.enc");
    std::fs::write(&file, fetch(url)?.1)?;
    let told = |count: &str, seconds: &str| -> Result<Vec<String>> {
        let mails: Vec<Value> = serde_json::from_str(&python("mailbox.py", &[&export.id, count, seconds])?)?;
        ensure!(mails.iter().all(|m| m.to_string().contains(&address)), "{mails:?}");
        Ok(mails.into_iter().map(|m| m.to_string()).collect())
    };
    ensure!(told("1", "60")?.iter().any(|m| m.contains("can be opened")), "nobody was told");
    // The sweeper comes every minute by itself, which is later than this export lives.
    let since = Instant::now();
    let all = loop {
        python("invoke.py", &["sweeper", "events/sweeper.json", ""])?;
        let all = told("2", "2")?;
        if all.len() > 1 {
            break all;
        }
        ensure!(since.elapsed() < Duration::from_secs(40), "nobody was told of its end: {all:?}");
    };
    ensure!(all.len() == 2 && all.iter().any(|m| m.contains("about to expire")), "{all:?}");
    while organization.officer.get(&export.path("/status"))?.ok()?["phase"] != "expired" {
        python("invoke.py", &["sweeper", "events/sweeper.json", ""])?;
        ensure!(since.elapsed() < Duration::from_secs(90), "it never ends");
    }
    export.wait_for("expired")?;
    ensure!(fetch(url)?.0 >= 400, "the link outlived the export");
    organization.officer.post(&export.path("/access"), &json!({}))?.refused(409, "export_expired")?;
    let shown = organization.officer.get(&export.path(""))?.ok()?;
    ensure!(shown["revoked"] == false && shown["status"] == "completed", "{shown}");
    let entries = logged(&organization, &export.id, "export_expired")?;
    let sent = entries.iter().filter(|e| e["event_type"] == "notification_sent").count();
    ensure!(sent == 2, "{sent} emails are in the log");
    ensure!(!entries.iter().any(|e| e.to_string().contains(&address)), "the log names whom it told");
    Ok(())
}

#[test]
fn p7_p9_downloads_are_in_the_log() -> Result<()> {
    let organization = organization(&[])?;
    let export = Export::ready(&organization, &Customer::plant()?.id)?;
    let object = format!("{}/{}.zip.enc", organization.id, export.id);
    for event in ["one", "one", "two"] {
        python("download_event.py", &["events/export.json", &object, &format!("{event}-{}", export.id)])?;
    }
    let entries = logged(&organization, &export.id, "export_downloaded")?;
    let since = Instant::now();
    while organization.officer.get(&export.path(""))?.ok()?["downloads"] != 2 {
        ensure!(since.elapsed() < Duration::from_secs(30), "two downloads were not seen");
        std::thread::sleep(Duration::from_millis(300));
    }
    let entry = entries.iter().find(|e| e["event_type"] == "export_downloaded").context("none")?;
    ensure!(!entry.to_string().contains("203.0.113.7") && !entry.to_string().contains("oubli-export"), "{entry}");
    Ok(())
}

#[test]
fn p9_a_copy_for_the_person_takes_a_passphrase_that_holds() -> Result<()> {
    let organization = organization(&[])?;
    let folder = Folder::new()?;
    let export = Export::ready(&organization, &Customer::plant()?.id)?;
    let key = new_key(&organization.key, "privacy_officer")?;
    let weak = folder.path("weak");
    std::fs::write(&weak, "password1\n")?;
    let copy = folder.path("copy.zip.age");
    let refused = oubli(&key, &["export", "open", &export.id, "--subject-copy", &copy, "--passphrase-file", &weak])?;
    ensure!(refused.code == 2 && refused.err.contains("too weak") && !refused.err.contains("password1"), "{}", refused.err);
    ensure!(organization.officer.get(&export.path(""))?.ok()?["links"] == 0, "a link was given out for nothing");
    let said = oubli(&key, &["export", "open", &export.id, "--subject-copy", &copy, "--json"])?.succeeded()?;
    let said: Value = serde_json::from_str(&said)?;
    let sealed = std::fs::read(&copy)?;
    ensure!(sealed.starts_with(b"age-encryption.org/v1\n-> scrypt "), "no age file");
    ensure!(text(&said, "passphrase")?.len() >= 25, "{said}");
    Ok(())
}
