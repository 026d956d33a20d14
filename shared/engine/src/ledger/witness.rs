//! Witnesses cosign the log's checkpoints (C2SP tlog-witness). Nothing waits for one: whoever has sealed asks those that are
//! due, `notifier` carries it over the network, and what comes back is checked here before it is kept.

use crate::{
    EngineError, Result,
    core::{CosignedCheckpoints, LedgerHead, object},
    items::{cosigned_key, due, witness_key},
    ledger::Ledger,
    ports::{Condition, Envelope, Message, ObjectError},
    transaction::{Committed, Transaction, equals},
};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use oubli_domain::{
    ids::OrganizationId,
    ledger::{
        CLOCKS_APART, Checkpoint, KnownTiles, Submission, WitnessAnswer, WitnessKey, checkpoint_name, consistency_proof,
        cosignature_name,
    },
};
use serde::{Deserialize, Serialize};

/// A witness is asked about a log once in so long.
const EVERY: SignedDuration = SignedDuration::from_secs(10);

/// How long an answer is waited for at first; each time in vain doubles it.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// The longest pause before it is asked again.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(6);

/// Times in a row that it is asked at once again, because it holds another checkpoint than was thought.
const CORRECTIONS: u32 = 3;

/// How long it may fail before that is an error, which an alarm sees.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

/// How far a witness is with a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct WitnessItem {
    organization: OrganizationId,
    witness: WitnessKey,
    version: u64,
    /// Entries of the newest checkpoint whose cosignature is kept.
    cosigned: u64,
    /// When it made that, by its own clock.
    cosigned_at: Option<Timestamp>,
    /// Entries of the checkpoint that it holds, as far as is known.
    holds: u64,
    /// Times it was asked since it cosigned last.
    tries: u32,
    asked_at: Option<Timestamp>,
    /// It is not asked before.
    not_before: Timestamp,
    failing: Option<Failing>,
    due_pk: Option<String>,
    due_sk: Option<String>,
}

/// Why a witness does not cosign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Failing {
    since: Timestamp,
    reason: String,
}

/// How far a witness is with a log.
#[derive(Debug, Clone)]
pub struct WitnessView {
    /// Which.
    pub key: WitnessKey,
    /// Entries of the newest checkpoint whose cosignature is kept; none if none is.
    pub cosigned: Option<u64>,
    /// When it made that, by its own clock.
    pub cosigned_at: Option<Timestamp>,
    /// Since when it does not cosign, and why.
    pub failing: Option<(Timestamp, String)>,
}

impl WitnessItem {
    fn new(organization: &OrganizationId, witness: &WitnessKey) -> Self {
        Self {
            organization: organization.clone(),
            witness: witness.clone(),
            version: 0,
            cosigned: 0,
            cosigned_at: None,
            holds: 0,
            tries: 0,
            asked_at: None,
            not_before: Timestamp::UNIX_EPOCH,
            failing: None,
            due_pk: None,
            due_sk: None,
        }
    }

    fn unchanged(&self) -> Vec<Condition> {
        vec![if self.version == 0 { Condition::ItemAbsent } else { equals("version", self.version) }]
    }

    fn asked(&mut self, at: Timestamp) {
        if self.tries > CORRECTIONS && self.failing.is_none() {
            self.fails(at, "no answer comes back");
        }
        let doubled = FIRST_PAUSE.checked_mul(1 << self.tries.min(16)).unwrap_or(LONGEST_PAUSE);
        self.tries += 1;
        self.asked_at = Some(at);
        self.not_before = at + doubled.min(LONGEST_PAUSE);
        let (pk, sk) = due(self.not_before, &self.organization);
        (self.due_pk, self.due_sk) = (Some(pk), Some(sk));
    }

    /// It cosigned, and no pause is left: one that ends now would not be over by the clock of whoever seals next if that is
    /// behind, and nobody would be woken when it is.
    fn cosigns(&mut self, size: u64, at: Timestamp) {
        (self.cosigned, self.cosigned_at) = (size, Some(at));
        self.holds = self.holds.max(size);
        (self.tries, self.not_before, self.failing) = (0, Timestamp::UNIX_EPOCH, None);
        (self.due_pk, self.due_sk) = (None, None);
    }

    fn fails(&mut self, now: Timestamp, reason: impl Into<String>) {
        let since = self.failing.as_ref().map_or(now, |f| f.since);
        self.failing = Some(Failing { since, reason: reason.into() });
    }

    /// What it holds is not what was thought: it is asked again at once, unless it says so again and again.
    fn holds_another(&mut self, size: u64, now: Timestamp) {
        if self.tries > CORRECTIONS {
            self.fails(now, format!("it says again and again that it holds {size} entries"));
        } else if self.holds != size {
            (self.not_before, self.asked_at) = (now, None);
        }
        self.holds = size;
    }

    /// Says why it does not cosign, in words for the log of the function.
    fn tell(&self, now: Timestamp, serious: bool) {
        let Some(Failing { since, reason }) = &self.failing else { return };
        let (organization, witness) = (&self.organization, self.witness.name());
        if serious || now.duration_since(*since) >= PATIENCE {
            tracing::error!(%organization, witness, %since, reason, "a witness does not cosign");
        } else {
            tracing::warn!(%organization, witness, %since, reason, "a witness does not cosign");
        }
    }
}

impl Ledger {
    /// Asks the witnesses that are due for the newest checkpoint, once everything else is done: that this fails keeps nobody from
    /// sealing. What would fail again is told; each is found due again, or with the next checkpoint.
    ///
    /// # Errors
    /// [`EngineError::Transient`]: one that was not asked need not be due, and the next checkpoint may be a day away. Whoever's
    /// message comes again finds only this left to do.
    pub(super) async fn ask_due_witnesses(&self, organization: &OrganizationId) -> Result<()> {
        match self.ask_witnesses(organization).await {
            Ok(()) => Ok(()),
            Err(error @ EngineError::Transient(_)) => Err(error),
            Err(error) => {
                tracing::warn!(%organization, %error, "witnesses will be asked later");
                Ok(())
            }
        }
    }

    async fn ask_witnesses(&self, organization: &OrganizationId) -> Result<()> {
        if self.core.config.witnesses.is_empty() {
            return Ok(());
        }
        let head = self.core.log_head(organization).await?;
        for address in &self.core.config.witnesses {
            self.ask_if_due(organization, &head, &address.key).await?;
        }
        Ok(())
    }

    async fn ask_if_due(&self, organization: &OrganizationId, head: &LedgerHead, witness: &WitnessKey) -> Result<()> {
        let Some(note) = &head.published_checkpoint else { return Ok(()) };
        let now = self.core.now();
        let known = self.core.find(witness_key(organization, witness)).await?;
        let before: WitnessItem = known.unwrap_or_else(|| WitnessItem::new(organization, witness));
        if before.cosigned >= head.published || before.not_before > now || before.holds > head.published {
            return Ok(());
        }
        let mut after = before.clone();
        after.asked(before.asked_at.map_or(now, |asked| now.max(asked + EVERY)));
        let Some(submission) = self.submission(organization, note, before.holds).await? else {
            after.fails(now, format!("it holds a checkpoint of {} entries, which this log never signed", before.holds));
            after.tell(now, true);
            // It is asked what it holds, next time.
            after.holds = 0;
            return self.put_witness(&before, after).await.map(drop);
        };
        if !self.put_witness(&before, after.clone()).await? {
            return Ok(());
        }
        let wait = after.asked_at.map_or(SignedDuration::ZERO, |at| at.duration_since(now));
        let seconds = u16::try_from((wait.as_millis().max(0) + 999) / 1_000).unwrap_or(Envelope::MAX_DELAY_SECONDS);
        let (organization, witness) = (organization.clone(), Box::new(witness.clone()));
        let message = Message::AskWitness { organization, witness, size: head.published, submission: Box::new(submission) };
        self.core.send_all(vec![Envelope::after(message, seconds)]).await
    }

    /// What a witness is sent that holds a checkpoint of so many entries; none if there is no such checkpoint.
    async fn submission(&self, organization: &OrganizationId, note: &str, holds: u64) -> Result<Option<Submission>> {
        let now = Checkpoint::read(note).map_err(EngineError::caused_by)?;
        let proof = if holds == 0 {
            vec![]
        } else {
            let Some((_, earlier)) = self.signed_checkpoint(organization, holds).await? else { return Ok(None) };
            let (before, after) = ((earlier.size, earlier.root), (now.size, now.root));
            self.core.proof(organization, &mut KnownTiles::new(), |known| consistency_proof(before, after, known)).await?
        };
        Ok(Some(Submission { old_size: holds, proof, checkpoint: note.to_owned() }))
    }

    /// The checkpoint that was signed at a size, as it was signed then; none if none was.
    pub(super) async fn signed_checkpoint(
        &self,
        organization: &OrganizationId,
        size: u64,
    ) -> Result<Option<(String, Checkpoint)>> {
        let stored = self.core.ports.ledger.read(&object(organization, &checkpoint_name(size))).await?;
        let Some(note) = stored.and_then(|s| String::from_utf8(s.body.to_vec()).ok()) else { return Ok(None) };
        let checkpoint = Checkpoint::read(&note).map_err(EngineError::caused_by)?;
        Ok(Some((note, checkpoint)))
    }

    /// Carries a checkpoint to a witness, and its answer back.
    ///
    /// # Errors
    /// [`EngineError::Transient`].
    pub async fn ask_witness(
        &self,
        organization: &OrganizationId,
        witness: &WitnessKey,
        size: u64,
        submission: &Submission,
    ) -> Result<()> {
        // One that was taken out of the settings meanwhile is asked no more.
        let Some(address) = self.core.config.witnesses.iter().find(|w| w.key == *witness) else { return Ok(()) };
        let answer = self.core.witness.add_checkpoint(address, submission).await;
        let (organization, witness) = (organization.clone(), Box::new(witness.clone()));
        self.core.send(Message::WitnessAnswered { organization, witness, size, answer }).await
    }

    /// Takes a witness's answer about the checkpoint of a size. What it says of itself is noted; a cosignature is kept if it
    /// holds.
    ///
    /// # Errors
    /// [`EngineError::Transient`].
    pub async fn witness_answered(
        &self,
        organization: &OrganizationId,
        witness: &WitnessKey,
        size: u64,
        answer: &WitnessAnswer,
    ) -> Result<()> {
        if !self.core.config.witnesses.iter().any(|w| w.key == *witness) {
            return Ok(());
        }
        let known = self.core.find::<WitnessItem>(witness_key(organization, witness)).await?;
        // Nobody asked, or what it says is older than what is known. Whoever took this answer before may have died before asking
        // about what was sealed meanwhile.
        let Some(before) = known.filter(|item| item.cosigned < size) else { return self.ask_due_witnesses(organization).await };
        let (now, published) = (self.core.now(), self.core.log_head(organization).await?.published);
        let (mut after, mut serious) = (before.clone(), false);
        match answer {
            WitnessAnswer::Cosigned { lines } => match self.keep(organization, witness, size, lines).await? {
                Ok(at) => after.cosigns(size, at),
                Err(reason) => after.fails(now, reason),
            },
            WitnessAnswer::Conflict { size: held } if *held <= published => after.holds_another(*held, now),
            WitnessAnswer::Conflict { size: held } => {
                serious = true;
                after.fails(now, format!("it holds {held} entries, more than this log published ({published})"));
            }
            WitnessAnswer::Refused { reason } | WitnessAnswer::Unavailable { reason } => after.fails(now, reason),
        }
        after.tell(now, serious);
        if self.put_witness(&before, after).await? {
            self.ask_due_witnesses(organization).await?;
        }
        Ok(())
    }

    /// Keeps a cosignature; answers when it was made, or why it is not kept.
    async fn keep(
        &self,
        organization: &OrganizationId,
        witness: &WitnessKey,
        size: u64,
        lines: &str,
    ) -> Result<std::result::Result<Timestamp, String>> {
        let Some((note, _)) = self.signed_checkpoint(organization, size).await? else {
            return Ok(Err(format!("it cosigned a checkpoint of {size} entries, which this log never published")));
        };
        let (mut line, mut at) = match witness.cosignature(&note, lines) {
            Ok(cosignature) => cosignature,
            Err(error) => return Ok(Err(error.to_string())),
        };
        if at > self.core.now() + CLOCKS_APART {
            return Ok(Err(format!("its clock is ahead: it signs as of {at}")));
        }
        let name = object(organization, &cosignature_name(size, witness.id()));
        match self.core.ports.ledger.preserve(&name, Bytes::from(line.clone()), self.kept_until()).await {
            Ok(()) => {}
            // It cosigned this once before, at another time. Which of the two is shown is settled by which was kept.
            Err(ObjectError::Exists) => {
                let stored = self.core.ports.ledger.read(&name).await?.and_then(|s| String::from_utf8(s.body.to_vec()).ok());
                let kept = stored.and_then(|stored| witness.cosignature(&note, &stored).ok());
                (line, at) = kept.ok_or_else(|| EngineError::internal(format!("{name} is there with another content")))?;
            }
            Err(error) => return Err(error.into()),
        }
        let cosigned = self.note_cosignature(organization, size, &note, witness, &line).await?;
        self.show_cosigned(organization, &cosigned).await?;
        Ok(Ok(at))
    }

    async fn note_cosignature(
        &self,
        organization: &OrganizationId,
        size: u64,
        note: &str,
        witness: &WitnessKey,
        line: &str,
    ) -> Result<CosignedCheckpoints> {
        loop {
            let key = cosigned_key(organization);
            let before: CosignedCheckpoints = self.core.find(key.clone()).await?.unwrap_or_default();
            let Some(after) = before.with(size, note, witness.id(), line) else { return Ok(before) };
            let transaction = Transaction::new().put(key, &after, before.unchanged())?;
            if transaction.commit(self.core.ports.table.as_ref()).await? == Committed::Yes {
                return Ok(after);
            }
        }
    }

    /// Shows the newest checkpoint with what cosigns it.
    async fn show_cosigned(&self, organization: &OrganizationId, cosigned: &CosignedCheckpoints) -> Result<()> {
        let name = object(organization, "checkpoint");
        loop {
            let Some(stored) = self.core.ports.ledger.read(&name).await? else { return Ok(()) };
            let shown = std::str::from_utf8(&stored.body).ok().and_then(|note| Checkpoint::read(note).ok());
            // Somebody slow must not put one with fewer cosignatures in the place of one with more.
            let better = shown.and_then(|shown| cosigned.of_size(shown.size)).filter(|note| note.len() > stored.body.len());
            let Some(note) = better else { return Ok(()) };
            match self.core.ports.ledger.replace(&name, Bytes::from(note.to_owned()), Some(&stored.tag)).await {
                Ok(()) => return Ok(()),
                Err(ObjectError::Exists) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes how far a witness is; answers whether it was still as it had been.
    async fn put_witness(&self, before: &WitnessItem, after: WitnessItem) -> Result<bool> {
        let after = WitnessItem { version: before.version + 1, ..after };
        let key = witness_key(&before.organization, &before.witness);
        let transaction = Transaction::new().put(key, &after, before.unchanged())?;
        Ok(transaction.commit(self.core.ports.table.as_ref()).await? == Committed::Yes)
    }

    /// How far each witness is with a log.
    pub(super) async fn witnesses(&self, organization: &OrganizationId) -> Result<Vec<WitnessView>> {
        let mut views = Vec::new();
        for address in &self.core.config.witnesses {
            let item: Option<WitnessItem> = self.core.find(witness_key(organization, &address.key)).await?;
            let item = item.unwrap_or_else(|| WitnessItem::new(organization, &address.key));
            views.push(WitnessView {
                key: item.witness,
                cosigned: Some(item.cosigned).filter(|size| *size > 0),
                cosigned_at: item.cosigned_at,
                failing: item.failing.map(|f| (f.since, f.reason)),
            });
        }
        Ok(views)
    }
}
