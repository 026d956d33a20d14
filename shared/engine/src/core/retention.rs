//! From when retention duties count.

use crate::{
    EngineError, Result,
    ports::{Fields, RecordRef},
};
use jiff::tz::TimeZone;
use oubli_domain::{
    datamap::{DataMap, Duty, OtherWay, Producer, Retention, Selection},
    hold::HoldView,
    personal::{Identifier, NormalForm},
};
use percent_encoding::percent_decode_str;
use std::{
    borrow::{Borrow, Cow},
    collections::BTreeSet,
};

/// The fields that tell from when retention duties count, and whether a record has become a more specific producer's.
pub(crate) fn telling_fields<'s>(duties: &'s [Duty], within: impl IntoIterator<Item = &'s Selection>) -> Vec<String> {
    let periods = duties.iter().filter_map(|duty| duty.retention.period.as_ref()).map(|period| period.from.as_str());
    let ways = duties.iter().flat_map(|duty| &duty.ways);
    let told = within.into_iter().chain(ways).flat_map(Selection::telling_fields);
    periods.chain(told).map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Whether a more specific producer finds a record by what it was found by, also where it did not then. `within` are their
/// ways, by the place of the selection that each is within.
pub(crate) fn is_within<S: Borrow<Selection>>(within: &[Vec<S>], record: &RecordRef, fields: &Fields) -> bool {
    let ways = within.iter().enumerate().filter(|(place, _)| record.may_be_found_by(*place)).flat_map(|(_, ways)| ways);
    ways.map(Borrow::borrow).any(|selection| finds_again(selection, record, fields))
}

/// Whether a selection finds a record by what it was found by.
fn finds_again(selection: &Selection, record: &RecordRef, fields: &Fields) -> bool {
    let attribute = record.matched.as_ref().map(|matched| matched.attribute.as_str());
    let same_way = match selection {
        Selection::Items(items) => items.may_have_found_by(attribute),
        Selection::Objects(_) => true,
    };
    same_way && selection.may_find(|name| fields.text(name).map(Cow::Borrowed))
}

/// By what a way may find a record, as far as the record tells.
#[derive(PartialEq, Eq)]
enum Lead {
    Value(String),
    /// It has something and does not tell what.
    Untold,
}

fn lead(way: &Selection, fields: &Fields) -> Option<Lead> {
    let text = |name: &str| fields.text(name).map(Cow::Borrowed);
    let value = way.value_in(text).filter(|_| way.may_find(text));
    let untold = || way.telling_fields().any(|field| fields.is_unreadable(field)).then_some(Lead::Untold);
    value.map(Lead::Value).or_else(untold)
}

/// Whether one of these ways may find a record by what did not lead to it when it was planned: another producer may have to keep
/// it by now, or something that it stays with. Nobody but the next look knows.
pub(crate) fn is_found_otherwise(others: &[OtherWay], planned: &Fields, now: &Fields) -> bool {
    let text = |name: &str| now.text(name).map(Cow::Borrowed);
    let came = |other: &&OtherWay| lead(&other.way, now).is_some_and(|lead_now| lead(&other.way, planned) != Some(lead_now));
    others.iter().filter(came).any(|other| !other.left_to.iter().any(|own| own.may_find(text)))
}

/// The places of the selections of a producer that may have found a record: the one that it names, or any that finds it again.
pub(crate) fn places_that_find(producer: &Producer, record: &RecordRef, fields: &Fields) -> Vec<usize> {
    if let Some(place) = record.selection {
        return vec![usize::from(place)];
    }
    let all = producer.select.iter().enumerate();
    all.filter(|(_, selection)| finds_again(selection, record, fields)).map(|(place, _)| place).collect()
}

/// The holds in force, where what stays with what is held is held, too.
pub(crate) fn held_with(map: &DataMap, view: HoldView) -> HoldView {
    view.with_others(|category| map.categories_staying_with(category))
}

/// An address or a key that a record has, as what it names may be written: with its escapes, and with these decoded.
pub(crate) fn spellings_of_a_key(value: &str) -> [Cow<'_, str>; 2] {
    let path = value.split(['?', '#']).next().unwrap_or_default();
    [Cow::Borrowed(value), percent_decode_str(path).decode_utf8_lossy()]
}

/// A value that leads to records. Numbers are numbers in whatever way they are written: rather one too many stays.
pub(crate) fn in_one_spelling(value: &str) -> String {
    let number = Identifier::parse(value).ok().and_then(|value| NormalForm::Number.normalize(&value, None).ok());
    number.map_or_else(|| value.to_owned(), |number| number.expose().to_owned())
}

/// Whether a duty is on a record.
pub(crate) fn is_on(duty: &Duty, fields: &Fields) -> bool {
    duty.is_on(|name| fields.text(name).map(Cow::Borrowed))
}

/// Whether any duty keeps a record today.
pub(crate) fn duty_applies<'d>(
    duties: impl IntoIterator<Item = &'d Duty>,
    fields: &Fields,
    time_zone: &str,
    today: jiff::civil::Date,
) -> Result<bool> {
    for duty in duties {
        if is_on(duty, fields) && duty.retention.applies(started(&duty.retention, fields, time_zone)?, today) {
            return Ok(true);
        }
    }
    Ok(false)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Matched;
    use oubli_domain::datamap;

    #[test]
    fn a_record_read_again_is_told_by_what_found_it() {
        let map = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: m, category: m, store: db, table: m, key: [id], select: [{by: subject_id, index: r, attribute: recipient, export: only, because: theirs}, {by: subject_id, index: s, attribute: sender}, {by: subject_email, index: s, attribute: sender, where: {kind: mail}}]}
";
        let (map, _) = datamap::parse(map).expect("a map");
        let fields: Fields = [("recipient", "ada"), ("sender", "bob"), ("kind", "chat")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into_iter()
            .collect();
        let found = |attribute: &str, selection| {
            let matched = Some(Matched { attribute: attribute.to_owned(), value: "ada".to_owned() });
            let record = RecordRef { key: serde_json::json!({ "id": "1" }), matched, selection };
            places_that_find(&map.producers[0], &record, &fields)
        };
        assert_eq!((found("recipient", None), found("sender", None)), (vec![0], vec![1]));
        assert_eq!(found("sender", Some(2)), [2], "the look itself says by which");
        assert!(found("copy", None).is_empty());
    }
}
