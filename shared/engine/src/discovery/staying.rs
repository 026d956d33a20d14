//! What stays because something stays that it is found through, by its own words: whatever finds it first, and though the index
//! that leads to it from there may lag.

use crate::{
    core::{in_one_spelling, spellings_of_a_key},
    ports::Fields,
};
use jiff::civil::Date;
use oubli_domain::{
    datamap::{Producer, Selection},
    plan::KeptBecause,
};
use sha2::{Digest, Sha256};
use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
};

/// Why records stay, by the values that lead to them.
#[derive(Default)]
pub(super) struct Staying {
    /// The places of why, by selection and value: memory holds no more of a record than this.
    led_to: HashMap<[u8; 16], usize>,
    why: Vec<KeptBecause>,
    /// The same by their text: there may be as many dates as parents.
    places: HashMap<Vec<u8>, usize>,
}

fn mark(place: usize, value: &str) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(place.to_be_bytes());
    hash.update(in_one_spelling(value));
    let mut short = [0_u8; 16];
    short.copy_from_slice(&hash.finalize()[..16]);
    short
}

/// A value as what it leads to may tell it: rows name whole keys in more than one way, each with more before it or behind it.
fn names(way: &Selection, value: &str) -> Vec<String> {
    if way.whole_key(|_| Some(Cow::Borrowed(""))).is_none() {
        return vec![value.to_owned()];
    }
    let ends = |text: &str| text.match_indices('/').map(|(at, _)| text[at + 1..].to_owned()).collect::<Vec<_>>();
    let all = spellings_of_a_key(value).into_iter().flat_map(|text| ends(&text).into_iter().chain([text.into_owned()]));
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The last day; of what has no end, a day after any.
pub(super) fn last_day(why: &KeptBecause) -> Date {
    why.until().unwrap_or(Date::MAX)
}

impl Staying {
    /// What a selection's value leads to stays. `place` is the selection's.
    pub(super) fn add(&mut self, (place, way): (usize, &Selection), value: &str, why: &KeptBecause) {
        let text = serde_json::to_vec(why).unwrap_or_default();
        let new = *self.places.entry(text).or_insert_with(|| {
            self.why.push(why.clone());
            self.why.len() - 1
        });
        for name in &names(way, value) {
            let of_value = self.led_to.entry(mark(place, name)).or_insert(new);
            if last_day(&self.why[*of_value]) < last_day(why) {
                *of_value = new;
            }
        }
    }

    /// Of all that leads to a record and stays, the reason that lasts longest.
    pub(super) fn on(&self, producer: &Producer, fields: &Fields) -> Option<&KeptBecause> {
        let text = |name: &str| fields.text(name).map(Cow::Borrowed);
        let ways = producer.select.iter().enumerate().filter(|(_, way)| !self.why.is_empty() && way.may_find(text));
        let values = ways.filter_map(|(place, way)| Some((place, way.value_in(text).or_else(|| way.whole_key(text))?)));
        let why = values.filter_map(|(place, value)| self.why.get(*self.led_to.get(&mark(place, &value))?));
        why.max_by_key(|why| last_day(why))
    }
}
