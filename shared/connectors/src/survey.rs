//! Holding a data map against the stores it speaks of.

use crate::Registry;
use aws_sdk_dynamodb::{Client, error::ProvideErrorMetadata as _};
use oubli_domain::{
    datamap::{DataMap, Finding, StoreKind, looks_personal},
    ids::ProducerName,
};
use oubli_engine::ports::Stores as _;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// A data map knows no organization: buckets are held to the window that settings begin with.
const WINDOW: Duration = Duration::from_secs(30 * 24 * 3600);

/// Items of a forgotten table whose field names are looked at.
const SAMPLE: i32 = 25;

/// What the stores say of a map: tables, indexes and buckets that are missing or differ are refused, what a store
/// cannot promise is a warning, and so are fields that look personal in DynamoDB tables which no producer names. Field
/// names are read, never values.
pub async fn survey(stores: &Registry, map: &DataMap, lines: &BTreeMap<ProducerName, u64>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for producer in &map.producers {
        let line = lines.get(&producer.name).copied();
        let Some(store) = map.stores.get(&producer.store) else { continue };
        let about = |text: String| format!("producer {}: {text}", producer.name);
        let promised = match stores.connector(&producer.store, store) {
            Ok(connector) => connector.capabilities(producer, WINDOW).await,
            Err(error) => Err(error),
        };
        match promised {
            Ok(promised) => {
                let cautions = promised.cautions.into_iter();
                findings.extend(cautions.map(|caution| Finding::warn(line, about(caution))));
            }
            Err(error) => findings.push(Finding::refuse(line, about(error.to_string()))),
        }
    }
    let claimed: BTreeSet<&str> = map.producers.iter().map(|p| p.location.name()).collect();
    let regions: BTreeSet<Option<&str>> =
        map.stores.values().filter(|s| s.connector == StoreKind::Dynamodb).map(|s| s.region.as_deref()).collect();
    for region in regions {
        let client = stores.dynamodb(region);
        match unclaimed(&client, &claimed).await {
            Ok(found) => findings.extend(found.into_iter().map(|text| Finding::warn(None, text))),
            Err(code) => {
                let text =
                    format!("tables that no producer names were not looked at ({code}): allow dynamodb:ListTables and Scan");
                findings.push(Finding::warn(None, text));
            }
        }
    }
    findings
}

async fn unclaimed(client: &Client, claimed: &BTreeSet<&str>) -> Result<Vec<String>, String> {
    let code = |code: Option<&str>| code.unwrap_or("no reply").to_owned();
    let mut found = Vec::new();
    let mut pages = client.list_tables().into_paginator().items().send();
    while let Some(table) = pages.next().await {
        let table = table.map_err(|e| code(e.code()))?;
        if claimed.contains(table.as_str()) {
            continue;
        }
        let sample = client.scan().table_name(&table).limit(SAMPLE).send().await.map_err(|e| code(e.code()))?;
        let fields: BTreeSet<&str> =
            sample.items().iter().flat_map(|i| i.keys()).map(String::as_str).filter(|f| looks_personal(f)).collect();
        if !fields.is_empty() {
            let fields = fields.into_iter().collect::<Vec<_>>().join(", ");
            found.push(format!("table {table} belongs to no producer, and these of its fields look personal: {fields}"));
        }
    }
    Ok(found)
}
