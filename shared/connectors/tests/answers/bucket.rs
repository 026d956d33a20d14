//! A bucket in memory that answers over HTTP as S3 does: keys in its listings are encoded as asked, and the body of a
//! batch of deletions is XML 1.0, in which some keys cannot be written and some come out otherwise than they went in.

use crate::service::{Answer, Asked, bare, error, xml};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex},
};

#[derive(Debug, Clone)]
struct Version {
    id: String,
    /// None: a delete marker.
    body: Option<String>,
}

/// A bucket: versions of each key, newest first.
#[derive(Debug, Default)]
pub struct State {
    versioned: bool,
    objects: BTreeMap<String, Vec<Version>>,
    next: u32,
}

#[derive(Clone)]
pub struct Bucket(Arc<Mutex<State>>);

impl Bucket {
    pub fn new(versioned: bool) -> Self {
        Self(Arc::new(Mutex::new(State { versioned, ..State::default() })))
    }

    pub fn put(&self, key: &str, body: &str) {
        self.0.lock().expect("unpoisoned").put(key, Some(body.to_owned()));
    }

    /// Puts a delete marker on a key.
    pub fn mark_deleted(&self, key: &str) {
        self.0.lock().expect("unpoisoned").delete(key, None);
    }

    /// What readers see, by key.
    pub fn current(&self) -> BTreeMap<String, String> {
        let state = self.0.lock().expect("unpoisoned");
        let seen = state.objects.iter().filter_map(|(key, versions)| Some((key.clone(), versions.first()?.body.clone()?)));
        seen.collect()
    }

    /// Everything that is there at all.
    pub fn keys(&self) -> Vec<String> {
        self.0.lock().expect("unpoisoned").objects.keys().cloned().collect()
    }

    pub fn answer(&self, asked: &Asked<'_>) -> Answer {
        self.0.lock().expect("unpoisoned").answer(asked)
    }
}

impl State {
    fn put(&mut self, key: &str, body: Option<String>) -> String {
        self.next += 1;
        let id = format!("{:08}", 99_999_999 - self.next);
        let versions = self.objects.entry(key.to_owned()).or_default();
        if !self.versioned {
            versions.clear();
        }
        versions.insert(0, Version { id: id.clone(), body });
        id
    }

    /// The delete marker that it left, if it left one.
    fn delete(&mut self, key: &str, version: Option<&str>) -> Option<String> {
        match version {
            None if self.versioned => Some(self.put(key, None)),
            None => {
                self.objects.remove(key);
                None
            }
            Some(version) => {
                if let Some(versions) = self.objects.get_mut(key) {
                    versions.retain(|v| v.id != version);
                }
                self.objects.retain(|_, versions| !versions.is_empty());
                None
            }
        }
    }

    fn find(&self, key: &str, version: Option<&str>) -> Option<&Version> {
        let versions = self.objects.get(key)?;
        version.map_or_else(|| versions.first(), |id| versions.iter().find(|v| v.id == id))
    }

    fn answer(&mut self, asked: &Asked<'_>) -> Answer {
        let (key, version) = (asked.key(), asked.parameter("versionId"));
        match asked.method {
            "GET" if asked.asks("versioning") => {
                let status = if self.versioned { "<Status>Enabled</Status>" } else { "" };
                xml(200, &format!("<VersioningConfiguration>{status}</VersioningConfiguration>"))
            }
            "GET" if asked.asks("lifecycle") => error(404, "NoSuchLifecycleConfiguration"),
            "GET" if asked.asks("replication") => error(404, "ReplicationConfigurationNotFoundError"),
            "GET" if asked.asks("inventory") => error(501, "NotImplemented"),
            "GET" if asked.asks("logging") => xml(200, "<BucketLoggingStatus/>"),
            "GET" if asked.asks("object-lock") => error(404, "ObjectLockConfigurationNotFoundError"),
            "GET" if asked.asks("tagging") => xml(200, "<Tagging><TagSet/></Tagging>"),
            "GET" if asked.asks("versions") => self.versions(asked),
            "GET" if asked.asks("list-type") => self.objects(asked),
            "POST" if asked.asks("delete") => self.delete_all(asked.body),
            "GET" | "HEAD" => match self.find(&key, version.as_deref()) {
                Some(Version { id, body: Some(body) }) => {
                    let headers = vec![("etag", format!("\"{id}\"")), ("content-length", body.len().to_string())];
                    (200, headers, if asked.method == "GET" { body.clone() } else { String::new() })
                }
                _ => bare(404, &[]),
            },
            "PUT" => {
                let id = self.put(&key, Some(asked.body.to_owned()));
                bare(200, &[("etag", &format!("\"{id}\""))])
            }
            "DELETE" => match self.delete(&key, version.as_deref()) {
                Some(marker) => bare(204, &[("x-amz-delete-marker", "true"), ("x-amz-version-id", &marker)]),
                None => bare(204, &[]),
            },
            other => panic!("{other} {}", asked.query),
        }
    }

    fn versions(&self, asked: &Asked<'_>) -> Answer {
        let entries = self.objects.iter().flat_map(|(key, versions)| {
            versions.iter().enumerate().map(move |(place, version)| (key.as_str(), place == 0, version))
        });
        let prefix = asked.parameter("prefix").unwrap_or_default();
        let after = asked.parameter("key-marker").map(|key| (key, asked.parameter("version-id-marker")));
        let comes_after = |key: &str, id: &str| {
            let Some((marker, version)) = &after else { return true };
            // Newer versions have smaller ids here, and come first.
            key > marker.as_str() || key == marker && version.as_ref().is_some_and(|version| id > version.as_str())
        };
        let rest: Vec<_> = entries.filter(|(key, _, v)| key.starts_with(&prefix) && comes_after(key, &v.id)).collect();
        let most = most(asked);
        let mut text = String::new();
        for (key, latest, version) in rest.iter().take(most) {
            let element = if version.body.is_some() { "Version" } else { "DeleteMarker" };
            let (key, id) = (encoded(asked, key), &version.id);
            let _ = write!(
                text,
                "<{element}><Key>{key}</Key><VersionId>{id}</VersionId><IsLatest>{latest}</IsLatest><ETag>\"{id}\"</ETag>\
                 <LastModified>2026-01-01T00:00:00Z</LastModified></{element}>"
            );
        }
        let last = rest.iter().take(most).next_back().filter(|_| rest.len() > most);
        let next = last.map(|(key, _, version)| {
            let (key, id) = (encoded(asked, key), &version.id);
            format!("<NextKeyMarker>{key}</NextKeyMarker><NextVersionIdMarker>{id}</NextVersionIdMarker>")
        });
        listing("ListVersionsResult", next, text)
    }

    fn objects(&self, asked: &Asked<'_>) -> Answer {
        let prefix = asked.parameter("prefix").unwrap_or_default();
        let after = asked.parameter("start-after");
        let keys = self.objects.keys().filter(|key| key.starts_with(&prefix));
        let rest: Vec<_> = keys.filter(|key| after.as_ref().is_none_or(|after| *key > after)).collect();
        let most = most(asked);
        let line =
            |key: &&String| format!("<Contents><Key>{}</Key><ETag>\"e\"</ETag><Size>1</Size></Contents>", encoded(asked, key));
        let next = (rest.len() > most).then(String::new);
        listing("ListBucketResult", next, rest.iter().take(most).map(line).collect())
    }

    fn delete_all(&mut self, body: &str) -> Answer {
        let mut lines = String::new();
        for object in between(body, "Object") {
            let key = written(between(object, "Key").first().expect("a key"));
            let version = between(object, "VersionId").first().map(|id| (*id).to_owned());
            let marker = self.delete(&key, version.as_deref());
            let marker =
                marker.map(|id| format!("<DeleteMarker>true</DeleteMarker><DeleteMarkerVersionId>{id}</DeleteMarkerVersionId>"));
            let version = version.map(|id| format!("<VersionId>{id}</VersionId>")).unwrap_or_default();
            lines += &format!("<Deleted><Key>{}</Key>{version}{}</Deleted>", escaped(&key), marker.unwrap_or_default());
        }
        xml(200, &format!("<DeleteResult>{lines}</DeleteResult>"))
    }
}

fn most(asked: &Asked<'_>) -> usize {
    asked.parameter("max-keys").and_then(|n| n.parse().ok()).unwrap_or(1_000)
}

fn encoded(asked: &Asked<'_>, key: &str) -> String {
    assert_eq!(asked.parameter("encoding-type").as_deref(), Some("url"), "some keys cannot be listed otherwise");
    utf8_percent_encode(key, NON_ALPHANUMERIC).to_string()
}

fn listing(element: &str, next: Option<String>, text: String) -> Answer {
    let (more, next) = (next.is_some(), next.unwrap_or_default());
    let text = format!("<EncodingType>url</EncodingType><IsTruncated>{more}</IsTruncated>{next}{text}");
    xml(200, &format!("<{element}>{text}</{element}>"))
}

fn between<'a>(text: &'a str, element: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    text.split(open.as_str()).skip(1).filter_map(|rest| rest.split(close.as_str()).next()).collect()
}

/// A text as an XML parser reads it: ends of lines are one sign, and what XML 1.0 does not have is no document.
fn written(text: &str) -> String {
    let normal = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut read = String::new();
    let mut rest = normal.as_str();
    while let Some((before, after)) = rest.split_once('&') {
        read += before;
        let (name, after) = after.split_once(';').expect("an entity ends");
        read.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            number => {
                let hexadecimal = number.strip_prefix("#x").map(|n| u32::from_str_radix(n, 16));
                let number = hexadecimal.unwrap_or_else(|| number.trim_start_matches('#').parse()).expect("a number");
                char::from_u32(number).expect("a character")
            }
        });
        rest = after;
    }
    read += rest;
    let known = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert!(read.chars().all(known), "MalformedXML: {read:?}");
    read
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
