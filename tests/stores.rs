//! Stores as they are found: one table for everything, prefixes within prefixes, objects that rows name.

use anyhow::{Result, ensure};
use oubli_tests::{Job, Organization, full_erasure, python, unique};
use serde_json::{Value, json};

/// An organization with stores of its own, whose names begin with the prefix.
pub(crate) struct Place {
    pub(crate) organization: Organization,
    pub(crate) prefix: String,
}

impl Place {
    pub(crate) fn make(map: &str) -> Result<Self> {
        Self::with_window(map, 2)
    }

    /// What is hidden there can be restored for so many seconds.
    fn with_window(map: &str, seconds: u32) -> Result<Self> {
        let prefix = format!("places-{}", unique());
        let organization = Organization::create(seconds)?;
        organization.publish(&prefix, &map.replace("PREFIX", &prefix))?;
        Ok(Self { organization, prefix })
    }

    pub(crate) fn run(&self, command: &str, place: &str, arguments: &[&str]) -> Result<String> {
        let name = format!("{}-{place}", self.prefix);
        python("stores.py", &[&[command, name.as_str()], arguments].concat())
    }

    pub(crate) fn put(&self, table: &str, items: &[Value]) -> Result<()> {
        let items: Vec<String> = items.iter().map(Value::to_string).collect();
        self.run("put", table, &items.iter().map(String::as_str).collect::<Vec<_>>()).map(drop)
    }

    pub(crate) fn left(&self, command: &str, place: &str) -> Result<Vec<String>> {
        Ok(serde_json::from_str(&self.run(command, place, &[])?)?)
    }

    /// Erased, whatever had to be acknowledged.
    pub(crate) fn erased(&self, subject: &str) -> Result<(Job, Value, Value)> {
        let job = Job::in_review(&self.organization, &full_erasure(subject))?;
        let plan = job.detail()?;
        job.execute(&json!({ "acknowledged": plan["to_acknowledge"], "plan_digest": plan["plan_digest"] }))?.ok()?;
        let ended = job.until(|status| Ok(status["finished_at"].is_string()))?;
        Ok((job, plan, ended))
    }
}

pub(crate) fn certificate(job: &Job) -> Result<Value> {
    job.sealed_log("request_completed")?;
    job.organization.officer.post(&job.path("/certificate"), &json!({ "format": "json" }))?.ok()
}

pub(crate) fn kept(certificate: &Value) -> Vec<(String, String, u64)> {
    let lines = certificate["kept"].as_array().cloned().unwrap_or_default();
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    lines.iter().map(|k| (text(k, "category"), text(k, "reason"), k["documents"].as_u64().unwrap_or_default())).collect()
}

const SINGLE_TABLE: &str = "
version: 1
stores: {db: {connector: dynamodb}}
anchors: {profile: [db/PREFIX-app], order: [db/PREFIX-app], invoice: [db/PREFIX-app]}
producers:
  - name: profiles
    category: profile
    store: db
    table: PREFIX-app
    key: [pk, sk]
    identifies: {subject_id: user}
    select: [{by: subject_id, attribute: pk, value: 'USER#{}', sort: {equals: PROFILE}}]
    owns: [profile]
  - name: orders
    category: orders
    store: db
    table: PREFIX-app
    key: [pk, sk]
    select: [{by: subject_id, attribute: pk, value: 'USER#{}', sort: {begins_with: 'ORDER#'}}]
    owns: [order]
  - name: invoices
    category: invoices
    store: db
    table: PREFIX-app
    key: [pk, sk]
    select: [{by: subject_id, attribute: pk, value: 'USER#{}', sort: {begins_with: 'INVOICE#'}}]
    retention: {reason: Tax law, exception: legal_obligation, from: issued_at, years: 7}
    owns: [invoice]
";

#[test]
fn p1_p2_p3_one_table_for_everything_is_several_categories() -> Result<()> {
    let place = Place::make(SINGLE_TABLE)?;
    place.run("table", "app", &["pk", "sk"])?;
    let item = |user: &str, sk: &str, more: Value| {
        let mut item = json!({ "pk": format!("USER#{user}"), "sk": sk, "user": user });
        item.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        item
    };
    let mut items = Vec::new();
    for user in ["u-901", "u-9011", "901"] {
        items.push(item(user, "PROFILE", json!({ "name": "Ada Quill" })));
        items.push(item(user, "ORDER#1", json!({ "total": { "N": "12" } })));
        items.push(item(user, "ORDER#2", json!({})));
        items.push(item(user, "INVOICE#1", json!({ "issued_at": "2026-02-01" })));
        items.push(item(user, "INVOICE#0", json!({ "issued_at": "2010-02-01" })));
    }
    place.put("app", &items)?;
    let (job, plan, ended) = place.erased("u-901")?;
    ensure!(ended["status"] == "completed_with_exceptions", "{ended}");
    let steps = plan["plan"]["steps"].as_array().cloned().unwrap_or_default();
    let planned = |category: &str| -> u64 {
        steps.iter().filter(|s| s["category"] == category).filter_map(|s| s["records"].as_u64()).sum()
    };
    assert_eq!((planned("profile"), planned("orders"), planned("invoices")), (1, 2, 1), "{plan}");
    let left = place.left("keys", "app")?;
    let of = |user: &str| left.iter().filter(|k| k.starts_with(&format!("USER#{user} "))).cloned().collect::<Vec<_>>();
    assert_eq!(of("u-901"), ["USER#u-901 INVOICE#1"], "the invoice that a duty keeps, and nothing else");
    assert_eq!((of("u-9011").len(), of("901").len()), (5, 5), "other people's");
    let certificate = certificate(&job)?;
    assert_eq!(kept(&certificate["claims"]), [("invoices".to_owned(), "retention".to_owned(), 1)], "{certificate}");
    Ok(())
}

const NESTED: &str = "
version: 1
stores: {files: {connector: s3}, db: {connector: dynamodb}}
anchors: {document: [files/PREFIX-docs], contract: [files/PREFIX-docs], row: [db/PREFIX-rows], invoice: [db/PREFIX-rows]}
producers:
  - name: documents
    category: documents
    store: files
    bucket: PREFIX-docs
    select: [{by: subject_id, prefix: 'customers/{}/'}]
    owns: [document]
  - name: contracts
    category: contracts
    store: files
    bucket: PREFIX-docs
    select: [{by: subject_id, prefix: 'customers/{}/contracts/'}]
    retention: {reason: Contracts are kept, exception: legal_obligation}
    owns: [contract]
  - name: rows
    category: rows
    store: db
    table: PREFIX-rows
    key: [pk, sk]
    select: [{by: subject_id, attribute: pk}]
    retention: {reason: Accounts are kept, exception: legal_obligation, from: made_at, years: 5}
    owns: [row]
  - name: invoices
    category: invoices
    store: db
    table: PREFIX-rows
    key: [pk, sk]
    select: [{by: subject_id, attribute: pk, where: {type: [invoice, refund]}}]
    retention: {reason: Tax law, exception: legal_obligation, from: issued_at, years: 7}
    owns: [invoice]
";

#[test]
fn p2_what_any_of_two_producers_must_keep_stays() -> Result<()> {
    for versioned in [&[][..], &["versioned"]] {
        let place = Place::make(NESTED)?;
        place.run("bucket", "docs", versioned)?;
        place.run("table", "rows", &["pk", "sk"])?;
        let keys = ["customers/c-7/photo.jpg", "customers/c-7/contracts/2026.pdf", "customers/c-71/photo.jpg"];
        place.run("objects", "docs", &keys)?;
        let old = json!("2001-01-01");
        place.put(
            "rows",
            &[
                json!({ "pk": "c-7", "sk": "a", "made_at": old }),
                json!({ "pk": "c-7", "sk": "b", "made_at": "2026-01-01" }),
                json!({ "pk": "c-7", "sk": "c", "type": "invoice", "made_at": old, "issued_at": "2026-01-01" }),
                json!({ "pk": "c-7", "sk": "d", "type": "refund", "made_at": "2026-01-01", "issued_at": old }),
                json!({ "pk": "c-7", "sk": "e", "type": "invoice", "made_at": old, "issued_at": old }),
            ],
        )?;
        let (job, _, ended) = place.erased("c-7")?;
        ensure!(ended["status"] == "completed_with_exceptions", "{ended}");
        assert_eq!(place.left("listed", "docs")?, ["customers/c-7/contracts/2026.pdf", "customers/c-71/photo.jpg"]);
        assert_eq!(place.left("keys", "rows")?, ["c-7 b", "c-7 c", "c-7 d"], "d is kept by the duty of whoever finds it too");
        let mut kept = kept(&certificate(&job)?["claims"]);
        kept.sort();
        let line = |category: &str, records| (category.to_owned(), "retention".to_owned(), records);
        ensure!(kept.iter().filter(|k| k.0 == "invoices").map(|k| k.2).sum::<u64>() == 2, "{kept:?}");
        ensure!(kept.contains(&line("contracts", 1)) && kept.contains(&line("rows", 1)), "{kept:?}");
    }
    Ok(())
}

const NAMED: &str = "
version: 1
stores: {files: {connector: s3}, db: {connector: dynamodb}}
anchors: {upload: [files/PREFIX-up], avatar: [files/PREFIX-up], row: [db/PREFIX-files]}
producers:
  - name: rows
    category: uploads
    store: db
    table: PREFIX-files
    key: [owner, name]
    select: [{by: subject_id, attribute: owner}]
    owns: [row]
  - name: uploads
    category: uploads
    store: files
    bucket: PREFIX-up
    select: [{by: {producer: rows, field: s3_key}, object: '{}'}]
    owns: [upload]
  - name: avatars
    category: profile
    store: files
    bucket: PREFIX-up
    select: [{by: subject_id, object: 'avatars/{}.png'}]
    owns: [avatar]
";

#[test]
fn p1_p3_objects_are_found_by_their_names_and_by_the_rows_that_name_them() -> Result<()> {
    for versioned in [&[][..], &["versioned"]] {
        let place = Place::make(NAMED)?;
        place.run("bucket", "up", versioned)?;
        place.run("table", "files", &["owner", "name"])?;
        let objects = ["up/7f/1", "up/7f/10", "up/a b/ä.pdf", "up/9", "avatars/u1.png", "avatars/u10.png", "avatars/u1.png.bak"];
        place.run("objects", "up", &objects)?;
        let bucket = format!("{}-up", place.prefix);
        place.put("files", &[
            json!({ "owner": "u1", "name": "a", "s3_key": "up/7f/1" }),
            json!({ "owner": "u1", "name": "b", "s3_key": format!("s3://{bucket}/up/a b/ä.pdf") }),
            json!({ "owner": "u1", "name": "c", "s3_key": format!("https://{bucket}.s3.eu-central-1.amazonaws.com/up/9?x=1") }),
            json!({ "owner": "u10", "name": "a", "s3_key": "up/7f/10" }),
        ])?;
        let (_, _, ended) = place.erased("u1")?;
        ensure!(ended["status"] == "completed", "{ended}");
        assert_eq!(place.left("listed", "up")?, ["avatars/u1.png.bak", "avatars/u10.png", "up/7f/10"]);
        assert_eq!(place.left("keys", "files")?, ["u10 a"]);
        // One row that names what is elsewhere is said, and stops nothing.
        place.put("files", &[json!({ "owner": "u10", "name": "b", "s3_key": "s3://somebody-elses/x" })])?;
        let (_, plan, ended) = place.erased("u10")?;
        ensure!(plan.to_string().contains("not in this bucket"), "{plan}");
        ensure!(ended["status"] == "completed_with_exceptions", "{ended}");
        assert_eq!(place.left("listed", "up")?, ["avatars/u1.png.bak"]);
    }
    Ok(())
}

const LISTS: &str = "
version: 1
stores: {db: {connector: dynamodb}}
anchors: {cart: [db/PREFIX-carts], order: [db/PREFIX-orders]}
producers:
  - name: carts
    category: carts
    store: db
    table: PREFIX-carts
    key: [owner, name]
    select: [{by: subject_id, attribute: owner}]
    owns: [cart]
  - name: orders
    category: orders
    store: db
    table: PREFIX-orders
    key: [order_id]
    select:
      - {by: {producer: carts, field: order_ids}, attribute: order_id}
      - {by: {producer: carts, field: meta.items.order_id}, attribute: order_id}
    owns: [order]
";

#[test]
fn p3_every_member_of_a_list_leads_on_and_what_is_no_text_is_said() -> Result<()> {
    let place = Place::make(LISTS)?;
    place.run("table", "carts", &["owner", "name"])?;
    place.run("table", "orders", &["order_id"])?;
    let text = |text: &str| json!({ "S": text });
    let numbers: Vec<String> = (0..40).map(|n| format!("many-{n:02}")).collect();
    place.put("carts", &[
        json!({ "owner": "c-5", "name": "set", "order_ids": { "SS": ["o-1", "o-2"] } }),
        json!({ "owner": "c-5", "name": "list", "order_ids": { "L": [text("o-3"), { "L": [text("o-4")] }, { "NULL": true }] } }),
        json!({ "owner": "c-5", "name": "many", "order_ids": { "SS": numbers } }),
        json!({ "owner": "c-5", "name": "none" }),
        json!({ "owner": "c-5", "name": "path",
            "meta": { "M": { "items": { "L": [{ "M": { "order_id": text("o-5") } }, { "M": { "order_id": text("o-6") } }] } } } }),
        json!({ "owner": "c-6", "name": "odd", "order_ids": { "L": [text("o-7"), { "M": { "id": text("o-8") } }] } }),
    ])?;
    let orders = (1..=9).map(|n| format!("o-{n}")).chain(numbers);
    place.put("orders", &orders.map(|id| json!({ "order_id": id })).collect::<Vec<_>>())?;
    let (_, _, ended) = place.erased("c-5")?;
    ensure!(ended["status"] == "completed", "{ended}");
    assert_eq!(place.left("keys", "orders")?, ["o-7", "o-8", "o-9"]);
    assert_eq!(place.left("keys", "carts")?, ["c-6 odd"]);
    let (_, plan, ended) = place.erased("c-6")?;
    ensure!(plan.to_string().contains("order_ids holds what is no text or number"), "{plan}");
    ensure!(ended["status"] == "completed_with_exceptions", "{ended}");
    assert_eq!(place.left("keys", "orders")?, ["o-8", "o-9"], "what could be read was followed");
    Ok(())
}

const UPLOADS: &str = "
version: 1
stores: {files: {connector: s3}}
anchors: {document: [files/PREFIX-docs], avatar: [files/PREFIX-docs], contract: [files/PREFIX-docs]}
producers:
  - name: documents
    category: documents
    store: files
    bucket: PREFIX-docs
    select: [{by: subject_id, prefix: 'customers/{}/'}]
    owns: [document]
  - name: contracts
    category: contracts
    store: files
    bucket: PREFIX-docs
    select: [{by: subject_id, prefix: 'customers/{}/contracts/'}]
    retention: {reason: Contracts are kept, exception: legal_obligation}
    owns: [contract]
  - name: avatars
    category: profile
    store: files
    bucket: PREFIX-docs
    select: [{by: subject_id, object: 'avatars/{}.png'}]
    owns: [avatar]
";

#[test]
fn p1_p2_p3_uploads_that_nobody_finished_are_planned_and_aborted() -> Result<()> {
    for versioned in [&[][..], &["versioned"]] {
        let place = Place::make(UPLOADS)?;
        place.run("bucket", "docs", versioned)?;
        place.run("objects", "docs", &["customers/c-7/photo.jpg"])?;
        let kept = "customers/c-7/contracts/2026.pdf";
        let theirs = ["customers/c-7/passport.pdf", "customers/c-7/passport.pdf", "avatars/c-7.png", kept];
        let others = ["avatars/c-71.png", "customers/c-7", "customers/c-71/passport.pdf"];
        place.run("upload", "docs", &theirs)?;
        place.run("upload", "docs", &others)?;
        let (job, plan, ended) = place.erased("c-7")?;
        let steps = plan["plan"]["steps"].as_array().cloned().unwrap_or_default();
        let planned = |producer: &str| -> u64 {
            steps.iter().filter(|s| s["producer"] == producer).filter_map(|s| s["records"].as_u64()).sum()
        };
        let counts = ["documents", "documents-unfinished-uploads", "avatars-unfinished-uploads", "contracts-unfinished-uploads"];
        assert_eq!(counts.map(planned), [1, 2, 1, 0], "{plan}");
        ensure!(plan.to_string().contains("aborted for good"), "{plan}");
        ensure!(ended["status"] == "completed_with_exceptions", "a contract's upload is kept as a contract is: {ended}");
        let mut left: Vec<&str> = others.into_iter().chain([kept]).collect();
        left.sort_unstable();
        assert_eq!(place.left("uploads", "docs")?, left);
        assert_eq!(place.left("listed", "docs")?, Vec::<String>::new());
        let certificate = certificate(&job)?;
        let line = ("contracts".to_owned(), "retention".to_owned(), 1);
        ensure!(kept_lines(&certificate).contains(&line), "{certificate}");
    }
    Ok(())
}

fn kept_lines(certificate: &Value) -> Vec<(String, String, u64)> {
    kept(&certificate["claims"])
}

#[test]
fn p3_an_upload_that_is_finished_meanwhile_is_found_as_the_object_that_it_became() -> Result<()> {
    let place = Place::with_window(UPLOADS, 20)?;
    place.run("bucket", "docs", &["versioned"])?;
    place.run("upload", "docs", &["customers/c-7/passport.pdf"])?;
    let job = Job::in_review(&place.organization, &full_erasure("c-7"))?;
    let plan = job.detail()?;
    job.execute(&json!({ "acknowledged": plan["to_acknowledge"], "plan_digest": plan["plan_digest"] }))?.ok()?;
    job.until(|status| Ok(status["phase"] == "recoverable" || status["finished_at"].is_string()))?;
    place.run("finish", "docs", &["customers/c-7/passport.pdf"])?;
    job.until(|status| Ok(status["phase"] == "in_review" || status["finished_at"].is_string()))?;
    let again = job.detail()?;
    let steps = again["plan"]["steps"].as_array().cloned().unwrap_or_default();
    ensure!(steps.len() == 1 && steps[0]["producer"] == "documents", "{again}");
    job.execute(&json!({ "acknowledged": again["to_acknowledge"], "plan_digest": again["plan_digest"] }))?.ok()?;
    let ended = job.until(|status| Ok(status["finished_at"].is_string()))?;
    ensure!(ended["status"] == "completed", "{ended}");
    assert_eq!(place.left("listed", "docs")?, Vec::<String>::new());
    assert_eq!(place.left("uploads", "docs")?, Vec::<String>::new());
    Ok(())
}

/// Objects under a prefix that names the person.
pub(crate) const DOCUMENTS: &str = "
version: 1
stores: {files: {connector: s3}}
anchors: {document: [files/PREFIX-docs]}
producers:
  - name: documents
    category: documents
    store: files
    bucket: PREFIX-docs
    select: [{by: subject_id, prefix: 'customers/{}/'}]
    owns: [document]
";

const REPLICA: &str = "
  - name: copies
    category: documents
    store: files
    bucket: PREFIX-copies
    select: [{by: subject_id, prefix: 'customers/{}/'}]
    owns: [copy]
";

#[test]
fn p3_a_replica_is_named_unless_the_map_declares_it_and_erased_if_it_does() -> Result<()> {
    for declared in [false, true] {
        let map = if declared {
            DOCUMENTS.replace("anchors: {", "anchors: {copy: [files/PREFIX-copies], ") + REPLICA.trim_start_matches('\n')
        } else {
            DOCUMENTS.to_owned()
        };
        let place = Place::make(&map)?;
        for bucket in ["docs", "copies"] {
            place.run("bucket", bucket, &["versioned"])?;
        }
        let copies = format!("{}-copies", place.prefix);
        place.run("replicate", "docs", &[&copies])?;
        let object = ["customers/c-7/passport.pdf"];
        place.run("objects", "docs", &object)?;
        if place.left("listed", "copies")?.is_empty() {
            // Whether the service under test replicates by itself is its own affair.
            place.run("objects", "copies", &object)?;
        }
        let (_, plan, ended) = place.erased("c-7")?;
        let said = plan.to_string().contains(&format!("replicated to bucket {copies}"));
        assert_eq!(said, !declared, "{plan}");
        assert_eq!(place.left("listed", "docs")?, Vec::<String>::new());
        let left = place.left("listed", "copies")?;
        assert_eq!(left.is_empty(), declared, "{left:?}, {ended}");
    }
    Ok(())
}

const BOUNDED: &str = "
version: 1
stores: {files: {connector: s3}, db: {connector: dynamodb}}
anchors: {letter: [db/PREFIX-letters], line: [files/PREFIX-logs]}
producers:
  - name: letters
    category: letters
    store: db
    table: PREFIX-letters
    key: [letter_id]
    select: [{by: subject_id, scan: {attribute: addressee, max_items: MOST}, where: {kind: [letter, card]}}]
    owns: [letter]
  - name: lines
    category: logs
    store: files
    bucket: PREFIX-logs
    select: [{by: subject_id, list: {pattern: 'logs/*/{}/**', max_keys: MOST}}]
    owns: [line]
";

#[test]
fn p3_what_no_index_and_no_prefix_finds_is_searched_as_far_as_the_map_allows() -> Result<()> {
    for (most, versioned) in [(100, &[][..]), (100, &["versioned"]), (3, &[])] {
        let place = Place::make(&BOUNDED.replace("MOST", &most.to_string()))?;
        place.run("table", "letters", &["letter_id"])?;
        place.run("bucket", "logs", versioned)?;
        let letter = |id: &str, to: &str, kind: &str| json!({ "letter_id": id, "addressee": to, "kind": kind });
        place.put(
            "letters",
            &[
                letter("l-1", "c-7", "letter"),
                letter("l-2", "c-7", "card"),
                letter("l-3", "c-7", "draft"),
                letter("l-4", "c-71", "letter"),
            ],
        )?;
        let others = ["logs/2026/c-71/a", "logs/2026/c-7", "logs/c-7/2026/a"];
        place.run("objects", "logs", &[&["logs/2026/c-7/a", "logs/2025/c-7/b/c"][..], &others].concat())?;
        let (_, plan, ended) = place.erased("c-7")?;
        let mut kept: Vec<&str> = others.to_vec();
        kept.sort_unstable();
        if most == 3 {
            ensure!(ended["status"] == "completed_with_exceptions", "{ended}");
            ensure!(plan["to_acknowledge"] == json!(["letters", "lines"]), "{plan}");
            ensure!(plan.to_string().contains("that scan allows") && plan.to_string().contains("that list allows"), "{plan}");
            assert_eq!(
                (place.left("keys", "letters")?.len(), place.left("listed", "logs")?.len()),
                (4, 5),
                "nothing was touched"
            );
            continue;
        }
        ensure!(ended["status"] == "completed", "{ended}");
        ensure!(
            plan.to_string().contains("the whole table is read") && plan.to_string().contains("every key under logs/"),
            "{plan}"
        );
        assert_eq!(place.left("keys", "letters")?, ["l-3", "l-4"]);
        assert_eq!(place.left("listed", "logs")?, kept);
    }
    Ok(())
}
