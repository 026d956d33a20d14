//! What a token says, and whether it may be believed at this moment. Signatures are another's affair.

use super::{Issuer, MOST_AUDIENCES};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use thiserror::Error;

/// Longest identifier of somebody, in bytes (`OpenID` Connect Core 1.0, section 2).
const LONGEST_SUBJECT: usize = 255;

/// Claims whose text is words with blanks between (RFC 8693, section 4.2, and what Microsoft calls it).
const WORDS: [&str; 2] = ["scope", "scp"];

/// Why a token is not taken. Only the log of the function says it: whoever sent the token does not learn it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum TokenRefused {
    /// Nothing so long is read.
    #[error("it is longer than 8 KiB")]
    TooLong,
    /// It is not in the form of RFC 7519.
    #[error("it is no signed JWT")]
    Malformed,
    /// It asks for something that is not understood (RFC 7515, section 4.1.11).
    #[error("its header has crit")]
    Critical,
    /// It is for something else, such as logging out (RFC 8725, section 3.11).
    #[error("its type is that of another kind of token")]
    OtherType,
    /// Nobody takes tokens of its issuer, or none for its audience.
    #[error("no organization takes tokens of its issuer for its audience")]
    UnknownIssuer,
    /// It is for two organizations.
    #[error("its audiences lead to more than one issuer")]
    SeveralIssuers,
    /// It is signed otherwise than its issuer signs, or not at all.
    #[error("its algorithm is not one of its issuer's")]
    OtherAlgorithm,
    /// Several keys could be meant.
    #[error("it names no key, and its issuer has several")]
    KeyNotNamed,
    /// The issuer does not publish the key that it names.
    #[error("its issuer has no such key")]
    NoSuchKey,
    /// The key that it names does not go with its algorithm.
    #[error("the key that it names is not one for its algorithm")]
    OtherKey,
    /// Its issuer did not sign it.
    #[error("its signature does not fit")]
    WrongSignature,
    /// It says that another issued it.
    #[error("it is of another issuer")]
    OtherIssuer,
    /// It is for somebody else.
    #[error("it is for another audience")]
    OtherAudience,
    /// It has no end that can be read.
    #[error("it has no end")]
    NoEnd,
    /// Its time is over.
    #[error("it is over")]
    Expired,
    /// Its time has not come.
    #[error("it is not valid yet")]
    NotYetValid,
    /// It was issued later than now.
    #[error("it was issued in the future")]
    FromTheFuture,
    /// A time in it cannot be read.
    #[error("a time in it cannot be read")]
    UnreadableTime,
    /// It counts only beside a proof that its sender has a key, which nobody asked for here (RFC 9449, RFC 8705).
    #[error("it is bound to a key of its sender's")]
    BoundToSender,
    /// It does not say whom its issuer means.
    #[error("it does not say whom it means")]
    NoSubject,
    /// Whoever it means has left.
    #[error("its member is not active")]
    NotActive,
    /// None of the member's roles is among those that it has.
    #[error("no role is left")]
    NoRoleLeft,
}

/// What a token says. Nothing shows it: it names people.
#[derive(Clone)]
pub struct Claims(Map<String, Value>);

impl From<Map<String, Value>> for Claims {
    fn from(claims: Map<String, Value>) -> Self {
        Self(claims)
    }
}

impl Claims {
    /// A claim, by its name or by the path to it; where both lead somewhere, by its name.
    pub fn get(&self, claim: &str) -> Option<&Value> {
        self.0.get(claim).or_else(|| {
            let (first, rest) = claim.split_once('.')?;
            rest.split('.').try_fold(self.0.get(first)?, |value, part| value.get(part))
        })
    }

    /// A claim that is a text.
    pub fn text(&self, claim: &str) -> Option<&str> {
        self.get(claim)?.as_str()
    }

    /// The texts of a claim that has one or several.
    pub fn texts(&self, claim: &str) -> Vec<&str> {
        match self.get(claim) {
            Some(Value::String(text)) if WORDS.contains(&claim) => text.split_ascii_whitespace().collect(),
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
            _ => vec![],
        }
    }

    /// For whom the token is; none where that cannot be read, or is more than anybody needs.
    pub fn audiences(&self) -> Option<Vec<&str>> {
        match self.0.get("aud")? {
            Value::String(one) => Some(vec![one]),
            Value::Array(several) if (1..=MOST_AUDIENCES).contains(&several.len()) => several.iter().map(Value::as_str).collect(),
            _ => None,
        }
    }

    /// Seconds since 1970, which may have a fraction (RFC 7519, section 2).
    fn seconds(&self, claim: &str) -> Result<Option<f64>, TokenRefused> {
        match self.0.get(claim) {
            None => Ok(None),
            Some(value) => value.as_f64().filter(|s| s.is_finite()).map(Some).ok_or(TokenRefused::UnreadableTime),
        }
    }
}

/// Whom an issuer means: nobody else ever has the same claim of the same issuer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OidcSubject {
    /// The issuer, as its tokens say.
    pub issuer: String,
    /// The claim that says it.
    pub claim: String,
    /// What it says.
    pub subject: String,
}

/// Without what names somebody.
impl fmt::Debug for OidcSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcSubject").field("issuer", &self.issuer).field("claim", &self.claim).finish_non_exhaustive()
    }
}

impl OidcSubject {
    /// Whether a text can be what an issuer calls somebody.
    pub fn is_subject(text: &str) -> bool {
        (1..=LONGEST_SUBJECT).contains(&text.len()) && !text.chars().any(char::is_control)
    }
}

impl Issuer {
    /// Whom a token means whose signature fits, if it may be believed now.
    ///
    /// # Errors
    /// Another issuer or audience; its time is over, has not come, or cannot be read; it counts only beside a proof; it means
    /// nobody.
    pub fn believes(&self, claims: &Claims, now: Timestamp) -> Result<OidcSubject, TokenRefused> {
        if claims.0.get("iss").and_then(Value::as_str) != Some(self.issuer.as_str()) {
            return Err(TokenRefused::OtherIssuer);
        }
        let audiences = claims.audiences().unwrap_or_default();
        if !audiences.into_iter().any(|audience| self.audiences.contains(audience)) {
            return Err(TokenRefused::OtherAudience);
        }
        self.in_time(claims, now)?;
        if claims.0.contains_key("cnf") {
            return Err(TokenRefused::BoundToSender);
        }
        let subject = claims.text(&self.subject_claim).filter(|text| OidcSubject::is_subject(text));
        let subject = subject.ok_or(TokenRefused::NoSubject)?.to_owned();
        Ok(OidcSubject { issuer: self.issuer.to_string(), claim: self.subject_claim.clone(), subject })
    }

    fn in_time(&self, claims: &Claims, now: Timestamp) -> Result<(), TokenRefused> {
        let skew = f64::from(self.clock_skew_seconds);
        let now = now.as_duration().as_secs_f64();
        let end = claims.seconds("exp")?.ok_or(TokenRefused::NoEnd)?;
        if now >= end + skew {
            return Err(TokenRefused::Expired);
        }
        if claims.seconds("nbf")?.is_some_and(|from| now + skew < from) {
            return Err(TokenRefused::NotYetValid);
        }
        if claims.seconds("iat")?.is_some_and(|issued| now + skew < issued) {
            return Err(TokenRefused::FromTheFuture);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issuer::SigningAlgorithm;
    use serde_json::json;

    /// Noon of 2 November 2026, UTC.
    const NOON: i64 = 1_793_620_800;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn issuer() -> Issuer {
        Issuer {
            issuer: "https://login.acme.example".parse().expect("an address"),
            audiences: ["oubli".to_owned(), "oubli-test".to_owned()].into(),
            algorithms: [SigningAlgorithm::Rs256].into(),
            jwks_uri: None,
            subject_claim: "sub".to_owned(),
            roles: None,
            teams: None,
            clock_skew_seconds: 30,
            create_members: false,
        }
    }

    /// A token with some claims otherwise; null: without it.
    fn claims(other: &Value) -> Claims {
        let mut all = json!({
            "iss": "https://login.acme.example", "aud": "oubli", "sub": "ada", "iat": NOON - 60, "exp": NOON + 60,
        });
        for (name, value) in other.as_object().expect("claims") {
            all[name] = value.clone();
        }
        let mut all = all.as_object().expect("claims").clone();
        all.retain(|_, value| !value.is_null());
        all.into()
    }

    fn said(other: &Value) -> Option<TokenRefused> {
        issuer().believes(&claims(other), at(NOON)).err()
    }

    #[test]
    fn a_token_is_believed_of_its_issuer_for_its_audience() {
        use TokenRefused::{NoSubject, OtherAudience, OtherIssuer};
        let many: Vec<String> = (0..11).map(|n| format!("a{n}")).chain(["oubli".to_owned()]).collect();
        for (other, refused) in [
            (json!({}), None),
            (json!({ "aud": ["else", "oubli-test"] }), None),
            (json!({ "iss": null }), Some(OtherIssuer)),
            (json!({ "iss": "https://login.acme.example/" }), Some(OtherIssuer)),
            (json!({ "iss": ["https://login.acme.example"] }), Some(OtherIssuer)),
            (json!({ "iss": "https://other.example" }), Some(OtherIssuer)),
            (json!({ "aud": null }), Some(OtherAudience)),
            (json!({ "aud": "Oubli" }), Some(OtherAudience)),
            (json!({ "aud": [] }), Some(OtherAudience)),
            (json!({ "aud": ["oubli", 7] }), Some(OtherAudience)),
            (json!({ "aud": { "oubli": true } }), Some(OtherAudience)),
            (json!({ "aud": many }), Some(OtherAudience)),
            (json!({ "sub": null }), Some(NoSubject)),
            (json!({ "sub": "" }), Some(NoSubject)),
            (json!({ "sub": 7 }), Some(NoSubject)),
            (json!({ "sub": "a".repeat(256) }), Some(NoSubject)),
            (json!({ "cnf": { "jkt": "x" } }), Some(TokenRefused::BoundToSender)),
        ] {
            assert_eq!(said(&other), refused, "{other}");
        }
    }

    #[test]
    fn a_token_is_believed_in_its_time_and_for_as_long_as_clocks_may_differ() {
        use TokenRefused::{Expired, FromTheFuture, NoEnd, NotYetValid, UnreadableTime};
        for (other, refused) in [
            (json!({ "exp": NOON }), None),
            (json!({ "exp": NOON - 29 }), None),
            (json!({ "exp": NOON - 30 }), Some(Expired)),
            (json!({ "exp": NOON as f64 - 29.5 }), None),
            (json!({ "exp": null }), Some(NoEnd)),
            (json!({ "exp": (NOON + 60).to_string() }), Some(UnreadableTime)),
            (json!({ "exp": -1 }), Some(Expired)),
            (json!({ "nbf": NOON + 30 }), None),
            (json!({ "nbf": NOON + 31 }), Some(NotYetValid)),
            (json!({ "nbf": true }), Some(UnreadableTime)),
            (json!({ "iat": null }), None),
            (json!({ "iat": NOON + 30 }), None),
            (json!({ "iat": NOON + 31 }), Some(FromTheFuture)),
            (json!({ "iat": "now" }), Some(UnreadableTime)),
        ] {
            assert_eq!(said(&other), refused, "{other}");
        }
        let none = Issuer { clock_skew_seconds: 0, ..issuer() };
        assert_eq!(none.believes(&claims(&json!({ "exp": NOON })), at(NOON)), Err(Expired));
        assert_eq!(none.believes(&claims(&json!({ "nbf": NOON })), at(NOON)).map(drop), Ok(()));
    }

    #[test]
    fn whom_it_means_is_told_by_the_issuers_claim() {
        let by = Issuer { subject_claim: "oid".to_owned(), ..issuer() };
        let told = by.believes(&claims(&json!({ "oid": "0815" })), at(NOON)).expect("believed");
        assert_eq!(
            (told.issuer.as_str(), told.claim.as_str(), told.subject.as_str()),
            ("https://login.acme.example", "oid", "0815")
        );
        assert_eq!(by.believes(&claims(&json!({})), at(NOON)), Err(TokenRefused::NoSubject));
        assert!(!format!("{told:?}").contains("0815"), "it is nowhere shown");
    }

    #[test]
    fn a_claim_is_found_by_its_name_or_its_path() {
        let claims = claims(&json!({
            "groups": ["a", 7, "b c"], "role": "b c", "scope": "a  b", "https://acme.example/roles": ["x"],
            "realm_access": { "roles": ["deep"] }, "realm.roles": "flat", "realm": { "roles": "not this" },
        }));
        assert_eq!(claims.texts("groups"), ["a", "b c"]);
        assert_eq!(claims.texts("role"), ["b c"]);
        assert_eq!(claims.texts("scope"), ["a", "b"]);
        assert_eq!(claims.texts("https://acme.example/roles"), ["x"]);
        assert_eq!(claims.texts("realm_access.roles"), ["deep"]);
        assert_eq!(claims.texts("realm.roles"), ["flat"]);
        for none in ["exp", "nothing", "realm_access", "realm_access.nothing", "groups.0"] {
            assert_eq!(claims.texts(none), [""; 0], "{none}");
        }
    }
}
