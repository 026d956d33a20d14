//! What hiding is measured beside: a plain program that deletes a customer's items one by one, each on the condition that
//! it is still the customer's, so many at a time. Prints the seconds that the deletes took.
//!
//! `delete_one_by_one TABLE PARTITION_KEY SORT_KEY CUSTOMER IN_FLIGHT`
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a program that prints one number")]

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use futures::stream::{self, StreamExt, TryStreamExt};
use std::{collections::HashMap, error::Error, time::Instant};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [table, partition, sort, customer, in_flight] = arguments.as_slice() else {
        return Err("TABLE PARTITION_KEY SORT_KEY CUSTOMER IN_FLIGHT".into());
    };
    let in_flight: usize = in_flight.parse()?;
    let client = Client::new(&aws_config::load_from_env().await);
    let keys = keys(&client, table, [partition, sort], customer).await?;

    let since = Instant::now();
    let deletes = keys.into_iter().map(|key| {
        client
            .delete_item()
            .table_name(table)
            .set_key(Some(key))
            .condition_expression("#c = :c")
            .expression_attribute_names("#c", partition)
            .expression_attribute_values(":c", AttributeValue::S(customer.clone()))
            .send()
    });
    let deleted: Vec<_> = stream::iter(deletes).buffer_unordered(in_flight).try_collect().await?;
    println!("{{\"deleted\": {}, \"seconds\": {:.3}}}", deleted.len(), since.elapsed().as_secs_f64());
    Ok(())
}

type Key = HashMap<String, AttributeValue>;

async fn keys(client: &Client, table: &str, names: [&String; 2], customer: &str) -> Result<Vec<Key>, Box<dyn Error>> {
    let mut keys = Vec::new();
    let mut pages = client
        .query()
        .table_name(table)
        .key_condition_expression("#c = :c")
        .projection_expression("#c, #s")
        .expression_attribute_names("#c", names[0])
        .expression_attribute_names("#s", names[1])
        .expression_attribute_values(":c", AttributeValue::S(customer.to_owned()))
        .into_paginator()
        .items()
        .send();
    while let Some(item) = pages.try_next().await? {
        keys.push(item);
    }
    Ok(keys)
}
