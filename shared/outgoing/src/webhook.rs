//! Signatures of webhooks, as [Standard Webhooks](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md)
//! has them: HMAC-SHA256 over `id.timestamp.body`, as `v1`.
//!
//! A message keeps its id however often it is sent, so that whoever gets it twice knows; its timestamp is of each attempt. During a
//! rotation there are several [`Secrets`]: all of them sign, and any verifies.

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use jiff::Timestamp;
use sha2::Sha256;
use std::str::FromStr;
use thiserror::Error;
use zeroize::Zeroizing;

/// The header of a message's id.
pub const ID: &str = "webhook-id";

/// The header of the time of an attempt, in seconds since 1970.
pub const TIMESTAMP: &str = "webhook-timestamp";

/// The header of the signatures, with spaces in between.
pub const SIGNATURE: &str = "webhook-signature";

const PREFIX: &str = "whsec_";

const SCHEME: &str = "v1,";

const FEWEST_BYTES: usize = 24;

const MOST_BYTES: usize = 64;

/// How far a timestamp may be from now, before or after, in seconds.
const TOLERANCE: u64 = 300;

/// How many signatures of a message are looked at.
const MOST_SIGNATURES: usize = 10;

/// Longest id, in bytes.
const MOST_ID_BYTES: usize = 128;

/// A secret that sender and receiver of webhooks share: `whsec_`, and 24 to 64 bytes in base64. It cannot be shown.
///
/// Filled up with zeros, which is how HMAC-SHA256 takes a key that is shorter than a block of 64 bytes (RFC 2104).
#[derive(Clone)]
pub struct Secret(Zeroizing<[u8; MOST_BYTES]>);

/// The secrets of one receiver.
#[derive(Clone)]
pub struct Secrets {
    newest: Secret,
    older: Vec<Secret>,
}

/// A text that is no secret of webhooks. It is not said why, nor what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it is not whsec_ and 24 to 64 bytes in base64")]
pub struct InvalidSecret;

/// An id that no message can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an id of a webhook is 1 to 128 visible ASCII characters without a dot")]
pub struct InvalidId;

/// A message that is not proven to be of who knows a secret, or not of now. It is not said which: an answer that told would help
/// whoever guesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the message is not verified")]
pub struct NotVerified;

impl Secret {
    /// A new secret of random bytes, in the form in which it is handed over.
    pub fn text_of(random: &[u8; 32]) -> Zeroizing<String> {
        // As long as it gets, so that no part of it is left where it was too short.
        let mut text = Zeroizing::new(String::with_capacity(64));
        text.push_str(PREFIX);
        BASE64.encode_append(random, &mut text);
        text
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new((&*self.0).into());
        mac.update(id.as_bytes());
        mac.update(b".");
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        mac
    }
}

impl FromStr for Secret {
    type Err = InvalidSecret;

    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidSecret)?;
        let bytes = Zeroizing::new(BASE64.decode(encoded.as_bytes()).map_err(|_| InvalidSecret)?);
        if !(FEWEST_BYTES..=MOST_BYTES).contains(&bytes.len()) {
            return Err(InvalidSecret);
        }
        let mut key = Zeroizing::new([0_u8; MOST_BYTES]);
        key[..bytes.len()].copy_from_slice(&bytes);
        Ok(Self(key))
    }
}

impl Secrets {
    /// The one that is in use, and those of before that receivers may still have.
    pub fn new(newest: Secret, older: Vec<Secret>) -> Self {
        Self { newest, older }
    }

    fn all(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.newest).chain(&self.older)
    }

    /// The headers of an attempt to send a message, with a signature by each secret.
    ///
    /// # Errors
    /// [`InvalidId`].
    pub fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> Result<[(&'static str, String); 3], InvalidId> {
        if !is_id(id) {
            return Err(InvalidId);
        }
        let timestamp = at.as_second().to_string();
        let sign =
            |secret: &Secret| format!("{SCHEME}{}", BASE64.encode(&secret.mac(id, &timestamp, body).finalize().into_bytes()));
        let signatures: Vec<String> = self.all().map(sign).collect();
        Ok([(ID, id.to_owned()), (TIMESTAMP, timestamp), (SIGNATURE, signatures.join(" "))])
    }

    /// Whether a message is of somebody who knows one of the secrets, and of the last five minutes, or the next. One that was
    /// verified before is, too: whoever acts on messages remembers their ids for so long.
    ///
    /// # Errors
    /// [`NotVerified`], whatever it is.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), NotVerified> {
        let (id, timestamp) = (only(headers, ID)?, only(headers, TIMESTAMP)?);
        let seconds: i64 = timestamp.parse().map_err(|_| NotVerified)?;
        if !is_id(id) || now.as_second().abs_diff(seconds) > TOLERANCE {
            return Err(NotVerified);
        }
        let macs: Vec<Hmac<Sha256>> = self.all().map(|secret| secret.mac(id, timestamp, body)).collect();
        let signatures = only(headers, SIGNATURE)?.split(' ').take(MOST_SIGNATURES);
        let mut tags = signatures.filter_map(|signature| BASE64.decode(signature.strip_prefix(SCHEME)?.as_bytes()).ok());
        // Each comparison takes as long wherever the two differ.
        let verified = tags.any(|tag| macs.iter().any(|mac| mac.clone().verify_slice(&tag).is_ok()));
        if verified { Ok(()) } else { Err(NotVerified) }
    }
}

/// Without a dot: with one, an id and a timestamp could be read as another id and another timestamp.
fn is_id(id: &str) -> bool {
    (1..=MOST_ID_BYTES).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.')
}

/// A header that is there once. Of two, somebody on the way could have read the other.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, NotVerified> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (Some(value), None) => value.to_str().map_err(|_| NotVerified),
        _ => Err(NotVerified),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    /// Of the examples in the libraries of Standard Webhooks: the one for Rust, and all the others.
    const RUST: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const OTHERS: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const AT: i64 = 1_614_265_330;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn secret(text: &str) -> Secret {
        text.parse().expect("a secret")
    }

    fn secrets(newest: &str, older: &[&str]) -> Secrets {
        Secrets::new(secret(newest), older.iter().map(|text| secret(text)).collect())
    }

    fn map(headers: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a name");
            map.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        map
    }

    fn signed(secrets: &Secrets, id: &str, second: i64, body: &[u8]) -> HeaderMap {
        let headers = secrets.sign(id, at(second), body).expect("an id");
        map(&headers.each_ref().map(|(name, value)| (*name, value.as_str())))
    }

    #[test]
    fn it_signs_as_the_published_examples_are_signed() {
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        for (secret, id, second, body, signature) in [
            (
                RUST,
                "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
                1_649_367_553,
                &body[..],
                "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            ),
            (OTHERS, "msg_p5jXN8AQM9LWM0D4loKWxJek", AT, BODY, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ] {
            let headers = secrets(secret, &[]).sign(id, at(second), body);
            let expected = [(ID, id.to_owned()), (TIMESTAMP, second.to_string()), (SIGNATURE, signature.to_owned())];
            assert_eq!(headers, Ok(expected));
        }
    }

    #[test]
    fn while_a_secret_is_rotated_either_is_good() {
        let (old, new, both) = (secrets(OTHERS, &[]), secrets(RUST, &[]), secrets(RUST, &[OTHERS]));
        let headers = signed(&both, "msg_1", AT, BODY);
        let signatures = headers[SIGNATURE].to_str().expect("text").split(' ').count();
        assert_eq!(signatures, 2);
        for receiver in [&old, &new, &both] {
            assert_eq!(receiver.verify(&headers, BODY, at(AT)), Ok(()));
        }
        for sender in [&old, &new] {
            assert_eq!(both.verify(&signed(sender, "msg_1", AT, BODY), BODY, at(AT)), Ok(()));
        }
        assert_eq!(old.verify(&signed(&new, "msg_1", AT, BODY), BODY, at(AT)), Err(NotVerified));
    }

    #[test]
    fn a_message_is_of_now() {
        let (keys, body) = (secrets(OTHERS, &[]), BODY);
        let headers = signed(&keys, "msg_1", AT, body);
        for now in [AT - 300, AT, AT + 300] {
            assert_eq!(keys.verify(&headers, body, at(now)), Ok(()), "{now}");
        }
        for now in [AT - 301, AT + 301, 0] {
            assert_eq!(keys.verify(&headers, body, at(now)), Err(NotVerified), "{now}");
        }
    }

    #[test]
    fn what_differs_from_what_was_signed_is_not_verified() {
        let keys = secrets(OTHERS, &[]);
        let good = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let (id, time) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330");
        let verified = |headers: &[(&str, &str)], body: &[u8]| keys.verify(&map(headers), body, at(AT));
        for signatures in [good.to_owned(), format!("v1,AAAA {good}"), format!("v1a,{} v2,x {good} v1,x", &good[3..])] {
            assert_eq!(verified(&[(ID, id), (TIMESTAMP, time), (SIGNATURE, signatures.as_str())], BODY), Ok(()), "{signatures}");
        }
        for (headers, why) in [
            (vec![], "nothing"),
            (vec![(TIMESTAMP, time), (SIGNATURE, good)], "no id"),
            (vec![(ID, id), (SIGNATURE, good)], "no time"),
            (vec![(ID, id), (TIMESTAMP, time)], "no signature"),
            (vec![(ID, id), (ID, id), (TIMESTAMP, time), (SIGNATURE, good)], "two ids"),
            (vec![(ID, "msg_2"), (TIMESTAMP, time), (SIGNATURE, good)], "another id"),
            (vec![(ID, id), (TIMESTAMP, "1614265331"), (SIGNATURE, good)], "another time"),
            (vec![(ID, id), (TIMESTAMP, "01614265330"), (SIGNATURE, good)], "the time otherwise written"),
            (vec![(ID, id), (TIMESTAMP, "-9223372036854775808"), (SIGNATURE, good)], "the first time there is"),
            (vec![(ID, id), (TIMESTAMP, "soon"), (SIGNATURE, good)], "no number"),
            (vec![(ID, id), (TIMESTAMP, time), (SIGNATURE, "")], "an empty signature"),
            (vec![(ID, id), (TIMESTAMP, time), (SIGNATURE, "v1,")], "a signature without an end"),
            (vec![(ID, id), (TIMESTAMP, time), (SIGNATURE, &good[..20])], "the begin of one"),
            (vec![(ID, id), (TIMESTAMP, time), (SIGNATURE, &good[3..])], "one without its scheme"),
            (vec![(ID, id), (TIMESTAMP, time), (SIGNATURE, "v1,A0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")], "another one"),
        ] {
            assert_eq!(verified(&headers, BODY), Err(NotVerified), "{why}");
        }
        let headers = [(ID, id), (TIMESTAMP, time), (SIGNATURE, good)];
        assert_eq!(verified(&headers, br#"{"test":2432232314}"#), Err(NotVerified), "another body");
        let behind_others = format!("{}{good}", "v1,AAAA ".repeat(MOST_SIGNATURES));
        assert_eq!(
            verified(&[(ID, id), (TIMESTAMP, time), (SIGNATURE, behind_others.as_str())], BODY),
            Err(NotVerified),
            "too many"
        );
    }

    #[test]
    fn an_id_cannot_be_read_as_more() {
        let keys = secrets(OTHERS, &[]);
        let longest = "a".repeat(128);
        for good in ["a", "msg_1", "0192d1f0-5a3b-7c4d", &longest] {
            assert!(keys.sign(good, at(AT), BODY).is_ok(), "{good}");
        }
        for bad in ["", "a.1", "a b", "a\r\nb", "ä", &format!("{longest}a")] {
            assert_eq!(keys.sign(bad, at(AT), BODY), Err(InvalidId), "{bad}");
        }
        // What is signed for the id `a` and the body `time.x` is the same as for the id `a.time` and the body `x`.
        let mut headers = signed(&keys, "a", AT, format!("{AT}.x").as_bytes());
        headers.insert(ID, format!("a.{AT}").parse().expect("a value"));
        assert_eq!(keys.verify(&headers, b"x", at(AT)), Err(NotVerified));
    }

    #[test]
    fn a_secret_has_a_form_and_a_length() {
        let of = |bytes: usize| format!("whsec_{}", BASE64.encode(&vec![7; bytes]));
        for good in [24, 32, 64] {
            assert!(of(good).parse::<Secret>().is_ok(), "{good}");
        }
        let unpadded = of(32).trim_end_matches('=').to_owned();
        for bad in [of(0), of(23), of(65), "whsec_".to_owned(), OTHERS[6..].to_owned(), format!(" {OTHERS}"), unpadded] {
            assert_eq!(bad.parse::<Secret>().err(), Some(InvalidSecret), "{bad}");
        }
        let text = Secret::text_of(&[7; 32]);
        assert_eq!(*text, of(32));
        assert!(text.parse::<Secret>().is_ok());
    }

    /// What the library of Standard Webhooks signs is verified here, and what is signed here it verifies, by its own clock.
    #[test]
    fn it_understands_another_library_and_is_understood() {
        let theirs = standardwebhooks::Webhook::new(OTHERS).expect("a secret");
        let (ours, now) = (secrets(RUST, &[OTHERS]), Timestamp::now());
        let headers = signed(&ours, "msg_1", now.as_second(), BODY);
        assert!(theirs.verify(BODY, &headers).is_ok());
        assert!(theirs.verify(b"{}", &headers).is_err());
        let (time, signature) = (now.as_second().to_string(), theirs.sign("msg_2", now.as_second(), BODY).expect("a signature"));
        let headers = map(&[(ID, "msg_2"), (TIMESTAMP, time.as_str()), (SIGNATURE, signature.as_str())]);
        assert_eq!(ours.verify(&headers, BODY, now), Ok(()));
    }
}
