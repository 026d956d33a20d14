//! Requests to somebody on this machine, who is allowed for it.

mod server;

use async_trait::async_trait;
use jiff::Timestamp;
use oubli_outgoing::{Allowed, Failure, Outgoing, Policy, Request, Resolve, Trip, Why};
use server::{Server, http, taking_tls};
use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, atomic::AtomicUsize, atomic::Ordering::SeqCst},
    time::{Duration, Instant},
};

const AT_ONCE: Duration = Duration::ZERO;

const MOST_BYTES: usize = 1000;

/// Says something else each time, and counts.
#[derive(Debug)]
struct Rebinding {
    answers: Mutex<VecDeque<IpAddr>>,
    asked: AtomicUsize,
}

impl Rebinding {
    fn saying<const N: usize>(answers: [[u8; 4]; N]) -> Arc<Self> {
        let answers = answers.map(IpAddr::from).into();
        Arc::new(Self { answers: Mutex::new(answers), asked: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Resolve for Rebinding {
    async fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, SeqCst);
        let next = self.answers.lock().expect("no panic").pop_front();
        Ok(vec![next.ok_or(io::ErrorKind::NotFound)?])
    }
}

fn allowing(places: &[String]) -> Policy {
    let allowed: Allowed = places.join(",").parse().expect("places");
    let (connect, whole) = (Duration::from_secs(10), Duration::from_secs(20));
    Policy { connect, whole, most_bytes: MOST_BYTES, allowed, breaker: None }
}

fn outgoing(addresses: &[SocketAddr]) -> Outgoing {
    let places: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    Outgoing::new(allowing(&places))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_603_600 + second).expect("a time")
}

fn failure(host: &str, why: Why) -> Failure {
    Failure { host: host.to_owned(), why }
}

/// Why a request to a path comes to nothing.
async fn why(outgoing: &Outgoing, server: &Server) -> Option<Why> {
    let request = Request::get(format!("http://{}/", server.address));
    outgoing.send(&request, at(0)).await.err().map(|failure| failure.why)
}

#[tokio::test]
async fn what_is_sent_arrives_and_its_answer_is_read() {
    let server = Server::answering([http("202 Accepted", "retry-after: 7\r\n", "{\"taken\":true}")], AT_ONCE).await;
    let request = Request::post_json(format!("http://{}/hooks?key=1#x", server.address), "{\"a\":1}");
    let request = request.with("webhook-id", "msg_1").expect("a header");
    let answer = outgoing(&[server.address]).send(&request, at(0)).await.expect("an answer");
    assert!(answer.is_success() && answer.status() == 202 && answer.header("retry-after") == Some("7"));
    assert_eq!(answer.body(), b"{\"taken\":true}");
    let asked = server.asked().concat();
    assert!(asked.starts_with("POST /hooks?key=1 HTTP/1.1\r\n") && asked.ends_with("\r\n\r\n{\"a\":1}"), "{asked}");
    for header in [
        format!("host: {}", server.address),
        "user-agent: oubli".to_owned(),
        "content-type: application/json".to_owned(),
        "content-length: 7".to_owned(),
        "webhook-id: msg_1".to_owned(),
    ] {
        assert!(asked.lines().any(|line| line == header), "{header}: {asked}");
    }
}

#[tokio::test]
async fn an_answer_that_points_elsewhere_is_one_and_nobody_goes_there() {
    let elsewhere = Server::answering([http("200 OK", "", "")], AT_ONCE).await;
    for location in [format!("http://{}/", elsewhere.address), "http://169.254.169.254/latest/meta-data".to_owned()] {
        for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
            let server = Server::answering([http(status, &format!("location: {location}\r\n"), "")], AT_ONCE).await;
            let outgoing = outgoing(&[server.address, elsewhere.address]);
            let request = Request::get(format!("http://{}/", server.address));
            let answer = outgoing.send(&request, at(0)).await.expect("an answer");
            assert_eq!(
                (answer.status().to_string().as_str(), answer.header("location")),
                (&status[..3], Some(location.as_str()))
            );
            assert_eq!(server.asked().len(), 1);
        }
    }
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn nobody_else_is_asked() {
    let server = Server::answering([http("200 OK", "", "")], AT_ONCE).await;
    let port = server.address.port();
    for (url, host, why) in [
        (format!("http://{}/", server.address), "127.0.0.1", Why::NotHttps),
        (format!("https://{}/", server.address), "127.0.0.1", Why::Private),
        (format!("https://2130706433:{port}/"), "127.0.0.1", Why::Private),
        (format!("https://[::ffff:127.0.0.1]:{port}/"), "[::ffff:7f00:1]", Why::Private),
        (format!("https://localhost:{port}/"), "localhost", Why::Private),
    ] {
        assert_eq!(outgoing(&[]).send(&Request::get(&url), at(0)).await.err(), Some(failure(host, why)), "{url}");
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn the_connection_goes_to_the_address_that_was_judged_under_the_name_that_was_asked() {
    let (address, taken) = taking_tls(b"").await;
    let resolver = Rebinding::saying([[127, 0, 0, 1], [169, 254, 169, 254]]);
    let outgoing = Outgoing::with_resolver(allowing(&[address.to_string()]), resolver.clone());
    let request = Request::get(format!("https://hooks.acme.example:{}/", address.port()));
    let hung_up = outgoing.send(&request, at(0)).await.err();
    assert_eq!(hung_up, Some(failure("hooks.acme.example", Why::Unreachable)));
    let hello = taken.await.expect("a connection");
    assert!(hello.windows(18).any(|part| part == b"hooks.acme.example"), "the name is in the server name of TLS");
    assert_eq!(resolver.asked.load(SeqCst), 1, "a name is looked up once");
    let rebound = outgoing.send(&request, at(0)).await.err();
    assert_eq!(rebound, Some(failure("hooks.acme.example", Why::Private)));
    assert_eq!(resolver.asked.load(SeqCst), 2);
}

#[tokio::test]
async fn a_name_that_is_allowed_is_asked_by_its_name() {
    let server = Server::answering([http("200 OK", "", "")], AT_ONCE).await;
    let place = format!("hooks.test:{}", server.address.port());
    let resolver = Rebinding::saying([[127, 0, 0, 1]; 2]);
    let outgoing = Outgoing::with_resolver(allowing(std::slice::from_ref(&place)), resolver);
    let answer = outgoing.send(&Request::get(format!("http://{place}/")), at(0)).await;
    assert_eq!(answer.map(|answer| answer.status()), Ok(200));
    assert!(server.asked().concat().contains(&format!("\r\nhost: {place}\r\n")));
    let other = outgoing.send(&Request::get(format!("https://other.test:{}/", server.address.port())), at(0)).await;
    assert_eq!(other.err(), Some(failure("other.test", Why::Private)));
}

#[tokio::test]
async fn who_speaks_no_tls_is_not_trusted() {
    let (address, taken) = taking_tls(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    let request = Request::get(format!("https://{address}/"));
    let untrusted = outgoing(&[address]).send(&request, at(0)).await.err();
    assert_eq!(untrusted, Some(failure("127.0.0.1", Why::Untrusted)));
    taken.await.expect("a connection");
}

#[tokio::test]
async fn an_answer_is_read_up_to_a_length() {
    let longest = Server::answering([http("200 OK", "", &"a".repeat(MOST_BYTES))], AT_ONCE).await;
    let answer = outgoing(&[longest.address]).send(&Request::get(format!("http://{}/", longest.address)), at(0)).await;
    assert_eq!(answer.map(|answer| answer.into_body().len()), Ok(MOST_BYTES));
    let longer = Server::answering([http("200 OK", "", &"a".repeat(MOST_BYTES + 1))], AT_ONCE).await;
    assert_eq!(why(&outgoing(&[longer.address]), &longer).await, Some(Why::TooLong { status: 200 }));
    let begin = "HTTP/1.1 500 Internal Server Error\r\n\r\n";
    let endless = Server::dripping(begin, vec![b'a'; 400], AT_ONCE).await;
    assert_eq!(why(&outgoing(&[endless.address]), &endless).await, Some(Why::TooLong { status: 500 }));
    let cut = Server::answering([b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}".to_vec()], AT_ONCE).await;
    assert_eq!(why(&outgoing(&[cut.address]), &cut).await, Some(Why::Broken));
    let nonsense = Server::answering([b"220 mail.acme.example\r\n\r\n".to_vec()], AT_ONCE).await;
    assert_eq!(why(&outgoing(&[nonsense.address]), &nonsense).await, Some(Why::Broken));
}

#[tokio::test]
async fn an_answer_has_its_time() {
    let silent = Server::answering([http("200 OK", "", "")], Duration::from_secs(60)).await;
    let begin = "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n";
    let dripping = Server::dripping(begin, b"a".to_vec(), Duration::from_millis(50)).await;
    for server in [&silent, &dripping] {
        let policy = Policy { whole: Duration::from_secs(1), ..allowing(&[server.address.to_string()]) };
        let began = Instant::now();
        assert_eq!(why(&Outgoing::new(policy), server).await, Some(Why::TooSlow));
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn a_connection_has_its_time() {
    let silent = Server::answering([Vec::new()], Duration::from_secs(60)).await;
    let policy = Policy { connect: Duration::from_millis(500), ..allowing(&[silent.address.to_string()]) };
    let began = Instant::now();
    let slow = Outgoing::new(policy).send(&Request::get(format!("https://{}/", silent.address)), at(0)).await;
    assert_eq!(slow.err(), Some(failure("127.0.0.1", Why::TooSlow)), "no TLS comes of it");
    assert!(began.elapsed() < Duration::from_secs(10), "long before the whole time is over");
}

#[tokio::test]
async fn who_does_not_answer_is_left_alone_and_tried_again() {
    let (bad, good) = (http("503 Service Unavailable", "", ""), http("200 OK", "", ""));
    let server = Server::answering([bad.clone(), bad.clone(), bad, good], AT_ONCE).await;
    let trip = Trip { failures: 2, pause: Duration::from_secs(30), most_hosts: 10 };
    let policy = Policy { breaker: Some(trip), ..allowing(&[server.address.to_string()]) };
    let outgoing = Outgoing::new(policy);
    let request = Request::get(format!("http://{}/", server.address)).on_behalf_of("org");
    let until = |second| Err(failure("127.0.0.1", Why::NotAsked { until: at(second) }));
    for (second, expected) in [
        (0, Ok(503)),
        (1, Ok(503)),
        (2, until(31)),
        (30, until(31)),
        (31, Ok(503)),
        (32, until(61)),
        (61, Ok(200)),
        (62, Ok(200)),
    ] {
        let answered = outgoing.send(&request, at(second)).await.map(|answer| answer.status());
        assert_eq!(answered, expected, "{second}");
    }
    assert_eq!(server.asked().len(), 5, "who is left alone is not asked");
}

#[tokio::test]
async fn who_cannot_be_reached_is_left_alone_by_whom_it_failed() {
    let (address, taken) = taking_tls(b"").await;
    let trip = Trip { failures: 1, ..Trip::default() };
    let policy = Policy { breaker: Some(trip), ..allowing(&[address.to_string()]) };
    let outgoing = Outgoing::new(policy);
    let request = Request::get(format!("https://{address}/"));
    let ours = request.clone().on_behalf_of("ours");
    assert_eq!(outgoing.send(&ours, at(0)).await.err(), Some(failure("127.0.0.1", Why::Unreachable)));
    taken.await.expect("a connection");
    assert_eq!(outgoing.send(&ours, at(1)).await.err(), Some(failure("127.0.0.1", Why::NotAsked { until: at(30) })));
    let theirs = outgoing.send(&request.on_behalf_of("theirs"), at(1)).await.err();
    let why = theirs.map(|failure| failure.why);
    assert!(
        why.is_some_and(|why| !matches!(why, Why::NotAsked { .. })),
        "they were asked, though nobody listens by now: {why:?}"
    );
}

#[tokio::test]
async fn what_fails_names_the_host_and_no_more() {
    let resolver = Rebinding::saying([[10, 0, 0, 1]]);
    let outgoing = Outgoing::with_resolver(Policy::default(), resolver);
    let url = "https://hooks.acme.example/services/SECRET?token=SECRET";
    let failed = outgoing.send(&Request::post_json(url, "SECRET"), at(0)).await.expect_err("a private address");
    assert_eq!(failed.to_string(), "hooks.acme.example: its address is one of a private network");
    let user = outgoing.check("https://SECRET:SECRET@hooks.acme.example/").expect_err("a password");
    let none = outgoing.check("hooks.acme.example/SECRET").expect_err("no URL");
    for shown in [format!("{failed:?} {outgoing:?}"), format!("{user} {user:?}"), format!("{none} {none:?}")] {
        assert!(!shown.contains("SECRET"), "{shown}");
    }
}
