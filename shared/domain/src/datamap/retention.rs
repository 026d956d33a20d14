//! Duties to keep records: from when they count, and until when.

use crate::grounds::Exception;
use jiff::{Span, Timestamp, civil::Date, fmt::strtime, tz::TimeZone};
use serde::{Deserialize, Serialize};

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
}

/// How a record writes a date.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateForm {
    /// `2026-01-31`, or a time as RFC 3339 has it.
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
                Err(_) => text.parse().ok(),
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
            Some(EndOf::Year) => from.last_of_year(),
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
        let duty =
            Retention { reason: "tax".to_owned(), exception: Exception::LegalObligation, period: Some(period(7, 0, 0, None)) };
        let started = Some(date(2019, 2, 10));
        assert!(duty.applies(started, date(2026, 2, 10)) && !duty.applies(started, date(2026, 2, 11)));
        assert!(duty.applies(None, date(9999, 1, 1)) && duty.words(None).contains("no date can be read in at"));
        assert_eq!(duty.words(started), "tax");
    }
}
