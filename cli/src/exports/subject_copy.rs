//! A copy for the person: sealed with a passphrase, in the format of age (<https://age-encryption.org/v1>), so that it takes
//! no account and no tool of ours to open.

use crate::failure::Failure;
use age::{Encryptor, secrecy::SecretString};
use data_encoding::BASE32_NOPAD;
use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
};
use zxcvbn::Score;

/// Bytes of a passphrase that is made here: nobody guesses 120 bits.
const BYTES: usize = 15;

/// A passphrase: the one in a file, or a new one.
///
/// # Errors
/// One that is too weak.
pub fn passphrase(file: Option<&Path>) -> Result<String, Failure> {
    let Some(path) = file else { return made() };
    let text = std::fs::read_to_string(path).map_err(|e| Failure::Usage(format!("cannot read {}: {e}", path.display())))?;
    let text = text.trim_end_matches(['\r', '\n']);
    strong(text).map(|()| text.to_owned())
}

fn made() -> Result<String, Failure> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|e| Failure::Usage(format!("there is no randomness: {e}")))?;
    let letters = BASE32_NOPAD.encode(&bytes).to_lowercase();
    let groups: Vec<&str> = (0..letters.len()).step_by(6).map(|n| &letters[n..n + 6]).collect();
    Ok(groups.join("-"))
}

/// Whoever has the file can try as often as they like.
fn strong(text: &str) -> Result<(), Failure> {
    let accepted = "accepted: one that is not guessed in 10^10 tries, such as five random words; or leave --passphrase-file out, \
                    and one is made";
    let judged = zxcvbn::zxcvbn(text, &["oubli", "export"]);
    if judged.score() == Score::Four {
        return Ok(());
    }
    let why = judged.feedback().and_then(|f| f.warning()).map(|w| format!(" ({w})")).unwrap_or_default();
    Err(Failure::Usage(format!("the passphrase is too weak{why}; {accepted}")))
}

/// Seals an archive into a new file.
///
/// # Errors
/// The file is there already, or cannot be written.
pub fn seal(archive: &mut File, passphrase: &str, path: &Path) -> Result<(), Failure> {
    let unwritten = |e: std::io::Error| Failure::Usage(format!("cannot write {}: {e}", path.display()));
    let out = super::unpack::private().create_new(true).write(true).open(path).map_err(unwritten)?;
    let sealed = (|| {
        let encryptor = Encryptor::with_user_passphrase(SecretString::from(passphrase.to_owned()));
        let mut writer = encryptor.wrap_output(BufWriter::new(out))?;
        std::io::copy(archive, &mut writer)?;
        writer.finish()?.flush()
    })();
    if sealed.is_err() {
        // Half of it opens nothing.
        std::fs::remove_file(path).ok();
    }
    sealed.map_err(unwritten)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Seek as _};

    #[test]
    fn a_passphrase_that_is_made_is_strong_and_new_each_time() {
        let (one, two) = (made().expect("made"), made().expect("made"));
        assert!(one != two && one.len() == 27 && strong(&one).is_ok(), "{one}");
    }

    #[test]
    fn a_weak_passphrase_is_refused_with_what_would_do() {
        for weak in ["", "secret", "Password123!", "12345678901234567890", "oubli export", "qwertzuiop"] {
            match strong(weak) {
                Err(Failure::Usage(text)) => assert!(text.contains("accepted:") && !text.contains("Password"), "{text}"),
                other => panic!("{weak:?}: {other:?}"),
            }
        }
        assert!(strong("plume arrosoir cobalt dimanche 41 velours").is_ok());
    }

    #[test]
    fn what_is_sealed_opens_with_the_passphrase_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("copy.zip.age");
        let mut archive = tempfile::tempfile().expect("a file");
        archive.write_all(b"an archive").expect("written");
        archive.rewind().expect("rewound");
        seal(&mut archive, "plume arrosoir cobalt dimanche", &path).unwrap_or_else(|e| panic!("{e}"));
        let open = |passphrase: &str| {
            let decryptor = age::Decryptor::new(File::open(&path).expect("there")).expect("age");
            let identity = age::scrypt::Identity::new(SecretString::from(passphrase.to_owned()));
            let mut plain = String::new();
            decryptor.decrypt(std::iter::once(&identity as _)).ok()?.read_to_string(&mut plain).ok()?;
            Some(plain)
        };
        assert_eq!(open("plume arrosoir cobalt dimanche").as_deref(), Some("an archive"));
        assert_eq!(open("plume arrosoir cobalt lundi"), None);
        let again = seal(&mut archive, "plume arrosoir cobalt dimanche", &path);
        assert!(matches!(again, Err(Failure::Usage(_))), "nothing is overwritten");
    }
}
