//! Times and dates as they are written, and in no other way: the parsers behind these take more.

use jiff::{Timestamp, civil::Date};

/// A time as RFC 3339 writes it, with its offset: no zone names, seconds always.
pub fn rfc3339(text: &str) -> Option<Timestamp> {
    let (second, rest) = text.as_bytes().split_at_checked(19)?;
    let fraction = rest.strip_prefix(b".").map_or(0, |digits| 1 + digits.iter().take_while(|b| b.is_ascii_digit()).count());
    let offset = &rest[fraction..];
    let has_offset = shaped(offset, b"Z") || shaped(offset, b"+dd:dd") || shaped(offset, b"-dd:dd");
    let well_formed = shaped(second, b"dddd-dd-ddTdd:dd:dd") && fraction != 1 && fraction <= 10 && has_offset;
    if well_formed { text.parse().ok() } else { None }
}

/// A date as `2026-01-31`.
pub fn iso_date(text: &str) -> Option<Date> {
    if shaped(text.as_bytes(), b"dddd-dd-dd") { text.parse().ok() } else { None }
}

/// Whether bytes have a shape, in which `d` stands for a digit and a letter for itself in either case.
fn shaped(bytes: &[u8], shape: &[u8]) -> bool {
    let fits = |(byte, sign): (&u8, &u8)| if *sign == b'd' { byte.is_ascii_digit() } else { byte.eq_ignore_ascii_case(sign) };
    bytes.len() == shape.len() && bytes.iter().zip(shape).all(fits)
}
