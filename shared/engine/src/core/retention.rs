//! From when retention duties count.

use crate::{EngineError, Result};
use oubli_domain::datamap::Retention;
use std::collections::BTreeMap;

/// The field a retention duty is counted from.
pub(crate) fn retention_fields(retention: Option<&Retention>) -> Vec<String> {
    retention.and_then(|r| r.period.as_ref()).map(|p| vec![p.from.clone()]).unwrap_or_default()
}

/// The day it is where the controller is.
pub(crate) fn today(now: jiff::Timestamp, time_zone: &str) -> Result<jiff::civil::Date> {
    let zoned = now.in_tz(time_zone).map_err(|_| EngineError::internal("the time zone is unknown"))?;
    Ok(zoned.date())
}

/// The date a record's retention is counted from: a date, or a time of which the date counts.
pub(crate) fn started(retention: &Retention, fields: &BTreeMap<String, String>) -> Option<jiff::civil::Date> {
    let text = fields.get(&retention.period.as_ref()?.from)?;
    text.parse().ok().or_else(|| text.get(..10).and_then(|d| d.parse().ok()))
}
