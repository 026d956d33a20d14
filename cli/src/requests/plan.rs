//! A plan in words and numbers.

use crate::output::{list, plain, size, table};
use serde_json::Value;

/// What goes, what stays and why.
pub fn describe(plan: &Value) -> String {
    let mut text = format!("Goes: {} records\n", plain(&plan["records"]));
    let rows = list(&plan["steps"])
        .iter()
        .map(|step| vec![step["category"].clone(), step["producer"].clone(), step["records"].clone(), size(&step["size_bytes"])]);
    text.push_str(&table(&["category", "producer", "records", "size"], rows));
    text.push_str(&format!("\n\nStays: {} records\n", plain(&plan["kept_records"])));
    if !list(&plan["kept"]).is_empty() {
        text.push_str(&kept(&plan["kept"]));
        text.push('\n');
    }
    for caution in list(&plan["cautions"]) {
        text.push_str(&format!("\nMind: {}", plain(caution)));
    }
    text.push_str(&format!("\nPlan {}, data as of {}\n", plain(&plan["digest"]), plain(&plan["discovered_at"])));
    text
}

/// What stays and why.
pub fn kept(kept: &Value) -> String {
    let rows = list(kept).iter().map(|kept| {
        let reason = if kept["reason"].is_null() { kept["hold_id"].clone() } else { kept["reason"].clone() };
        let until = kept["retention_until"].clone();
        vec![kept["category"].clone(), kept["producer"].clone(), kept["records"].clone(), kept["why"].clone(), reason, until]
    });
    table(&["category", "producer", "records", "why", "reason", "until"], rows)
}
