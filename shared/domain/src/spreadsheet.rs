//! Text in cells of spreadsheets.

use std::borrow::Cow;

/// A text that no spreadsheet takes for a formula: one that begins like one is led by an apostrophe
/// ([OWASP](https://owasp.org/www-community/attacks/CSV_Injection)). Numbers stay numbers.
pub fn defused(text: &str) -> Cow<'_, str> {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && text.parse::<f64>().is_err();
    if formula { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}
