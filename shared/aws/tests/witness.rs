//! Witnesses over HTTP: what is sent, and what their answers are taken for.

use oubli_aws::HttpWitness;
use oubli_domain::ledger::{MOST_ANSWERED, Root, Submission, WitnessAnswer};
use oubli_engine::ports::{Witness as _, WitnessAddress};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};

const KEY: &str = "witness.example/w1+d7744454+BPck7Ua4dLPhmJVWe2MJG+7FPf0ffZ5EmxoPjVCX221W";

fn submission() -> Submission {
    Submission {
        old_size: 3,
        proof: vec![Root([7; 32])],
        checkpoint: "log.example\n5\nroot\n\n\u{2014} log.example AAAA\n".to_owned(),
    }
}

/// A server that gives one answer, and tells what it was asked.
async fn answering(answer: String) -> (WitnessAddress, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/submit", listener.local_addr().expect("bound"));
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a call");
        let (mut asked, wanted) = (Vec::new(), submission().to_string());
        while !String::from_utf8_lossy(&asked).ends_with(&wanted) {
            let mut piece = [0; 1024];
            let read = stream.read(&mut piece).await.expect("read");
            assert!(read > 0, "the call ended early: {}", String::from_utf8_lossy(&asked));
            asked.extend_from_slice(&piece[..read]);
        }
        // Whoever asks reads no more than it wants.
        stream.write_all(answer.as_bytes()).await.ok();
        String::from_utf8(asked).expect("text")
    });
    (WitnessAddress { key: KEY.parse().expect("a key"), url }, asked)
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}", body.len())
}

async fn taken_for(answer: String) -> WitnessAnswer {
    let (address, _asked) = answering(answer).await;
    HttpWitness::default().add_checkpoint(&address, &submission()).await
}

#[tokio::test]
async fn a_checkpoint_is_posted_and_the_cosignature_taken() {
    let (address, asked) = answering(answer("200 OK", "", "\u{2014} witness.example/w1 AAAA\n")).await;
    let taken = HttpWitness::default().add_checkpoint(&address, &submission()).await;
    assert_eq!(taken, WitnessAnswer::Cosigned { lines: "\u{2014} witness.example/w1 AAAA\n".to_owned() });
    let asked = asked.await.expect("asked");
    assert!(asked.starts_with("POST /submit/add-checkpoint HTTP/1.1\r\n"), "{asked}");
}

#[tokio::test]
async fn another_size_is_taken_and_nothing_else_is_believed() {
    let size = answer("409 Conflict", "content-type: text/x.tlog.size\r\n", "20852014\n");
    assert_eq!(taken_for(size).await, WitnessAnswer::Conflict { size: 20_852_014 });
    let elsewhere = answer("307 Temporary Redirect", "location: http://127.0.0.1:1/\r\n", "");
    assert!(matches!(taken_for(elsewhere).await, WitnessAnswer::Refused { .. }), "nobody is followed elsewhere");
    let endless = answer("200 OK", "", &"a".repeat(4 * MOST_ANSWERED));
    assert!(matches!(taken_for(endless).await, WitnessAnswer::Refused { .. }), "too long");
    assert!(matches!(taken_for(answer("503 Service Unavailable", "", "")).await, WitnessAnswer::Unavailable { .. }));
    assert!(matches!(taken_for("nonsense\r\n\r\n".to_owned()).await, WitnessAnswer::Unavailable { .. }));
    let nobody = WitnessAddress { key: KEY.parse().expect("a key"), url: "http://127.0.0.1:1".to_owned() };
    let answered = HttpWitness::default().add_checkpoint(&nobody, &submission()).await;
    assert!(matches!(answered, WitnessAnswer::Unavailable { .. }), "nobody listens: {answered:?}");
}
