//! The keys that an issuer publishes (RFC 7517), and what their other halves signed.

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use oubli_domain::issuer::{Claims, SigningAlgorithm, TokenRefused};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Most keys of an issuer.
const MOST_KEYS: usize = 50;

/// A key of an issuer's.
pub(crate) struct PublicKey {
    id: Option<String>,
    algorithms: Vec<SigningAlgorithm>,
    key: DecodingKey,
}

/// All that an issuer publishes and that tokens can be signed by.
pub(crate) struct IssuerKeys(Vec<PublicKey>);

#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

const fn of_library(algorithm: SigningAlgorithm) -> Algorithm {
    match algorithm {
        SigningAlgorithm::Rs256 => Algorithm::RS256,
        SigningAlgorithm::Ps256 => Algorithm::PS256,
        SigningAlgorithm::Es256 => Algorithm::ES256,
        SigningAlgorithm::EdDsa => Algorithm::EdDSA,
    }
}

impl PublicKey {
    /// None for a key of another kind or for another use; one that both sides have is of another kind.
    fn read(published: &Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(published.clone()).ok()?;
        let signs = jwk.common.public_key_use.as_ref().is_none_or(|is| *is == PublicKeyUse::Signature);
        let verifies = jwk.common.key_operations.as_ref().is_none_or(|may| may.contains(&KeyOperations::Verify));
        let by_type: &[SigningAlgorithm] = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => &[SigningAlgorithm::Rs256, SigningAlgorithm::Ps256],
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => &[SigningAlgorithm::Es256],
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => &[SigningAlgorithm::EdDsa],
            _ => &[],
        };
        let named = |algorithm: &SigningAlgorithm| KeyAlgorithm::from(of_library(*algorithm));
        let said = |algorithm: &SigningAlgorithm| jwk.common.key_algorithm.is_none_or(|only| only == named(algorithm));
        let algorithms: Vec<_> = by_type.iter().copied().filter(said).collect();
        if algorithms.is_empty() || !signs || !verifies {
            return None;
        }
        Some(Self { id: jwk.common.key_id.clone(), algorithms, key: DecodingKey::from_jwk(&jwk).ok()? })
    }

    /// What a token says that this key's other half signed in this way.
    pub(crate) fn verify(&self, token: &str, algorithm: SigningAlgorithm) -> Result<Claims, TokenRefused> {
        let mut signature = Validation::new(of_library(algorithm));
        // Issuer, audience and times are judged by the domain, which is told the time.
        signature.required_spec_claims.clear();
        signature.validate_exp = false;
        signature.validate_aud = false;
        let verified = jsonwebtoken::decode::<Map<String, Value>>(token, &self.key, &signature);
        verified.map(|token| token.claims.into()).map_err(|_| TokenRefused::WrongSignature)
    }
}

impl IssuerKeys {
    /// Those of a document; none where it is no set of keys, or one of too many.
    pub(crate) fn read(document: &[u8]) -> Option<Self> {
        let published: Published = serde_json::from_slice(document).ok()?;
        let bounded = published.keys.len() <= MOST_KEYS;
        bounded.then(|| Self(published.keys.iter().filter_map(PublicKey::read).collect()))
    }

    /// Whether a key of this name is among them.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.0.iter().any(|key| key.id.as_deref() == Some(id))
    }

    /// The key that a token is to be verified by.
    pub(crate) fn key(&self, id: Option<&str>, algorithm: SigningAlgorithm) -> Result<&PublicKey, TokenRefused> {
        if self.0.is_empty() || id.is_some_and(|id| !self.has(id)) {
            return Err(TokenRefused::NoSuchKey);
        }
        if id.is_none() && self.0.len() > 1 {
            return Err(TokenRefused::KeyNotNamed);
        }
        let mut meant = self.0.iter().filter(|key| id.is_none() || key.id.as_deref() == id);
        meant.find(|key| key.algorithms.contains(&algorithm)).ok_or(TokenRefused::OtherKey)
    }
}
