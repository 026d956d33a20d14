//! `oubli query`.

use crate::{
    client::{Client, path_id},
    failure::Failure,
    output::{self, fields, list},
};
use clap::{Args, Subcommand};
use serde_json::json;

const PATH: &str = "/v1/compliance/saved-queries";

#[derive(Subcommand)]
pub enum Command {
    /// Register a query that exports run
    Add(Add),
    /// List the registered queries
    List,
    /// Remove a query
    Remove(Remove),
}

#[derive(Args)]
pub struct Add {
    /// Its short name, which its files carry
    #[arg(value_name = "NAME")]
    short_name: String,
    /// The category it belongs to
    #[arg(long)]
    category: String,
    /// The store it is asked of, by its name in the data map
    #[arg(long)]
    store: String,
    /// One SELECT of named attributes, such as: SELECT device FROM "logins" WHERE customer_id = ?
    #[arg(long)]
    statement: String,
    /// What each ? stands for, in their order: subject_id, subject_email, or a kind that the data map declares
    #[arg(long = "parameter", value_name = "IDENTIFIER", required = true)]
    parameters: Vec<String>,
    /// What a person is told of it
    #[arg(long)]
    description: Option<String>,
}

#[derive(Args)]
pub struct Remove {
    /// Its short name
    #[arg(value_name = "NAME")]
    short_name: String,
}

pub fn run(client: &Client, command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Add(add) => {
            let body = json!({
                "short_name": add.short_name,
                "category": add.category,
                "store": add.store,
                "statement": add.statement,
                "parameters": add.parameters,
                "description": add.description,
            });
            let answer = client.post(PATH, &body)?;
            if json {
                output::print_json(&answer);
            } else {
                output::print(&output::lines(&answer, &["short_name", "category", "store", "columns"]));
            }
        }
        Command::List => {
            let answer = client.get(PATH, &[])?;
            let queries = list(&answer["saved_queries"]);
            if json {
                output::print_json(&answer);
            } else if queries.is_empty() {
                output::print("There are no saved queries.");
            } else {
                output::print(&fields(queries, &["short_name", "category", "store", "description"]));
            }
        }
        Command::Remove(remove) => {
            client.delete(&format!("{PATH}/{}", path_id(&remove.short_name)?))?;
            if !json {
                output::print(&format!("Removed: {}", remove.short_name));
            }
        }
    }
    Ok(())
}
