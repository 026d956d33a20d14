//! The program, and a service that says what a test wants.

use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    process::{Command, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
};

/// A call as the service saw it.
pub struct Seen {
    pub line: String,
    headers: Vec<(String, String)>,
    pub body: Value,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str())
    }
}

/// A service that gives these answers, one after another.
pub fn service(answers: Vec<(u16, Value)>) -> (String, Receiver<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (seen, calls) = channel();
    thread::spawn(move || {
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().expect("a call");
            let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
            let mut line = String::new();
            reader.read_line(&mut line).expect("a request line");
            let mut headers = Vec::new();
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).expect("a header");
                let Some((name, value)) = header.trim().split_once(':') else { break };
                headers.push((name.to_lowercase(), value.trim().to_owned()));
            }
            let length = headers.iter().find(|(n, _)| n == "content-length").and_then(|(_, v)| v.parse().ok()).unwrap_or(0);
            let mut bytes = vec![0; length];
            reader.read_exact(&mut bytes).expect("a body");
            let body_seen = serde_json::from_slice(&bytes).unwrap_or_default();
            seen.send(Seen { line: line.trim().to_owned(), headers, body: body_seen }).ok();
            let text = body.to_string();
            let head =
                format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\nretry-after: 0\r\n\r\n", text.len());
            stream.write_all(format!("{head}{text}").as_bytes()).expect("answered");
        }
    });
    (url, calls)
}

pub fn oubli(url: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oubli"));
    command.args(arguments).env("OUBLI_URL", url).env("OUBLI_API_KEY", "secret").stdin(Stdio::null());
    command.output().expect("it runs")
}

pub fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
