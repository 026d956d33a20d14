//! Words as YAML takes them.

/// Words that YAML, or one of its versions, reads as something else.
const RESERVED: [&str; 10] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan"];

/// A text as a scalar, in quotes where it needs them.
pub(super) fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
        && !RESERVED.contains(&text.to_ascii_lowercase().as_str());
    if plain {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() || (c as u32) == 0x2028 || (c as u32) == 0x2029 || c == '\u{feff}' => {
                quoted.push_str(&format!("\\u{:04x}", c as u32));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A text in a comment: nothing ends the line.
pub(super) fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_yaml_would_misread_is_quoted() {
        for (text, expected) in [
            ("customer_id", "customer_id"),
            ("gsi-User.posts", "gsi-User.posts"),
            ("yes", "\"yes\""),
            ("2fa", "\"2fa\""),
            ("USER#{}", "\"USER#{}\""),
            ("a\"b\\c\n", "\"a\\\"b\\\\c\\u000a\""),
            ("", "\"\""),
            ("Straße", "\"Straße\""),
        ] {
            assert_eq!(scalar(text), expected);
        }
        assert_eq!(shown("a\nversion: 2"), "a version: 2");
    }
}
