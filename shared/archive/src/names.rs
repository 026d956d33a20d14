//! Names of files in an archive, made of names in stores, which may be hostile.

use icu_normalizer::ComposingNormalizer;
use icu_properties::{CodePointMapData, props::GeneralCategory};
use oubli_domain::file_name::is_device;

/// Longest name kept of an object, in bytes.
const MOST: usize = 120;

/// Longest ending kept of it, in bytes.
const MOST_ENDING: usize = 16;

/// The last part of an object's key as a file name that is harmless everywhere and reads as it did: in the form that
/// every system compares by (NFC), without folders, direction marks and control characters, and with nothing that a shell,
/// a spreadsheet or Windows takes for something else.
pub fn file_name(key: &str) -> String {
    let last = key.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or_default();
    let name = plain(last);
    let name = name.trim_matches(|c: char| c == '.' || c == ' ');
    let name = name.trim_start_matches(['-', '=', '+', '@']);
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ending.len() <= MOST_ENDING => (stem, Some(ending)),
        _ => (name, None),
    };
    let mut stem = shortened(stem);
    if stem.is_empty() || is_device(&stem) {
        stem = format!("file{}{stem}", if stem.is_empty() { "" } else { "_" });
    }
    ending.map_or_else(|| stem.clone(), |ending| format!("{stem}.{ending}"))
}

/// What the first bytes of a file show it to be: its media type, and the ending that such files have.
pub fn kind_of(first_bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    infer::get(first_bytes).map(|kind| (kind.mime_type(), kind.extension()))
}

/// A file's name with the ending of what it is, where its own says nothing that is known: an object is often named by an id.
pub fn with_ending(name: String, ending: &str) -> String {
    let better = format!("{name}.{ending}");
    if !opens_harmlessly(&name) && opens_harmlessly(&better) { better } else { name }
}

/// Endings of files that nothing is run of when they are opened: pictures, sound, films, text, and what an office writes.
const HARMLESS: [&str; 58] = [
    "jpg", "jpeg", "jpe", "png", "gif", "webp", "avif", "bmp", "heic", "heif", "tif", "tiff", "ico", "pdf", "txt", "text", "log",
    "md", "csv", "tsv", "json", "ndjson", "jsonl", "yaml", "yml", "rtf", "doc", "docx", "odt", "xls", "xlsx", "ods", "ppt",
    "pptx", "odp", "pages", "numbers", "key", "mp3", "m4a", "aac", "wav", "ogg", "oga", "opus", "flac", "mp4", "m4v", "mov",
    "webm", "avi", "mkv", "3gp", "zip", "gz", "7z", "eml", "ics",
];

/// Whether a browser that is led to a file shows or saves it, and runs nothing that is in it. Of an ending that is not
/// known it may find out by itself that it is a page.
pub fn opens_harmlessly(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| HARMLESS.contains(&ending.to_ascii_lowercase().as_str()))
}

/// A text without what cannot stand in a file's name everywhere, or would not be seen in it.
fn plain(text: &str) -> String {
    let nfc = ComposingNormalizer::new_nfc();
    let mut name = String::with_capacity(text.len());
    for c in nfc.normalize(text).chars() {
        match kind(c) {
            Kind::Plain => name.push(c),
            // A mark belongs to a letter before it.
            Kind::Mark if name.is_empty() => {}
            Kind::Mark => name.push(c),
            Kind::Unseen => {}
            Kind::Space => name.push(' '),
            Kind::Odd => name.push('_'),
        }
    }
    // What was left out may have stood between a letter and its accent.
    nfc.normalize(&name).into_owned()
}

enum Kind {
    /// It is kept.
    Plain,
    /// It belongs to what stands before it: an accent, a vowel sign, a joiner.
    Mark,
    /// It is left out: a mark of direction, and whatever else shows nothing.
    Unseen,
    /// It becomes a plain space.
    Space,
    /// It is replaced.
    Odd,
}

fn kind(c: char) -> Kind {
    use GeneralCategory as G;
    if c.is_ascii() {
        return if c.is_ascii_alphanumeric() || " ._-()@+,".contains(c) { Kind::Plain } else { Kind::Odd };
    }
    match CodePointMapData::<GeneralCategory>::new().get(c) {
        G::NonspacingMark | G::SpacingMark | G::EnclosingMark => Kind::Mark,
        // Persian and the scripts of India are misspelt without them.
        G::Format if matches!(c, '\u{200c}' | '\u{200d}') => Kind::Mark,
        G::Format => Kind::Unseen,
        G::SpaceSeparator => Kind::Space,
        G::Control | G::LineSeparator | G::ParagraphSeparator | G::Unassigned | G::PrivateUse | G::Surrogate => Kind::Odd,
        _ if looks_reserved(c) => Kind::Odd,
        _ => Kind::Plain,
    }
}

/// Full-width forms of what leads out of a folder or begins a formula: some systems take them for the plain ones.
fn looks_reserved(c: char) -> bool {
    "／＼：＊？＂＜＞｜．＝＋－＠⁄∕⧵∶․".contains(c)
}

/// Its beginning, without what Windows takes away from the end of a name, which the cut may have put there, and with all
/// that belongs to its last letter or nothing of that.
fn shortened(text: &str) -> String {
    let is_end =
        |at: &usize| text.is_char_boundary(*at) && !text[*at..].chars().next().is_some_and(|c| matches!(kind(c), Kind::Mark));
    let end = if text.len() <= MOST { text.len() } else { (0..=MOST).rev().find(is_end).unwrap_or_default() };
    text[..end].trim_end_matches(['.', ' ', '\u{200c}', '\u{200d}']).to_owned()
}

/// A name of the data map as a folder of an archive, where some names mean a device to Windows. Two names are two folders.
pub fn folder(name: &str) -> String {
    if is_device(name.trim_end_matches('_')) { format!("{name}_") } else { name.to_owned() }
}

/// A text as a part of a folder's name: what would end the part, or mean something to a shell, is replaced.
pub fn folder_part(text: &str) -> String {
    shortened(&plain(text))
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
            ("c1/\u{202e}gpj.exe", "gpj.exe"),
            ("c1/a\u{0}b\nc", "a_b_c"),
            ("c1/NUL.txt", "file_NUL.txt"),
            ("c1/C:\\windows\\x.dll", "x.dll"),
            ("c1/-rf", "rf"),
            ("", "file"),
            ("c1/Überweisung März.pdf", "Überweisung März.pdf"),
            // Typed on a Mac: letters and accents apart.
            ("c1/U\u{308}berweisung Ma\u{308}rz.pdf", "Überweisung März.pdf"),
            ("c1/हिन्दी क्षेत्र.pdf", "हिन्दी क्षेत्र.pdf"),
            ("c1/می\u{200c}خواهم.txt", "می\u{200c}خواهم.txt"),
            ("c1/ก้ำกึ่ง.txt", "ก้ำกึ่ง.txt"),
            ("c1/q\u{323}\u{307}.txt", "q\u{323}\u{307}.txt"),
            ("c1/株式会社 ①.pdf", "株式会社 ①.pdf"),
            ("c1/👩\u{200d}👧 holiday.jpg", "👩\u{200d}👧 holiday.jpg"),
            ("c1/\u{200f}\u{2067}שלום\u{2069}.pdf", "שלום.pdf"),
            ("c1/a\u{feff}b\u{ad}c\u{200b}d.txt", "abcd.txt"),
            ("c1/..／..／etc", "_._etc"),
            ("c1/com¹.txt", "file_com¹.txt"),
            ("c1/CON .txt", "file_CON.txt"),
            ("c1/conin$", "conin_"),
            ("c1/comfort.txt", "comfort.txt"),
            ("c1/a\u{e000}\u{2028}\u{3000}b", "a__ b"),
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
        assert_ne!(folder("aux"), folder("aux_"));
    }

    #[test]
    fn a_long_name_is_cut_between_letters_and_keeps_its_ending() {
        let name = file_name(&format!("c1/{}.jpeg", "Zo\u{301}e\u{323}\u{307} ".repeat(40)));
        assert!(name.len() <= MOST + 5 && name.ends_with(".jpeg"), "{name}");
        // What is cut off begins a letter, so no mark is left over and none is missing.
        let whole = file_name(&"q\u{323}\u{307}".repeat(60));
        assert_eq!(whole, "q\u{323}\u{307}".repeat(24));
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for bad in ["../x", "a/../x", "/etc/x", "a//b", "a/", "C:/x", "a\\b", "a/nul", "a/.", "x.", "a\u{0}"] {
            assert_eq!(safe_path(bad), None, "{bad:?}");
        }
        assert_eq!(safe_path("data/orders/orders-001.json"), Some(vec!["data", "orders", "orders-001.json"]));
    }

    #[test]
    fn a_file_named_by_an_id_gets_the_ending_of_what_it_is_and_no_page_is_taken_for_harmless() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        let (media, ending) = kind_of(png).expect("a picture");
        assert_eq!((media, with_ending("9f3c".to_owned(), ending).as_str()), ("image/png", "9f3c.png"));
        assert_eq!(with_ending("photo.JPG".to_owned(), ending), "photo.JPG");
        assert_eq!(with_ending("x.html".to_owned(), ending), "x.html.png");
        assert_eq!(with_ending("x".to_owned(), "html"), "x");
        assert_eq!(kind_of(b"just text"), None);
        for page in
            ["a.html", "a.HTM", "a.svg", "a.xhtml", "a.xml", "a.js", "a.mht", "a", "html", "a.pdf.html", "a.exe", "a.jpg "]
        {
            assert!(!opens_harmlessly(page), "{page}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_key_is_its_name_is_one_safe_part(key in "\\PC{0,300}|[./\\\\ :a-c\u{0}-\u{1f}]{0,40}|a{110,121}[. b]{0,12}x{0,20}|[aq=.\u{301}\u{323}\u{200d}\u{200e}\u{37e}✓]{0,90}") {
            let name = file_name(&key);
            prop_assert!(safe_path(&name).is_some_and(|parts| parts.len() == 1), "{key:?} {name:?}");
            prop_assert!(name.len() <= MOST + 5 + 1 + MOST_ENDING);
            // `file_`, 120 bytes, a dot and 16, and what its first bytes show it to be: as docs/exports.md says.
            for ending in ["jpg", "docx", "html"] {
                let shown = with_ending(name.clone(), ending);
                prop_assert!(safe_path(&shown).is_some_and(|parts| parts.len() == 1), "{key:?} {shown:?}");
                prop_assert!(shown.len() <= 147, "{shown}");
            }
            let again = ComposingNormalizer::new_nfc().normalize(&name).into_owned();
            prop_assert_eq!(&again, &name, "another system would give it another name");
            let direction = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            prop_assert!(!name.chars().any(direction), "{name:?}");
        }
    }
}
