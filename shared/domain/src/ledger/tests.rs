use super::*;
use crate::{
    audit::{AuditEntry, AuditEvent, EventType, GENESIS, commitment},
    deadline::Country,
    personal::{Ambiguity, IdentifierKind, NormalForm, Origin, Standing},
    plan::PlanDigest,
    plan::PlannedIdentifier,
};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ed25519_dalek::{Signer as _, SigningKey};
use jiff::Timestamp;
use proptest::prelude::*;
use sha2::Sha256;
use std::collections::BTreeMap;

type Oracle = MemoryBackedTree<Sha256, Vec<u8>>;

fn leaf(n: u64) -> Vec<u8> {
    format!("{{\"n\":{n}}}").into_bytes()
}

/// A log in memory, as its objects.
#[derive(Default)]
struct Log {
    edge: Edge,
    root: Option<Root>,
    objects: BTreeMap<String, Vec<u8>>,
}

impl Log {
    fn grow(&mut self, by: u64) {
        let leaves: Vec<Vec<u8>> = (self.edge.size..self.edge.size + by).map(leaf).collect();
        self.append(&leaves);
    }

    fn append(&mut self, leaves: &[Vec<u8>]) {
        let growth = self.edge.grow(leaves).expect("grows");
        for prefix in &growth.completed {
            self.objects.retain(|name, _| !name.starts_with(prefix));
        }
        self.objects.extend(growth.objects);
        self.edge = growth.edge;
        self.root = Some(growth.root);
    }

    fn root(&self) -> Root {
        self.root.unwrap_or(Root::EMPTY)
    }

    fn prove(&self, prove: impl Fn(&KnownTiles) -> Proving) -> Vec<Root> {
        let mut known = KnownTiles::new();
        loop {
            match prove(&known) {
                Proving::Proof(path) => return path,
                Proving::Needs(tiles) => {
                    for tile in tiles {
                        let stored = self.objects.get(&tile.name()).or_else(|| self.objects.get(&tile.full_name()));
                        let stored = stored.expect("there");
                        known.insert(tile, stored[..usize::try_from(tile.width).expect("small") * 32].to_vec());
                    }
                }
                Proving::Impossible => panic!("no proof"),
            }
        }
    }
}

fn oracle_root(oracle: &Oracle) -> Root {
    Root(oracle.root().as_bytes().as_slice().try_into().expect("32 bytes"))
}

#[test]
fn every_size_to_a_thousand_has_the_root_of_rfc_6962() {
    let (mut log, mut oracle) = (Log::default(), Oracle::new());
    assert_eq!(log.edge.root(), Ok(Root::EMPTY));
    for n in 0..1_000 {
        log.grow(1);
        oracle.push(leaf(n));
        assert_eq!(log.root(), oracle_root(&oracle), "size {}", n + 1);
        assert_eq!(log.edge.root(), Ok(log.root()), "the edge at size {}", n + 1);
    }
}

#[test]
fn a_log_of_a_million_has_the_root_of_rfc_6962_and_its_proofs_hold() {
    let (mut log, mut oracle) = (Log::default(), Oracle::new());
    let mut earlier = Vec::new();
    // Growth by odd steps, so that sealings end everywhere in a tile.
    for by in [1, 254, 1, 256, 65_279, 4_097, 130_933, 300_000, 70_001, 429_178].into_iter().cycle().take(10) {
        for n in log.edge.size..log.edge.size + by {
            oracle.push(leaf(n));
        }
        log.grow(by);
        assert_eq!(log.root(), oracle_root(&oracle), "size {}", log.edge.size);
        earlier.push((log.edge.size, log.root()));
    }
    let (size, root) = (log.edge.size, log.root());
    assert_eq!(size, 1_000_000);
    for index in [0, 1, 255, 256, 65_535, 65_536, 543_210, size - 257, size - 1] {
        let path = log.prove(|known| inclusion_proof(size, root, index, known));
        let proof = TlogProof { index, path, checkpoint: String::new() };
        let checkpoint = Checkpoint { origin: "test".to_owned(), size, root };
        assert_eq!(proof.check_path(&leaf(index), &checkpoint), Ok(()));
        assert_eq!(proof.check_path(&leaf(index + 1), &checkpoint), Err(ProofError::Inclusion));
    }
    for (before, its_root) in earlier {
        let path = log.prove(|known| consistency_proof((before, its_root), (size, root), known));
        assert!(is_consistent((before, its_root), (size, root), &path), "from {before}");
        assert!(!is_consistent((before, Root([7; 32])), (size, root), &path) || before == size);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn sizes_of_any_growth_have_the_root_of_rfc_6962(steps in prop::collection::vec(1_u64..160_000, 1..7)) {
        let (mut log, mut oracle) = (Log::default(), Oracle::new());
        for by in steps {
            for n in log.edge.size..log.edge.size + by {
                oracle.push(leaf(n));
            }
            log.grow(by);
            prop_assert_eq!(log.root(), oracle_root(&oracle), "size {}", log.edge.size);
            prop_assert_eq!(log.edge.root(), Ok(log.root()));
        }
    }
}

#[test]
fn an_edge_that_was_changed_is_noticed() {
    let mut log = Log::default();
    log.grow(70_000);
    assert_eq!(log.edge.root(), Ok(log.root()));
    for level in [0, 1, 2] {
        let mut edge = log.edge.clone();
        edge.tiles.get_mut(&level).expect("partial")[5] ^= 1;
        assert_ne!(edge.root(), Ok(log.root()), "level {level}");
    }
    let mut edge = log.edge.clone();
    edge.bundle[9] ^= 1;
    assert_eq!(edge.root(), Err(EdgeMismatch));
    let mut edge = log.edge.clone();
    edge.tiles.remove(&1);
    assert_eq!(edge.root(), Err(EdgeMismatch));
}

#[test]
fn objects_are_named_by_the_standard() {
    assert_eq!(tile_name(0, 0, 256), "tile/0/000");
    assert_eq!(tile_name(1, 1_234_067, 7), "tile/1/x001/x234/067.p/7");
    assert_eq!(bundle_name(273, 112), "tile/entries/273.p/112");
}

pub(super) fn key() -> (SigningKey, LedgerKey) {
    let signing = SigningKey::from_bytes(&[7; 32]);
    let log = LedgerKey::new("oubli.example/acme", signing.verifying_key().to_bytes());
    (signing, log)
}

fn event(n: u64, event_type: EventType, details: serde_json::Value) -> AuditEvent {
    AuditEvent {
        request_id: Some("req_019a0000000070008000000000000001".parse().expect("an id")),
        subject_id_hash: Some(commitment(&[3; 32], "cust-1")),
        details: details.as_object().cloned().unwrap_or_default(),
        ..AuditEvent::new(&n.to_string(), event_type, Timestamp::UNIX_EPOCH)
    }
}

/// An identifier that was given, and searched by.
fn claim(kind: &str, form: NormalForm, normal: &str) -> IdentifierClaim {
    IdentifierClaim {
        kind: kind.parse().expect("a kind"),
        form,
        country: (form == NormalForm::Phone).then_some(Country::Fr),
        commitment: commitment(&[3; 32], normal),
        found_in: None,
        not_searched_by: None,
    }
}

/// An identifier that was found, and searched by.
fn found(kind: &str, form: NormalForm, normal: &str) -> IdentifierClaim {
    IdentifierClaim { found_in: Some("profiles".parse().expect("a name")), ..claim(kind, form, normal) }
}

/// An identifier that nothing was searched by.
fn unsearched(claim: IdentifierClaim, why: Ambiguity) -> IdentifierClaim {
    IdentifierClaim { not_searched_by: Some(why.code().to_owned()), ..claim }
}

/// The digest of a plan.
fn plan(letter: char) -> PlanDigest {
    format!("sha256:{}", letter.to_string().repeat(64)).try_into().expect("a digest")
}

fn claims() -> Claims {
    let at = |hour: i64| Timestamp::from_second(1_767_603_600 + hour * 3600).expect("in range");
    Claims {
        organization: "acme".parse().expect("an id"),
        organization_name: "Acme".to_owned(),
        request_id: "req_019a0000000070008000000000000001".parse().expect("an id"),
        request_type: "full_erasure".to_owned(),
        asked: AskedClaim {
            categories: vec![],
            exclude_categories: vec![],
            include_backups: true,
            include_logs: true,
            include_derived_data: true,
        },
        reason: "consent_withdrawn".to_owned(),
        status: "completed_with_exceptions".to_owned(),
        received_at: at(0),
        identity_verified_at: Some(at(0)),
        approved_at: Some(at(1)),
        plan_digests: vec![plan('a')],
        started_at: Some(at(1)),
        completed_at: at(40),
        deadlines: crate::deadline::gdpr(at(0), "Europe/Paris", crate::deadline::Country::Fr, false).expect("deadlines"),
        due: "2026-02-05".parse().expect("a date"),
        erased: vec![CategoryClaim { category: "orders".parse().expect("a name"), documents: 12, vectors: 0, size_bytes: 3456 }],
        pseudonymized: vec![],
        kept: vec![KeptClaim {
            category: "invoices".parse().expect("a name"),
            documents: 2,
            size_bytes: 99,
            reason: "retention".to_owned(),
            duty: Some("Kept for seven years".to_owned()),
            until: Some("2031-01-01".parse().expect("a date")),
        }],
        left_out: vec![LeftOutClaim {
            category: "contracts".parse().expect("a name"),
            until: Some("2030-06-30".parse().expect("a date")),
            decided_by: "actor_019a0000000070008000000000000002".parse().expect("an id"),
        }],
        unsearched: vec![UnsearchedClaim {
            producer: "chat-messages".parse().expect("a name"),
            category: "chat_history".parse().expect("a name"),
            reason: "no_identifier".to_owned(),
            by_part: false,
        }],
        already_absent: 0,
        uncertain: 0,
        restored: 0,
        conflicts: 0,
        failed: 0,
        verification: Some(VerificationClaim { began_at: at(39), rounds: 2, found: 0 }),
        identifiers: vec![
            claim("subject_id", NormalForm::Exact, "cust-1"),
            found("subject_email", NormalForm::Email, "a@example.org"),
            found("phone", NormalForm::Phone, "+33612345678"),
            found("member", NormalForm::Number, "7"),
            found("login", NormalForm::Lower, "ann"),
            unsearched(found("household", NormalForm::Exact, "house-1"), Ambiguity::Shared),
        ],
        identifiers_incomplete: false,
        subject: SubjectClaim::new(commitment(&[3; 32], "cust-1"), Some(&[3; 32])),
    }
}

/// A certificate of the third entry of a log of five.
pub(super) fn certificate() -> Certificate {
    certify(claims(), &key().0)
}

fn certify(claims: Claims, signing: &SigningKey) -> Certificate {
    certify_what_was_done(claims, signing, [APPROVED, HIDDEN, PURGED, DONE, OTHER].map(|kind| (kind, 'a')))
}

/// A certificate with all entries of a log: what was done, and by which plan.
fn certify_what_was_done(claims: Claims, signing: &SigningKey, done: [(EventType, char); 5]) -> Certificate {
    let key = LedgerKey::new(key().1.name(), signing.verifying_key().to_bytes());
    let mut log = Log::default();
    let mut leaves: Vec<Vec<u8>> = Vec::new();
    let mut previous = GENESIS.to_owned();
    for (n, (kind, letter)) in (0..).zip(done) {
        let details = match kind {
            EventType::RequestCompleted => serde_json::json!({ "claims_sha256": claims.digest() }),
            EventType::CertificateIssued => serde_json::json!({}),
            _ => serde_json::json!({ "plan_digest": plan(letter) }),
        };
        let entry = AuditEntry::seal(n, event(n, kind, details), previous, format!("{n:064}"));
        leaves.push(entry.leaf().into_bytes());
        previous = entry.hash;
    }
    let completed = done.iter().position(|(kind, _)| *kind == EventType::RequestCompleted).expect("one") as u64;
    log.append(&leaves);
    let checkpoint = Checkpoint { origin: key.name().to_owned(), size: 5, root: log.root() };
    let note = checkpoint.note(&key, signing.sign(checkpoint.text().as_bytes()).to_bytes()).expect("a note");
    let proven = |index: u64| {
        let path = log.prove(|known| inclusion_proof(5, log.root(), index, known));
        let entry = String::from_utf8(leaves[usize::try_from(index).expect("small")].clone()).expect("text");
        ProvenEntry { entry, proof: TlogProof { index, path, checkpoint: note.clone() }.to_string() }
    };
    Certificate {
        format: CERTIFICATE_FORMAT.to_owned(),
        claims,
        subject_opening: Some("03".repeat(32)),
        entries: std::iter::once(completed).chain((0..5).filter(|n| *n != completed)).map(proven).collect(),
        log_key: key.to_string(),
    }
}

pub(super) fn check(bytes: &[u8]) -> Result<Verified, CertificateError> {
    Certificate::read(bytes)?.check(&Trust::Key(key().1), None)
}

#[test]
fn a_certificate_holds_for_its_person_and_no_other() {
    let certificate = certificate();
    let verified = check(&certificate.to_bytes()).expect("holds");
    assert_eq!((verified.entries, verified.checkpoint.size, verified.person.clone()), (5, 5, None));
    let trust = Trust::Key(key().1);
    let by_id = Some(Opened::Identifier(IdentifierKind::SUBJECT_ID));
    assert_eq!(certificate.check(&trust, Some("cust-1")).expect("holds").person, by_id);
    assert_eq!(certificate.check(&trust, Some("cust-2")), Err(CertificateError::OtherPerson));
    let checkpoint = verified.checkpoint;
    assert!(certificate.check(&Trust::Checkpoint(checkpoint.clone()), None).is_ok());
    let forked = Checkpoint { root: Root([1; 32]), ..checkpoint.clone() };
    assert_eq!(certificate.check(&Trust::Checkpoint(forked), None), Err(CertificateError::Fork));
    let other = Checkpoint { size: 9, ..checkpoint };
    let error = certificate.check(&Trust::Checkpoint(other), None);
    assert_eq!(error, Err(CertificateError::OtherCheckpoint { found: 5, given: 9 }));
}

/// What an identifier opens of a certificate with these claims about identifiers.
fn opened(identifiers: Vec<IdentifierClaim>, given: &str) -> Result<Opened, CertificateError> {
    let certificate = certify(Claims { identifiers, ..claims() }, &key().0);
    certificate.check(&Trust::Key(key().1), Some(given)).map(|verified| verified.person.expect("an identifier was given"))
}

fn by(kind: &str) -> Result<Opened, CertificateError> {
    Ok(Opened::Identifier(kind.parse().expect("a kind")))
}

#[test]
fn an_identifier_opens_a_certificate_as_people_write_it_and_says_by_which_kind() {
    let all = claims().identifiers;
    for (given, kind) in [
        ("a@example.org", "subject_email"),
        ("A@EXAMPLE.org", "subject_email"),
        ("06 12 34 56 78", "phone"),
        ("+33 6 12 34 56 78", "phone"),
        ("0033612345678", "phone"),
        ("7", "member"),
        ("007", "member"),
        ("Ann", "login"),
    ] {
        assert_eq!(opened(all.clone(), given), by(kind), "{given}");
    }
}

#[test]
fn an_identifier_opens_a_certificate_in_the_form_of_its_own_kind_only() {
    for (held, form, given) in [
        ("abc", NormalForm::Exact, "ABC"),
        ("ABC", NormalForm::Exact, "abc"),
        ("7", NormalForm::Exact, "007"),
        ("a@example.org", NormalForm::Exact, "A@example.org"),
        ("+33612345678", NormalForm::Exact, "+33 6 12 34 56 78"),
        ("7", NormalForm::Lower, "007"),
        ("7", NormalForm::Phone, "007"),
        ("+33612345678", NormalForm::Number, "+33 6 12 34 56 78"),
        // Written as in another country than the controller's.
        ("+4930123456", NormalForm::Phone, "030 123456"),
    ] {
        assert_eq!(opened(vec![found("other", form, held)], given), Err(CertificateError::OtherPerson), "{given} for {held}");
        assert_eq!(opened(vec![found("other", form, held)], held), by("other"), "{held}");
    }
}

#[test]
fn only_an_identifier_that_was_searched_by_opens_a_certificate() {
    let (id, address) = (claims().identifiers[0].clone(), claims().identifiers[1].clone());
    for why in [Ambiguity::Shared, Ambiguity::Unmet, Ambiguity::NobodyInParticular, Ambiguity::Unconfirmed] {
        let one = vec![id.clone(), unsearched(address.clone(), why)];
        assert_eq!(opened(one.clone(), "a@example.org"), Err(CertificateError::OtherPerson), "{why:?}");
        assert_eq!(opened(one, "cust-1"), by("subject_id"), "{why:?}");
        // What was given first is also what the entries commit to.
        let other = vec![unsearched(id.clone(), why), address.clone()];
        assert_eq!(opened(other.clone(), "cust-1"), Err(CertificateError::OtherPerson), "{why:?}");
        assert_eq!(opened(other, "a@example.org"), by("subject_email"), "{why:?}");
    }
}

#[test]
fn claims_without_identifiers_open_by_what_the_entries_commit_to() {
    assert_eq!(opened(vec![], "cust-1"), Ok(Opened::Subject));
    assert_eq!(opened(vec![], "CUST-1"), Err(CertificateError::OtherPerson));
}

#[test]
fn nothing_is_claimed_of_an_identifier_of_somebody_behind_a_shared_one() {
    let planned = |standing| PlannedIdentifier {
        label: "i1".to_owned(),
        kind: "phone".parse().expect("a kind"),
        commitment: commitment(&[3; 32], "+33612345678"),
        origin: Origin::Found { producer: "profiles".parse().expect("a name"), through: 0 },
        standing,
        named: false,
    };
    let of = |standing, form| IdentifierClaim::of(&planned(standing), form, Country::Fr);
    assert_eq!(of(Standing::Ambiguous(Ambiguity::BehindShared), NormalForm::Phone), None);
    let phone = found("phone", NormalForm::Phone, "+33612345678");
    assert_eq!(of(Standing::Selects, NormalForm::Phone), Some(phone.clone()));
    let shared = of(Standing::Ambiguous(Ambiguity::Shared), NormalForm::Phone);
    assert_eq!(shared, Some(unsearched(phone.clone(), Ambiguity::Shared)));
    let exact = IdentifierClaim { form: NormalForm::Exact, country: None, ..phone };
    assert_eq!(of(Standing::Selects, NormalForm::Exact), Some(exact), "a country is said of phone numbers only");
}

#[test]
fn a_pinned_checkpoint_vouches_for_every_entry_and_not_only_for_one() {
    let genuine = certificate();
    let pinned = genuine.check(&Trust::Key(key().1), None).expect("holds").checkpoint;
    // Somebody logs claims of their own under a key of their own, and adds a genuine entry whose checkpoint they signed.
    let forger = SigningKey::from_bytes(&[9; 32]);
    let mut forged = certify(Claims { already_absent: 7, ..claims() }, &forger);
    let forgers_key: LedgerKey = forged.log_key.parse().expect("a key");
    let note = pinned.note(&forgers_key, forger.sign(pinned.text().as_bytes()).to_bytes()).expect("a note");
    let last = genuine.entries.last().expect("an entry");
    let proof = TlogProof { checkpoint: note, ..last.proof.parse().expect("a proof") };
    forged.entries = vec![forged.entries[0].clone(), ProvenEntry { entry: last.entry.clone(), proof: proof.to_string() }];
    assert!(forged.check(&Trust::Key(forgers_key), None).is_ok(), "by the forger's key it holds");
    assert_eq!(forged.check(&Trust::Checkpoint(pinned), None), Err(CertificateError::Fork));
}

#[test]
fn another_key_is_named() {
    let foreign = LedgerKey::new("oubli.example/acme", SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes());
    let error = certificate().check(&Trust::Key(foreign), None);
    assert!(matches!(error, Err(CertificateError::OtherKey { .. })), "{error:?}");
}

#[test]
fn the_key_is_written_in_one_way() {
    let genuine = certificate();
    let parts: Vec<&str> = genuine.log_key.splitn(3, '+').collect();
    let capitals = format!("{}+{}+{}", parts[0], parts[1].to_uppercase(), parts[2]);
    assert_ne!(capitals, genuine.log_key, "a hash with letters");
    let error = check(&Certificate { log_key: capitals, ..genuine }.to_bytes());
    assert!(matches!(error, Err(CertificateError::Format(_))), "{error:?}");
}

#[test]
fn no_bit_of_a_certificate_can_be_changed() {
    let genuine = certificate().to_bytes();
    for place in 0..genuine.len() {
        for bit in 0..8 {
            let mut bytes = genuine.clone();
            bytes[place] ^= 1 << bit;
            assert!(check(&bytes).is_err(), "byte {place}, bit {bit}");
        }
    }
}

#[test]
fn what_was_left_out_or_not_looked_at_is_as_bound_as_what_was_erased() {
    let mut forged = certificate();
    forged.claims.unsearched.clear();
    assert_eq!(check(&forged.to_bytes()), Err(CertificateError::Claims));
    let mut forged = certificate();
    forged.claims.left_out.clear();
    assert_eq!(check(&forged.to_bytes()), Err(CertificateError::Claims));
    let mut forged = certificate();
    forged.claims.asked.include_logs = false;
    assert_eq!(check(&forged.to_bytes()), Err(CertificateError::Claims));
}

#[test]
fn claims_name_what_may_be_left_each_once_and_only_then_say_that_nothing_is() {
    let mut claims = claims();
    claims.unsearched.push(UnsearchedClaim { producer: "chat-files".parse().expect("a name"), ..claims.unsearched[0].clone() });
    let named: Vec<_> = claims.exclusions().into_iter().map(|e| (e.category.to_string(), e.reason)).collect();
    let expected = [("invoices", "retention"), ("contracts", "excluded_by_reviewer"), ("chat_history", "no_identifier")];
    assert_eq!(named, expected.map(|(category, reason)| (category.to_owned(), reason.to_owned())));
    claims.kept.clear();
    claims.left_out.clear();
    assert!(!claims.nothing_is_left());
    claims.unsearched.clear();
    assert!(!claims.nothing_is_left());
    claims.identifiers.retain(|i| i.not_searched_by.is_none());
    assert!(claims.nothing_is_left());
    let whole = claims.clone();
    claims.failed = 1;
    assert!(!claims.nothing_is_left());
    for place in 0..whole.identifiers.len() {
        let mut claims = whole.clone();
        claims.identifiers[place].not_searched_by = Some(Ambiguity::Shared.code().to_owned());
        assert!(!claims.nothing_is_left(), "nothing was searched by {}", claims.identifiers[place].kind);
    }
    assert!(!Claims { identifiers_incomplete: true, ..whole }.nothing_is_left());
}

#[test]
fn what_is_claimed_must_be_what_was_logged() {
    let mut forged = certificate();
    forged.claims.erased[0].documents = 13;
    assert_eq!(check(&forged.to_bytes()), Err(CertificateError::Claims));
    let mut forged = certificate();
    forged.entries.remove(0);
    assert_eq!(check(&forged.to_bytes()), Err(CertificateError::NoCompletion));
    let mut forged = certificate();
    forged.entries.swap(2, 3);
    assert_eq!(check(&forged.to_bytes()), Err(CertificateError::Chain(3)));
}

proptest! {
    #[test]
    fn no_bit_of_a_tile_can_be_changed(place in any::<prop::sample::Index>(), bit in 0_u8..8, index in 0_u64..700) {
        static LOG: std::sync::LazyLock<Log> = std::sync::LazyLock::new(|| {
            let mut log = Log::default();
            log.grow(700);
            log
        });
        let tiles: Vec<&String> = LOG.objects.keys().filter(|n| !n.starts_with("tile/entries")).collect();
        let tile = tiles[place.index(tiles.len())];
        let mut known = KnownTiles::new();
        let proof = loop {
            match inclusion_proof(700, LOG.root(), index, &known) {
                Proving::Needs(needed) => for needed in needed {
                    let name = if LOG.objects.contains_key(&needed.name()) { needed.name() } else { needed.full_name() };
                    let mut data = LOG.objects[&name].clone();
                    if name == *tile {
                        let place = place.index(data.len());
                        data[place] ^= 1 << bit;
                    }
                    data.truncate(usize::try_from(needed.width).expect("small") * 32);
                    known.insert(needed, data);
                },
                other => break other,
            }
        };
        // Where the tile was not needed the proof stands, and holds.
        if let Proving::Proof(path) = proof {
            let proof = TlogProof { index, path, checkpoint: String::new() };
            let checkpoint = Checkpoint { origin: "test".to_owned(), size: 700, root: LOG.root() };
            prop_assert_eq!(proof.check_path(&leaf(index), &checkpoint), Ok(()));
        }
    }

    #[test]
    fn no_bit_of_a_checkpoint_or_an_entry_can_be_changed(place in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let certificate = certificate();
        let proven = &certificate.entries[0];
        let proof: TlogProof = proven.proof.parse().expect("a proof");
        let flipped = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            bytes
        };
        if let Ok(note) = String::from_utf8(flipped(&proof.checkpoint)) {
            prop_assert!(Checkpoint::open(&note, &key().1).is_err(), "{note}");
        }
        prop_assert!(proof.check(&flipped(&proven.entry), &key().1).is_err());
        if let Ok(text) = String::from_utf8(flipped(&proven.proof)) {
            let held = text.parse::<TlogProof>().ok().is_some_and(|p| p.check(proven.entry.as_bytes(), &key().1).is_ok());
            prop_assert!(!held, "{text}");
        }
    }

    #[test]
    fn a_proof_is_read_back_as_it_was_written(index in any::<u64>(), path in prop::collection::vec(any::<[u8; 32]>(), 0..40)) {
        let proof = TlogProof { index, path: path.into_iter().map(Root).collect(), checkpoint: "o\n1\nx\n\n— o y\n".to_owned() };
        prop_assert_eq!(proof.to_string().parse::<TlogProof>(), Ok(proof));
    }
}

#[test]
fn bundles_that_are_cut_are_refused() {
    let mut bundle = Vec::new();
    push_leaf(&mut bundle, b"one").expect("fits");
    push_leaf(&mut bundle, b"").expect("fits");
    assert_eq!(bundle_entries(&bundle), Ok(vec![b"one".as_slice(), b"".as_slice()]));
    assert_eq!(bundle_entries(&bundle[..4]), Err(LeafError::Bundle));
    assert_eq!(push_leaf(&mut bundle, &[0; 65_536]), Err(LeafError::TooLong(65_536)));
}

#[test]
fn an_entry_of_version_1_stays_readable() {
    let pinned = include_str!("samples/entry-v1.json").trim_end();
    let value = check_leaf(pinned.as_bytes()).expect("its hash is right");
    let entry: AuditEntry = serde_json::from_value(value).expect("an entry");
    assert_eq!(entry.leaf(), pinned);
    let certificate_v4 = include_str!("samples/certificate-v4.json").trim_end();
    let verified = check(certificate_v4.as_bytes()).expect("holds");
    assert_eq!((verified.entries, verified.order), (5, None));
    let certificate_v5 = include_str!("samples/certificate-v5.json").trim_end();
    assert_eq!(certificate_v5.as_bytes(), certificate().to_bytes(), "what is issued now is what was issued then");
}

const APPROVED: EventType = EventType::RequestApproved;
const HIDDEN: EventType = EventType::BatchHidden;
const PURGED: EventType = EventType::BatchPurged;
const DONE: EventType = EventType::RequestCompleted;
const OTHER: EventType = EventType::CertificateIssued;

/// Certificates that every verifier must refuse, by what is wrong with them.
fn out_of_order() -> [(&'static str, Certificate); 4] {
    let done = |order| certify_what_was_done(claims(), &key().0, order);
    let other = Claims { plan_digests: vec![plan('b')], ..claims() };
    let two = Claims { plan_digests: vec![plan('a'), plan('b')], ..claims() };
    let unapproved_round = [(APPROVED, 'a'), (HIDDEN, 'b'), (PURGED, 'b'), (APPROVED, 'b'), (DONE, 'a')];
    [
        ("hidden-first", done([(HIDDEN, 'a'), (APPROVED, 'a'), (PURGED, 'a'), (DONE, 'a'), (OTHER, 'a')])),
        ("destroyed-after", done([(APPROVED, 'a'), (HIDDEN, 'a'), (DONE, 'a'), (PURGED, 'a'), (OTHER, 'a')])),
        ("another-plan", certify(other, &key().0)),
        ("unapproved-round", certify_what_was_done(two, &key().0, unapproved_round)),
    ]
}

#[test]
fn other_verifiers_are_tried_with_the_same_certificates() {
    let pinned = [
        include_str!("samples/refused/hidden-first.json"),
        include_str!("samples/refused/destroyed-after.json"),
        include_str!("samples/refused/another-plan.json"),
        include_str!("samples/refused/unapproved-round.json"),
    ];
    for ((name, certificate), pinned) in out_of_order().into_iter().zip(pinned) {
        assert_eq!(pinned.trim_end().as_bytes(), certificate.to_bytes(), "{name}");
        assert!(check(pinned.trim_end().as_bytes()).is_err(), "{name}");
    }
}

#[test]
fn p1_a_certificate_shows_that_its_plan_was_approved_before_anything_was_done() {
    let verified = check(&certificate().to_bytes()).expect("holds");
    let order = |approved, hidden, purged, completed| Some(Order { approved, hidden, purged, completed });
    assert_eq!(verified.order, order(0, Some(1), Some(2), 3));
    let of = |claims: Claims, done: [(EventType, char); 5]| {
        check(&certify_what_was_done(claims, &key().0, done).to_bytes()).map(|verified| verified.order)
    };
    let of_one = |done: [EventType; 5]| of(claims(), done.map(|kind| (kind, 'a')));
    let refused = |done, place| assert_eq!(of_one(done), Err(CertificateError::Order(place)), "{done:?}");
    refused([HIDDEN, APPROVED, PURGED, DONE, OTHER], 2);
    refused([APPROVED, PURGED, HIDDEN, DONE, OTHER], 3);
    refused([APPROVED, HIDDEN, DONE, PURGED, OTHER], 3);
    refused([APPROVED, DONE, HIDDEN, PURGED, OTHER], 2);
    refused([HIDDEN, PURGED, DONE, APPROVED, OTHER], 3);
    // Of several the first that was hidden, and the last that was destroyed.
    assert_eq!(of_one([APPROVED, HIDDEN, HIDDEN, PURGED, DONE]), Ok(order(0, Some(1), Some(3), 4)));
    assert_eq!(of_one([APPROVED, HIDDEN, PURGED, PURGED, DONE]), Ok(order(0, Some(1), Some(3), 4)));
    let nothing = Claims { erased: vec![], ..claims() };
    assert_eq!(of(nothing, [APPROVED, OTHER, OTHER, OTHER, DONE].map(|kind| (kind, 'a'))), Ok(order(0, None, None, 4)));
    // Each round by its own approval: what another plan allowed allows nothing here.
    let two = || Claims { plan_digests: vec![plan('a'), plan('b')], ..claims() };
    let rounds = [(APPROVED, 'a'), (HIDDEN, 'a'), (APPROVED, 'b'), (HIDDEN, 'b'), (DONE, 'a')];
    let rounds_done = [(APPROVED, 'a'), (APPROVED, 'b'), (HIDDEN, 'b'), (PURGED, 'b'), (DONE, 'a')];
    assert_eq!(of(two(), rounds), Ok(None), "nothing says when it was destroyed");
    assert_eq!(of(two(), rounds_done), Ok(order(0, Some(2), Some(3), 4)));
    let late = [(APPROVED, 'a'), (HIDDEN, 'b'), (PURGED, 'b'), (APPROVED, 'b'), (DONE, 'a')];
    assert_eq!(of(two(), late), Err(CertificateError::Order(4)));
    // A plan that was approved and not carried out is none of those that the claims name.
    let aged = [(APPROVED, 'c'), (APPROVED, 'a'), (HIDDEN, 'a'), (PURGED, 'a'), (DONE, 'a')];
    assert_eq!(of(claims(), aged), Ok(order(1, Some(2), Some(3), 4)));
    assert_eq!(
        of(claims(), [(APPROVED, 'a'), (HIDDEN, 'c'), (PURGED, 'a'), (DONE, 'a'), (OTHER, 'a')]),
        Err(CertificateError::OtherPlan(2))
    );
    // What is not shown is not said: entries go where policy says so.
    assert_eq!(of_one([OTHER, HIDDEN, PURGED, DONE, OTHER]), Ok(None));
    assert_eq!(of_one([APPROVED, HIDDEN, OTHER, DONE, OTHER]), Ok(None), "records are called erased, and no entry says when");
    let pruned = [(PURGED, 'a'), (APPROVED, 'b'), (HIDDEN, 'b'), (PURGED, 'b'), (DONE, 'a')];
    assert_eq!(of(two(), pruned), Ok(None));
    // Called older, it would need no order.
    let older = Certificate { format: "oubli-erasure-certificate/v4".to_owned(), ..certificate() };
    assert!(matches!(check(&older.to_bytes()), Err(CertificateError::Format(_))));
}
