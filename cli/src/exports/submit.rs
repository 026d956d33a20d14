//! `oubli export submit`.

use super::PATH;
use crate::{client::Client, failure::Failure, output};
use clap::Args;
use serde_json::{Map, json};

#[derive(Args)]
#[command(group(clap::ArgGroup::new("subject").required(true).multiple(true).args(["subject_id", "subject_email"])))]
pub struct Options {
    /// The organization's own id of the person
    #[arg(long)]
    subject_id: Option<String>,
    /// The person's email address
    #[arg(long)]
    subject_email: Option<String>,
    /// How the person's identity was checked; without it the request waits until somebody attests it
    #[arg(long, value_name = "METHOD")]
    verified_by: Option<String>,
    /// When it was checked, with offset; now unless given
    #[arg(long, value_name = "TIME", requires = "verified_by")]
    verified_at: Option<String>,
    /// Only this category; can be repeated
    #[arg(long = "category", value_name = "CATEGORY")]
    categories: Vec<String>,
    /// Every category but this one; can be repeated
    #[arg(long = "exclude-category", value_name = "CATEGORY")]
    exclude_categories: Vec<String>,
    /// Copies kept as backups as well
    #[arg(long)]
    include_backups: bool,
}

pub fn run(client: &Client, options: &Options, json: bool) -> Result<(), Failure> {
    let mut body = Map::from_iter([("include_backups".to_owned(), options.include_backups.into())]);
    for (name, text) in [("subject_id", &options.subject_id), ("subject_email", &options.subject_email)] {
        body.extend(text.clone().map(|text| (name.to_owned(), text.into())));
    }
    for (name, list) in [("categories", &options.categories), ("exclude_categories", &options.exclude_categories)] {
        if !list.is_empty() {
            body.insert(name.to_owned(), list.clone().into());
        }
    }
    if let Some(method) = &options.verified_by {
        let verified_at = options.verified_at.clone().unwrap_or_else(|| jiff::Timestamp::now().to_string());
        body.insert("verification".to_owned(), json!({ "method": method, "verified_at": verified_at }));
    }
    let answer = client.post(PATH, &body.into())?;
    if json {
        output::print_json(&answer);
    } else {
        output::print(&output::lines(&answer, &["request_id", "status", "phase", "deadline", "duplicate_of"]));
    }
    Ok(())
}
