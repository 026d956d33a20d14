//! A data map for a single-table design that is published, over data of its form.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use oubli_tests::{Job, Organization, full_erasure, python, unique};
use serde_json::{Value, json};

/// An order with an item, an invoice of a day, and two shipments, as the developer guide keys them.
fn order(order: &str, customer: &str, day: &str) -> Vec<Value> {
    let (pk, owner, at) = (format!("o#{order}"), format!("c#{customer}"), format!("{day}T19:18:00"));
    let (invoice, shipment, parcel) = (format!("i#{order}"), format!("sh#{order}"), format!("shp#{order}"));
    let street = json!({ "M": { "City": { "S": "Göteborg" }, "Street": { "S": "Slånbärsvägen" } } });
    vec![
        json!({ "PK": pk, "SK": owner, "EntityType": "order", "Date": at }),
        json!({ "PK": pk, "SK": "p#99887", "EntityType": "orderItem", "GSI1-PK": "p#99887", "GSI1-SK": at, "GSI2-PK": owner,
            "GSI2-SK": at, "Price": "40", "Quantity": "5" }),
        json!({ "PK": pk, "SK": invoice, "EntityType": "invoice", "GSI1-PK": invoice, "GSI1-SK": invoice, "GSI2-PK": owner,
            "GSI2-SK": at, "Amount": "200", "Date": at }),
        json!({ "PK": pk, "SK": shipment, "EntityType": "shipment", "GSI1-PK": shipment, "GSI1-SK": shipment,
            "GSI2-PK": "w#12376", "GSI2-SK": shipment, "Address": street, "Date": at }),
        json!({ "PK": pk, "SK": parcel, "EntityType": "shipmentItem", "GSI1-PK": shipment, "GSI1-SK": "p#99887",
            "Quantity": "5" }),
    ]
}

fn customer(id: &str, email: &str) -> Value {
    json!({ "PK": format!("c#{id}"), "SK": format!("c#{id}"), "EntityType": "customer", "Email": email, "Name": "Kathleen" })
}

#[test]
fn p2_p3_the_online_shop_of_the_developer_guide_is_erased_but_for_what_accounts_need() -> Result<()> {
    let prefix = format!("places-{}", unique());
    let table = format!("{prefix}-OnlineShop");
    let map = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/maps/online-shop.yaml"))?;
    let organization = Organization::create(2)?;
    organization.publish(&prefix, &map.replace("OnlineShop", &table))?;
    python("stores.py", &["table", &table, "PK", "SK", "GSI1=GSI1-PK/GSI1-SK", "GSI2=GSI2-PK/GSI2-SK"])?;
    let shop = [
        json!({ "PK": "p#99887", "SK": "p#99887", "EntityType": "product", "Price": "40" }),
        json!({ "PK": "w#12376", "SK": "w#12376", "EntityType": "warehouse" }),
        json!({ "PK": "p#99887", "SK": "w#12376", "EntityType": "warehouseItem", "GSI2-PK": "w#12376", "GSI2-SK": "p#99887" }),
    ];
    let people = [customer("12345", "kathleen@example.com"), customer("123456", "henrik@example.com")];
    let orders = [order("1", "12345", "2026-06-21"), order("2", "12345", "2012-06-21"), order("3", "123456", "2012-06-21")];
    let items: Vec<String> = shop.iter().chain(&people).chain(orders.iter().flatten()).map(Value::to_string).collect();
    let items: Vec<&str> = items.iter().map(String::as_str).collect();
    python("stores.py", &[&["put", &table], &items[..]].concat())?;

    let job = Job::in_review(&organization, &full_erasure("12345"))?;
    let plan = job.detail()?;
    job.execute(&json!({ "acknowledged": plan["to_acknowledge"], "plan_digest": plan["plan_digest"] }))?.ok()?;
    let ended = job.until(|status| Ok(status["finished_at"].is_string()))?;
    ensure!(ended["status"] == "completed_with_exceptions", "{ended}");
    let left: Vec<String> = serde_json::from_str(&python("stores.py", &["keys", &table])?)?;
    let of_shop = ["p#99887 p#99887", "p#99887 w#12376", "w#12376 w#12376"];
    let of_another = ["c#123456 c#123456", "o#3 c#123456", "o#3 i#3", "o#3 p#99887", "o#3 sh#3", "o#3 shp#3"];
    let mut expected: Vec<&str> = of_shop.into_iter().chain(of_another).chain(["o#1 c#12345", "o#1 i#1"]).collect();
    expected.sort_unstable();
    assert_eq!(left, expected, "the invoice of this year stays, with its order");
    let kept = plan["plan"]["kept"].as_array().context("nothing is kept")?;
    ensure!(kept.iter().any(|k| k["producer"] == "orders"), "{plan}");
    Ok(())
}
