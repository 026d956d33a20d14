//! Exports: whole, sealed, openable without us, and gone when they are to be gone.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use oubli_tests::{
    AUDIT, Customer, EXPORTS, Export, Folder, Job, Organization, REQUESTS, example, fetch, full_erasure, new_key, node, oubli,
    python, text, unique, variable, verification,
};
use serde_json::{Value, json};

#[test]
fn everything_of_a_person_comes_out_as_it_is_and_nothing_of_anybody_else() -> Result<()> {
    let demo = Organization::demo()?;
    let folder = Folder::new()?;
    // One id is the beginning of the other.
    let customer = Customer::plant()?;
    let other = Customer::plant_as(format!("{}0", customer.id))?;
    let body = json!({ "subject_id": customer.id, "subject_email": customer.email, "verification": verification() });
    let export = Export::submit(&demo, &body)?;
    let ready = export.wait_for("available")?;
    ensure!(ready["missing_records"] == 0 && ready["identity"] == "withheld" && ready["subject_id"] == json!(null), "{ready}");
    let revealed = demo.officer.get(&export.path("?reveal=identity"))?.ok()?;
    ensure!(revealed["identity"] == "revealed" && revealed["subject_id"] == customer.id.as_str(), "{revealed}");
    let key = new_key(&demo.key, "privacy_officer")?;
    let out = folder.path("out");
    let said = oubli(&key, &["export", "open", &export.id, "--out", &out, "--json"])?.succeeded()?;
    let said: Value = serde_json::from_str(&said)?;
    ensure!(said["complete"] == true && said["records"] == ready["records"], "{said} {ready}");
    let same: Value = serde_json::from_str(&python("exports.py", &["compare", &customer.id, &out])?)?;
    ensure!(same["rows"].as_u64().zip(same["objects"].as_u64()).is_some_and(|(r, o)| json!(r + o) == ready["records"]), "{same}");

    let manifest: Value = serde_json::from_slice(&std::fs::read(folder.0.join("out/manifest.json"))?)?;
    for file in manifest["files"].as_array().context("no files")? {
        let bytes = std::fs::read(folder.0.join("out").join(text(file, "name")?))?;
        let text = String::from_utf8_lossy(&bytes);
        ensure!(!text.contains(&other.word) && !text.contains(&other.id), "{file} is about somebody else");
        ensure!(!text.contains("Robin of Support"), "{file} names whoever answered");
    }
    let page = std::fs::read_to_string(folder.0.join("out/index.html"))?;
    for told in ["Delivery, returns and warranty", "Parcel Express GmbH", "Invoices are kept for seven years", "Left out"] {
        ensure!(page.contains(told), "{told} is not on the page");
    }
    // Nothing was touched.
    assert_eq!(Export::ready(&demo, &customer.id)?.wait_for("available")?["records"], ready["records"]);
    Ok(())
}

/// What an export holds, unpacked into a folder, and its two pages for people.
fn unpacked(organization: &Organization, export: &Export, folder: &Folder) -> Result<(String, [String; 2])> {
    let out = folder.path("out");
    oubli(&new_key(&organization.key, "privacy_officer")?, &["export", "open", &export.id, "--out", &out])?.succeeded()?;
    let page = |name: &str| std::fs::read_to_string(folder.0.join("out").join(name));
    Ok((out.clone(), [page("index.html")?, page("README.txt")?]))
}

/// Another's parser reads every page: what it counts is pages, records and pictures.
fn judged(folder: &str) -> Result<Vec<usize>> {
    let judge = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/archive/tests/foreign/pages.py");
    let done = std::process::Command::new("python3").args([judge, folder]).output().context("python3 is needed")?;
    ensure!(done.status.success(), "{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    Ok(String::from_utf8(done.stdout)?.split_whitespace().map(str::parse).collect::<Result<_, std::num::ParseIntError>>()?)
}

#[test]
fn what_is_shown_is_all_of_it_each_object_by_its_key_and_version_and_no_spreadsheet_changes_it() -> Result<()> {
    let demo = Organization::demo()?;
    let (folder, customer) = (Folder::new()?, Customer::plant()?);
    python("exports.py", &["plant", &customer.id])?;
    let export = Export::ready(&demo, &customer.id)?;
    let (out, [index, readme]) = unpacked(&demo, &export, &folder)?;
    python("exports.py", &["sheets", &customer.id, &out])?;
    let objects: Value = serde_json::from_str(&python("exports.py", &["objects", &customer.id, &out])?)?;
    // A contract in three versions, a complaint in two with a marker between them, and one that was withdrawn.
    ensure!(objects["old"].as_u64() >= Some(4) && objects["deleted"] == 1, "{objects}");

    let records = export.wait_for("available")?["records"].as_u64().context("no records")?;
    let shown = judged(&out)?;
    ensure!(shown.get(1).map(|n| *n as u64) == Some(records), "{shown:?} of {records} records are on pages");
    let chat = |n: u32| std::fs::read_to_string(folder.0.join(format!("out/pages/chat_history/chat-messages-000{n}.html")));
    let pages = [chat(1)?, chat(2)?].concat();
    ensure!(pages.contains("message 149") && pages.contains("+33612345678") && !pages.contains("<script"), "{pages}");
    ensure!(index.contains("pages/chat_history/chat-messages-0001.html") && index.contains("lang=\"en\""), "{index}");
    ensure!(!index.contains("href=\"data/chat_history\"") && readme.contains("apostrophe"), "{readme}");
    Ok(())
}

#[test]
fn an_export_while_an_erasure_can_be_undone_says_what_is_kept_and_until_when() -> Result<()> {
    let organization = Organization::create(3_600)?;
    let (folder, customer) = (Folder::new()?, Customer::plant()?);
    let job = Job::in_review(&organization, &full_erasure(&customer.id))?;
    job.execute(&json!({}))?.ok()?;
    job.wait_for("recoverable")?;
    let export = Export::ready(&organization, &customer.id)?;
    let (_, pages) = unpacked(&organization, &export, &folder)?;
    let manifest: Value = serde_json::from_slice(&std::fs::read(folder.0.join("out/manifest.json"))?)?;
    let hidden = manifest["hidden"].as_array().context("nothing is said to be hidden")?;
    let chats = hidden.iter().find(|h| h["category"] == "chat_history").context("no chats")?;
    ensure!(chats["records"] == 7 && chats["request_id"] == job.id.as_str() && chats["until"].is_string(), "{chats}");
    ensure!(manifest["complete"] == false, "{manifest:#}");
    for page in &pages {
        ensure!(page.contains("Removed, and not destroyed yet") && page.contains("Chat history: 7, until"), "{page}");
        ensure!(!page.contains("every place"), "{page}");
    }
    Ok(())
}

#[test]
fn an_export_by_an_address_that_no_index_leads_from_claims_only_what_was_searched() -> Result<()> {
    let (demo, folder) = (Organization::demo()?, Folder::new()?);
    let email = format!("guest-{}@example.org", unique());
    python("exports.py", &["guest", &email])?;
    let export = Export::submit(&demo, &json!({ "subject_email": email, "verification": verification() }))?;
    export.wait_for("available")?;
    let (_, pages) = unpacked(&demo, &export, &folder)?;
    for page in &pages {
        ensure!(page.contains("Order history, Orders: nothing that was given about you leads there"), "{page}");
        ensure!(page.contains("Profile, Profiles: it was searched, but not by everything"), "{page}");
        ensure!(!page.contains("every place"), "{page}");
    }
    Ok(())
}

#[test]
fn the_pages_are_in_the_organizations_language() -> Result<()> {
    let organization = Organization::create(3_600)?;
    organization.set(&["--language", "de"])?;
    let (folder, customer) = (Folder::new()?, Customer::plant()?);
    let export = Export::ready(&organization, &customer.id)?;
    let (out, [index, readme]) = unpacked(&organization, &export, &folder)?;
    ensure!(index.contains("lang=\"de\"") && index.contains("Ihre Daten bei End to end"), "{index}");
    ensure!(readme.contains("Ihre Daten bei End to end") && !index.contains("Your data"), "{readme}");
    judged(&out)?;
    let refused = oubli(&organization.key, &["organization", "set", "--language", "xx"])?;
    ensure!(refused.code == 2 && refused.err.contains("en, fr and de"), "{}", refused.err);
    Ok(())
}

#[test]
fn p9_tools_of_aws_open_it_and_refuse_what_was_changed() -> Result<()> {
    let demo = Organization::demo()?;
    let folder = Folder::new()?;
    let export = Export::ready(&demo, &Customer::plant()?.id)?;
    let access = export.access()?;
    let (status, bytes) = fetch(text(&access, "download_url")?)?;
    ensure!(status == 200 && json!(bytes.len()) == access["size_bytes"], "{status}, {} bytes", bytes.len());
    let file = folder.path("export.zip.enc");
    std::fs::write(&file, &bytes)?;
    let context = access["encryption_context"].to_string();
    let said = python("exports.py", &["tools", &file, &variable("OUBLI_EXPORT_KEY_ID")?, &context, &folder.path("")])?;
    let said: Value = serde_json::from_str(said.trim())?;
    ensure!(said["files"].as_u64() > Some(10) && said["testers"].as_u64() > Some(1), "{said}");
    let (page, own) = (folder.path("page.zip"), folder.path("own.zip"));
    node("open_page.mjs", &[&file, text(&access, "content_key")?, &page])?.succeeded()?;
    oubli("", &["export", "open", "--file", &file, "--content-key", text(&access, "content_key")?, "--zip", &own])?
        .succeeded()?;
    let read = |path: &str| std::fs::read(path);
    ensure!(read(&page)? == read(&own)? && read(&own)? == read(&folder.path("cli.zip"))?, "three tools, three archives");
    let seal = example("seal");
    let seal = seal.to_str().context("a path in UTF-8")?;
    python("exports.py", &["kms", seal, &folder.path("")]).map(drop)
}

#[test]
fn p9_the_link_alone_shows_nothing_the_key_alone_fetches_nothing_and_revoked_is_gone() -> Result<()> {
    let demo = Organization::demo()?;
    let folder = Folder::new()?;
    let customer = Customer::plant()?;
    let export = Export::ready(&demo, &customer.id)?;
    let access = export.access()?;
    let url = text(&access, "download_url")?;
    let (status, sealed) = fetch(url)?;
    assert_eq!(status, 200);
    let seen = String::from_utf8_lossy(&sealed);
    ensure!(!seen.contains(&customer.word) && !seen.contains("manifest.json") && !seen.contains("index.html"), "readable");
    let bare = url.split('?').next().unwrap_or_default();
    ensure!([401, 403].contains(&fetch(&url.replace("Signature=", "Signature=0"))?.0), "another signature fetches it");
    if variable("OUBLI_ROLES_ENFORCED").is_ok_and(|on| on == "true") {
        ensure!(fetch(bare)?.0 == 403, "without a signature it is there");
    }
    let file = folder.path("export.zip.enc");
    std::fs::write(&file, &sealed)?;
    let key = text(&access, "content_key")?;
    let out = folder.path("by-hand");
    oubli("", &["export", "open", "--file", &file, "--content-key", key, "--out", &out])?.succeeded()?;
    let wrong = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let no = oubli("", &["export", "open", "--file", &file, "--content-key", wrong, "--out", &folder.path("no")])?;
    ensure!(no.code == 1 && no.err.contains("not encrypted with this key"), "{}", no.err);

    let again = export.access()?;
    ensure!(again["links"] == 2 && again["content_key"] == access["content_key"], "{again}");
    let repeated = [("idempotency-key", "once")];
    let once = || demo.officer.call("POST", &export.path("/access"), Some("{}"), &repeated);
    once()?.ok()?;
    once()?.refused(409, "answer_not_kept")?;

    let revoked = demo.officer.post(&export.path("/revoke"), &json!({}))?.ok()?;
    ensure!(revoked["revoked"] == true && revoked["phase"] == "expired", "{revoked}");
    ensure!(fetch(url)?.0 >= 400 && fetch(text(&again, "download_url")?)?.0 >= 400, "a link outlived its export");
    demo.officer.post(&export.path("/access"), &json!({}))?.refused(409, "export_revoked")?;
    demo.officer.post(&export.path("/revoke"), &json!({}))?.ok()?;

    let since = Instant::now();
    loop {
        let path = format!("{AUDIT}?request_id={}&event_type=export_accessed", export.id);
        let (entries, _) = demo.auditor.all(&path, "entries", 100)?;
        if entries.iter().all(|e| e["sealed"] == true) && entries.len() == 3 {
            ensure!(entries.iter().all(|e| e["executed_by"].is_string() && e["timestamp"].is_string()), "{entries:?}");
            break;
        }
        ensure!(since.elapsed() < Duration::from_secs(30), "{entries:?}");
        std::thread::sleep(Duration::from_millis(300));
    }
    let (entries, _) = demo.auditor.all(&format!("{AUDIT}?request_id={}", export.id), "entries", 100)?;
    let kinds: Vec<&str> = entries.iter().filter_map(|e| e["event_type"].as_str()).collect();
    for kind in ["request_received", "export_started", "export_ready", "export_revoked"] {
        ensure!(kinds.contains(&kind), "{kind} is not among {kinds:?}");
    }
    Ok(())
}

#[test]
fn what_cannot_be_is_refused_and_nobody_known_is_no_error() -> Result<()> {
    let demo = Organization::demo()?;
    let nobody = Export::ready(&demo, &format!("nobody-{}", unique()))?;
    let shown = demo.officer.get(&nobody.path(""))?.ok()?;
    ensure!(shown["records"] == 0 && shown["missing_records"] == 0, "{shown}");
    let folder = Folder::new()?;
    let out = folder.path("out");
    oubli(&new_key(&demo.key, "privacy_officer")?, &["export", "open", &nobody.id, "--out", &out])?.succeeded()?;
    let page = std::fs::read_to_string(folder.0.join("out/index.html"))?;
    ensure!(page.contains("no personal data"), "{page}");

    demo.officer.post(EXPORTS, &json!({}))?.refused(400, "empty_identity")?;
    let unknown = json!({ "subject_id": "x", "categories": ["nonsense"] });
    demo.officer.post(EXPORTS, &unknown)?.refused(400, "unknown_category")?;
    demo.officer.post(EXPORTS, &json!({ "subject_id": "x", "colour": "red" }))?.refused(400, "unknown_field")?;
    let waiting = Export::submit(&demo, &json!({ "subject_id": format!("cust-{}", unique()) }))?;
    demo.officer.post(&waiting.path("/access"), &json!({}))?.refused(409, "export_not_ready")?;
    demo.officer.post(&waiting.path("/revoke"), &json!({}))?.refused(409, "invalid_state")?;
    demo.officer.post(&waiting.path("/verify"), &verification())?.ok()?;
    waiting.wait_for("available")?;
    demo.officer.post(&waiting.path("/cancel"), &json!({}))?.refused(409, "invalid_state")?;

    // An export is no erasure, and an erasure no export.
    demo.officer.get(&format!("{REQUESTS}/{}", waiting.id))?.refused(404, "not_found")?;
    demo.officer.post(&format!("{REQUESTS}/{}/restore", waiting.id), &json!({}))?.refused(404, "not_found")?;
    let job = Job::submit(&demo, &full_erasure(&format!("cust-{}", unique())))?;
    demo.officer.get(&format!("{EXPORTS}/{}", job.id))?.refused(404, "not_found")?;
    demo.officer.post(&format!("{EXPORTS}/{}/access", job.id), &json!({}))?.refused(404, "not_found")?;
    let mut as_erasure = full_erasure("x");
    as_erasure["request_type"] = json!("export");
    demo.officer.post(REQUESTS, &as_erasure)?.refused(400, "request_type_not_offered")?;
    let listed = |path: &str| -> Result<Vec<Value>> { Ok(demo.officer.all(path, "requests", 100)?.0) };
    ensure!(listed(EXPORTS)?.iter().all(|r| r["request_type"] == "export"), "an erasure among exports");
    ensure!(listed(REQUESTS)?.iter().all(|r| r["request_type"] != "export"), "an export among erasures");
    Ok(())
}

#[test]
fn p10_an_export_leaves_no_trace_of_whom_it_was_about() -> Result<()> {
    let demo = Organization::demo()?;
    let customer = Customer::plant()?;
    let body = json!({ "subject_id": customer.id, "subject_email": customer.email, "verification": verification() });
    let export = Export::submit(&demo, &body)?;
    export.wait_for("available")?;
    export.access()?;
    let search = |when: &str| -> Result<()> {
        let report: Value = serde_json::from_str(&python("leaks.py", &[&customer.id, &customer.email, &customer.word])?)?;
        ensure!(report["found"].as_array().is_some_and(Vec::is_empty), "{when}: {:#}", report["found"]);
        Ok(())
    };
    search("available")?;
    demo.officer.post(&export.path("/revoke"), &json!({}))?.ok()?;
    search("revoked")
}
