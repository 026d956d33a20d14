//! From when retention duties count.

use crate::{
    EngineError, Result,
    ports::{Fields, RecordRef},
};
use jiff::tz::TimeZone;
use oubli_domain::datamap::{Retention, Selection};
use std::{
    borrow::{Borrow, Cow},
    collections::BTreeSet,
};

/// The fields that tell from when retention duties count, and whether a record has become a more specific producer's.
pub(crate) fn telling_fields<'s>(duties: &[&'s Retention], within: impl IntoIterator<Item = &'s Selection>) -> Vec<String> {
    let periods = duties.iter().filter_map(|duty| duty.period.as_ref()).map(|period| period.from.as_str());
    let told = within.into_iter().flat_map(Selection::telling_fields);
    periods.chain(told).map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Whether a more specific producer finds a record by what it was found by, also where it did not then. `within` are their
/// ways, by the place of the selection that each is within.
pub(crate) fn is_within<S: Borrow<Selection>>(within: &[Vec<S>], record: &RecordRef, fields: &Fields) -> bool {
    let same_way = |selection: &Selection| match (selection, &record.matched) {
        (Selection::Items(items), Some(matched)) => items.index.is_some() && items.attribute == matched.attribute,
        (Selection::Items(items), None) => items.index.is_none(),
        (Selection::Objects(_), _) => true,
    };
    let finds = |selection: &Selection| selection.may_find(|name| fields.text(name).map(Cow::Borrowed));
    let ways = within.iter().enumerate().filter(|(place, _)| record.may_be_found_by(*place)).flat_map(|(_, ways)| ways);
    ways.map(Borrow::borrow).any(|selection| same_way(selection) && finds(selection))
}

/// The day it is where the controller is.
pub(crate) fn today(now: jiff::Timestamp, time_zone: &str) -> Result<jiff::civil::Date> {
    let zoned = now.in_tz(time_zone).map_err(|_| EngineError::internal("the time zone is unknown"))?;
    Ok(zoned.date())
}

/// The date a record's retention is counted from, where the controller is.
pub(crate) fn started(retention: &Retention, fields: &Fields, time_zone: &str) -> Result<Option<jiff::civil::Date>> {
    let zone = TimeZone::get(time_zone).map_err(|_| EngineError::internal("the time zone is unknown"))?;
    let period = retention.period.as_ref();
    Ok(period.and_then(|period| period.form.read(fields.text(&period.from)?, &zone)))
}
