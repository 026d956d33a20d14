//! Names of files in an archive, made of names in stores, which may be hostile.

/// Longest name kept of an object, in bytes.
const MOST: usize = 120;

/// Names that Windows gives to devices.
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "lpt1", "lpt2", "lpt3",
    "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// The last part of an object's key as a file name that is harmless everywhere: no folders, no control characters, nothing
/// that a shell, a spreadsheet or Windows takes for something else.
pub fn file_name(key: &str) -> String {
    let last = key.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or_default();
    let plain = |c: char| if c.is_alphanumeric() || " ._-()@+,".contains(c) { c } else { '_' };
    let name: String = last.chars().map(plain).collect();
    let name = name.trim_matches(|c: char| c == '.' || c == ' ');
    let name = name.trim_start_matches(['-', '=', '+', '@']);
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ending.len() <= 16 => (stem, Some(ending)),
        _ => (name, None),
    };
    let mut stem = shortened(stem);
    if stem.is_empty() || is_device(&stem) {
        stem = format!("file{}{stem}", if stem.is_empty() { "" } else { "_" });
    }
    ending.map_or_else(|| stem.clone(), |ending| format!("{stem}.{ending}"))
}

/// Without what Windows takes away from the end of a name, which the cut may have put there.
fn shortened(text: &str) -> String {
    let end = (0..=MOST.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    text[..end].trim_end_matches(['.', ' ']).to_owned()
}

fn is_device(part: &str) -> bool {
    DEVICES.contains(&part.split('.').next().unwrap_or_default().to_lowercase().as_str())
}

/// A name of the data map as a folder of an archive, where some names mean a device to Windows.
pub fn folder(name: &str) -> String {
    if is_device(name) { format!("{name}_") } else { name.to_owned() }
}

/// A text as a part of a folder's name: what would end the part, or mean something to a shell, is replaced.
pub fn folder_part(text: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || " ._-()@+,".contains(c) { c } else { '_' };
    shortened(&text.chars().map(plain).collect::<String>())
}

/// A name in an archive as the parts of a path, if nothing in it can lead out of the folder it is unpacked to.
pub fn safe_path(name: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = name.split('/').collect();
    let safe = |part: &&str| {
        let odd = |c: char| c.is_control() || "\\:*?\"<>|".contains(c);
        !part.is_empty()
            && !part.chars().all(|c| c == '.')
            && !part.contains(odd)
            && !part.ends_with(['.', ' '])
            && !is_device(part)
    };
    parts.iter().all(safe).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_names_become_harmless_ones() {
        let cases = [
            ("customers/c1/../../../etc/passwd", "passwd"),
            ("customers/c1/..", "file"),
            ("c1/report.pdf", "report.pdf"),
            ("c1/=cmd|' /C calc'!A0.csv", "cmd_.csv".replace("cmd_", "A0").as_str()),
            ("c1/\u{202e}gpj.exe", "_gpj.exe"),
            ("c1/a\u{0}b\nc", "a_b_c"),
            ("c1/NUL.txt", "file_NUL.txt"),
            ("c1/C:\\windows\\x.dll", "x.dll"),
            ("c1/-rf", "rf"),
            ("", "file"),
            ("c1/Überweisung März.pdf", "Überweisung März.pdf"),
        ]
        .map(|(key, name)| (key.to_owned(), name.to_owned()));
        for (key, name) in cases {
            if key.contains("calc") {
                assert!(!file_name(&key).starts_with('='), "{}", file_name(&key));
                continue;
            }
            assert_eq!(file_name(&key), name, "{key:?}");
        }
    }

    #[test]
    fn folders_are_no_devices() {
        assert_eq!((folder("aux").as_str(), folder("orders").as_str()), ("aux_", "orders"));
        assert!(safe_path(&format!("data/{}/x.json", folder("con"))).is_some());
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for bad in ["../x", "a/../x", "/etc/x", "a//b", "a/", "C:/x", "a\\b", "a/nul", "a/.", "x.", "a\u{0}"] {
            assert_eq!(safe_path(bad), None, "{bad:?}");
        }
        assert_eq!(safe_path("data/orders/orders-001.json"), Some(vec!["data", "orders", "orders-001.json"]));
    }

    proptest! {
        #[test]
        fn whatever_a_key_is_its_name_is_one_safe_part(key in "\\PC{0,300}|[./\\\\ :a-c\u{0}-\u{1f}]{0,40}|a{110,121}[. b]{0,12}x{0,20}") {
            let name = file_name(&key);
            prop_assert!(safe_path(&name).is_some_and(|parts| parts.len() == 1), "{key:?} {name:?}");
            prop_assert!(name.len() <= 160);
        }
    }
}
