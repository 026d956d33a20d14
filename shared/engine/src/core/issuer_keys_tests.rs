use super::*;
use async_trait::async_trait;
use futures::{executor::block_on, future::join};
use oubli_domain::issuer::SigningAlgorithm;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a provider publishes, and what was asked of it.
#[derive(Default)]
struct Published {
    documents: Mutex<BTreeMap<String, Value>>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl IssuerDocuments for Published {
    async fn get(&self, url: &ProviderUrl) -> Result<Vec<u8>, IssuerUnreachable> {
        self.asked.lock().expect("unpoisoned").push(url.to_string());
        let document = self.documents.lock().expect("unpoisoned").get(url.as_str()).map(|d| d.to_string().into_bytes());
        document.ok_or_else(|| IssuerUnreachable("it is answered 404".to_owned()))
    }
}

impl Published {
    fn put(&self, url: &str, document: Value) {
        self.documents.lock().expect("unpoisoned").insert(url.to_owned(), document);
    }

    fn take(&self, url: &str) {
        self.documents.lock().expect("unpoisoned").remove(url);
    }

    /// What was asked for since the last time.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().expect("unpoisoned"))
    }
}

const KEYS: &str = "https://login.acme.example/keys";

fn issuer() -> Issuer {
    Issuer {
        issuer: "https://login.acme.example".parse().expect("an address"),
        audiences: ["oubli".to_owned()].into(),
        algorithms: [SigningAlgorithm::EdDsa].into(),
        jwks_uri: KEYS.parse().ok(),
        subject_claim: "sub".to_owned(),
        roles: None,
        teams: None,
        clock_skew_seconds: 30,
        create_members: false,
    }
}

/// RFC 8037, appendix A.2.
fn keys(ids: &[&str]) -> Value {
    let key =
        |id: &&str| json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    json!({ "keys": ids.iter().map(key).collect::<Vec<_>>() })
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

/// Whether keys are had at a second, and that which is named among them.
fn had(fetched: &FetchedKeys, published: &Published, issuer: &Issuer, named: &str, second: i64) -> Option<bool> {
    match block_on(fetched.keys(published, issuer, Some(named), at(second))) {
        Ok(keys) => Some(keys.has(named)),
        Err(EngineError::Transient(_)) => None,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn keys_are_fetched_once_and_again_after_a_while() {
    let (fetched, published) = (FetchedKeys::default(), Published::default());
    published.put(KEYS, keys(&["k1"]));
    for second in 0..600 {
        assert_eq!(had(&fetched, &published, &issuer(), "k1", second), Some(true));
    }
    assert_eq!(published.asked(), [KEYS]);
    published.put(KEYS, keys(&["k2"]));
    assert_eq!(had(&fetched, &published, &issuer(), "k1", 600), Some(false), "it was withdrawn");
    assert_eq!(published.asked(), [KEYS]);
}

#[test]
fn a_key_that_is_not_there_is_asked_for_once_in_a_minute() {
    let (fetched, published) = (FetchedKeys::default(), Published::default());
    published.put(KEYS, keys(&["k1"]));
    assert_eq!(had(&fetched, &published, &issuer(), "k1", 0), Some(true));
    published.asked();
    for second in 0..180 {
        assert_eq!(had(&fetched, &published, &issuer(), &format!("made-up-{second}"), second), Some(false));
    }
    assert_eq!(published.asked().len(), 2, "at 60 and at 120");
    published.put(KEYS, keys(&["k1", "k2"]));
    assert_eq!(had(&fetched, &published, &issuer(), "k2", 179), Some(false));
    assert_eq!(had(&fetched, &published, &issuer(), "k2", 180), Some(true), "the issuer took another key into use");
    assert_eq!(had(&fetched, &published, &issuer(), "k1", 181), Some(true));
    assert_eq!(published.asked(), [KEYS]);
}

#[test]
fn keys_of_an_issuer_that_cannot_be_reached_are_taken_for_an_hour_and_no_longer() {
    let (fetched, published) = (FetchedKeys::default(), Published::default());
    assert_eq!(had(&fetched, &published, &issuer(), "k1", 0), None, "never reached");
    assert_eq!(had(&fetched, &published, &issuer(), "k1", 59), None);
    assert_eq!(published.asked().len(), 1, "nor asked again at once");
    published.put(KEYS, keys(&["k1"]));
    assert_eq!(had(&fetched, &published, &issuer(), "k1", 60), Some(true));
    published.take(KEYS);
    assert_eq!(had(&fetched, &published, &issuer(), "k1", 60 + 3_599), Some(true));
    assert_eq!(had(&fetched, &published, &issuer(), "k1", 60 + 3_600), None);
}

#[test]
fn calls_at_the_same_moment_ask_once() {
    let (fetched, published) = (FetchedKeys::default(), Published::default());
    published.put(KEYS, keys(&["k1"]));
    let issuer = issuer();
    let one = || fetched.keys(&published, &issuer, Some("k1"), at(0));
    let (first, second) = block_on(join(one(), one()));
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(published.asked().len(), 1);
}

#[test]
fn where_the_keys_are_is_said_by_the_issuer_itself_or_by_nobody() {
    let place = "https://login.acme.example/.well-known/openid-configuration";
    let discovering = Issuer { jwks_uri: None, ..issuer() };
    let said = |document: Value| {
        let (fetched, published) = (FetchedKeys::default(), Published::default());
        published.put(place, document);
        published.put(KEYS, keys(&["k1"]));
        published.put("http://127.0.0.1:9001/keys", keys(&["k1"]));
        (had(&fetched, &published, &discovering, "k1", 0), published.asked().len())
    };
    let acme = "https://login.acme.example";
    assert_eq!(said(json!({ "issuer": acme, "jwks_uri": KEYS, "more": true })), (Some(true), 2));
    assert_eq!(said(json!({ "issuer": "https://other.example", "jwks_uri": KEYS })), (None, 1));
    assert_eq!(said(json!({ "issuer": format!("{acme}/"), "jwks_uri": KEYS })), (None, 1));
    assert_eq!(said(json!({ "issuer": acme, "jwks_uri": "http://127.0.0.1:9001/keys" })), (None, 1), "not on our own machine");
    assert_eq!(said(json!({ "issuer": acme, "jwks_uri": "http://keys.acme.example/" })), (None, 1));
    assert_eq!(said(json!({ "issuer": acme })), (None, 1));
    assert_eq!(said(json!([])), (None, 1));
}

#[test]
fn a_set_of_keys_is_bounded_and_what_is_no_key_for_tokens_is_left_out() {
    let ids: Vec<String> = (0..51).map(|n| n.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let read = |document: &Value| IssuerKeys::read(document.to_string().as_bytes());
    assert!(read(&keys(&ids[..50])).is_some_and(|keys| keys.has("49")));
    assert!(read(&keys(&ids)).is_none() && read(&json!({})).is_none() && read(&json!({ "keys": {} })).is_none());
    let mut mixed = keys(&["good"]);
    for other in [
        json!({ "kty": "oct", "kid": "secret", "k": "AAAA" }),
        json!({ "kty": "OKP", "crv": "X25519", "kid": "agreement", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
        json!({ "kty": "EC", "crv": "secp256k1", "kid": "coin", "x": "AA", "y": "AA" }),
        json!({ "kty": "EC", "crv": "P-384", "kid": "larger", "x": "AA", "y": "AA" }),
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": "encrypts", "use": "enc", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": "signs", "key_ops": ["sign"], "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": "shared", "alg": "HS256", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
        json!("nonsense"),
    ] {
        mixed["keys"].as_array_mut().expect("keys").push(other);
    }
    let mixed = read(&mixed).expect("keys");
    assert!(mixed.has("good"));
    for left_out in ["secret", "agreement", "coin", "larger", "encrypts", "signs", "shared"] {
        assert!(!mixed.has(left_out), "{left_out}");
    }
    assert!(mixed.key(None, SigningAlgorithm::EdDsa).is_ok(), "one is left, so none need be named");
}
