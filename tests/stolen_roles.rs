//! What a stolen role of a function cannot do: tried, with that role's own credentials.

use anyhow::{Result, ensure};
use oubli_tests::{python, variable};
use serde_json::Value;

#[test]
fn p1_p7_what_no_stolen_role_can_do_is_refused_to_each() -> Result<()> {
    if variable("OUBLI_ROLES_ENFORCED").is_err() {
        // Without enforcement everything is allowed, and nothing is learnt.
        return Ok(());
    }
    let rows: Vec<Value> = serde_json::from_str(&python("stolen_roles.py", &[])?)?;
    let done: Vec<&Value> = rows.iter().filter(|row| row["refused"] != true).collect();
    ensure!(done.is_empty(), "done all the same: {done:?}");
    // Nine functions, and eighteen things of which most are not theirs.
    ensure!(rows.len() > 115, "only {} attempts", rows.len());
    Ok(())
}
