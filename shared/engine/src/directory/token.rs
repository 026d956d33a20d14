//! A token as it came (RFC 7519), and what has to hold before anything of it is believed (RFC 8725).

use crate::core::IssuerKeys;
use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use oubli_domain::issuer::{Claims, Issuer, OidcSubject, ProviderUrl, SigningAlgorithm, TokenRefused};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Longest token that is read, in bytes.
const MOST_BYTES: usize = 8 * 1024;

/// Longest audience that anybody can have set, in bytes.
const LONGEST_AUDIENCE: usize = 256;

/// The types of tokens that are for this (RFC 7519, RFC 9068); one may say nothing of its type.
const TYPES: [&str; 4] = ["JWT", "application/jwt", "at+jwt", "application/at+jwt"];

/// A token. What it says is not to be believed.
pub(super) struct Token<'a> {
    text: &'a str,
    algorithm: String,
    key_id: Option<String>,
    claims: Claims,
}

fn part(text: &str) -> Result<Map<String, Value>, TokenRefused> {
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| TokenRefused::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenRefused::Malformed)
}

impl<'a> Token<'a> {
    /// Whether a credential is meant to be one.
    pub(super) fn is_one(bearer: &str) -> bool {
        bearer.bytes().filter(|b| *b == b'.').count() == 2
    }

    /// Reads one.
    pub(super) fn read(text: &'a str) -> Result<Self, TokenRefused> {
        if text.len() > MOST_BYTES {
            return Err(TokenRefused::TooLong);
        }
        let mut parts = text.split('.');
        let (Some(header), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(TokenRefused::Malformed);
        };
        let (header, claims) = (part(header)?, part(claims)?);
        if header.contains_key("crit") {
            return Err(TokenRefused::Critical);
        }
        let said = |name: &str| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(TokenRefused::Malformed),
        };
        if said("typ")?.is_some_and(|kind| !TYPES.iter().any(|known| known.eq_ignore_ascii_case(&kind))) {
            return Err(TokenRefused::OtherType);
        }
        let algorithm = said("alg")?.ok_or(TokenRefused::Malformed)?;
        Ok(Self { text, algorithm, key_id: said("kid")?, claims: claims.into() })
    }

    /// The issuer that it names and for whom it says to be: only to find out who takes such tokens.
    pub(super) fn said(&self) -> Option<(ProviderUrl, BTreeSet<&str>)> {
        let issuer = self.claims.text("iss")?.parse().ok()?;
        let audiences = self.claims.audiences()?.into_iter();
        Some((issuer, audiences.filter(|audience| audience.len() <= LONGEST_AUDIENCE).collect()))
    }

    /// The key that it names.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// How it is signed, if its issuer signs in this way. The issuer decides it, and not the token.
    pub(super) fn algorithm(&self, issuer: &Issuer) -> Result<SigningAlgorithm, TokenRefused> {
        let named = self.algorithm.parse().ok().filter(|named| issuer.algorithms.contains(named));
        named.ok_or(TokenRefused::OtherAlgorithm)
    }

    /// What it says and whom it means, once everything holds.
    pub(super) fn verify(
        &self,
        issuer: &Issuer,
        keys: &IssuerKeys,
        now: Timestamp,
    ) -> Result<(Claims, OidcSubject), TokenRefused> {
        let algorithm = self.algorithm(issuer)?;
        let claims = keys.key(self.key_id(), algorithm)?.verify(self.text, algorithm)?;
        let subject = issuer.believes(&claims, now)?;
        Ok((claims, subject))
    }
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
