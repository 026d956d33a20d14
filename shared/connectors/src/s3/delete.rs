//! Deletions, a thousand to a call where their keys allow it.

use super::{S3, list::Listed};
use crate::failure::{Resource, code, pauses};
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use backon::BackoffBuilder as _;
use futures::{StreamExt as _, stream};
use oubli_engine::ports::StoreError;
use std::{
    collections::{BTreeMap, HashMap},
    sync::OnceLock,
};

/// Most objects of one DeleteObjects.
const BATCH: usize = 1_000;

/// Keys of which each has a call of its own that are deleted at once.
const PARALLEL: usize = 32;

/// What to delete.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Target {
    pub(super) key: String,
    /// This version for good; the current one, by a delete marker where the bucket is versioned, without it.
    pub(super) version_id: Option<String>,
    /// Only if the current version has it.
    pub(super) etag: Option<String>,
}

/// Why an object was not deleted.
#[derive(Debug, Clone)]
pub(super) enum Refused {
    /// The current version is another one.
    Changed,
    /// There is no current version.
    Absent,
    /// The call failed.
    Failed(StoreError),
}

/// What became of a deletion: the version of the delete marker it left, if it left one.
pub(super) type Deleted = Result<Option<String>, Refused>;

impl S3 {
    /// Deletes these, answering in their order.
    pub(super) async fn delete(&self, listed: Listed<'_>, targets: &[Target]) -> Vec<Deleted> {
        let mut answers: HashMap<&Target, Deleted> = HashMap::new();
        let (together, alone): (Vec<_>, Vec<_>) = targets.iter().partition(|t| survives_xml(&t.key));
        for batch in together.chunks(BATCH) {
            self.delete_batch(listed, batch, &mut answers).await;
        }
        answers.extend(self.delete_apart(listed, alone).await);
        let silent = || Err(Refused::Failed(listed.resource.unavailable("IncompleteReply")));
        targets.iter().map(|target| answers.get(target).cloned().unwrap_or_else(silent)).collect()
    }

    async fn delete_batch<'a>(&self, listed: Listed<'_>, batch: &[&'a Target], answers: &mut HashMap<&'a Target, Deleted>) {
        let mut pending = batch.to_vec();
        let mut pauses = pauses().build();
        while !pending.is_empty() {
            match self.delete_once(listed, &pending).await {
                Ok(answered) => answers.extend(answered),
                // The SDK has tried often enough; more tries would only outlast the worker.
                Err(error) => {
                    answers.extend(pending.iter().map(|t| (*t, Err(Refused::Failed(error.clone())))));
                    return;
                }
            }
            pending.retain(|t| matches!(answers.get(t), Some(Err(Refused::Failed(StoreError::Unavailable { .. })))));
            match pauses.next() {
                Some(pause) if !pending.is_empty() => tokio::time::sleep(pause).await,
                _ => return,
            }
        }
    }

    /// Those of a key one after another. What passes for one passes for all: the others are not asked for then, for many tries
    /// of each would outlast the worker.
    async fn delete_apart<'a>(&self, listed: Listed<'_>, targets: Vec<&'a Target>) -> Vec<(&'a Target, Deleted)> {
        let mut keys: BTreeMap<&str, Vec<&Target>> = BTreeMap::new();
        targets.into_iter().for_each(|target| keys.entry(&target.key).or_default().push(target));
        let (trouble, mut of_keys) = (OnceLock::new(), Vec::new());
        for targets in keys.into_values() {
            let trouble = &trouble;
            of_keys.push(async move {
                let mut answers = Vec::new();
                for target in targets {
                    let answer = match trouble.get() {
                        Some(error) => Err(Refused::Failed(StoreError::clone(error))),
                        None => self.delete_alone(listed, target).await,
                    };
                    if let Err(Refused::Failed(error @ StoreError::Unavailable { .. })) = &answer {
                        trouble.get_or_init(|| error.clone());
                    }
                    answers.push((target, answer));
                }
                answers
            });
        }
        stream::iter(of_keys).buffer_unordered(PARALLEL).concat().await
    }

    async fn delete_alone(&self, listed: Listed<'_>, target: &Target) -> Deleted {
        let request = self.client.delete_object().bucket(listed.bucket).key(&target.key);
        let request = request.set_version_id(target.version_id.clone()).set_if_match(target.etag.clone());
        match request.send().await {
            Ok(reply) => Ok(reply.version_id.filter(|_| target.version_id.is_none() && reply.delete_marker == Some(true))),
            Err(error) => Err(match code(&error).as_str() {
                named @ ("PreconditionFailed" | "NoSuchKey" | "NotFound" | "AccessDenied") => refusal(listed.resource, named),
                // Without a body only the status says whose fault it is.
                _ => Refused::Failed(listed.resource.failed_record(&error)),
            }),
        }
    }

    async fn delete_once<'a>(
        &self,
        listed: Listed<'_>,
        targets: &[&'a Target],
    ) -> Result<Vec<(&'a Target, Deleted)>, StoreError> {
        let identifiers = targets.iter().map(|target| {
            let identifier = ObjectIdentifier::builder().key(&target.key).set_version_id(target.version_id.clone());
            identifier.set_e_tag(target.etag.clone()).build()
        });
        let delete = identifiers.collect::<Result<Vec<_>, _>>().and_then(|all| Delete::builder().set_objects(Some(all)).build());
        let delete = delete.map_err(|_| listed.resource.unavailable("RequestNotBuilt"))?;
        let request = self.client.delete_objects().bucket(listed.bucket).delete(delete);
        let reply = request.send().await.map_err(|e| listed.resource.failed(&e))?;

        let by_name: HashMap<_, _> = targets.iter().map(|t| ((t.key.as_str(), t.version_id.as_deref()), *t)).collect();
        let deleted = reply.deleted().iter().filter_map(|d| {
            let target = by_name.get(&(d.key()?, d.version_id()))?;
            let marker = d.delete_marker_version_id().filter(|_| target.version_id.is_none());
            Some((*target, Ok(marker.map(str::to_owned))))
        });
        let refused = reply.errors().iter().filter_map(|e| {
            let target = by_name.get(&(e.key()?, e.version_id().filter(|v| !v.is_empty())))?;
            Some((*target, Err(refusal(listed.resource, e.code().unwrap_or("InternalError")))))
        });
        Ok(deleted.chain(refused).collect())
    }
}

/// Whether a key can be named in the body of a call and comes back as it was: a few control characters cannot be written,
/// and ends of lines and blanks at its ends may be changed under way ([XML 1.0](https://www.w3.org/TR/xml/#charsets), 2.2
/// and 2.11).
fn survives_xml(key: &str) -> bool {
    let kept = |c| matches!(c, ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{2029}'..='\u{fffd}' | '\u{10000}'..);
    key.trim() == key && key.chars().all(kept)
}

fn refusal(resource: &Resource, code: &str) -> Refused {
    match code {
        "PreconditionFailed" => Refused::Changed,
        "NoSuchKey" | "NotFound" => Refused::Absent,
        "InternalError" | "ServiceUnavailable" | "Timeout" | "ConnectTimeout" | "Unreachable" | "UnreadableReply" => {
            Refused::Failed(resource.unavailable(code))
        }
        "AccessDenied" => {
            Refused::Failed(resource.record("AccessDenied: it is under Object Lock, or the deployment's role may not delete it"))
        }
        _ => Refused::Failed(resource.judge_record(code, Some(400))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_may_change_is_deleted_by_itself() {
        for key in ["a", "a b", "é", "&<>", "\u{1f600}", "a//b", "../a"] {
            assert!(survives_xml(key), "{key:?}");
        }
        for key in [" ", "a ", " a", "a\tb", "a\r", "a\nb", "\u{1}", "\u{7f}", "\u{85}", "\u{2028}", "\u{fffe}", "\u{ffff}"] {
            assert!(!survives_xml(key), "{key:?}");
        }
    }

    #[test]
    fn a_refusal_of_one_object_is_about_that_object() {
        let resource = Resource::bucket("b");
        assert!(matches!(refusal(&resource, "PreconditionFailed"), Refused::Changed));
        assert!(matches!(refusal(&resource, "NoSuchKey"), Refused::Absent));
        for code in ["InternalError", "SlowDown", "ConditionalRequestConflict"] {
            assert!(matches!(refusal(&resource, code), Refused::Failed(StoreError::Unavailable { .. })), "{code}");
        }
        for code in ["AccessDenied", "KeyTooLongError"] {
            assert!(matches!(refusal(&resource, code), Refused::Failed(StoreError::Record { .. })), "{code}");
        }
    }
}
