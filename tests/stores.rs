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
        let prefix = format!("places-{}", unique());
        let organization = Organization::create(2)?;
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
