//! Normal forms of identifiers: two spellings of one person's id, address or number become one text.

use super::{Identifier, InvalidIdentifier};
use crate::decimal::{MAX_DIGITS, decimal};
use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizer, DecomposingNormalizer};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};
use serde::{Deserialize, Serialize};

/// How identifiers of a kind are brought to one form before they are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormalForm {
    /// Byte for byte as given.
    #[default]
    Exact,
    /// Without regard to case, or to how accents are encoded.
    Lower,
    /// An email address: its local part without regard to case, its domain as DNS has it.
    Email,
    /// A phone number in the form of E.164.
    Phone,
    /// A decimal number in plain digits.
    Number,
}

impl NormalForm {
    /// Every form.
    pub const ALL: [Self; 5] = [Self::Exact, Self::Lower, Self::Email, Self::Phone, Self::Number];

    /// The name in configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Lower => "lower",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Number => "number",
        }
    }

    /// The normal form of an identifier as given. `country` is the organization's, as ISO 3166-1 alpha-2, for phone
    /// numbers without a country code.
    ///
    /// # Errors
    /// The identifier is nothing this form knows, or its normal form is too long.
    pub fn normalize(self, given: &Identifier, country: Option<&str>) -> Result<Identifier, InvalidIdentifier> {
        let text = given.expose();
        let normal = match self {
            Self::Exact => return Ok(given.clone()),
            Self::Lower => lower(text),
            Self::Email => email(text.trim()).ok_or(InvalidIdentifier::NotEmail)?,
            Self::Phone => phone(text.trim(), country).ok_or(InvalidIdentifier::NotPhone)?,
            Self::Number => number(text.trim()).ok_or(InvalidIdentifier::NotNumber)?,
        };
        Identifier::parse(&normal)
    }
}

fn composed(text: &str) -> String {
    ComposingNormalizer::new_nfc().normalize(text).into_owned()
}

fn lower(text: &str) -> String {
    // Some letters are composed with their accent only when small: NFC once more.
    composed(&composed(text).to_lowercase())
}

/// Simple case folding (Unicode, 5.18), composed: letter by letter, so that `straße` is not `strasse`, another mailbox.
fn folded(text: &str) -> String {
    let case = CaseMapper::new();
    let letters = DecomposingNormalizer::new_nfd().normalize(text).chars().map(|c| case.simple_fold(c)).collect::<String>();
    composed(&letters)
}

/// Longest local part, in bytes (RFC 5321, 4.5.3.1.1).
const LOCAL_MAX_BYTES: usize = 64;

fn email(text: &str) -> Option<String> {
    let (local, domain) = text.rsplit_once('@')?;
    let local = folded(&local_part(local)?);
    if local.len() > LOCAL_MAX_BYTES {
        return None;
    }
    let uts46 = Uts46::new();
    let domain =
        uts46.to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::VerifyAllowRootDot).ok()?;
    Some(format!("{local}@{}", domain.strip_suffix('.').unwrap_or(&domain)))
}

/// A local part, without quotes it does not need: `"alice"@a.example` is `alice@a.example` (RFC 5321, 4.1.2).
fn local_part(text: &str) -> Option<String> {
    // Dots are free: carriers have given out addresses with two in a row or one at the end.
    let plain = |c: char| !c.is_whitespace() && !r#"()<>[]:;,@\""#.contains(c);
    let is_plain = |text: &str| !text.is_empty() && text.chars().all(plain);
    if is_plain(text) {
        return Some(text.to_owned());
    }
    let content = unescaped(text.strip_prefix('"')?.strip_suffix('"')?)?;
    if is_plain(&content) {
        return Some(content);
    }
    (!content.is_empty()).then(|| format!("\"{}\"", content.replace('\\', r"\\").replace('"', r#"\""#)))
}

fn unescaped(quoted: &str) -> Option<String> {
    let mut content = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return None,
            '\\' => content.push(chars.next()?),
            c => content.push(c),
        }
    }
    Some(content)
}

// The library traces the numbers it reads.
const _: () = assert!(!matches!(log::STATIC_MAX_LEVEL, log::LevelFilter::Trace), "phone numbers would be logged");

fn phone(text: &str, country: Option<&str>) -> Option<String> {
    // The library looks for a number anywhere in a text and reads letters as keys: only digits and what parts them.
    let parts = |c: char| c.is_numeric() || c.is_whitespace() || "+＋-‐‑‒–—―−ー－.．/／()（）[]［］~⁓∼～".contains(c);
    if !text.chars().all(parts) {
        return None;
    }
    let region = country.and_then(|c| Region::from_code(c).ok());
    let number = PHONE_NUMBER_UTIL.parse(text, region).ok()?;
    // An extension is one of many people behind the number: to drop it would make them all one.
    (number.extension.is_none() && number.is_valid()).then(|| number.format_as(PhoneNumberFormat::E164).into_owned())
}

/// Powers of ten of the first digit in `DynamoDB`: from 1E-130 to 9.99E+125.
const MAGNITUDES: std::ops::RangeInclusive<i64> = -130..=125;

fn number(text: &str) -> Option<String> {
    let (negative, significant, exponent) = decimal(text)?;
    if significant.is_empty() {
        return Some("0".to_owned());
    }
    // Places between the first significant digit and the point: at least one if the number is 1 or more.
    let places = i64::try_from(significant.len()).ok()? + i64::from(exponent);
    if significant.len() > MAX_DIGITS || !MAGNITUDES.contains(&(places - 1)) {
        return None;
    }
    let sign = if negative { "-" } else { "" };
    Some(match usize::try_from(places) {
        Ok(0) | Err(_) => {
            let zeros = usize::try_from(-places).ok()?;
            format!("{sign}0.{:0<zeros$}{significant}", "")
        }
        Ok(places) => match significant.split_at_checked(places) {
            Some((whole, fraction)) if !fraction.is_empty() => format!("{sign}{whole}.{fraction}"),
            _ => format!("{sign}{significant:0<places$}"),
        },
    })
}

#[cfg(test)]
#[path = "forms_tests.rs"]
mod tests;
