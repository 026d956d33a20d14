//! JSON objects on the command line: written there, or in a file.

use crate::failure::Failure;
use serde_json::{Map, Value};
use std::{fs::File, io::Read as _};

/// Most bytes of such a file, which is more than the service takes.
const MOST_BYTES: u64 = 1024 * 1024;

/// What an option says, such as `{"rows": 12}`, or the same in a file: `@rows.json`.
///
/// # Errors
/// It is no JSON object, or the file cannot be read.
pub fn object(option: &str, given: &str) -> Result<Value, Failure> {
    let wrong = |why: String| Failure::Usage(format!("{option}: {why}"));
    let text = match given.strip_prefix('@') {
        Some(file) => read(file).map_err(wrong)?,
        None => given.to_owned(),
    };
    match serde_json::from_str::<Map<String, Value>>(&text) {
        Ok(object) => Ok(object.into()),
        Err(error) => Err(wrong(format!("it is no JSON object ({error}); accepted: {{\"rows\": 12}}, or @FILE that holds one"))),
    }
}

fn read(file: &str) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot read {file}: {error}");
    let mut text = String::new();
    let read = File::open(file).and_then(|open| open.take(MOST_BYTES + 1).read_to_string(&mut text)).map_err(unreadable)?;
    if read as u64 > MOST_BYTES { Err(format!("{file} is too large: up to {MOST_BYTES} bytes are accepted")) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::io::Write as _;

    #[test]
    fn an_object_is_written_or_in_a_file() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(b"{\"rows\": 12}\n").expect("written");
        let named = format!("@{}", file.path().display());
        for given in ["{\"rows\": 12}", &named] {
            assert_eq!(object("--metadata", given).expect(given), json!({ "rows": 12 }));
        }
    }

    #[test]
    fn what_is_none_is_refused_by_the_name_of_its_option() {
        for given in ["", "[1]", "12", "rows=12", "{\"rows\": }", "@/no/such/file", "@"] {
            let refused = object("--metadata", given).expect_err(given);
            assert!(matches!(&refused, Failure::Usage(words) if words.starts_with("--metadata: ")), "{given}: {refused}");
        }
    }
}
