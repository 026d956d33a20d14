//! Whom a request is about, and what of theirs.

use crate::person::Given;
use clap::Args;
use serde_json::{Map, Value, json};

#[derive(Args)]
#[command(group(clap::ArgGroup::new("subject").required(true).multiple(true).args(["subject_id", "subject_email", "identifiers"])))]
pub struct About {
    #[command(flatten)]
    person: Given,
    /// When the request reached you, with offset, from which its deadlines count; now unless given
    #[arg(long, value_name = "TIME")]
    received_at: Option<String>,
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
    /// Do not wait for what else the person is known by
    #[arg(long)]
    no_wait: bool,
}

impl About {
    /// Whether it names categories.
    pub fn is_partial(&self) -> bool {
        !self.categories.is_empty() || !self.exclude_categories.is_empty()
    }

    /// Whether what else the person is known by is waited for.
    pub fn waits(&self) -> bool {
        !self.no_wait
    }

    /// The fields of a submission; nothing empty is sent.
    pub fn fields(self) -> Map<String, Value> {
        let mut fields = self.person.fields();
        for (name, list) in [("categories", self.categories), ("exclude_categories", self.exclude_categories)] {
            if !list.is_empty() {
                fields.insert(name.to_owned(), list.into());
            }
        }
        fields.extend(self.received_at.map(|at| ("received_at".to_owned(), at.into())));
        if let Some(method) = self.verified_by {
            let verified_at = self.verified_at.unwrap_or_else(|| jiff::Timestamp::now().to_string());
            fields.insert("verification".to_owned(), json!({ "method": method, "verified_at": verified_at }));
        }
        fields
    }
}
