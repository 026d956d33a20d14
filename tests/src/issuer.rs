//! An OpenID provider on this machine.

use std::io::{BufRead as _, BufReader};
use std::process::Child;

use anyhow::{Context, Result, ensure};
use data_encoding::BASE64;
use serde_json::{Value, json};
use ureq::Agent;

use crate::{export::text, stack::start_python};

const SECRET: &str = "not-much-of-a-secret";

/// One that answers for as long as this is there.
pub struct Issuer {
    /// Who it is.
    pub url: String,
    agent: Agent,
    provider: Child,
}

impl Issuer {
    pub fn start() -> Result<Self> {
        let mut provider = start_python("issuer.py")?;
        let said = provider.stdout.take().context("it says nothing")?;
        let mut url = String::new();
        BufReader::new(said).read_line(&mut url)?;
        ensure!(url.starts_with("http://127.0.0.1:"), "the provider did not start: {:?}", provider.wait());
        Ok(Self { url: url.trim().to_owned(), agent: Agent::new_with_defaults(), provider })
    }

    /// Makes it know somebody, of whom its tokens say this, for so many seconds.
    pub fn knows(&self, id: &str, claims: &Value, seconds: i64) -> Result<()> {
        let body = json!({ "id": id, "claims": claims, "seconds": seconds });
        self.agent.post(format!("{}/clients", self.url)).send_json(body).map(drop).context("somebody new")
    }

    /// A token that it gives to somebody it knows, for an audience.
    pub fn token(&self, id: &str, audience: &str) -> Result<String> {
        let basic = format!("Basic {}", BASE64.encode(format!("{id}:{SECRET}").as_bytes()));
        let form = [("grant_type", "client_credentials"), ("scope", audience)];
        let request = self.agent.post(format!("{}/token", self.url)).header("authorization", basic);
        let given: Value = request.send_form(form).context("a token")?.body_mut().read_json()?;
        text(&given, "access_token").map(ToOwned::to_owned)
    }

    /// What somebody can make of a token: `none`, `hs256`, `unknown_key`, `other_key`.
    pub fn forged(&self, kind: &str, of: &str) -> Result<String> {
        text(&self.get(&format!("/forged/{kind}?of={of}"))?, "token").map(ToOwned::to_owned)
    }

    /// How often its keys were asked for.
    pub fn keys_fetched(&self) -> Result<u64> {
        self.get("/keys_fetched")?["times"].as_u64().context("no number")
    }

    fn get(&self, path: &str) -> Result<Value> {
        let mut answer = self.agent.get(format!("{}{path}", self.url)).call().with_context(|| path.to_owned())?;
        Ok(answer.body_mut().read_json()?)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        drop(self.provider.stdin.take());
        self.provider.wait().ok();
    }
}
