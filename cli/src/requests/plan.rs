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
    text.push_str(&unsearched(&plan["unsearched"]));
    for caution in list(&plan["cautions"]) {
        text.push_str(&format!("\nMind: {}", plain(caution)));
    }
    text.push_str(&format!("\nPlan {}, data as of {}\n", plain(&plan["digest"]), plain(&plan["discovered_at"])));
    text
}

/// What was not looked at, or only in part; nothing if everything was.
pub fn unsearched(unsearched: &Value) -> String {
    if list(unsearched).is_empty() {
        return String::new();
    }
    let rows = list(unsearched).iter().map(|u| {
        let how = if u["by_part"] == true { "in part" } else { "not at all" };
        vec![u["category"].clone(), u["producer"].clone(), how.into(), u["why"].clone(), u["reason"].clone()]
    });
    format!("\nNot searched\n{}\n", table(&["category", "producer", "searched", "why", "reason"], rows))
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
