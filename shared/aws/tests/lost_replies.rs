//! Calls whose replies never arrive: the effect happens once, and the caller learns the truth.

mod support;

use oubli_engine::ports::{Change, Condition, Key, Table, TableError, TableName, Write};
use serde_json::json;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// One HTTP message: its head, and a body as long as the head says.
async fn message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.lines().find_map(|l| l.strip_prefix("content-length:")).and_then(|l| l.trim().parse().ok());
            if bytes.len() >= end + 4 + length.unwrap_or(0) {
                return Some(bytes);
            }
        }
        let mut buffer = [0; 16_384];
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}

/// A way to the server on which the replies to transactions get lost, so many of them as the counter says.
async fn lossy(server: SocketAddr, losses: Arc<AtomicU32>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let losses = losses.clone();
            tokio::spawn(async move {
                while let Some(request) = message(&mut client).await {
                    let mut upstream = TcpStream::connect(server).await.expect("the server");
                    upstream.write_all(&request).await.expect("sent");
                    let reply = message(&mut upstream).await.expect("a reply");
                    let transaction = String::from_utf8_lossy(&request).contains("TransactWriteItems");
                    let less = |n: u32| n.checked_sub(1);
                    if transaction && losses.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
                        return;
                    }
                    client.write_all(&reply).await.expect("answered");
                }
            });
        }
    });
    address
}

fn key() -> Key {
    Key { table: TableName::Control, pk: "p".to_owned(), sk: "s".to_owned() }
}

fn first_claim() -> Vec<Write> {
    vec![Write::Update { key: key(), changes: vec![Change::Add("fence", 1)], when: vec![Condition::Missing("fence")] }]
}

#[tokio::test]
async fn a_lost_reply_is_neither_a_second_effect_nor_a_refusal() {
    let server = support::server().await;
    support::tables(server).await;
    for lost in [1, 2] {
        let losses = Arc::new(AtomicU32::new(lost));
        let table = support::table_at(lossy(server, losses.clone()).await);
        assert_eq!(table.transact(first_claim()).await, Ok(()), "{lost} lost");
        assert_eq!(losses.load(Ordering::SeqCst), 0);
        let item = table.get_many(&[key()]).await.expect("read").remove(0).expect("there");
        assert_eq!(item["fence"], json!(1));
        // Another call is another claim.
        assert_eq!(table.transact(first_claim()).await, Err(TableError::Refused(vec![0])));
        table.delete_all(vec![key()]).await.expect("deleted");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_unavailable() {
    let server = support::server().await;
    support::tables(server).await;
    let table = support::table_at(lossy(server, Arc::new(AtomicU32::new(u32::MAX))).await);
    let error = table.transact(first_claim()).await.expect_err("no answer");
    assert!(matches!(error, TableError::Unavailable(_)), "{error}");
    assert_eq!(support::table_at(server).transact(first_claim()).await, Err(TableError::Refused(vec![0])));
}
