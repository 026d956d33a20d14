//! Issuers: OpenID providers whose tokens an organization takes instead of an API key, and what such a token has to say.

mod claims;
mod url;

pub use claims::{Claims, OidcSubject, TokenRefused};
pub use url::{InvalidProviderUrl, ProviderUrl};

use crate::access::Role;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};
use thiserror::Error;

/// Most audiences of an issuer, and most that a token may name.
pub const MOST_AUDIENCES: usize = 10;

/// Longest audience, in bytes.
const LONGEST_AUDIENCE: usize = 256;

/// Longest name of a claim, value of one, and team, in bytes.
const LONGEST_WORD: usize = 100;

/// Most pairs of a value and what it stands for.
const MOST_PAIRS: usize = 50;

/// Seconds by which clocks may differ, unless said otherwise.
pub const USUAL_CLOCK_SKEW_SECONDS: u32 = 30;

/// Seconds by which clocks may differ at most.
const MOST_CLOCK_SKEW_SECONDS: u32 = 120;

/// How a token may be signed (RFC 7518, RFC 8037): by a key of which the issuer publishes the other half. There is no way to
/// say `none`, or an algorithm whose key both sides have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSASSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// An algorithm that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("unknown algorithm: RS256, PS256, ES256 and EdDSA are accepted")]
pub struct UnknownAlgorithm;

impl SigningAlgorithm {
    /// Every one of them.
    pub const ALL: [SigningAlgorithm; 4] =
        [SigningAlgorithm::Rs256, SigningAlgorithm::Ps256, SigningAlgorithm::Es256, SigningAlgorithm::EdDsa];

    /// As tokens name it.
    pub const fn name(self) -> &'static str {
        match self {
            SigningAlgorithm::Rs256 => "RS256",
            SigningAlgorithm::Ps256 => "PS256",
            SigningAlgorithm::Es256 => "ES256",
            SigningAlgorithm::EdDsa => "EdDSA",
        }
    }
}

impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SigningAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == text).ok_or(UnknownAlgorithm)
    }
}

/// What the values of a claim stand for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimMapping<T: Ord> {
    /// The claim: its name, or the path to it with dots between, as in `realm_access.roles`.
    pub claim: String,
    /// What each value stands for; any other stands for nothing.
    pub values: BTreeMap<String, BTreeSet<T>>,
}

impl<T: Ord + Clone> ClaimMapping<T> {
    /// What a token's values stand for.
    pub fn of(&self, claims: &Claims) -> BTreeSet<T> {
        let values = claims.texts(&self.claim);
        values.into_iter().filter_map(|value| self.values.get(value)).flatten().cloned().collect()
    }

    fn is_bounded(&self) -> bool {
        let pairs: usize = self.values.values().map(BTreeSet::len).sum();
        let meant = self.values.iter().all(|(value, targets)| is_word(value) && !targets.is_empty());
        meant && (1..=MOST_PAIRS).contains(&pairs)
    }
}

/// An OpenID provider, as an organization takes its tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuer {
    /// Who it is: `iss` in its tokens, to the letter.
    pub issuer: ProviderUrl,
    /// For whom its tokens have to be: one of these is in `aud`. An issuer's audience belongs to one organization.
    pub audiences: BTreeSet<String>,
    /// How its tokens may be signed.
    pub algorithms: BTreeSet<SigningAlgorithm>,
    /// Where it publishes its keys; what its discovery document says, unless given.
    #[serde(default)]
    pub jwks_uri: Option<ProviderUrl>,
    /// The claim that says whom it means, whoever else may have the same name or address: `sub`, unless the provider has a
    /// better one.
    pub subject_claim: String,
    /// The roles that a token has: of the member's own, these are in force. All of them, unless given.
    #[serde(default)]
    pub roles: Option<ClaimMapping<Role>>,
    /// The teams of somebody who becomes a member at first sight.
    #[serde(default)]
    pub teams: Option<ClaimMapping<String>>,
    /// By how many seconds its clock may differ.
    pub clock_skew_seconds: u32,
    /// Whoever it means, and has a role, becomes a member at first sight.
    #[serde(default)]
    pub create_members: bool,
}

impl Issuer {
    /// What is wrong with it: the field and what is accepted.
    pub fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let mut problems = Vec::new();
        let mut refuse = |wrong: bool, field: &'static str, accepted: &'static str| {
            if wrong {
                problems.push((field, accepted));
            }
        };
        refuse(self.issuer.has_query(), "issuer", "an address without a query is accepted");
        let audience = |text: &String| (1..=LONGEST_AUDIENCE).contains(&text.len()) && !text.chars().any(char::is_control);
        let audiences = (1..=MOST_AUDIENCES).contains(&self.audiences.len()) && self.audiences.iter().all(audience);
        refuse(!audiences, "audiences", "1 to 10 audiences of 1 to 256 bytes are accepted");
        refuse(self.algorithms.is_empty(), "algorithms", "at least one of RS256, PS256, ES256, EdDSA is accepted");
        let elsewhere = self.jwks_uri.as_ref().is_some_and(|keys| keys.is_local() && !self.issuer.is_local());
        refuse(elsewhere, "jwks_uri", "an address on this machine is accepted only where the issuer is there, too");
        refuse(!is_word(&self.subject_claim), "subject_claim", "the name of a claim of 1 to 100 bytes is accepted");
        let named = "the name of a claim, or the path to it with dots between, of 1 to 100 bytes is accepted";
        let claim = |claim: Option<&String>| claim.is_some_and(|claim| !is_word(claim));
        refuse(claim(self.roles.as_ref().map(|roles| &roles.claim)), "roles.claim", named);
        refuse(claim(self.teams.as_ref().map(|teams| &teams.claim)), "teams.claim", named);
        let mapped = "1 to 50 pairs of a claim's value of 1 to 100 bytes and a role of a member are accepted";
        let machine = |roles: &ClaimMapping<Role>| roles.values.values().any(|roles| roles.contains(&Role::Service));
        refuse(self.roles.as_ref().is_some_and(|roles| !roles.is_bounded() || machine(roles)), "roles.values", mapped);
        let mapped = "1 to 50 pairs of a claim's value and a team, each of 1 to 100 bytes, are accepted";
        let unnamed = |teams: &ClaimMapping<String>| teams.values.values().flatten().any(|team| !is_word(team));
        refuse(self.teams.as_ref().is_some_and(|teams| !teams.is_bounded() || unnamed(teams)), "teams.values", mapped);
        let skewed = self.clock_skew_seconds > MOST_CLOCK_SKEW_SECONDS;
        refuse(skewed, "clock_skew_seconds", "0 to 120 is accepted");
        let without = self.create_members && self.roles.is_none();
        refuse(without, "create_members", "true is accepted only beside roles: nobody would have any");
        problems
    }
}

fn is_word(text: &str) -> bool {
    (1..=LONGEST_WORD).contains(&text.len()) && !text.chars().any(char::is_control) && text.trim() == text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer() -> Issuer {
        Issuer {
            issuer: "https://login.acme.example".parse().expect("an address"),
            audiences: ["oubli".to_owned()].into(),
            algorithms: [SigningAlgorithm::Rs256].into(),
            jwks_uri: None,
            subject_claim: "sub".to_owned(),
            roles: None,
            teams: None,
            clock_skew_seconds: USUAL_CLOCK_SKEW_SECONDS,
            create_members: false,
        }
    }

    fn mapping<T: Ord>(pairs: impl IntoIterator<Item = (String, T)>) -> Option<ClaimMapping<T>> {
        let mut values: BTreeMap<String, BTreeSet<T>> = BTreeMap::new();
        for (value, target) in pairs {
            values.entry(value).or_default().insert(target);
        }
        Some(ClaimMapping { claim: "groups".to_owned(), values })
    }

    /// The fields that are refused.
    fn refused(issuer: &Issuer) -> Vec<&'static str> {
        issuer.problems().into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn only_signatures_that_nobody_but_the_issuer_makes_can_be_named() {
        for algorithm in SigningAlgorithm::ALL {
            assert_eq!(algorithm.name().parse(), Ok(algorithm));
            assert_eq!(serde_json::to_value(algorithm).expect("JSON"), algorithm.name());
        }
        for other in ["none", "None", "HS256", "HS512", "RS1", "rs256", "RS512", "ES256K", ""] {
            assert_eq!(other.parse::<SigningAlgorithm>(), Err(UnknownAlgorithm), "{other}");
        }
    }

    #[test]
    fn an_issuer_is_bounded() {
        let one = |change: fn(&mut Issuer)| {
            let mut issuer = issuer();
            change(&mut issuer);
            refused(&issuer)
        };
        assert_eq!(one(|_| ()), [""; 0]);
        assert_eq!(one(|i| i.clock_skew_seconds = 120), [""; 0]);
        assert_eq!(one(|i| i.clock_skew_seconds = 121), ["clock_skew_seconds"]);
        assert_eq!(one(|i| i.audiences.clear()), ["audiences"]);
        assert_eq!(one(|i| i.audiences = (0..11).map(|n| n.to_string()).collect()), ["audiences"]);
        assert_eq!(one(|i| i.audiences = ["a".repeat(257)].into()), ["audiences"]);
        assert_eq!(one(|i| i.algorithms.clear()), ["algorithms"]);
        assert_eq!(one(|i| i.subject_claim.clear()), ["subject_claim"]);
        assert_eq!(one(|i| i.issuer = "https://login.acme.example/?p=1".parse().expect("an address")), ["issuer"]);
        assert_eq!(one(|i| i.jwks_uri = "http://127.0.0.1:9001/".parse().ok()), ["jwks_uri"]);
        assert_eq!(one(|i| i.jwks_uri = "https://keys.acme.example/?p=1".parse().ok()), [""; 0]);
        assert_eq!(one(|i| i.create_members = true), ["create_members"]);
    }

    #[test]
    fn a_mapping_is_bounded_and_makes_no_machine() {
        let roles = |pairs: Vec<(String, Role)>| refused(&Issuer { roles: mapping(pairs), ..issuer() });
        let many = |n: usize| (0..n).map(|n| (n.to_string(), Role::Reviewer)).collect::<Vec<_>>();
        assert_eq!(roles(many(50)), [""; 0]);
        assert_eq!(roles(many(51)), ["roles.values"]);
        assert_eq!(roles(vec![]), ["roles.values"]);
        assert_eq!(roles(vec![("robots".to_owned(), Role::Service)]), ["roles.values"]);
        assert_eq!(roles(vec![(" dpo".to_owned(), Role::Reviewer)]), ["roles.values"]);
        let teams = |team: &str| refused(&Issuer { teams: mapping([("eu".to_owned(), team.to_owned())]), ..issuer() });
        assert_eq!((teams("EU"), teams("")), (vec![], vec!["teams.values"]));
    }
}
