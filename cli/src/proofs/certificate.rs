//! `oubli certificate`.

use super::write_new;
use crate::{
    client::Client,
    failure::Failure,
    output,
    requests::{One, PATH},
};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::path::PathBuf;

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// For machines
    Json,
    /// For people, with the JSON inside
    Pdf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Language {
    En,
    Fr,
    De,
}

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    one: One,
    /// json or pdf
    #[arg(long, value_enum, default_value_t = Format::Pdf)]
    format: Format,
    /// Of the PDF; the organization's own unless given
    #[arg(long, value_enum)]
    language: Option<Language>,
    /// With every entry of the request and its proof
    #[arg(long)]
    details: bool,
    /// The file to write; named after the request unless given
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub fn run(client: &Client, options: &Options, json: bool) -> Result<(), Failure> {
    let (format, ending) = match options.format {
        Format::Json => ("json", "json"),
        Format::Pdf => ("pdf", "pdf"),
    };
    let language = options.language.map(|language| match language {
        Language::En => "en",
        Language::Fr => "fr",
        Language::De => "de",
    });
    let body = json!({ "format": format, "language": language, "include_details": options.details });
    let file = client.post_file(&options.one.path(PATH, "/certificate")?, &body)?;
    let out = options.out.clone().unwrap_or_else(|| format!("certificate-{}.{ending}", options.one.id).into());
    write_new(&out, &file.bytes)?;
    if json {
        output::print_json(&json!({ "file": out, "bytes": file.bytes.len() }));
    } else {
        output::print(&format!("Wrote {}; check it with: oubli verify {} --key KEY", out.display(), out.display()));
    }
    Ok(())
}
