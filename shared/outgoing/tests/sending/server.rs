//! Somebody on this machine who answers.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Who answers, and what they were asked.
pub struct Server {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers one call after the other like this, and all later ones like the last.
    pub async fn answering(answers: impl IntoIterator<Item = Vec<u8>>, after: Duration) -> Self {
        let (listener, address) = listening().await;
        let (answers, asked) = (Arc::new(Mutex::new(VecDeque::from_iter(answers))), Arc::<Mutex<Vec<String>>>::default());
        let server = Self { address, asked: Arc::clone(&asked) };
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answers, asked) = (Arc::clone(&answers), Arc::clone(&asked));
                tokio::spawn(async move {
                    let request = read(&mut stream).await;
                    asked.lock().expect("no panic").push(request);
                    let answer = next(&mut answers.lock().expect("no panic"));
                    tokio::time::sleep(after).await;
                    let _ = stream.write_all(&answer).await;
                });
            }
        });
        server
    }

    /// Answers every call without an end: a beginning, and then a part after each pause.
    pub async fn dripping(begin: &'static str, part: Vec<u8>, pause: Duration) -> Self {
        let (listener, address) = listening().await;
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let part = part.clone();
                tokio::spawn(async move {
                    read(&mut stream).await;
                    let mut written = stream.write_all(begin.as_bytes()).await;
                    while written.is_ok() {
                        tokio::time::sleep(pause).await;
                        written = stream.write_all(&part).await;
                    }
                });
            }
        });
        Self { address, asked: Arc::default() }
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

/// Takes one connection, answers it, and hands out the first record that TLS sent on it.
pub async fn taking_tls(answer: &'static [u8]) -> (SocketAddr, JoinHandle<Vec<u8>>) {
    let (listener, address) = listening().await;
    let taken = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut head = [0; 5];
        stream.read_exact(&mut head).await.expect("a record");
        let mut record = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
        stream.read_exact(&mut record).await.expect("the whole record");
        stream.write_all(answer).await.expect("somebody listens");
        record
    });
    (address, taken)
}

/// An answer with a length.
pub fn http(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

async fn listening() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// A whole request.
async fn read(stream: &mut TcpStream) -> String {
    let (mut request, mut some) = (Vec::new(), [0; 4096]);
    loop {
        let bytes = stream.read(&mut some).await.unwrap_or(0);
        request.extend_from_slice(&some[..bytes]);
        let text = String::from_utf8_lossy(&request).into_owned();
        if bytes == 0 || is_whole(&text) {
            return text;
        }
    }
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    body.len() >= length.unwrap_or(0)
}

fn next(answers: &mut VecDeque<Vec<u8>>) -> Vec<u8> {
    let last = answers.front().cloned().unwrap_or_default();
    if answers.len() > 1 { answers.pop_front().unwrap_or_default() } else { last }
}
