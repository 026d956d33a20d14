//! How numbers, sizes and times are written for people: in whose language, and by which clock.

use crate::words::Words;
use jiff::{Timestamp, tz::TimeZone};
use oubli_domain::{datamap::unfinished_of, language::Language, personal::IdentifierKind};

/// Whom the pages are written for.
#[derive(Debug, Clone)]
pub struct Look {
    /// In which language.
    pub language: Language,
    /// Whose days are meant.
    pub zone: TimeZone,
}

impl Look {
    /// The texts.
    pub const fn words(&self) -> &'static Words {
        Words::of(self.language)
    }

    /// A number with its thousands apart.
    pub fn number(&self, number: u64) -> String {
        let between = match self.language {
            Language::En => ",",
            // Narrow, and no line is broken there.
            Language::Fr => "\u{202f}",
            Language::De => ".",
        };
        let digits = number.to_string();
        let first = (digits.len() + 2) % 3 + 1;
        let mut text = digits[..first].to_owned();
        for at in (first..digits.len()).step_by(3) {
            text.push_str(between);
            text.push_str(&digits[at..at + 3]);
        }
        text
    }

    /// A size, as file managers show it: in powers of ten.
    pub fn size(&self, bytes: u64) -> String {
        let units = match self.language {
            Language::En | Language::De => ["B", "kB", "MB", "GB", "TB"],
            Language::Fr => ["o", "ko", "Mo", "Go", "To"],
        };
        let mut unit = 0;
        let mut tenths = u128::from(bytes) * 10;
        while tenths >= 9_995 && unit + 1 < units.len() {
            tenths = (tenths + 500) / 1_000;
            unit += 1;
        }
        let point = if self.language == Language::En { '.' } else { ',' };
        let whole = u64::try_from(tenths / 10).unwrap_or(u64::MAX);
        let part = if unit == 0 || tenths >= 100 { String::new() } else { format!("{point}{}", tenths % 10) };
        format!("{}{part}\u{a0}{}", self.number(whole), units[unit])
    }

    /// A day of every year, written `06-30`.
    pub(crate) fn day_of_any_year(&self, day: &str) -> String {
        let Some((month, date)) = day.split_once('-').and_then(|(m, d)| Some((m.parse::<usize>().ok()?, d.parse::<u8>().ok()?)))
        else {
            return day.to_owned();
        };
        let Some(month) = month.checked_sub(1).and_then(|m| self.words().months.get(m)) else { return day.to_owned() };
        match self.language {
            Language::De => format!("{date}. {month}"),
            Language::Fr if date == 1 => format!("1er {month}"),
            Language::En | Language::Fr => format!("{date} {month}"),
        }
    }

    /// A day.
    pub fn day(&self, at: &Timestamp) -> String {
        let date = at.to_zoned(self.zone.clone()).date();
        let month = self.words().months[usize::from(date.month().unsigned_abs()).saturating_sub(1).min(11)];
        let (day, year) = (date.day(), date.year());
        match self.language {
            Language::De => format!("{day}. {month} {year}"),
            Language::Fr if day == 1 => format!("1er {month} {year}"),
            Language::En | Language::Fr => format!("{day} {month} {year}"),
        }
    }

    /// A producer as people write it. Those that no data map names come with one that it names.
    pub(crate) fn producer(&self, name: &str) -> String {
        match unfinished_of(name) {
            Some(objects) => fill(self.words().unfinished_uploads, &[("what", &words(objects))]),
            None => words(name),
        }
    }

    /// A kind of identifier as people write it: what no data map names is said in the language.
    pub(crate) fn kind(&self, name: &str) -> String {
        let w = self.words();
        let built_in = [(IdentifierKind::SUBJECT_ID, w.subject_id), (IdentifierKind::SUBJECT_EMAIL, w.subject_email)];
        let known = built_in.iter().find(|(kind, _)| kind.as_str() == name);
        known.map_or_else(|| words(name), |(_, said)| (*said).to_owned())
    }

    /// A day and the minute of it.
    pub fn moment(&self, at: &Timestamp) -> String {
        let time = at.to_zoned(self.zone.clone()).strftime("%H:%M").to_string();
        format!("{}, {time}", self.day(at))
    }
}

/// A name of the data map as people write it: `chat_history`, `order-lines`. What somebody wrote for people stays as it is.
pub(crate) fn words(name: &str) -> String {
    spaced(name, &['_', '-'])
}

/// A field's name as people write it: `sent_at`. Anything but a plain name may be data itself, and stays as it is: an
/// address, a date, a path.
pub(crate) fn field(name: &str) -> String {
    spaced(name, &['_'])
}

fn spaced(name: &str, between: &[char]) -> String {
    let is_code = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || between.contains(&c);
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(is_code) {
        return name.to_owned();
    }
    let text = name.replace(between, " ");
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A text with what its places in braces stand for.
pub(crate) fn fill(text: &str, places: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        filled.push_str(places.iter().find(|(n, _)| *n == name).map_or("", |(_, value)| value));
        rest = after;
    }
    filled + rest
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn look(language: Language) -> Look {
        Look { language, zone: TimeZone::get("Europe/Berlin").expect("a zone") }
    }

    #[test]
    fn numbers_sizes_and_days_are_written_as_the_language_writes_them() {
        // 23:30 in London is the next day in Berlin.
        let at: Timestamp = "2026-02-28T23:30:00Z".parse().expect("a time");
        for (language, number, size, day, moment) in [
            (Language::En, "1,234,567", "1.5 MB", "1 March 2026", "1 March 2026, 00:30"),
            (Language::Fr, "1\u{202f}234\u{202f}567", "1,5 Mo", "1er mars 2026", "1er mars 2026, 00:30"),
            (Language::De, "1.234.567", "1,5 MB", "1. März 2026", "1. März 2026, 00:30"),
        ] {
            let look = look(language);
            assert_eq!(look.number(1_234_567), number);
            assert_eq!(look.size(1_499_999).replace('\u{a0}', " "), size);
            assert_eq!((look.day(&at).as_str(), look.moment(&at).as_str()), (day, moment));
        }
        assert_eq!(look(Language::De).day_of_any_year("04-05"), "5. April");
        let look = look(Language::En);
        assert_eq!([0, 7, 999, 1_000, 12_345].map(|n| look.number(n)), ["0", "7", "999", "1,000", "12,345"]);
        let sizes = [0, 999, 1_000, 9_949, 12_345, 999_400, 999_500, u64::MAX].map(|n| look.size(n).replace('\u{a0}', " "));
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "9.9 kB", "12 kB", "999 kB", "1.0 MB", "18,446,744 TB"]);
    }

    #[test]
    fn names_of_the_map_become_words_and_words_stay() {
        for (name, shown) in
            [("chat_history", "Chat history"), ("order-lines", "Order lines"), ("E-Mail", "E-Mail"), ("Größe_1", "Größe_1")]
        {
            assert_eq!(words(name), shown);
        }
        for (name, shown) in [("sent_at", "Sent at"), ("total2", "Total2")] {
            assert_eq!(field(name), shown);
        }
        for data in ["10.0.0.1", "2026-02-01", "0612_34", "order-7", "a.b", "_x", ""] {
            assert_eq!(field(data), data);
        }
        assert_eq!(words("2026-02"), "2026-02");
        assert_eq!(fill("a {x} of {y}", &[("x", "{y}"), ("y", "2")]), "a {y} of 2");
    }
}
