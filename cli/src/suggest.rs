//! `oubli map suggest`.

use crate::{
    failure::Failure,
    output::{self, clean},
};
use clap::Args;
use oubli_aws::{Aws, Settings};
use oubli_connectors::sampling;
use oubli_domain::datamap::{MAX_BYTES, parse};
use oubli_engine::ports::TableName;
use oubli_suggest::{Contents, Decisions, Draft, Read as Looked, Sampling, Seen, Survey, draft};
use serde_json::json;
use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    path::PathBuf,
};

/// Keys of a bucket that are listed at most.
const KEYS: usize = 10_000;

/// Bytes of a table's sample that are kept at most.
const MOST_BYTES: usize = 64 * 1024 * 1024;

#[derive(Args)]
pub struct Options {
    /// Only these tables, and no bucket but those under --buckets; every table and bucket without either
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    tables: Vec<String>,
    /// Only these buckets, and no table but those under --tables
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    buckets: Vec<String>,
    /// The AWS Region to look in, and to write into the draft; that of your environment without it
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Records of each table that are read at most
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    sample: u16,
    /// What you decided about earlier drafts, YAML
    #[arg(long, value_name = "FILE")]
    decisions: Option<PathBuf>,
    /// Write the draft into this file, which must not exist, instead of to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub fn run(options: &Options, json: bool) -> Result<(), Failure> {
    let decisions = options.decisions.as_ref().map(read_decisions).transpose()?.unwrap_or_default();
    // Nothing is read for a draft that could not be written.
    let mut out = options.out.as_ref().map(create).transpose()?;
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|e| Failure::Usage(format!("there is no randomness: {e}")))?;
    let mut survey = Survey::new(key);
    let looked = crate::admin::with_runtime(look(options, &mut survey)).and_then(|()| {
        let nothing = "there is nothing to draft a map from: no table and no bucket could be looked at";
        if survey.is_empty() { Err(Failure::Refused(format!("{nothing}{}", reasons(&survey)))) } else { Ok(()) }
    });
    if let (Err(_), Some(path)) = (&looked, &options.out) {
        // What was made for the draft is empty, and in the way of the next one.
        std::fs::remove_file(path).ok();
    }
    looked?;
    let draft = draft(&survey, &decisions, options.region.as_deref());
    let refused = parse(&draft.text).err();
    match &mut out {
        Some(file) => {
            let unwritten = |e: std::io::Error| Failure::Usage(format!("cannot write the draft: {e}"));
            file.write_all(draft.text.as_bytes()).and_then(|()| file.flush()).map_err(unwritten)?;
            said(&format!("Draft written: {} producers, {} places not reached.", draft.producers, draft.not_reached));
        }
        None if json => output::print_json(&in_json(&draft)),
        None => output::print(&draft.text),
    }
    match refused {
        _ if draft.producers == 0 => Err(Failure::Refused(
            "no producer could be drafted: nothing that was looked at leads to a person. The draft says why".to_owned(),
        )),
        Some(refused) => Err(Failure::Refused(format!(
            "the draft is no map that oubli map check accepts, which is a defect of oubli: {refused}"
        ))),
        None => Ok(()),
    }
}

fn reasons(survey: &Survey) -> String {
    survey.not_looked_at().map(|(place, reason)| format!("; {}: {}", clean(place), clean(reason))).collect()
}

fn in_json(draft: &Draft) -> serde_json::Value {
    let fields: Vec<_> = draft.fields.iter().map(|f| json!({ "field": f.name, "confidence": f.confidence })).collect();
    let links: Vec<_> = draft.links.iter().map(|l| json!({ "from": l.from, "to": l.to, "confidence": l.confidence })).collect();
    json!({ "map": draft.text, "personal": fields, "links": links, "producers": draft.producers, "not_reached": draft.not_reached })
}

fn read_decisions(path: &PathBuf) -> Result<Decisions, Failure> {
    let failed = |e: String| Failure::Usage(format!("cannot use {}: {e}", path.display()));
    let mut text = String::new();
    let file = File::open(path).map_err(|e| failed(e.to_string()))?;
    file.take(MAX_BYTES as u64 + 1).read_to_string(&mut text).map_err(|e| failed(e.to_string()))?;
    if text.len() > MAX_BYTES {
        return Err(failed(format!("it is larger than {MAX_BYTES} bytes")));
    }
    Decisions::parse(&text).map_err(|e| failed(e.to_string()))
}

fn create(path: &PathBuf) -> Result<File, Failure> {
    let taken = |e| Failure::Usage(format!("cannot write {}: {e}; a draft is written into a new file", path.display()));
    OpenOptions::new().write(true).create_new(true).open(path).map_err(taken)
}

fn said(line: &str) {
    eprintln!("{}", clean(line));
}

async fn look(options: &Options, survey: &mut Survey) -> Result<(), Failure> {
    let aws = Aws::from_env().await.map_err(|e| Failure::Usage(e.to_string()))?;
    let owner = aws.callers_account().await;
    let how = oubli_connectors::Options { path_style: aws.path_style(), owner, ..oubli_connectors::Options::default() };
    let (tables, buckets) = sampling(aws.config(), &how, options.region.as_deref());
    let all = options.tables.is_empty() && options.buckets.is_empty();
    let own = own_places(aws.settings());
    let kinds = [(&tables, &options.tables, usize::from(options.sample)), (&buckets, &options.buckets, KEYS)];
    let (mut capacity, mut calls) = (0.0, 0);
    for (store, named, limit) in kinds {
        let store = store.as_ref();
        let places = match named.as_slice() {
            [] if !all => continue,
            [] => named_by(store, survey, &own).await,
            named => named.to_vec(),
        };
        if store.places_are() == "tables" && !places.is_empty() {
            said(&format!(
                "Reading at most {limit} records of each of {} tables, at a pace of 100 read capacity units a second.",
                places.len()
            ));
        }
        for place in places {
            match one(store, survey, &place, limit).await {
                Some(read) => {
                    capacity += read.capacity;
                    calls += read.calls;
                }
                None => calls += 1,
            }
        }
    }
    calls += look_up(tables.as_ref(), survey).await;
    said(&format!("Looked at in {calls} calls, {capacity:.1} read capacity units."));
    Ok(())
}

/// Looks up by key what samples of large tables do not show; how many calls it took.
async fn look_up(store: &dyn Sampling, survey: &mut Survey) -> u32 {
    let mut calls = 0;
    for question in survey.questions() {
        let (mut found, mut asked) = (0, 0);
        // What is no edge is seen by the first values.
        for value in &question.values {
            if asked >= 2 && found * 2 <= asked {
                break;
            }
            calls += 1;
            match store.has(&question.table, &question.attribute, value).await {
                Ok(there) => found += usize::from(there),
                Err(not) => {
                    said(&format!("{}: not looked up by key: {not}", question.table));
                    return calls;
                }
            }
            asked += 1;
        }
        survey.answer(&question, found, asked);
    }
    calls
}

/// Tables and buckets of this deployment itself, as far as the environment names them.
fn own_places(settings: &Settings) -> BTreeSet<String> {
    let tables = [TableName::Control, TableName::Keys, TableName::Directory, TableName::Decisions, TableName::Ledger];
    let buckets = [settings.work_bucket(), settings.ledger_bucket(), settings.export_bucket()];
    let named = tables.map(|table| settings.table(table)).into_iter().chain(buckets);
    named.filter_map(|name| name.ok().map(str::to_owned)).collect()
}

/// Every place there is, but for those that are Oubli's own.
async fn named_by(store: &dyn Sampling, survey: &mut Survey, own: &BTreeSet<String>) -> Vec<String> {
    match store.places().await {
        Ok(places) => places.into_iter().filter(|place| !own.contains(place)).collect(),
        Err(not) => {
            let places = store.places_are();
            said(&format!("{places}: {not}, or name them by --{places}"));
            survey.add_not_looked_at(&format!("all {places}"), &not.to_string());
            Vec::new()
        }
    }
}

/// Looks at one place. What cannot be looked at is named in the draft.
async fn one(store: &dyn Sampling, survey: &mut Survey, place: &str, limit: usize) -> Option<Looked> {
    let contents = match store.contents(place).await {
        Ok(contents) => contents,
        Err(not) => {
            said(&format!("{place}: not looked at: {not}"));
            survey.add_not_looked_at(place, &not.to_string());
            return None;
        }
    };
    let (mut records, mut keys, mut bytes, mut dropped) = (Vec::new(), Vec::new(), 0, false);
    let read = store
        .sample(place, limit, &mut |seen| match seen {
            Seen::Record(record) if bytes < MOST_BYTES => {
                bytes += oubli_suggest::size(&record);
                records.push(record);
            }
            Seen::Record(_) => dropped = true,
            Seen::Key(key) => keys.push(key),
        })
        .await;
    let read = read.unwrap_or_else(|not| {
        said(&format!("{place}: not looked at to the end: {not}"));
        survey.add_not_looked_at(place, &format!("not to the end: {not}"));
        Looked::default()
    });
    let whole = read.whole && !dropped;
    match contents {
        Contents::Table(table) => {
            said(&format!("{place}: {} records{}", records.len(), if whole { ", all there are" } else { "" }));
            survey.add_table(table, records, whole);
        }
        Contents::Bucket => {
            said(&format!("{place}: {} keys{}", keys.len(), if whole { ", all there are" } else { "" }));
            survey.add_bucket(place, keys, whole);
        }
    }
    Some(read)
}
