//! The tables that there are, and what some of their items have.

use super::{
    DynamoDb, table,
    value::{self, Attributes},
};
use crate::failure::code;
use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use oubli_domain::datamap::{Producer, Selection, SortKeyIs};
use oubli_engine::ports::{Named, Need, NoText, NotSurveyed, Sampled, StoreError, Survey, Surveyed, Work};
use std::collections::{BTreeSet, HashMap};

/// Items of a table whose field names are looked at.
const GLANCE: i32 = 25;

/// Items of a table that a map names, and pages of them: one holds as many as fit into a megabyte.
const SAMPLE: usize = 300;
const PAGES: usize = 5;

/// What a function does with a table, and with an index.
const TABLE: [(Work, &[&str]); 3] = [
    (Work::Search, &["dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"]),
    (
        Work::Erase,
        &[
            "dynamodb:DescribeTable",
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:Query",
            "dynamodb:ConditionCheckItem",
            "dynamodb:PutItem",
            "dynamodb:DeleteItem",
        ],
    ),
    (Work::Export, &["dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"]),
];
const INDEX: &[&str] = &["dynamodb:Query"];
const SCAN: &[&str] = &["dynamodb:Scan"];

#[async_trait]
impl Survey for DynamoDb {
    fn places_are_called(&self) -> &'static str {
        "tables"
    }

    async fn places(&self, but: &BTreeSet<&str>) -> Result<Vec<Surveyed>, NotSurveyed> {
        let mut places = Vec::new();
        let mut pages = self.client.list_tables().into_paginator().items().send();
        while let Some(table) = pages.next().await {
            let name = table.map_err(|e| not_surveyed(code(&e), "dynamodb:ListTables"))?;
            if but.contains(name.as_str()) {
                continue;
            }
            let scan = self.client.scan().table_name(&name).limit(GLANCE).send().await;
            let sample = scan.map_err(|e| not_surveyed(code(&e), "dynamodb:ListTables and Scan"))?;
            let fields = sample.items().iter().flat_map(HashMap::keys).cloned().collect();
            places.push(Surveyed { name, fields: Some(fields) });
        }
        Ok(places)
    }

    async fn sample(&self, place: &str, named: &[Named<'_>]) -> Result<Vec<Sampled>, NotSurveyed> {
        let mut items: Vec<Attributes> = Vec::new();
        let mut start = None;
        for _ in 0..PAGES {
            let left = i32::try_from(SAMPLE - items.len()).unwrap_or(i32::MAX);
            let scan = self.client.scan().table_name(place).limit(left).set_exclusive_start_key(start).send().await;
            let page = scan.map_err(|e| not_surveyed(code(&e), "dynamodb:Scan"))?;
            start = page.last_evaluated_key;
            items.extend(page.items.unwrap_or_default());
            if start.is_none() || items.len() >= SAMPLE {
                break;
            }
        }
        Ok(named.iter().map(|named| compare(named, &items)).collect())
    }

    async fn needs(&self, producer: &Producer) -> Result<Vec<Need>, StoreError> {
        let (table, resource) = table(producer)?;
        let schema = self.schema(&resource, &table.table).await?;
        let Some(arn) = schema.arn() else { return Ok(vec![]) };
        let indexes: BTreeSet<&str> = producer
            .select
            .iter()
            .filter_map(|way| match way {
                Selection::Items(items) => items.index.as_deref(),
                Selection::Objects(_) => None,
            })
            .collect();
        let need =
            |work, actions, resource: String, parameter| Need { work, actions, granted: resource.clone(), resource, parameter };
        let mut all = Vec::new();
        for (work, actions) in TABLE {
            all.push(need(work, actions, arn.to_owned(), "DataTableArns"));
            all.extend(indexes.iter().map(|name| need(work, INDEX, format!("{arn}/index/{name}"), "DataTableIndexArns")));
        }
        if producer.select.iter().any(Selection::scans) {
            all.push(need(Work::Search, SCAN, arn.to_owned(), "DataTableScanArns"));
        }
        Ok(all)
    }
}

/// What items say to what a map names.
fn compare(named: &Named<'_>, items: &[Attributes]) -> Sampled {
    let Named { producer, fields } = named;
    let may_be = |item: &&Attributes| producer.select.iter().any(|way| way.may_find(|name| item.get(name).and_then(value::word)));
    let own: Vec<&Attributes> = items.iter().filter(may_be).collect();
    let among: Vec<&Attributes> = if own.is_empty() { items.iter().collect() } else { own.clone() };
    let absent = fields.iter().filter(|name| !among.iter().any(|item| value::has(item, name))).map(|name| (*name).to_owned());
    Sampled {
        read: items.len(),
        own: own.len(),
        absent: absent.collect(),
        names: names(&among),
        unmet: unmet(producer, items),
        no_text: no_text(producer, items),
    }
}

/// The attributes that a producer's selections compare and that hold what no text is equal to, in items that meet the
/// conditions beside. What is null says that nobody is there.
fn no_text(producer: &Producer, items: &[Attributes]) -> Vec<NoText> {
    let mut all = Vec::new();
    for way in &producer.select {
        let Selection::Items(way) = way else { continue };
        let met = items.iter().filter(|item| way.is_met(|name| item.get(name).and_then(value::word)));
        let there = met.filter_map(|item| item.get(&way.attribute)).filter(|value| !matches!(value, AttributeValue::Null(_)));
        let there: Vec<&AttributeValue> = there.collect();
        let records = there.iter().filter(|value| value::text(value).is_none()).count();
        let keys = if way.scan.is_some() { "select: scan: attribute" } else { "select: attribute" };
        let found = NoText { keys, field: way.attribute.clone(), records, of: there.len() };
        if records > 0 && !all.contains(&found) {
            all.push(found);
        }
    }
    all
}

/// What attributes are called. Names within them may be values, such as ids: they are called so if several items say so.
fn names(items: &[&Attributes]) -> BTreeSet<String> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for item in items {
        let own: BTreeSet<String> = value::names(item).into_iter().collect();
        own.into_iter().for_each(|name| *counts.entry(name).or_default() += 1);
    }
    let often = items.len() / 2 + 1;
    counts.into_iter().filter(|(name, count)| !name.contains('.') || *count >= often.max(2)).map(|(name, _)| name).collect()
}

/// The conditions of a producer's selections that no item meets, each by itself.
fn unmet(producer: &Producer, items: &[Attributes]) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for way in &producer.select {
        let Selection::Items(way) = way else { continue };
        let word = |item: &Attributes, name: &str| item.get(name).and_then(value::word).map(std::borrow::Cow::into_owned);
        let any = |name: &str, holds: &dyn Fn(&str) -> bool| items.iter().any(|item| word(item, name).is_some_and(|w| holds(&w)));
        // An attribute that nothing has is told by its name.
        let there = |name: &str| any(name, &|_| true);
        if there(&way.attribute) && !any(&way.attribute, &|text| way.value.fits(text)) {
            all.push(("select: value".to_owned(), way.attribute.clone()));
        }
        if let Some(sort) = way.sort.as_ref().filter(|sort| !any(&sort.attribute, &|text| sort.is.holds(text))) {
            let key = match sort.is {
                SortKeyIs::Equal(_) => "equals",
                SortKeyIs::BeginningWith(_) => "begins_with",
            };
            all.push((format!("select: sort: {key}"), sort.attribute.clone()));
        }
        for (name, values) in &way.conditions {
            if !any(name, &|text| values.iter().any(|value| value == text)) {
                all.push((format!("select: where: {name}"), name.clone()));
            }
        }
    }
    all.sort();
    all.dedup();
    all
}

fn not_surveyed(reason: String, needs: &'static str) -> NotSurveyed {
    NotSurveyed { reason, needs }
}
