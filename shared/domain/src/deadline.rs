//! When a request must be answered: Art. 12(3) GDPR, counted as Regulation (EEC, Euratom) No 1182/71 counts.

use jiff::{
    Span, Timestamp, Zoned,
    civil::{Date, Weekday},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A country whose public holidays are known, by its ISO 3166 code. Holidays are those of the whole country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Country {
    /// Austria.
    At,
    /// Belgium.
    Be,
    /// Germany: the nine days that all its states share.
    De,
    /// Spain: the national days.
    Es,
    /// France.
    Fr,
    /// Ireland.
    Ie,
    /// Italy.
    It,
    /// Luxembourg.
    Lu,
    /// The Netherlands.
    Nl,
    /// Poland.
    Pl,
}

impl Country {
    /// Its ISO 3166-1 code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::At => "AT",
            Self::Be => "BE",
            Self::De => "DE",
            Self::Es => "ES",
            Self::Fr => "FR",
            Self::Ie => "IE",
            Self::It => "IT",
            Self::Lu => "LU",
            Self::Nl => "NL",
            Self::Pl => "PL",
        }
    }
}

impl std::str::FromStr for Country {
    type Err = UnknownCountry;

    fn from_str(text: &str) -> Result<Self, UnknownCountry> {
        serde_json::from_value(serde_json::Value::String(text.to_ascii_uppercase())).map_err(|_| UnknownCountry)
    }
}

/// A country without a calendar here.
#[derive(Debug, Clone, Copy, Error, PartialEq, Eq)]
#[error("no calendar of public holidays for this country: AT, BE, DE, ES, FR, IE, IT, LU, NL and PL are accepted")]
pub struct UnknownCountry;

impl Country {
    /// Fixed days as (month, day), and days counted from Easter Sunday.
    const fn holidays(self) -> (&'static [(i8, i8)], &'static [i64]) {
        const GOOD_FRIDAY: i64 = -2;
        const EASTER_MONDAY: i64 = 1;
        const ASCENSION: i64 = 39;
        const WHIT_MONDAY: i64 = 50;
        const CORPUS_CHRISTI: i64 = 60;
        match self {
            Country::At => (
                &[(1, 1), (1, 6), (5, 1), (8, 15), (10, 26), (11, 1), (12, 8), (12, 25), (12, 26)],
                &[EASTER_MONDAY, ASCENSION, WHIT_MONDAY, CORPUS_CHRISTI],
            ),
            Country::Be => {
                (&[(1, 1), (5, 1), (7, 21), (8, 15), (11, 1), (11, 11), (12, 25)], &[EASTER_MONDAY, ASCENSION, WHIT_MONDAY])
            }
            Country::De => {
                (&[(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)], &[GOOD_FRIDAY, EASTER_MONDAY, ASCENSION, WHIT_MONDAY])
            }
            Country::Es => (&[(1, 1), (1, 6), (5, 1), (8, 15), (10, 12), (11, 1), (12, 6), (12, 8), (12, 25)], &[GOOD_FRIDAY]),
            Country::Fr => (
                &[(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)],
                &[EASTER_MONDAY, ASCENSION, WHIT_MONDAY],
            ),
            Country::Ie => (&[(1, 1), (3, 17), (12, 25), (12, 26)], &[EASTER_MONDAY]),
            Country::It => {
                (&[(1, 1), (1, 6), (4, 25), (5, 1), (6, 2), (8, 15), (11, 1), (12, 8), (12, 25), (12, 26)], &[EASTER_MONDAY])
            }
            Country::Lu => (
                &[(1, 1), (5, 1), (5, 9), (6, 23), (8, 15), (11, 1), (12, 25), (12, 26)],
                &[EASTER_MONDAY, ASCENSION, WHIT_MONDAY],
            ),
            Country::Nl => (&[(1, 1), (4, 27), (12, 25), (12, 26)], &[EASTER_MONDAY, ASCENSION, WHIT_MONDAY]),
            Country::Pl => (
                &[(1, 1), (1, 6), (5, 1), (5, 3), (8, 15), (11, 1), (11, 11), (12, 24), (12, 25), (12, 26)],
                &[EASTER_MONDAY, CORPUS_CHRISTI],
            ),
        }
    }

    /// Whether public offices are closed on this day, weekends included.
    pub fn is_closed(self, day: Date) -> bool {
        if matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
            return true;
        }
        let (fixed, from_easter) = self.holidays();
        fixed.contains(&(day.month(), day.day()))
            || self.movable(day)
            || easter_sunday(day.year()).is_some_and(|easter| {
                from_easter.iter().any(|n| easter.checked_add(Span::new().days(*n)).is_ok_and(|holiday| holiday == day))
            })
    }

    /// Days fixed to a weekday of a month: only Ireland has them here.
    fn movable(self, day: Date) -> bool {
        if self != Country::Ie {
            return false;
        }
        // St Brigid's day is the first Monday of February, unless the first of February is a Friday: then that day.
        if day.month() == 2 {
            let friday_first = day.first_of_month().weekday() == Weekday::Friday;
            return if friday_first { day.day() == 1 } else { day.weekday() == Weekday::Monday && day.day() <= 7 };
        }
        let first = day.day() <= 7;
        let last = day.day() + 7 > day.days_in_month();
        day.weekday() == Weekday::Monday && ((first && matches!(day.month(), 5 | 6 | 8)) || (last && day.month() == 10))
    }
}

/// Easter Sunday of the Gregorian calendar (the anonymous algorithm, Nature 13, 1876).
pub fn easter_sunday(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (b - (b + 8) / 25 + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    Date::new(year, i8::try_from(n / 31).ok()?, i8::try_from(n % 31 + 1).ok()?).ok()
}

/// Nobody received a request under the GDPR before it applied: 25 May 2018 (Art. 99(2)), midnight UTC.
pub const EARLIEST_RECEIPT: Timestamp = Timestamp::constant(1_527_206_400, 0);

/// Days after receipt that Oubli aims at, unless a workflow says otherwise.
pub const TARGET_DAYS: i64 = 30;

/// The deadlines of one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadlines {
    /// What Oubli aims at: 30 days, and never after the legal month, whatever day that would move to.
    pub target: Timestamp,
    /// The end of the legal period before any move: alarms use this.
    pub legal_unmoved: Timestamp,
    /// The end of the legal period: an end on a closed day moves to the next working day.
    pub legal: Timestamp,
    /// The last moment to extend it, with reasons.
    pub extend_by: Timestamp,
}

/// Why deadlines cannot be computed.
#[derive(Debug, Clone, Copy, Error, PartialEq, Eq)]
pub enum DeadlineError {
    /// Not an IANA name.
    #[error("unknown time zone")]
    TimeZone,
    /// Outside the calendar.
    #[error("a date is out of range")]
    Range,
}

/// The deadlines of a request received at this time, under Art. 12(3) GDPR: one month, or three when extended.
///
/// # Errors
/// An unknown time zone, or a time outside the calendar.
pub fn gdpr(received: Timestamp, time_zone: &str, country: Country, extended: bool) -> Result<Deadlines, DeadlineError> {
    let zone = TimeZone::get(time_zone).map_err(|_| DeadlineError::TimeZone)?;
    let day = received.to_zoned(zone.clone()).date();
    let one_month = months_later(day, 1)?;
    let end = if extended { months_later(day, 3)? } else { one_month };
    let target = received.to_zoned(zone.clone()).checked_add(Span::new().days(TARGET_DAYS)).map_err(|_| DeadlineError::Range)?;
    let extend_by = end_of(one_month, &zone)?;
    Ok(Deadlines {
        target: target.timestamp().min(extend_by),
        legal_unmoved: end_of(end, &zone)?,
        legal: end_of(next_open_day(end, country)?, &zone)?,
        extend_by,
    })
}

/// The same date some months later, or the last day of that month where it has no such date.
fn months_later(day: Date, months: i64) -> Result<Date, DeadlineError> {
    day.checked_add(Span::new().months(months)).map_err(|_| DeadlineError::Range)
}

fn next_open_day(mut day: Date, country: Country) -> Result<Date, DeadlineError> {
    while country.is_closed(day) {
        day = day.tomorrow().map_err(|_| DeadlineError::Range)?;
    }
    Ok(day)
}

fn end_of(day: Date, zone: &TimeZone) -> Result<Timestamp, DeadlineError> {
    let end: Zoned = day.at(23, 59, 59, 0).to_zoned(zone.clone()).map_err(|_| DeadlineError::Range)?;
    Ok(end.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn received(day: Date) -> Timestamp {
        day.at(12, 0, 0, 0).in_tz("Europe/Paris").expect("zone").timestamp()
    }

    fn legal(day: Date, extended: bool) -> (Date, Date) {
        let d = gdpr(received(day), "Europe/Paris", Country::Fr, extended).expect("deadlines");
        let date = |t: Timestamp| t.in_tz("Europe/Paris").expect("zone").date();
        (date(d.legal_unmoved), date(d.legal))
    }

    #[test]
    fn months_end_on_the_same_date_or_the_last_day_and_move_past_closed_days() {
        let cases = [
            // received, end, moved end
            (date(2026, 8, 31), date(2026, 9, 30), date(2026, 9, 30)),
            (date(2024, 1, 31), date(2024, 2, 29), date(2024, 2, 29)),
            (date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 2)),
            (date(2026, 3, 5), date(2026, 4, 5), date(2026, 4, 7)),
            (date(2026, 11, 25), date(2026, 12, 25), date(2026, 12, 28)),
            (date(2026, 12, 1), date(2027, 1, 1), date(2027, 1, 4)),
            (date(2026, 6, 10), date(2026, 7, 10), date(2026, 7, 10)),
        ];
        for (on, end, moved) in cases {
            assert_eq!(legal(on, false), (end, moved), "received {on}");
        }
    }

    #[test]
    fn the_target_is_thirty_days_and_never_after_the_legal_month() {
        let noon = received;
        let night = |day: Date| day.at(23, 59, 59, 0).in_tz("Europe/Paris").expect("zone").timestamp();
        let cases = [
            // received, target
            (date(2025, 1, 28), noon(date(2025, 2, 27))),
            (date(2025, 1, 29), noon(date(2025, 2, 28))),
            (date(2025, 1, 30), night(date(2025, 2, 28))),
            (date(2025, 1, 31), night(date(2025, 2, 28))),
            (date(2023, 1, 31), night(date(2023, 2, 28))),
            // The 28th is a Sunday: the law waits until Monday, the target does not.
            (date(2027, 1, 31), night(date(2027, 2, 28))),
            (date(2024, 1, 30), noon(date(2024, 2, 29))),
            (date(2024, 1, 31), night(date(2024, 2, 29))),
            (date(2025, 2, 15), night(date(2025, 3, 15))),
            (date(2026, 6, 10), noon(date(2026, 7, 10))),
            (date(2026, 7, 10), noon(date(2026, 8, 9))),
        ];
        for (on, target) in cases {
            for country in [Country::Fr, Country::At, Country::Be, Country::De] {
                for extended in [false, true] {
                    let d = gdpr(received(on), "Europe/Paris", country, extended).expect("deadlines");
                    assert_eq!(d.target, target, "received {on}, {country:?}");
                }
            }
        }
        assert_eq!(legal(date(2025, 1, 30), false), (date(2025, 2, 28), date(2025, 2, 28)));
        assert_eq!(legal(date(2027, 1, 31), false), (date(2027, 2, 28), date(2027, 3, 1)));
        let mut day = date(2023, 1, 1);
        while day < date(2029, 1, 1) {
            let d = gdpr(received(day), "Europe/Paris", Country::De, false).expect("deadlines");
            assert!(d.target <= d.legal_unmoved && d.legal_unmoved <= d.legal, "received {day}");
            day = day.tomorrow().expect("in range");
        }
    }

    #[test]
    fn an_extension_adds_two_months_to_the_one() {
        assert_eq!(legal(date(2026, 11, 30), true), (date(2027, 2, 28), date(2027, 3, 1)));
        let d = gdpr(received(date(2026, 11, 30)), "Europe/Paris", Country::Fr, true).expect("deadlines");
        assert_eq!(d.extend_by.in_tz("Europe/Paris").expect("zone").date(), date(2026, 12, 30));
    }

    #[test]
    fn the_clock_runs_in_the_controllers_time_zone() {
        let late: Timestamp = "2026-08-30T22:30:00Z".parse().expect("time");
        let end = |zone: &str| gdpr(late, zone, Country::De, false).expect("deadlines").legal.in_tz(zone).expect("zone").date();
        assert_eq!(end("Europe/Berlin"), date(2026, 9, 30));
        assert_eq!(end("Atlantic/Azores"), date(2026, 9, 30));
        assert_eq!(gdpr(late, "Nowhere", Country::De, false), Err(DeadlineError::TimeZone));
    }

    #[test]
    fn easter_is_where_the_calendar_says() {
        for (year, day) in
            [(2024, date(2024, 3, 31)), (2025, date(2025, 4, 20)), (2026, date(2026, 4, 5)), (2038, date(2038, 4, 25))]
        {
            assert_eq!(easter_sunday(year), Some(day));
        }
    }

    #[test]
    fn irish_mondays_are_closed() {
        for day in [date(2026, 5, 4), date(2026, 6, 1), date(2026, 8, 3), date(2026, 10, 26), date(2026, 2, 2)] {
            assert!(Country::Ie.is_closed(day), "{day}");
        }
        assert!(!Country::Ie.is_closed(date(2026, 5, 11)));
    }
}
