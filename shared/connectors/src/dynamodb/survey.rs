//! The tables that there are.

use super::DynamoDb;
use async_trait::async_trait;
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use oubli_engine::ports::{NotSurveyed, Survey, Surveyed};
use std::collections::BTreeSet;

/// Items of a table whose field names are looked at.
const SAMPLE: i32 = 25;

#[async_trait]
impl Survey for DynamoDb {
    async fn places(&self, but: &BTreeSet<&str>) -> Result<Vec<Surveyed>, NotSurveyed> {
        let mut places = Vec::new();
        let mut pages = self.client.list_tables().into_paginator().items().send();
        while let Some(table) = pages.next().await {
            let table = table.map_err(|e| not_surveyed(e.code()))?;
            if but.contains(table.as_str()) {
                continue;
            }
            let sample = self.client.scan().table_name(&table).limit(SAMPLE).send().await.map_err(|e| not_surveyed(e.code()))?;
            let fields = sample.items().iter().flat_map(|i| i.keys()).cloned().collect();
            places.push(Surveyed { place: format!("table {table}"), fields });
        }
        Ok(places)
    }
}

fn not_surveyed(code: Option<&str>) -> NotSurveyed {
    let reason = code.unwrap_or("no reply").to_owned();
    NotSurveyed { places: "tables", reason, needs: "dynamodb:ListTables and Scan" }
}
