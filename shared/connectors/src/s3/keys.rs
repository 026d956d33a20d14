//! From a selection and a value to the keys of objects.

use super::list::{After, PAGE};
use crate::failure::Resource;
use oubli_domain::datamap::{ObjectKeys, ObjectSelection, Pattern, Selection, Template};
use oubli_engine::ports::{Discovered, Found, StoreError, Way};
use percent_encoding::percent_decode_str;
use serde::Deserialize as _;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
};

/// Most bytes of a key.
const MAX_BYTES: usize = 1_024;

/// Keys that a selection finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Keys {
    Under(String),
    Exactly(String),
    Matching { prefix: String, pattern: Pattern, value: String, most: u64 },
}

impl Keys {
    /// What S3 lists them by.
    pub(super) fn prefix(&self) -> &str {
        match self {
            Keys::Under(prefix) | Keys::Matching { prefix, .. } => prefix,
            Keys::Exactly(key) => key,
        }
    }

    pub(super) fn hold(&self, key: &str) -> bool {
        match self {
            Keys::Under(prefix) => key.starts_with(prefix.as_str()),
            Keys::Exactly(own) => key == own,
            Keys::Matching { pattern, value, .. } => pattern.holds(key, value),
        }
    }

    /// Whether a listing that goes on at a key may come to another of these. Of all keys that begin with a whole key, that
    /// one comes first.
    fn go_on_at(&self, key: &str) -> bool {
        !matches!(self, Keys::Exactly(own) if own != key)
    }

    /// Where another value of the same selection begins, after so many keys were listed.
    fn looked(&self, listed: u64) -> Option<Value> {
        let after = After { key: String::new(), version_id: None, listed };
        matches!(self, Keys::Matching { .. }).then(|| serde_json::to_value(after).unwrap_or(Value::Null))
    }

    /// Lists what is wanted of these, no more of it than was asked for, from where a listing goes on. `page` lists so many
    /// together, `key` is that of one of them.
    pub(super) async fn list<T, P>(
        &self,
        resource: &Resource,
        begin: &Begin,
        limit: usize,
        (is_wanted, key): (impl Fn(&str) -> bool + Sync, fn(&T) -> &str),
        page: impl Fn(usize) -> P + Sync,
    ) -> Result<Page<T>, StoreError>
    where
        T: Send,
        P: Future<Output = Result<(Vec<T>, Option<After>), StoreError>> + Send,
    {
        let count = |entries: &[T]| begin.listed + distinct(entries.iter().map(key), begin.after.as_ref());
        let (mut entries, mut next) = page(self.page(resource, begin.listed, limit)?).await?;
        self.page(resource, count(&entries), limit)?;
        match Taken::of(entries.iter().map(key), is_wanted, limit) {
            Taken::All => {}
            Taken::UpTo(last) => {
                entries.retain(|entry| *key(entry) <= *last);
                next = Some(After { key: last, version_id: None, listed: 0 });
            }
            Taken::FewerListed => (entries, next) = page(limit).await?,
        }
        let listed = count(&entries);
        let next = next.filter(|next| self.go_on_at(&next.key)).map(|next| After { listed, ..next });
        Ok(Page { entries, next, listed })
    }

    /// How many keys are listed together, and refuses to list more in all than the data map allows.
    fn page(&self, resource: &Resource, listed: u64, limit: usize) -> Result<usize, StoreError> {
        match self {
            Keys::Matching { most, .. } if listed > *most => Err(resource.too_large(format!(
                "it takes more keys than the {most} that list allows for all identifiers and spellings of a person together: raise \
                 max_keys in the data map, or narrow the pattern"
            ))),
            // Few of them are anybody's.
            Keys::Matching { .. } => Ok(PAGE),
            _ => Ok(limit),
        }
    }
}

/// Where a listing goes on, and how many keys were listed before.
pub(super) struct Begin {
    pub(super) after: Option<After>,
    listed: u64,
}

impl Begin {
    /// As [`Page::next`] was written down, or at the beginning.
    pub(super) fn at(resource: &Resource, after: Option<&Value>) -> Result<Self, StoreError> {
        let start_over = |_| resource.unusable("it has no such page: start over");
        let after = after.map(After::deserialize).transpose().map_err(start_over)?;
        let listed = after.as_ref().map_or(0, |after| after.listed);
        Ok(Self { after: after.filter(|after| !after.key.is_empty()), listed })
    }
}

/// A page of a listing, what is not wanted on it included.
pub(super) struct Page<T> {
    pub(super) entries: Vec<T>,
    next: Option<After>,
    /// Keys listed so far.
    listed: u64,
}

impl<T> Page<T> {
    /// The key at which the listing goes on.
    pub(super) fn next_key(&self) -> Option<&str> {
        self.next.as_ref().map(|next| next.key.as_str())
    }

    /// Where the listing goes on, and where another value of the same selection begins, with what was found on this page.
    pub(super) fn found(self, keys: &Keys, records: Vec<Found>) -> Discovered {
        let looked = keys.looked(self.listed).filter(|_| self.next.is_none());
        Discovered { records, next: self.next.map(|next| serde_json::to_value(next).unwrap_or(Value::Null)), looked }
    }
}

/// How much of a page of a listing is taken, so that it brings no more than was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Taken {
    All,
    /// As far as this key, which is taken whole.
    UpTo(String),
    /// The first key alone has more: so few have to be listed as were asked for.
    FewerListed,
}

impl Taken {
    /// Of the keys of what is listed, with those that are looked for. What stands under one key is not taken in part: only S3
    /// knows how it goes on there.
    pub(super) fn of<'k>(keys: impl Iterator<Item = &'k str>, wanted: impl Fn(&str) -> bool, most: usize) -> Self {
        let mut entries: BTreeMap<&str, usize> = BTreeMap::new();
        for key in keys {
            *entries.entry(key).or_default() += usize::from(wanted(key));
        }
        let (mut room, mut last) = (most, None);
        for (key, entries) in entries {
            match room.checked_sub(entries) {
                Some(left) => (room, last) = (left, Some(key)),
                None => return last.map_or(Taken::FewerListed, |key| Taken::UpTo(key.to_owned())),
            }
        }
        Taken::All
    }
}

/// How many keys these are, besides that after which they were listed.
pub(super) fn distinct<'k>(keys: impl Iterator<Item = &'k str>, after: Option<&After>) -> u64 {
    let keys: BTreeSet<&str> = keys.filter(|key| after.is_none_or(|after| after.key != *key)).collect();
    keys.len() as u64
}

/// What a selection of a bucket's objects finds for a value; never what another value finds.
pub(super) fn keys(resource: &Resource, bucket: &str, way: Way<'_>) -> Result<Keys, StoreError> {
    let Selection::Objects(objects) = way.selection else {
        return Err(resource.unusable("an attribute selects items, not objects: use `prefix` or `object` in the data map"));
    };
    if way.value.is_empty() {
        return Err(resource.record("an empty identity selects nothing: correct the record it comes from"));
    }
    let keys = match &objects.keys {
        ObjectKeys::Under(template) => Keys::Under(prefix(resource, template, way.value)?),
        ObjectKeys::Exactly(template) if template.is_plain() => Keys::Exactly(named(resource, bucket, way.value)?),
        ObjectKeys::Exactly(_) if way.value.contains('/') => {
            return Err(resource.record("the identity holds `/`, which delimits it in the key: its object cannot be told apart"));
        }
        ObjectKeys::Exactly(template) => Keys::Exactly(template.fill(way.value)),
        ObjectKeys::Matching { pattern, max_keys } => {
            if way.value.contains('/') {
                return Err(
                    resource.record("the identity holds `/`, which delimits it in the pattern: its objects cannot be told apart")
                );
            }
            let (prefix, value) = (pattern.prefix(way.value), way.value.to_owned());
            Keys::Matching { prefix, pattern: pattern.clone(), value, most: *max_keys }
        }
    };
    if keys.prefix().len() > MAX_BYTES {
        return Err(resource.record(format!("it leads to a key of more than {MAX_BYTES} bytes, which no object has")));
    }
    Ok(keys)
}

/// The prefix that a template selects for a value; never one that other values share.
fn prefix(resource: &Resource, template: &Template, value: &str) -> Result<String, StoreError> {
    let delimiter = template.after().chars().next().filter(|c| !c.is_alphanumeric());
    let delimiter = delimiter.ok_or_else(|| resource.unusable("its prefix has no delimiter after {}: correct the data map"))?;
    if value.contains(['/', delimiter]) {
        return Err(resource.record(format!(
            "the identity holds `{delimiter}` or `/`, which delimit it in the prefix: its objects cannot be told apart"
        )));
    }
    Ok(template.fill(value))
}

/// The key that a record names: as it is, as `s3://bucket/key`, or as the address of the object.
fn named(resource: &Resource, bucket: &str, text: &str) -> Result<String, StoreError> {
    let elsewhere = || resource.record("it names an object that is not in this bucket");
    let key = if let Some(rest) = text.strip_prefix("s3://") {
        rest.strip_prefix(bucket).and_then(|rest| rest.strip_prefix('/')).ok_or_else(elsewhere)?.to_owned()
    } else if let Some(address) = text.strip_prefix("https://") {
        let (host, path) = address.split_once('/').unwrap_or((address, ""));
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let of_s3 = |host: &str| (host.starts_with("s3.") || host.starts_with("s3-")) && host.contains(".amazonaws.com");
        let path = match host.strip_prefix(bucket).and_then(|rest| rest.strip_prefix('.')) {
            Some(rest) if of_s3(rest) => path,
            _ if of_s3(host) => path.strip_prefix(bucket).and_then(|rest| rest.strip_prefix('/')).ok_or_else(elsewhere)?,
            _ => return Err(elsewhere()),
        };
        if path.contains('+') {
            return Err(resource.record("it is an address with a `+`, which may mean a blank"));
        }
        let decoded = percent_decode_str(path).decode_utf8();
        decoded.map_err(|_| resource.record("it is the address of an object whose key is not UTF-8"))?.into_owned()
    } else if text.contains("://") || text.starts_with("arn:") {
        return Err(resource.record("it names an object by no key, no s3:// address and no https:// address"));
    } else {
        text.to_owned()
    };
    if key.is_empty() { Err(resource.record("it names no object")) } else { Ok(key) }
}

/// Keys that a record may mean by a key that no object has: without the `/` before it, or with its escapes decoded.
pub(super) fn meant_otherwise(selection: &Selection, keys: &Keys) -> Vec<String> {
    let Selection::Objects(ObjectSelection { keys: ObjectKeys::Exactly(template), .. }) = selection else { return vec![] };
    let Keys::Exactly(key) = keys else { return vec![] };
    if !template.is_plain() {
        return vec![];
    }
    let decoded = |key: &str| percent_decode_str(key).decode_utf8().map(|decoded| decoded.into_owned()).ok();
    let bare = key.trim_start_matches('/');
    let mut meant = vec![bare.to_owned()];
    meant.extend(decoded(key).into_iter().chain(decoded(bare)));
    meant.sort();
    meant.dedup();
    meant.retain(|other| other != key && !other.is_empty());
    meant
}

#[cfg(test)]
mod tests {
    use super::*;
    use oubli_domain::{datamap::SelectBy, personal::IdentifierKind};

    fn found(keys_of: fn(Template) -> ObjectKeys, template: &str, value: &str) -> Result<Keys, StoreError> {
        let by = SelectBy::Identity(IdentifierKind::SUBJECT_ID);
        let keys_of = keys_of(Template::parse(template).expect("a template"));
        let selection = Selection::Objects(ObjectSelection { by, keys: keys_of });
        keys(&Resource::bucket("b"), "b", Way { selection: &selection, value })
    }

    #[test]
    fn a_prefix_never_reaches_into_another_identity() {
        let under = |template: &str, value: &str| found(ObjectKeys::Under, template, value);
        assert_eq!(under("users/{}/", "u1"), Ok(Keys::Under("users/u1/".to_owned())));
        assert_eq!(under("u/{}|x", "a@b.c"), Ok(Keys::Under("u/a@b.c|x".to_owned())));
        for (template, value) in [("users/{}/", ""), ("users/{}/", "u1/x"), ("u/{}|", "a|b"), ("u/{}|", "a/b")] {
            assert!(matches!(under(template, value), Err(StoreError::Record { .. })), "{template} {value}");
        }
        for template in ["users/{}", "users/{}x/"] {
            assert!(matches!(under(template, "u1"), Err(StoreError::Unusable { .. })), "{template}");
        }
        let error = under("u/{}/", "secret/x").expect_err("refused");
        assert!(!error.to_string().contains("secret"));
    }

    #[test]
    fn a_key_is_that_key_and_no_other() {
        let one = |value: &str| found(ObjectKeys::Exactly, "avatars/{}.png", value).expect("a key");
        assert!(one("u1").hold("avatars/u1.png") && !one("u1").hold("avatars/u1.png.bak") && !one("u1").hold("avatars/u10.png"));
        assert!(matches!(found(ObjectKeys::Exactly, "avatars/{}.png", ""), Err(StoreError::Record { .. })));
        assert!(matches!(found(ObjectKeys::Exactly, "{}", &"x".repeat(1_025)), Err(StoreError::Record { .. })));
    }

    #[test]
    fn a_pattern_is_listed_by_what_is_fixed_and_takes_no_value_that_it_cannot_tell_apart() {
        let of = |pattern: &str, value: &str| {
            let by = SelectBy::Identity(IdentifierKind::SUBJECT_ID);
            let pattern = Pattern::parse(pattern).expect("a pattern");
            let selection = Selection::Objects(ObjectSelection { by, keys: ObjectKeys::Matching { pattern, max_keys: 10 } });
            keys(&Resource::bucket("b"), "b", Way { selection: &selection, value })
        };
        let found = of("logs/*/{}/**", "u1").expect("keys");
        assert_eq!(found.prefix(), "logs/");
        assert!(found.hold("logs/a/u1/x") && !found.hold("logs/a/u10/x") && !found.hold("logs/a/u1"));
        assert!(found.go_on_at("logs/zzz"));
        for (pattern, value) in [("logs/*/{}/**", "a/b"), ("logs/*/{}/**", "")] {
            assert!(matches!(of(pattern, value), Err(StoreError::Record { .. })), "{pattern} {value}");
        }
        assert!(of("logs/*/{}.json", "a.b").is_ok(), "nothing beside it can be anything");
        // As many as may be listed are listed, and one more says that there are more.
        let resource = Resource::bucket("b");
        assert!(found.page(&resource, 10, 5).is_ok_and(|page| page > 5));
        assert!(matches!(found.page(&resource, 11, 5), Err(StoreError::TooLarge { .. })));
    }

    #[test]
    fn a_key_that_nothing_has_may_mean_another() {
        let meant = |template: &str, text: &str| {
            let by = SelectBy::Identity(IdentifierKind::SUBJECT_ID);
            let template = Template::parse(template).expect("a template");
            let selection = Selection::Objects(ObjectSelection { by, keys: ObjectKeys::Exactly(template) });
            let keys = keys(&Resource::bucket("b"), "b", Way { selection: &selection, value: text }).expect("keys");
            meant_otherwise(&selection, &keys)
        };
        assert_eq!(meant("{}", "/up/1.jpg"), ["up/1.jpg"]);
        assert_eq!(meant("{}", "up/a%20b.jpg"), ["up/a b.jpg"]);
        assert_eq!(meant("{}", "/up/a%20b.jpg"), ["/up/a b.jpg", "up/a b.jpg", "up/a%20b.jpg"]);
        for (template, plain) in [("{}", "up/1.jpg"), ("{}", "50%off"), ("{}", "%ff"), ("avatars/{}.png", "a%20b")] {
            assert_eq!(meant(template, plain), [""; 0], "{template} {plain}");
        }
    }

    #[test]
    fn no_more_is_taken_of_a_listing_than_was_asked_for_and_no_key_in_part() {
        let listed = ["a", "b", "b", "c", "b", "d"];
        let taken = |most: usize| Taken::of(listed.into_iter(), |key| key != "c", most);
        assert_eq!(taken(5), Taken::All);
        assert_eq!(taken(4), Taken::UpTo("c".to_owned()), "what is not looked for takes no room");
        for most in [1, 2, 3] {
            assert_eq!(taken(most), Taken::UpTo("a".to_owned()), "{most}");
        }
        assert_eq!(Taken::of(["b", "b"].into_iter(), |_| true, 1), Taken::FewerListed);
        let after = After { key: "a".to_owned(), version_id: None, listed: 1 };
        assert_eq!((distinct(listed.into_iter(), None), distinct(listed.into_iter(), Some(&after))), (4, 3));
    }

    #[test]
    fn a_record_names_its_object_in_several_ways() {
        let named = |value: &str| found(ObjectKeys::Exactly, "{}", value);
        for value in [
            "up/r\u{e9}sum\u{e9} 1.pdf",
            "s3://b/up/r\u{e9}sum\u{e9} 1.pdf",
            "https://b.s3.eu-west-3.amazonaws.com/up/r%C3%A9sum%C3%A9%201.pdf",
            "https://b.s3.amazonaws.com/up/r%C3%A9sum%C3%A9%201.pdf?versionId=1",
            "https://s3.eu-west-3.amazonaws.com/b/up/r%C3%A9sum%C3%A9%201.pdf",
        ] {
            assert_eq!(named(value), Ok(Keys::Exactly("up/r\u{e9}sum\u{e9} 1.pdf".to_owned())), "{value}");
        }
        for value in [
            "s3://bb/x",
            "s3://b",
            "s3://b/",
            "https://bb.s3.amazonaws.com/x",
            "https://example.org/b/x",
            "http://b.s3.amazonaws.com/x",
            "arn:aws:s3:::b/x",
            "S3://b/x",
            "https://b.s3.amazonaws.com/a+b",
            "https://b.s3.amazonaws.com",
        ] {
            assert!(matches!(named(value), Err(StoreError::Record { .. })), "{value}");
        }
    }
}
