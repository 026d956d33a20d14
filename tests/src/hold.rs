use crate::{Api, HOLDS};
use anyhow::{Result, bail};
use serde_json::Value;
use std::{thread::sleep, time::Duration};

/// A hold and by what its person is known, once the other identifiers were looked for.
pub fn resolved_hold(api: &Api, id: &str) -> Result<Value> {
    for _ in 0..200 {
        let hold = api.get(&format!("{HOLDS}/{id}"))?.ok()?;
        if hold["identifiers"].is_array() {
            return api.get(&format!("{HOLDS}/{id}?reveal=identity"))?.ok();
        }
        sleep(Duration::from_millis(150));
    }
    bail!("the hold was never resolved")
}
