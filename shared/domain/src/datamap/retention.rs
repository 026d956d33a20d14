//! Duties to keep records: from when they count, and until when.

use crate::grounds::Exception;
use jiff::{Span, Timestamp, civil::Date, fmt::strtime, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What keeps a producer's records: all of it must have ended before one of them may go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duties {
    /// Duties on the records themselves.
    pub own: Vec<Retention>,
    /// A record stays as long as anything stays that it is found through.
    pub with_parent: bool,
}

impl Duties {
    /// Whether nothing keeps them.
    pub fn is_none(&self) -> bool {
        self.own.is_empty() && !self.with_parent
    }
}

/// A duty to keep records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// The duty in words, shown to reviewers and on certificates.
    pub reason: String,
    /// The exception of Art. 17(3) GDPR it rests on.
    pub exception: Exception,
    /// How long; without it the whole category is kept for as long as the map says so.
    pub period: Option<RetentionPeriod>,
}

/// How long a record is kept, counted from a date it carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionPeriod {
    /// The field with the date the period is counted from.
    pub from: String,
    /// How the date is written there.
    #[serde(default)]
    pub form: DateForm,
    /// The period begins when this ends, in which the date is.
    #[serde(default)]
    pub from_end_of: Option<EndOf>,
    /// Calendar years.
    pub years: u8,
    /// Calendar months, besides the years.
    pub months: u8,
    /// Days, besides the months.
    pub days: u16,
}

/// What a period waits for before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndOf {
    /// The calendar year: § 147(4) AO counts from its end, for one.
    Year,
    /// The financial year that ends on this day: Art. 958f(1) of the Swiss Code of Obligations, § 12(1) of the Danish
    /// Bookkeeping Act and Schedule 18, paragraph 21 of the UK's Finance Act 1998 count from its end.
    FiscalYear(YearEnd),
}

impl EndOf {
    /// The last day of the year that a day is in.
    fn last_day(self, day: Date) -> Option<Date> {
        match self {
            EndOf::Year => Some(day.last_of_year()),
            EndOf::FiscalYear(end) => {
                let this = end.of(day.year())?;
                let last = if this >= day { this } else { end.of(day.year().checked_add(1)?)? };
                // Whether the end of February is meant or its 28th day: the later one ends no duty early.
                Some(if (last.month(), last.day()) == (2, 28) { last.last_of_month() } else { last })
            }
        }
    }
}

/// A day of every year, on which one ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct YearEnd {
    month: i8,
    day: i8,
}

impl YearEnd {
    /// Reads `MM-DD`.
    ///
    /// # Errors
    /// It is no such day, or not one of every year; says what is accepted.
    pub fn parse(text: &str) -> Result<Self, String> {
        let accepted = "the last day of a fiscal year as month and day, such as \"04-05\"";
        let number = |part: &str| part.parse::<i8>().ok().filter(|_| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()));
        let parts = text.split_once('-').and_then(|(month, day)| Some((number(month)?, number(day)?)));
        let Some((month, day)) = parts else { return Err(format!("{text:?} is not {accepted}")) };
        if (month, day) == (2, 29) {
            return Err(format!("{text:?} is not a day of every year: write \"02-28\", which means the end of February too"));
        }
        // Any year without a leap day tells.
        match Date::new(2001, month, day) {
            Ok(_) => Ok(Self { month, day }),
            Err(_) => Err(format!("{text:?} is no day: write {accepted}")),
        }
    }

    fn of(self, year: i16) -> Option<Date> {
        Date::new(year, self.month, self.day).ok()
    }
}

impl fmt::Display for YearEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

impl TryFrom<String> for YearEnd {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<YearEnd> for String {
    fn from(end: YearEnd) -> Self {
        end.to_string()
    }
}

/// How a record writes a date.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateForm {
    /// `2026-01-31`, or a time with its offset, as RFC 3339 has it.
    #[default]
    Date,
    /// Seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMilliseconds,
    /// As `strptime` reads it: `%d/%m/%Y`.
    Pattern(String),
}

/// From where on a number of seconds is one of milliseconds, and the other way round: 1973 and the year 5138.
const SECONDS_END: i64 = 100_000_000_000;

impl DateForm {
    /// What maps may say besides a pattern.
    const NAMES: [(&'static str, DateForm); 3] = [
        ("date", DateForm::Date),
        ("epoch_seconds", DateForm::EpochSeconds),
        ("epoch_milliseconds", DateForm::EpochMilliseconds),
    ];

    /// Reads what a map says.
    ///
    /// # Errors
    /// It is neither a name nor a pattern that a day can be read by; says what is accepted.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some((_, form)) = Self::NAMES.into_iter().find(|(name, _)| *name == text) {
            return Ok(form);
        }
        let day = Date::constant(2001, 12, 3);
        let written = day.at(4, 5, 6, 0).to_zoned(TimeZone::UTC).ok().and_then(|time| strtime::format(text, &time).ok());
        let again = written.and_then(|written| strtime::parse(text, &written).ok()?.to_date().ok());
        if again == Some(day) {
            return Ok(Self::Pattern(text.to_owned()));
        }
        let names = Self::NAMES.map(|(name, _)| name).join(", ");
        Err(format!("form {text:?} is none of {names}, nor a pattern with day, month and year, such as %d/%m/%Y"))
    }

    /// The day that a text means; of a time whose zone says another day than the controller's, the later one. None where it is
    /// none, or cannot be told.
    pub fn read(&self, text: &str, zone: &TimeZone) -> Option<Date> {
        let text = text.trim();
        match self {
            DateForm::Date => match text.parse::<Timestamp>() {
                Ok(time) => {
                    let written: Option<Date> = text.get(..10).and_then(|day| day.parse().ok());
                    written.map(|written| written.max(zone.to_datetime(time).date()))
                }
                // A time without an offset may be on the next day where the controller is.
                Err(_) => bare_date(text),
            },
            // Nought stands where nobody set a date.
            DateForm::EpochSeconds => {
                let seconds = whole(text)?;
                let time = Timestamp::from_second(seconds).ok().filter(|_| seconds != 0 && seconds.abs() < SECONDS_END)?;
                Some(zone.to_datetime(time).date())
            }
            DateForm::EpochMilliseconds => {
                let milliseconds = whole(text)?;
                // What could be seconds as well would end a duty decades early.
                let time = Timestamp::from_millisecond(milliseconds).ok().filter(|_| milliseconds.abs() >= SECONDS_END)?;
                Some(zone.to_datetime(time).date())
            }
            DateForm::Pattern(pattern) => {
                let parts = strtime::parse(pattern, text).ok()?;
                let written = parts.to_date().ok()?;
                Some(parts.to_timestamp().map_or(written, |time| written.max(zone.to_datetime(time).date())))
            }
        }
    }
}

/// A date as it is written alone, with nothing before it or behind it.
fn bare_date(text: &str) -> Option<Date> {
    text.parse().ok().filter(|day: &Date| day.to_string() == text)
}

/// A whole number, whatever stands behind the point.
fn whole(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = part.bytes().all(|digit| digit.is_ascii_digit());
    whole.parse().ok().filter(|_| digits)
}

impl RetentionPeriod {
    /// The last day on which a record that started on `from` is kept. The day of the event is not counted, and a period ends
    /// with the end of its last day: Regulation 1182/71, Art. 3.
    pub fn last_day(&self, from: Date) -> Option<Date> {
        let from = match self.from_end_of {
            None => from,
            Some(end) => end.last_day(from)?,
        };
        from.checked_add(Span::new().years(self.years).months(self.months).days(self.days)).ok()
    }
}

impl Retention {
    /// The last day on which a record is kept, given its date; `None` means without end.
    ///
    /// A record whose date is missing or unreadable is kept without end: it cannot be shown that its period is over.
    pub fn kept_until(&self, started: Option<Date>) -> Option<Date> {
        self.period.as_ref().and_then(|p| started.and_then(|d| p.last_day(d)))
    }

    /// Whether it ends no sooner than another one, whatever the date that both are counted from. Of dates in two fields nobody
    /// knows which is the later one.
    pub fn outlasts(&self, other: &Self) -> bool {
        let (Some(mine), Some(theirs)) = (&self.period, &other.period) else { return self.period.is_none() };
        // Four years have every day of a year, and leap days as far away as they can be.
        let mut days = Date::constant(2001, 1, 1).series(Span::new().days(1)).take(4 * 365 + 1).map(Some);
        let ends_later = |day| self.kept_until(day).is_none_or(|last| other.kept_until(day).is_some_and(|end| end <= last));
        mine.from == theirs.from && days.all(ends_later)
    }

    /// Whether a record is still under the duty on this day.
    pub fn applies(&self, started: Option<Date>, today: Date) -> bool {
        self.kept_until(started).is_none_or(|last| today <= last)
    }

    /// The duty in words, and that it keeps a record because its date cannot be read.
    pub fn words(&self, started: Option<Date>) -> String {
        match &self.period {
            Some(period) if started.is_none() => {
                format!("{} (no date can be read in {}, so that it cannot be shown that it is over)", self.reason, period.from)
            }
            _ => self.reason.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).expect("a zone")
    }

    fn period(years: u8, months: u8, days: u16, from_end_of: Option<EndOf>) -> RetentionPeriod {
        RetentionPeriod { from: "at".to_owned(), form: DateForm::Date, from_end_of, years, months, days }
    }

    #[test]
    fn a_date_is_read_in_the_form_that_is_declared_and_in_no_other() {
        let form = |text: &str| DateForm::parse(text).expect("a form");
        let cases = [
            ("date", "2010-02-01", Some(date(2010, 2, 1))),
            ("date", " 2010-02-01 ", Some(date(2010, 2, 1))),
            // Midnight in Paris is the day before in UTC, and the other way round: the later day counts.
            ("date", "2010-02-01T23:30:00-05:00", Some(date(2010, 2, 2))),
            ("date", "2010-02-01T23:30:00Z", Some(date(2010, 2, 2))),
            ("date", "2010-02-02T00:10:00+09:00", Some(date(2010, 2, 2))),
            ("date", "2010-02-01 23:30:00+01", Some(date(2010, 2, 1))),
            // Of a time without an offset nobody knows which day it is where the controller is.
            ("date", "2015-12-31T23:30:00.123", None),
            ("date", "2015-12-31T23:30:00", None),
            ("date", "2015-12-31 23:30", None),
            ("date", "2015-12-31T23:30:00[Europe/Paris]", None),
            ("date", "2015-12-31[Europe/Paris]", None),
            ("date", "20151231", None),
            ("date", "01/02/2010", None),
            ("date", "1262304000", None),
            ("date", "2010", None),
            ("date", "2010-02-01 or so", None),
            ("date", "", None),
            ("epoch_seconds", "1262304000", Some(date(2010, 1, 1))),
            ("epoch_seconds", "1262303999", Some(date(2010, 1, 1))),
            ("epoch_seconds", "1262304000.25", Some(date(2010, 1, 1))),
            ("epoch_seconds", "1262304000000", None),
            ("epoch_seconds", "0", None),
            ("%Y-%m-%d %H:%M %z", "2010-02-01 23:30 -0500", Some(date(2010, 2, 2))),
            ("epoch_seconds", "2010-02-01", None),
            ("epoch_milliseconds", "1262304000000", Some(date(2010, 1, 1))),
            ("epoch_milliseconds", "1262304000", None),
            ("%d/%m/%Y", "01/02/2010", Some(date(2010, 2, 1))),
            ("%d/%m/%Y", "31/02/2010", None),
            ("%d/%m/%Y", "2010-02-01", None),
            ("%Y%m%d", "20100201", Some(date(2010, 2, 1))),
            ("%d.%m.%Y %H:%M", "01.02.2010 23:30", Some(date(2010, 2, 1))),
            ("%Y-%m-%dT%H:%M:%S", "2015-12-31T23:30:00", Some(date(2015, 12, 31))),
            ("%Y-%m-%dT%H:%M:%S%.f", "2015-12-31T23:30:00.123", Some(date(2015, 12, 31))),
            ("%Y-%m-%dT%H:%M:%S%.f", "2015-12-31T23:30:00", Some(date(2015, 12, 31))),
        ];
        for (declared, text, day) in cases {
            assert_eq!(form(declared).read(text, &zone("Europe/Paris")), day, "{declared} {text}");
        }
        for wrong in ["iso", "%m/%Y", "%d/%m", "", "%Q", "epoch"] {
            assert!(DateForm::parse(wrong).expect_err("refused").contains("epoch_seconds"), "{wrong}");
        }
    }

    #[test]
    fn a_period_ends_with_its_last_day() {
        let last = |years, months, days, end_of, from| period(years, months, days, end_of).last_day(from);
        assert_eq!(last(7, 0, 0, None, date(2019, 2, 10)), Some(date(2026, 2, 10)));
        assert_eq!(last(1, 0, 0, None, date(2024, 2, 29)), Some(date(2025, 2, 28)));
        assert_eq!(last(0, 1, 0, None, date(2023, 1, 31)), Some(date(2023, 2, 28)));
        assert_eq!(last(0, 0, 30, None, date(2026, 1, 1)), Some(date(2026, 1, 31)));
        assert_eq!(last(7, 0, 0, Some(EndOf::Year), date(2019, 2, 10)), Some(date(2026, 12, 31)));
        assert_eq!(last(10, 0, 0, Some(EndOf::Year), date(2016, 12, 31)), Some(date(2026, 12, 31)));
        let fiscal = |end: &str| Some(EndOf::FiscalYear(YearEnd::parse(end).expect("a day")));
        assert_eq!(last(6, 0, 0, fiscal("04-05"), date(2019, 4, 5)), Some(date(2025, 4, 5)));
        assert_eq!(last(6, 0, 0, fiscal("04-05"), date(2019, 4, 6)), Some(date(2026, 4, 5)));
        assert_eq!(last(10, 0, 0, fiscal("12-31"), date(2016, 1, 1)), Some(date(2026, 12, 31)));
        assert_eq!(last(1, 0, 0, fiscal("02-28"), date(2024, 2, 10)), Some(date(2025, 2, 28)));
        assert_eq!(last(4, 0, 0, fiscal("02-28"), date(2024, 2, 10)), Some(date(2028, 2, 29)), "the end of February");
        assert_eq!(last(1, 0, 0, fiscal("02-28"), date(2024, 2, 29)), Some(date(2026, 2, 28)), "or its 28th day");
        let duty =
            Retention { reason: "tax".to_owned(), exception: Exception::LegalObligation, period: Some(period(7, 0, 0, None)) };
        let started = Some(date(2019, 2, 10));
        assert!(duty.applies(started, date(2026, 2, 10)) && !duty.applies(started, date(2026, 2, 11)));
        assert!(duty.applies(None, date(9999, 1, 1)) && duty.words(None).contains("no date can be read in at"));
        assert_eq!(duty.words(started), "tax");
    }

    #[test]
    fn a_duty_outlasts_another_only_if_it_does_from_every_day() {
        let counted = |from: &str, years, months, days, from_end_of| {
            let period = RetentionPeriod { from: from.to_owned(), ..period(years, months, days, from_end_of) };
            Retention { reason: "law".to_owned(), exception: Exception::LegalObligation, period: Some(period) }
        };
        let at = |years, months, days, from_end_of| counted("at", years, months, days, from_end_of);
        let for_ever = Retention { period: None, ..at(1, 0, 0, None) };
        let fiscal = |end: &str| Some(EndOf::FiscalYear(YearEnd::parse(end).expect("a day")));
        let both = |one: &Retention, other: &Retention| (one.outlasts(other), other.outlasts(one));
        assert_eq!(both(&at(7, 0, 0, None), &at(10, 0, 0, None)), (false, true));
        assert_eq!(both(&at(7, 0, 0, None), &at(0, 84, 0, None)), (true, true));
        assert_eq!(both(&at(1, 0, 0, None), &at(0, 0, 365, None)), (true, false), "a year may have a day more");
        assert_eq!(both(&at(1, 0, 0, None), &at(0, 0, 366, None)), (false, true));
        assert_eq!(both(&at(7, 0, 0, Some(EndOf::Year)), &at(7, 0, 0, None)), (true, false));
        assert_eq!(both(&at(7, 0, 0, Some(EndOf::Year)), &at(8, 0, 0, None)), (false, true), "on the last of December");
        assert_eq!(both(&at(7, 0, 0, Some(EndOf::Year)), &at(7, 0, 0, fiscal("04-05"))), (false, false));
        assert_eq!(both(&at(7, 0, 0, None), &counted("closed", 1, 0, 0, None)), (false, false));
        assert_eq!(both(&for_ever, &at(255, 0, 0, None)), (true, false));
        assert_eq!(both(&for_ever, &for_ever), (true, true));
    }

    #[test]
    fn a_fiscal_year_ends_on_a_day_of_every_year() {
        for (text, said) in [
            ("02-29", "write \"02-28\""),
            ("02-30", "is no day"),
            ("13-01", "is no day"),
            ("00-10", "is no day"),
            ("4-5", "is not the last day"),
            ("0405", "is not the last day"),
            ("05/04", "is not the last day"),
            ("+4-05", "is not the last day"),
            ("april", "is not the last day"),
            ("", "is not the last day"),
        ] {
            let refused = YearEnd::parse(text).expect_err(text);
            assert!(refused.contains(said), "{text}: {refused}");
        }
        for text in ["04-05", "03-31", "02-28", "12-31"] {
            assert_eq!(String::from(YearEnd::parse(text).expect("a day")), text);
        }
    }
}
