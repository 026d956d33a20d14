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
    let odd: Vec<&Value> = rows.iter().filter(|row| row["refused"] == row["may"]).collect();
    ensure!(odd.is_empty(), "done all the same, or refused to whom it is for: {odd:?}");
    // Nine functions, and forty things of which most are not theirs.
    let refused = rows.iter().filter(|row| row["refused"] == true).count();
    ensure!(refused > 250 && rows.len() > refused + 30, "{refused} refusals of {} attempts", rows.len());
    Ok(())
}
