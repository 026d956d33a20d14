//! What a value looks like.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use oubli_domain::{
    datamap::DateForm,
    personal::{Identifier, NormalForm},
};
use std::net::IpAddr;

/// What a value looks like; of several, the first that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shape {
    Truth,
    Bytes,
    Email,
    /// With a country, and valid there.
    Phone,
    /// Digits as people group them.
    PhoneLike,
    Network,
    /// As a duty's `form: date` has it.
    Date,
    /// Written otherwise: `31.01.2026`.
    DateLike,
    Time,
    /// Without an offset.
    LocalTime,
    Uuid,
    Url,
    /// A path with an extension, or an address of an object.
    ObjectKey,
    EpochSeconds,
    EpochMilliseconds,
    Integer,
    Decimal,
    /// A token with a digit in it.
    Token,
    /// One word of letters.
    Word,
    /// Two to four words that each begin with a capital.
    PersonName,
    /// Three words or more that are no name.
    Prose,
    Other,
}

/// From 2001 to 2033.
const SECONDS: std::ops::Range<i64> = 1_000_000_000..2_000_000_000;

impl Shape {
    pub(crate) fn of_number(text: &str) -> Self {
        match text.parse::<i64>() {
            Ok(whole) if SECONDS.contains(&whole) => Self::EpochSeconds,
            Ok(whole) if SECONDS.contains(&(whole / 1000)) && whole > 1_000_000_000_000 => Self::EpochMilliseconds,
            Ok(_) => Self::Integer,
            Err(_) if text.bytes().all(|b| b.is_ascii_digit()) => Self::Integer,
            Err(_) => Self::Decimal,
        }
    }

    pub(crate) fn of_text(text: &str) -> Self {
        let text = text.trim();
        let digits = text.chars().filter(char::is_ascii_digit).count();
        let words: Vec<&str> = text.split_whitespace().collect();
        match text {
            _ if is_email(text) => Self::Email,
            _ if text.starts_with("s3://") => Self::ObjectKey,
            _ if text.starts_with("http://") || text.starts_with("https://") => Self::Url,
            _ if text.parse::<IpAddr>().is_ok() => Self::Network,
            _ if text.parse::<Timestamp>().is_ok() => Self::Time,
            _ if is_civil_time(text) => Self::LocalTime,
            _ if DateForm::Date.read(text, &TimeZone::UTC).is_some() => Self::Date,
            _ if is_date(text) => Self::DateLike,
            _ if text.len() == 36 && uuid::Uuid::try_parse(text).is_ok() => Self::Uuid,
            _ if text.starts_with('+') && is_phone(text) => Self::Phone,
            _ if digits == text.len() && digits > 0 => Self::Integer,
            _ if digits > 0 && text.parse::<f64>().is_ok() => Self::Decimal,
            _ if (6..=15).contains(&digits) && is_grouped(text) => Self::PhoneLike,
            _ if (2..=4).contains(&words.len()) && words.iter().all(|word| is_capitalized(word)) => Self::PersonName,
            _ if words.len() >= 3 => Self::Prose,
            _ if words.len() == 1 && text.contains('/') && extension(text).is_some() => Self::ObjectKey,
            _ if words.len() == 1 && digits > 0 => Self::Token,
            _ if words.len() == 1 && text.chars().all(|c| c.is_alphabetic() || "-_.'".contains(c)) => Self::Word,
            _ => Self::Other,
        }
    }

    /// Whether a field of such values can name a record.
    pub(crate) fn may_be_an_id(self) -> bool {
        matches!(
            self,
            Self::Uuid | Self::Integer | Self::Token | Self::Word | Self::EpochSeconds | Self::EpochMilliseconds | Self::Other
        )
    }

    pub(crate) fn is_a_time(self) -> bool {
        matches!(self, Self::Date | Self::DateLike | Self::Time | Self::LocalTime | Self::EpochSeconds | Self::EpochMilliseconds)
    }

    /// In words, for people.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Truth => "true or false",
            Self::Bytes => "bytes",
            Self::Email => "email addresses",
            Self::Phone | Self::PhoneLike => "phone numbers",
            Self::Network => "network addresses",
            Self::Date | Self::DateLike => "dates",
            Self::Time => "times",
            Self::LocalTime => "times without an offset",
            Self::Uuid => "UUIDs",
            Self::Url => "URLs",
            Self::ObjectKey => "keys of objects",
            Self::EpochSeconds => "seconds since 1970",
            Self::EpochMilliseconds => "milliseconds since 1970",
            Self::Integer => "whole numbers",
            Self::Decimal => "numbers",
            Self::Token => "tokens",
            Self::Word => "single words",
            Self::PersonName => "names",
            Self::Prose => "sentences",
            Self::Other => "texts",
        }
    }
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plausible = !local.is_empty() && domain.contains('.') && !text.contains(char::is_whitespace) && !text.contains('/');
    let parsed = Identifier::parse(text).ok().filter(|_| plausible);
    parsed.is_some_and(|address| NormalForm::Email.normalize(&address, None).is_ok())
}

fn is_phone(text: &str) -> bool {
    Identifier::parse(text).is_ok_and(|number| NormalForm::Phone.normalize(&number, None).is_ok())
}

fn is_grouped(text: &str) -> bool {
    let begins = text.starts_with(['+', '0', '(']);
    begins && text.chars().all(|c| c.is_ascii_digit() || " +-/.()x".contains(c))
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['/', '.', '-']).collect();
    let numbers = parts.len() == 3 && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    text.parse::<Date>().is_ok() || numbers && matches!(lengths.as_slice(), [1..=2, 1..=2, 4] | [4, 1..=2, 1..=2])
}

fn is_civil_time(text: &str) -> bool {
    text.len() > 10 && text.parse::<jiff::civil::DateTime>().is_ok()
}

fn is_capitalized(word: &str) -> bool {
    let word = word.trim_end_matches('.');
    let letters = word.chars().all(|c| c.is_alphabetic() || "-'’".contains(c));
    letters && word.chars().next().is_some_and(char::is_uppercase) && !(word.len() > 3 && word.chars().all(char::is_uppercase))
}

/// The end of a key such as `.png`, with its point.
pub(crate) fn extension(key: &str) -> Option<&str> {
    let (stem, end) = key.rsplit_once('.')?;
    let plausible = (1..=5).contains(&end.len()) && end.bytes().all(|b| b.is_ascii_alphanumeric());
    (plausible && !stem.is_empty() && !stem.ends_with('/')).then(|| &key[stem.len()..])
}

/// The key of an object, from what a row says: a key, `s3://bucket/key`, or the object's address.
pub(crate) fn object_key(text: &str) -> Option<&str> {
    let of_bucket = |rest: &'_ str| rest.split_once('/').map(|(bucket, _)| bucket.len() + 1);
    if let Some(rest) = text.strip_prefix("s3://") {
        return of_bucket(rest).map(|at| &rest[at..]);
    }
    if let Some(rest) = text.strip_prefix("https://") {
        let host = rest.split('/').next().unwrap_or_default();
        let key = rest.get(host.len() + 1..).filter(|_| host.contains("amazonaws.com"))?;
        let by_path = host.starts_with("s3.") || host.starts_with("s3-");
        return if by_path { of_bucket(key).map(|at| &key[at..]) } else { Some(key) };
    }
    (!text.contains(char::is_whitespace) && (text.contains('/') || extension(text).is_some())).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_looks_like_what_people_take_it_for() {
        for (text, shape) in [
            ("mara@example.org", Shape::Email),
            ("mara@localhost", Shape::Other),
            ("@mara", Shape::Other),
            ("+49 30 1234567", Shape::Phone),
            ("01632 960 123", Shape::PhoneLike),
            ("(0116) 4960123", Shape::PhoneLike),
            ("192.0.2.7", Shape::Network),
            ("2001:db8::1", Shape::Network),
            ("2026-01-31", Shape::Date),
            ("31.01.2026", Shape::DateLike),
            ("20260131", Shape::DateLike),
            ("2026-01-31T10:00:00Z", Shape::Time),
            ("2026-01-31T10:00:00", Shape::LocalTime),
            ("2026-01-31 10:00:00.123", Shape::LocalTime),
            ("0b54b6c2-6ad0-4d3f-9d8e-4a1ef7d3c1aa", Shape::Uuid),
            ("https://example.org/a", Shape::Url),
            ("s3://bucket/key", Shape::ObjectKey),
            ("public/avatars/x.png", Shape::ObjectKey),
            ("4711", Shape::Integer),
            ("47.11", Shape::Decimal),
            ("cust-00042", Shape::Token),
            ("delivered", Shape::Word),
            ("Jo Winter", Shape::PersonName),
            ("please call me back", Shape::Prose),
        ] {
            assert_eq!(Shape::of_text(text), shape, "{text}");
        }
        assert_eq!(Shape::of_number("1700000000"), Shape::EpochSeconds);
        assert_eq!(Shape::of_number("1700000000000"), Shape::EpochMilliseconds);
        assert_eq!(Shape::of_number("42"), Shape::Integer);
        assert_eq!(Shape::of_number("4.2"), Shape::Decimal);
    }

    #[test]
    fn a_row_names_an_object_in_three_ways() {
        for (text, key) in [
            ("a/b.png", Some("a/b.png")),
            ("s3://bucket/a/b.png", Some("a/b.png")),
            ("https://bucket.s3.eu-west-1.amazonaws.com/a/b.png", Some("a/b.png")),
            ("https://s3.eu-west-1.amazonaws.com/bucket/a/b.png", Some("a/b.png")),
            ("https://example.org/a/b.png", None),
            ("no key at all", None),
        ] {
            assert_eq!(object_key(text), key, "{text}");
        }
    }
}
