//! What a map says under `retention`.

use super::{
    retention::{DateForm, Duties, EndOf, Retention, RetentionPeriod, YearEnd},
    words::{Count, Word},
};
use crate::grounds::Exception;
use serde::{
    Deserialize, Deserializer,
    de::{
        Error, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use std::{collections::BTreeMap, fmt};

/// One duty, or several.
pub(super) struct RawDuties(Vec<RawDuty>);

impl<'de> Deserialize<'de> for RawDuties {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = RawDuties;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duty such as {reason: …, exception: legal_obligation}, {with: parent}, or a list of such")
            }

            fn visit_map<A: MapAccess<'de>>(self, duty: A) -> Result<RawDuties, A::Error> {
                RawDuty::deserialize(MapAccessDeserializer::new(duty)).map(|duty| RawDuties(vec![duty]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, duties: A) -> Result<RawDuties, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(duties)).map(RawDuties)
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDuty {
    with: Option<String>,
    reason: Option<String>,
    exception: Option<Exception>,
    from: Option<String>,
    form: Option<String>,
    from_end_of: Option<RawEndOf>,
    years: Option<Count<u8>>,
    months: Option<Count<u8>>,
    days: Option<Count<u16>>,
}

/// `year`, or `{fiscal_year: "04-05"}`.
enum RawEndOf {
    Word(String),
    Named(BTreeMap<String, Word>),
}

impl<'de> Deserialize<'de> for RawEndOf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = RawEndOf;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("year, or {fiscal_year: \"04-05\"}, the last day of it as month and day")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<RawEndOf, E> {
                Ok(RawEndOf::Word(word.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, named: A) -> Result<RawEndOf, A::Error> {
                BTreeMap::deserialize(MapAccessDeserializer::new(named)).map(RawEndOf::Named)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl RawDuties {
    /// # Errors
    /// What is wrong with one of them, in words.
    pub(super) fn into_duties(self) -> Result<Duties, String> {
        if self.0.is_empty() {
            return Err("retention: the list is empty: leave retention out where nothing keeps the records".to_owned());
        }
        let mut duties = Duties::default();
        for duty in self.0 {
            match &duty.with {
                Some(_) if duties.with_parent => return Err("retention: with: parent is written twice".to_owned()),
                Some(with) => {
                    duty.stands_alone(with)?;
                    duties.with_parent = true;
                }
                None => {
                    let duty = duty.into_retention()?;
                    if duties.own.contains(&duty) {
                        return Err(format!("retention: the duty {:?} is written twice", duty.reason));
                    }
                    duties.own.push(duty);
                }
            }
        }
        Ok(duties)
    }
}

impl RawDuty {
    fn stands_alone(&self, with: &str) -> Result<(), String> {
        if with != "parent" {
            return Err(format!("retention: with: {with:?} is not known: write with: parent"));
        }
        let counted = self.years.is_some() || self.months.is_some() || self.days.is_some();
        let dated = self.from.is_some() || self.form.is_some() || self.from_end_of.is_some();
        if self.reason.is_some() || self.exception.is_some() || dated || counted {
            let text = "retention: with: parent takes nothing else, for the parent's duty is meant: write a list, as in \
                        [{with: parent}, {reason: …, exception: …}], where a duty of its own keeps it too";
            return Err(text.to_owned());
        }
        Ok(())
    }

    fn into_retention(self) -> Result<Retention, String> {
        let reason = self.reason.filter(|reason| !reason.trim().is_empty());
        let reason = reason.ok_or("retention: reason must say which duty it is")?;
        let exception = self.exception.ok_or(
            "retention: exception must name that of Art. 17(3): freedom_of_expression, legal_obligation, public_health, \
             archiving_or_research or legal_claims",
        )?;
        let form = self.form.as_deref().map(DateForm::parse);
        if self.from.is_none() && (form.is_some() || self.from_end_of.is_some()) {
            return Err("retention: form and from_end_of need from, the field with the date".to_owned());
        }
        let from_end_of = self.from_end_of.map(RawEndOf::into_end).transpose().map_err(|wrong| format!("retention: {wrong}"))?;
        let (years, months, days) = (count(self.years), count(self.months), count(self.days));
        let counted = years > 0 || months > 0 || days > 0;
        let period = match (self.from, counted) {
            (Some(from), true) => Some(RetentionPeriod {
                from,
                form: form.transpose().map_err(|wrong| format!("retention: {wrong}"))?.unwrap_or_default(),
                from_end_of,
                years,
                months,
                days,
            }),
            (None, false) => None,
            (Some(_), false) => return Err("retention: from needs years, months or days".to_owned()),
            (None, true) => return Err("retention: a period needs from, the field it is counted from".to_owned()),
        };
        Ok(Retention { reason, exception, period })
    }
}

fn count<T: Default>(given: Option<Count<T>>) -> T {
    given.map(|Count(number)| number).unwrap_or_default()
}

impl RawEndOf {
    fn into_end(self) -> Result<EndOf, String> {
        let accepted = "from_end_of takes year, or {fiscal_year: \"04-05\"}, the last day of it as month and day";
        match self {
            RawEndOf::Word(word) if word == "year" => Ok(EndOf::Year),
            RawEndOf::Word(word) => Err(format!("{accepted}: {word:?} is neither")),
            RawEndOf::Named(named) => match named.into_iter().collect::<Vec<_>>().as_slice() {
                [(name, Word(day))] if name == "fiscal_year" => {
                    YearEnd::parse(day).map(EndOf::FiscalYear).map_err(|wrong| format!("from_end_of: fiscal_year: {wrong}"))
                }
                _ => Err(accepted.to_owned()),
            },
        }
    }
}

#[cfg(test)]
#[path = "duties_tests.rs"]
mod tests;
