use super::*;
use crate::samples::{map, refusals};
use serde_json::json;

fn check(json: &serde_json::Value) -> Result<Approval, Problem> {
    let body: ApprovalBody = crate::json::body(json.to_string().as_bytes())?;
    body.check(Some(&map()))
}

#[test]
fn each_mistake_has_its_code_and_its_field() {
    let exclusion = |changes: serde_json::Value| {
        let mut exclusion = json!({ "category": "orders", "reason": "r" });
        for (name, value) in changes.as_object().expect("an object") {
            exclusion[name] = value.clone();
        }
        json!({ "exclusions": [exclusion] })
    };
    let cases = [
        (json!({ "plan_digest": "sha256:12" }), "plan_digest invalid_value"),
        (json!({ "approved_by": "" }), "approved_by invalid_value"),
        (json!({ "approval_notes": "x".repeat(2001) }), "approval_notes invalid_value"),
        (exclusion(json!({ "category": "nothing" })), "exclusions[0].category unknown_category"),
        (exclusion(json!({ "category": null })), "exclusions[0].category missing_field"),
        (exclusion(json!({ "reason": null })), "exclusions[0].reason missing_field"),
        (exclusion(json!({ "reason": " " })), "exclusions[0].reason invalid_value"),
        (exclusion(json!({ "retention_until": "31.12.2027" })), "exclusions[0].retention_until invalid_date"),
        (exclusion(json!({ "until": "2027-12-31" })), "exclusions[0].until unknown_field"),
        (
            json!({ "exclusions": [{ "category": "orders", "reason": "r" }, { "category": "orders", "reason": "s" }] }),
            "exclusions[1].category invalid_value",
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(refusals(&check(&body).expect_err(expected)), [expected]);
    }
}

#[test]
fn what_is_accepted_arrives() {
    let approval = check(&json!({
        "approved_by": "Rita Reviewer", "approval_notes": "ok", "plan_digest": format!("sha256:{}", "0".repeat(64)),
        "exclusions": [{ "category": "invoices", "reason": "tax", "retention_until": "2027-12-31" }],
    }))
    .expect("accepted");
    assert_eq!(approval.approved_by.as_deref(), Some("Rita Reviewer"));
    assert!(approval.plan_digest.is_some());
    assert_eq!(approval.exclusions[0].retention_until.map(|d| d.to_string()).as_deref(), Some("2027-12-31"));
    assert!(check(&json!({})).is_ok());
}
