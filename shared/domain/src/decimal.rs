//! Decimal numbers as stores write them.

/// Most significant digits of a number in `DynamoDB`.
pub const MAX_DIGITS: usize = 38;

/// A decimal number: whether it is negative, its digits without zeros at either end, and the power of ten of the last.
pub fn decimal(text: &str) -> Option<(bool, String, i32)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let unsigned = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let kept = digits.trim_end_matches('0');
    let scale = i32::try_from(digits.len() - kept.len()).ok()? - i32::try_from(fraction.len()).ok()?;
    match kept.trim_start_matches('0') {
        "" => Some((false, String::new(), 0)),
        kept => Some((mantissa.starts_with('-'), kept.to_owned(), exponent.checked_add(scale)?)),
    }
}
