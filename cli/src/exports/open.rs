//! `oubli export open`.

use super::{PATH, subject_copy, unpack::unpack};
use crate::{
    client::{Client, path_id},
    failure::Failure,
    output::{self, plain},
};
use clap::Args;
use data_encoding::BASE64;
use oubli_archive::contents::Manifest;
use oubli_esdk_message::MessageReader;
use serde_json::json;
use std::{
    fs::File,
    io::{BufWriter, Read, Seek as _, Write as _},
    path::{Path, PathBuf},
};

#[derive(Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["id", "file"])))]
pub struct Options {
    /// The export; opening it is noted in the audit log
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// A file that was fetched before, instead; needs no service
    #[arg(long, value_name = "FILE", requires = "content_key")]
    pub file: Option<PathBuf>,
    /// The file's key, base64
    #[arg(long, value_name = "KEY", env = "OUBLI_CONTENT_KEY", hide_env_values = true)]
    content_key: Option<String>,
    /// The folder to unpack into: a new one
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Write the decrypted archive to this file instead of unpacking it
    #[arg(long, value_name = "FILE", conflicts_with = "out")]
    zip: Option<PathBuf>,
    /// Write a copy for the person to this file instead, sealed with a passphrase: `age --decrypt` and its like open it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["out", "zip"])]
    subject_copy: Option<PathBuf>,
    /// The passphrase in a file; one is made and printed unless given
    #[arg(long, value_name = "FILE", requires = "subject_copy")]
    passphrase_file: Option<PathBuf>,
    /// A one-time code, where the organization wants one
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
}

/// Opens a file that is here.
pub fn run_local(options: &Options, json: bool) -> Result<(), Failure> {
    let path = options.file.clone().unwrap_or_default();
    let file = File::open(&path).map_err(|e| Failure::Usage(format!("cannot read {}: {e}", path.display())))?;
    let key = key(options.content_key.as_deref().unwrap_or_default())?;
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    open(options, options.passphrase()?, file, key, name.split('.').next().unwrap_or("export"), json)
}

pub fn run(client: &Client, options: &Options, json: bool) -> Result<(), Failure> {
    let id = options.id.clone().unwrap_or_default();
    let passphrase = options.passphrase()?;
    let name = format!("export-{id}");
    options.nothing_stands(&name)?;
    let access = client.post(&format!("{PATH}/{}/access", path_id(&id)?), &json!({ "code": options.code }))?;
    let key = key(&plain(&access["content_key"]))?;
    let download = client.download(&plain(&access["download_url"]))?;
    open(options, passphrase, download, key, &name, json)
}

fn key(text: &str) -> Result<[u8; 32], Failure> {
    let bytes = BASE64.decode(text.trim().as_bytes()).ok().and_then(|b| b.try_into().ok());
    bytes.ok_or_else(|| Failure::Usage("the key is not 32 bytes in base64, as `content_key` of the answer has them".to_owned()))
}

impl Options {
    /// Opening is noted, and takes a code: what is in the way is said before.
    fn nothing_stands(&self, name: &str) -> Result<(), Failure> {
        let made = self.zip.as_ref().or(self.subject_copy.as_ref()).cloned().unwrap_or_else(|| self.folder(name));
        match Some(made).filter(|path| path.exists()) {
            Some(path) => Err(Failure::Usage(format!("there is a file {} already; nothing is overwritten", path.display()))),
            None => Ok(()),
        }
    }

    /// Where it is unpacked to.
    fn folder(&self, name: &str) -> PathBuf {
        self.out.clone().unwrap_or_else(|| name.into())
    }

    /// The passphrase of a copy for the person, if one is to be made: a weak one is refused before anything is fetched.
    fn passphrase(&self) -> Result<Option<String>, Failure> {
        self.subject_copy.as_ref().map(|_| subject_copy::passphrase(self.passphrase_file.as_deref())).transpose()
    }
}

fn open(
    options: &Options,
    passphrase: Option<String>,
    source: impl Read,
    key: [u8; 32],
    name: &str,
    json: bool,
) -> Result<(), Failure> {
    let mut archive = decrypt(source, key)?;
    if let (Some(path), Some(passphrase)) = (&options.subject_copy, passphrase) {
        subject_copy::seal(&mut archive, &passphrase, path)?;
        let made = options.passphrase_file.is_none().then_some(passphrase);
        if json {
            output::print_json(&json!({ "file": path, "passphrase": made }));
        } else {
            let told =
                made.map(|p| format!("\nIts passphrase, to be given to the person by another way than the file:\n\n    {p}"));
            output::print(&format!("Wrote {}.{}", path.display(), told.unwrap_or_default()));
        }
        return Ok(());
    }
    if let Some(path) = &options.zip {
        return write_zip(&mut archive, path, json);
    }
    let out = options.folder(name);
    let manifest = unpack(archive, &out)?;
    report(&manifest, &out, json);
    Ok(())
}

/// Decrypts into a file without a name: should anything not hold, nothing of it is left.
fn decrypt(mut source: impl Read, key: [u8; 32]) -> Result<File, Failure> {
    let unwritten = |e: std::io::Error| Failure::Usage(format!("cannot write the decrypted archive: {e}"));
    let refused = |e: oubli_esdk_message::MessageError| Failure::Refused(format!("not opened: {e}"));
    let mut file = BufWriter::new(tempfile::tempfile().map_err(unwritten)?);
    let mut reader = MessageReader::new(key);
    let (mut sealed, mut plain) = (vec![0; 256 * 1024], Vec::new());
    loop {
        let read = source.read(&mut sealed).map_err(|e| Failure::Unreachable(format!("the download broke off: {e}")))?;
        if read == 0 {
            break;
        }
        reader.push(&sealed[..read], &mut plain).map_err(refused)?;
        file.write_all(&plain).map_err(unwritten)?;
        plain.clear();
    }
    reader.finish().map_err(refused)?;
    let mut file = file.into_inner().map_err(|e| unwritten(e.into_error()))?;
    file.rewind().map_err(unwritten)?;
    Ok(file)
}

fn write_zip(archive: &mut File, path: &Path, json: bool) -> Result<(), Failure> {
    let unwritten = |e: std::io::Error| Failure::Usage(format!("cannot write {}: {e}", path.display()));
    let mut out = super::unpack::private().create_new(true).write(true).open(path).map_err(unwritten)?;
    let bytes = std::io::copy(archive, &mut out).map_err(|error| {
        std::fs::remove_file(path).ok();
        unwritten(error)
    })?;
    if json {
        output::print_json(&json!({ "file": path, "bytes": bytes }));
    } else {
        output::print(&format!("Wrote {}.", path.display()));
    }
    Ok(())
}

fn report(manifest: &Manifest, out: &Path, json: bool) {
    let summary = &manifest.summary;
    let records: u64 = summary.parts.iter().map(|p| p.records).sum();
    let unanswered = summary.answers.iter().filter(|a| a.failed.is_some()).count() as u64;
    let missing: u64 = unanswered + summary.parts.iter().map(|p| p.missing).sum::<u64>();
    if json {
        let files = manifest.files.len();
        let (complete, unsearched, left_out) = (summary.complete, &summary.unsearched, &summary.left_out);
        output::print_json(&json!({
            "folder": out, "files": files, "records": records, "complete": complete, "missing": missing, "unsearched": unsearched,
            "left_out": left_out, "hidden": &summary.hidden, "withheld": summary.withheld,
        }));
        return;
    }
    let shown = out.display();
    let mut text =
        format!("Unpacked {records} records into {shown}; every file is as its manifest says. Open {shown}/index.html.\n");
    if missing > 0 {
        text.push_str(&format!("This export is not complete: {missing} records could not be read; manifest.json lists them.\n"));
    } else if !summary.complete {
        text.push_str("This export is not complete: index.html says what it lacks.\n");
    }
    for h in &summary.hidden {
        text.push_str(&format!("removed and still kept, so not in it: {} of {}, by {}\n", h.records, h.category, h.request_id));
    }
    for l in &summary.left_out {
        text.push_str(&format!("left out by a reviewer: {} ({})\n", l.producer, l.category));
    }
    if summary.withheld {
        text.push_str("found and not asked for, so not in it: records through which others are found\n");
    }
    for u in &summary.unsearched {
        let how = if u.by_part { "searched in part" } else { "not searched" };
        text.push_str(&format!("{how}: {} ({}, {})\n", u.producer, u.category, u.reason));
    }
    output::print(&text);
}
