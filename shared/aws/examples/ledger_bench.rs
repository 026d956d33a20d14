//! Seals waiting events into a log on the AWS of the environment, beside a chain whose head is in every transaction:
//! what `cargo xtask bench ledger` runs. Prints one JSON object.

use anyhow::{Context, Result, ensure};
use oubli_aws::{Aws, Calls};
use oubli_domain::{
    audit::{AuditEvent, DataErased, EventType},
    ids::OrganizationId,
};
use oubli_engine::{
    items::{outbox_key, to_item},
    ports::{Condition, Item, Key, NoStores, Ports, TableError, TableName, Write},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Instant};

/// Requests whose events are sealed: each has a hundred in a row, as a job of a hundred batches has.
const EVENTS_PER_REQUEST: usize = 100;
/// Events that wait when a sealing begins.
const WAVE: usize = 2_000;
/// Writers of the chain at the same time.
const WRITERS: usize = 16;

#[tokio::main]
async fn main() -> Result<()> {
    let events: usize = std::env::args().nth(1).context("how many events?")?.parse()?;
    let aws = Aws::from_env().await?;
    let counted = Aws::new(aws.settings().clone(), aws.config().clone(), Calls::on());
    let stores = Arc::new(NoStores);
    let ports = aws.ports(stores.clone());
    let organization: OrganizationId = format!("bench-{}", std::process::id()).parse()?;

    let waiting = (0..events).map(event).collect::<Result<Vec<_>>>()?;
    let engine = counted.engine(stores)?;
    let (mut sealed, mut tree_seconds) = (0, 0.0);
    for wave in waiting.chunks(WAVE) {
        let items = wave.iter().map(|(order, event)| Ok((outbox_key(&organization, order), to_item(event)?)));
        ports.table.put_all(items.collect::<Result<_>>()?).await?;
        let since = Instant::now();
        sealed += engine.ledger().seal(&organization).await?;
        tree_seconds += since.elapsed().as_secs_f64();
    }
    ensure!(sealed == events, "{sealed} of {events} events were sealed");
    let calls = counted.calls().take();

    let links = events.min(400);
    let since = Instant::now();
    chain(&ports, &organization, links).await?;
    let chain_seconds = since.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({
            "events": events, "tree_seconds": tree_seconds, "calls": calls, "links": links, "chain_seconds": chain_seconds,
            "writers": WRITERS,
        })
    );
    Ok(())
}

fn event(n: usize) -> Result<(String, AuditEvent)> {
    let request = format!("req_{:032x}", n / EVENTS_PER_REQUEST);
    let order = format!("{request}#{n:08}#0");
    let event = AuditEvent {
        request_id: Some(request.parse()?),
        subject_id_hash: Some(format!("sha256:{}", "0".repeat(64))),
        data_erased: DataErased { documents: 1_000, vectors: 0, size_bytes: 123_456 },
        details: serde_json::from_value(json!({ "batch": n, "producer": "chat-messages", "records": 1_000 }))?,
        ..AuditEvent::new(&order, EventType::BatchHidden, jiff::Timestamp::now())
    };
    Ok((order, event))
}

/// Every change appends its own entry behind the one head, as a chain without an outbox must.
async fn chain(ports: &Ports, organization: &OrganizationId, links: usize) -> Result<()> {
    let append = |writer: usize| {
        let (ports, organization) = (ports.clone(), organization.clone());
        async move {
            for n in (writer..links).step_by(WRITERS) {
                while !link(&ports, &organization, n).await? {}
            }
            anyhow::Ok(())
        }
    };
    let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(append(writer))).collect();
    for writer in writers {
        writer.await??;
    }
    Ok(())
}

async fn link(ports: &Ports, organization: &OrganizationId, n: usize) -> Result<bool> {
    let key = |sk: String| Key { table: TableName::Control, pk: format!("org#{organization}#chain"), sk };
    let head = ports.table.get_many(&[key("head".to_owned())]).await?.pop().flatten();
    let size = head.as_ref().and_then(|h| h.get("size")).and_then(Value::as_u64);
    let when = match size {
        Some(size) => Condition::Equals("size", size.into()),
        None => Condition::ItemAbsent,
    };
    let next = size.unwrap_or(0) + 1;
    let (_, event) = event(n)?;
    let head = Item::from_iter([("size".to_owned(), Value::from(next))]);
    let writes = vec![
        Write::Put { key: key(format!("entry#{next:012}")), item: to_item(&event)?, when: vec![Condition::ItemAbsent] },
        Write::Put { key: key("head".to_owned()), item: head, when: vec![when] },
        // The change of state that the entry is about.
        Write::Put { key: key(format!("change#{n:012}")), item: Item::new(), when: vec![] },
    ];
    match ports.table.transact(writes).await {
        Ok(()) => Ok(true),
        Err(TableError::Refused(_) | TableError::Unavailable(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
