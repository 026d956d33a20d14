//! Hiding by a store's own reversible delete. What was hidden, and by which marker, is written beside the vault, under
//! the manifest's key: it holds addresses, not payloads.

use super::worker::{Claimed, Flagged};
use crate::{
    Engine, EngineError, Outcome,
    crypt::{StreamOpener, seal_bytes},
    manifest::ManifestRecord,
    ports::{Concealment, Marker, ObjectError, RecordRef, StoreError},
    vault,
};
use jiff::Timestamp;
use oubli_domain::batch::Outcome as Fate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One concealed record of an attempt.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Note {
    place: usize,
    marker: Option<Marker>,
    /// The attempt's own reply said that it hid it.
    certain: bool,
}

/// What is known of a batch's concealed records, the latest attempt last.
pub(super) type Notes = BTreeMap<usize, (Option<Marker>, bool)>;

impl Engine {
    pub(super) async fn hide_natively(
        &self,
        claimed: &Claimed,
        records: &[ManifestRecord],
    ) -> Outcome<(Vec<Fate>, Vec<Flagged>)> {
        let before = self.notes(claimed, claimed.lease.fence - 1).await?;
        self.in_time(claimed)?;
        let tried_since = (claimed.lease.fence > 1).then(|| tried_since(claimed));
        let noted = noted(records, &before);
        let concealed = claimed.connector.conceal(&claimed.producer, &noted, tried_since, claimed.request.window()).await;
        let mut fates = vec![Fate::Untouched; records.len()];
        let mut flagged = Vec::new();
        let mut notes = Vec::new();
        let mut trouble = None;
        for (place, result) in concealed.into_iter().enumerate() {
            match result {
                Ok(Concealment::Hidden(marker)) => {
                    fates[place] = Fate::Erased;
                    notes.push(Note { place, marker, certain: true });
                }
                Ok(Concealment::AlreadyHidden(marker)) => {
                    let ours = noted[place].1.as_ref() == Some(&marker);
                    fates[place] = if ours { Fate::Erased } else { Fate::Uncertain };
                    notes.push(Note { place, marker: Some(marker), certain: ours });
                }
                Ok(Concealment::Absent) => fates[place] = Fate::AlreadyAbsent,
                Err(StoreError::Record { reason, .. }) => {
                    fates[place] = Fate::Failed;
                    flagged.push(Flagged { place, reason });
                }
                Err(error) => trouble = Some(error),
            }
        }
        // Noted even in trouble: the next attempt then knows which markers are ours.
        self.write_notes(claimed, &notes).await?;
        match trouble {
            Some(error) => Err(error.into()),
            None => Ok((fates, flagged)),
        }
    }

    fn notes_name(claimed: &Claimed, fence: u64) -> String {
        vault::part_name(&claimed.partition, claimed.request.round, claimed.number, claimed.n, fence, 0)
    }

    async fn write_notes(&self, claimed: &Claimed, notes: &[Note]) -> Outcome<()> {
        let name = Self::notes_name(claimed, claimed.lease.fence);
        let plain = serde_json::to_vec(notes).map_err(|_| EngineError::Broken("notes do not serialize".to_owned()))?;
        let sealed = seal_bytes(&claimed.manifest_key, self.ports.entropy.as_ref(), &name, &plain)?;
        let mut wait = super::worker::CONFIRM_AGAIN;
        loop {
            // Which markers are ours is known here and nowhere else.
            match self.ports.objects.put(&name, sealed.clone().into()).await {
                Ok(()) | Err(ObjectError::Exists) => return Ok(()),
                Err(ObjectError::Unavailable(_)) if self.may_try_again(claimed, &mut wait).await => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(super) async fn notes(&self, claimed: &Claimed, last_fence: u64) -> Outcome<Notes> {
        let mut notes = Notes::new();
        for fence in 1..=last_fence {
            let name = Self::notes_name(claimed, fence);
            let Some(source) = self.ports.objects.reader(&name).await? else { continue };
            let plain = StreamOpener::new(&claimed.manifest_key, &name, source).await?.read_all().await?;
            let part: Vec<Note> =
                serde_json::from_slice(&plain).map_err(|_| EngineError::Broken("notes cannot be read".to_owned()))?;
            for note in part {
                // A marker once known to be ours stays ours; one that may be another's is left where it lies.
                let before = notes.get(&note.place);
                let known = before.is_some_and(|(marker, certain)| *certain && *marker == note.marker);
                notes.insert(note.place, (note.marker, note.certain || known));
            }
        }
        Ok(notes)
    }
}

/// These records with the markers that are surely ours.
pub(super) fn noted(records: &[ManifestRecord], notes: &Notes) -> Vec<(RecordRef, Option<Marker>)> {
    let surely = |place: &usize| notes.get(place).filter(|(_, certain)| *certain).and_then(|(marker, _)| marker.clone());
    records.iter().enumerate().map(|(place, r)| (r.record.clone(), surely(&place))).collect()
}

/// Nobody hides before it is decided and begun.
fn tried_since(claimed: &Claimed) -> Timestamp {
    let request = &claimed.request;
    request.started_at.max(request.decided_at).unwrap_or(request.submitted_at)
}

/// After an interruption: what is under a marker is hidden. Concealing again tells which, and harms nothing that was
/// not going to be hidden, so it is asked of the store only for records an attempt may have reached.
pub(super) async fn settle(
    engine: &Engine,
    claimed: &Claimed,
    records: &[ManifestRecord],
    fates: &mut [Fate],
    flagged: &mut Vec<Flagged>,
) -> Outcome<()> {
    let notes = engine.notes(claimed, claimed.lease.fence - 1).await?;
    if claimed.batch.unanswered {
        // What the store's own replies said is hidden; what lies under a marker that may be another's comes back only to
        // whoever names it; and of what no attempt noted nobody knows.
        for (place, fate) in fates.iter_mut().enumerate() {
            *fate = match notes.get(&place) {
                Some((_, true)) => Fate::Erased,
                Some((Some(_), false)) => Fate::Uncertain,
                Some((None, false)) | None => {
                    flagged.push(Flagged { place, reason: "its store was given up on: nobody knows what hides it".to_owned() });
                    Fate::Failed
                }
            };
        }
        return Ok(());
    }
    let noted = noted(records, &notes);
    let standing = claimed.connector.concealed(&claimed.producer, &noted, tried_since(claimed)).await;
    let mut found = Vec::new();
    for (place, marker) in standing.into_iter().enumerate() {
        match marker {
            Ok(Some(marker)) => {
                let certain = noted[place].1.as_ref() == Some(&marker);
                fates[place] = if certain { Fate::Erased } else { Fate::Uncertain };
                found.push(Note { place, marker: Some(marker), certain });
            }
            // Nothing of ours lies on it: it stands, or is old, whoever showed it again or wrote over it.
            Ok(None) => {}
            // Nobody can say what hides it: it is flagged, and neither put back nor destroyed.
            Err(StoreError::Record { reason, .. }) => {
                fates[place] = Fate::Failed;
                flagged.push(Flagged { place, reason });
            }
            Err(error) => return Err(error.into()),
        }
    }
    engine.write_notes(claimed, &found).await
}
