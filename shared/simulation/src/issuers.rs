//! OpenID providers of the simulated internet: any that is named is there, with one key of its own.

use async_trait::async_trait;
use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::{Signer as _, SigningKey};
use oubli_domain::issuer::ProviderUrl;
use oubli_engine::ports::{IssuerDocuments, IssuerUnreachable};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// All of them. What they publish and sign is made of their names alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct SimIssuers;

/// What each calls its key.
const KEY_ID: &str = "k1";

fn key_of(issuer: &str) -> SigningKey {
    SigningKey::from_bytes(&Sha256::digest(format!("the key of {issuer}")).into())
}

impl SimIssuers {
    /// A token that an issuer signed.
    pub fn token(issuer: &str, claims: &Value) -> String {
        Self::signed(issuer, &json!({ "alg": "EdDSA", "kid": KEY_ID, "typ": "at+jwt" }), claims)
    }

    /// The same with another header: whatever it says, it is signed by the issuer's own key (RFC 8037).
    pub fn signed(issuer: &str, header: &Value, claims: &Value) -> String {
        let [header, claims] = [header, claims].map(|part| BASE64URL_NOPAD.encode(part.to_string().as_bytes()));
        let message = format!("{header}.{claims}");
        let signature = key_of(issuer).sign(message.as_bytes()).to_bytes();
        format!("{message}.{}", BASE64URL_NOPAD.encode(&signature))
    }
}

#[async_trait]
impl IssuerDocuments for SimIssuers {
    async fn get(&self, url: &ProviderUrl) -> Result<Vec<u8>, IssuerUnreachable> {
        let url = url.as_str();
        let document = if let Some(issuer) = url.strip_suffix("/.well-known/openid-configuration") {
            json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") })
        } else if let Some(issuer) = url.strip_suffix("/keys") {
            let x = BASE64URL_NOPAD.encode(key_of(issuer).verifying_key().as_bytes());
            json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": KEY_ID, "use": "sig", "x": x }] })
        } else {
            return Err(IssuerUnreachable("it is answered 404".to_owned()));
        };
        Ok(document.to_string().into_bytes())
    }
}
