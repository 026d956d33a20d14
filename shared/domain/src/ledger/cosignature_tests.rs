//! Cosignatures, against what an implementation that is not ours made and another one accepts: `samples/cosigned.json` was
//! written by `aics-tlog`, and `proofbundle` finds both witnesses in both notes.

use super::{
    tests::{certificate, check, key},
    *,
};
use crate::audit::{AuditEntry, AuditEvent, EventType, GENESIS};
use ed25519_dalek::{Signer as _, SigningKey};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::Value;

struct Sample {
    log: LedgerKey,
    witnesses: Vec<WitnessKey>,
    at: Vec<Timestamp>,
    notes: Vec<String>,
}

fn sample() -> Sample {
    let value: Value = serde_json::from_str(include_str!("samples/cosigned.json")).expect("JSON");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let witnesses = value["witnesses"].as_array().expect("some");
    Sample {
        log: text(&value["log"]).parse().expect("a log's key"),
        witnesses: witnesses.iter().map(|w| text(&w["key"]).parse().expect("a witness's key")).collect(),
        at: witnesses.iter().map(|w| Timestamp::from_second(w["at"].as_i64().expect("seconds")).expect("a time")).collect(),
        notes: value["notes"].as_array().expect("some").iter().map(text).collect(),
    }
}

/// A witness of ours.
fn witness(n: u8) -> (SigningKey, WitnessKey) {
    let signing = SigningKey::from_bytes(&[n; 32]);
    let mut encoded = vec![4];
    encoded.extend(signing.verifying_key().to_bytes());
    let name = format!("w{n}.example");
    let hash = signed_note::key_id(&name, &encoded);
    let key = format!("{name}+{hash:08x}+{}", data_encoding::BASE64.encode(&encoded)).parse().expect("a key");
    (signing, key)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_767_603_600 + seconds).expect("in range")
}

/// A witness's line for a checkpoint, by the words of the specification.
fn line(n: u8, note: &str, at: Timestamp) -> String {
    let (signing, key) = witness(n);
    let body = &note[..=note.rfind("\n\n").expect("signed")];
    let signature = signing.sign(format!("cosignature/v1\ntime {}\n{body}", at.as_second()).as_bytes());
    let mut blob = key.id().to_be_bytes().to_vec();
    blob.extend(at.as_second().to_be_bytes());
    blob.extend(signature.to_bytes());
    format!("\u{2014} {} {}\n", key.name(), data_encoding::BASE64.encode(&blob))
}

fn log() -> (SigningKey, LedgerKey) {
    let signing = SigningKey::from_bytes(&[9; 32]);
    let key = LedgerKey::new("log.example/acme", signing.verifying_key().to_bytes());
    (signing, key)
}

fn checkpoint() -> String {
    let (signing, key) = log();
    let checkpoint = Checkpoint { origin: key.name().to_owned(), size: 7, root: Root([1; 32]) };
    checkpoint.note(&key, signing.sign(checkpoint.text().as_bytes()).to_bytes()).expect("a note")
}

/// Cosigned by these, at that time.
fn cosigned(by: &[u8], seconds: i64) -> String {
    let note = checkpoint();
    by.iter().fold(note.clone(), |all, n| with_signature(&all, &line(*n, &note, at(seconds))))
}

fn policy(rules: &str) -> Policy {
    let witnesses: String = (1..=5).map(|n| format!("witness w{n} {}\n", witness(n).1)).collect();
    Policy::parse(&format!("# ours\n\nlog {} https://log.example\n{witnesses}{rules}", log().1)).expect("a policy")
}

const ANY_TIME: Period = Period { since: None, until: Timestamp::MAX };

#[test]
fn what_another_implementation_cosigned_is_accepted_with_its_times() {
    let Sample { log, witnesses, at, notes } = sample();
    for note in &notes {
        assert!(Checkpoint::open(note, &log).is_ok(), "the log's own signature is found among the others");
        let found = cosignatures(note, &witnesses).expect("hold");
        assert_eq!(found.iter().map(|c| c.at).collect::<Vec<_>>(), at);
        assert_eq!(found.iter().map(|c| &c.witness).collect::<Vec<_>>(), witnesses.iter().collect::<Vec<_>>());
        let other = [witness(1).1];
        assert_eq!(cosignatures(note, &other), Ok(vec![]), "of unknown keys nothing is said");
    }
}

#[test]
fn the_key_of_a_witness_is_read_back_as_it_was_written_and_no_other_key_is_taken_for_one() {
    for key in &sample().witnesses {
        assert_eq!(key.to_string().parse(), Ok(key.clone()));
        let changed = key.to_string().replacen("example", "exemple", 1);
        assert_eq!(changed.parse::<WitnessKey>(), Err(WitnessKeyError::Hash));
    }
    assert_eq!(log().1.to_string().parse::<WitnessKey>(), Err(WitnessKeyError::Algorithm(1)));
    for shape in ["", "w", "w+00000000", "w+0+BA==", "w +00000000+BA==", "w+00000000+="] {
        assert_eq!(shape.parse::<WitnessKey>(), Err(WitnessKeyError::Shape), "{shape}");
    }
    // The neutral element: a signature of nobody's holds under it.
    let mut neutral = vec![4, 1];
    neutral.extend([0; 31]);
    let weak = format!("w+{:08x}+{}", signed_note::key_id("w", &neutral), data_encoding::BASE64.encode(&neutral));
    assert_eq!(weak.parse::<WitnessKey>(), Err(WitnessKeyError::Weak));
}

#[test]
fn of_an_answer_only_the_witness_s_own_line_is_taken_and_only_if_it_holds() {
    let (note, key) = (checkpoint(), witness(1).1);
    let mine = line(1, &note, at(0));
    let answer = format!("{}{mine}", line(2, &note, at(0)));
    assert_eq!(key.cosignature(&note, &answer), Ok((mine.clone(), at(0))));
    let missing = CosignatureError::Missing("w1.example".to_owned());
    assert_eq!(key.cosignature(&note, &line(2, &note, at(0))), Err(missing));
    let other = checkpoint().replacen("\n7\n", "\n8\n", 1);
    let invalid = CosignatureError::Invalid("w1.example".to_owned());
    assert_eq!(key.cosignature(&other, &mine), Err(invalid), "it is of another checkpoint");
    for nonsense in ["", "\n", "yes", mine.trim_end(), "\u{2014} w1.example AAAA\n"] {
        assert_eq!(key.cosignature(&note, nonsense), Err(CosignatureError::Answer), "{nonsense:?}");
    }
    let once = with_signature(&note, &mine);
    assert_eq!(with_signature(&once, &mine), once, "a line is carried once");
    assert!(Checkpoint::open(&once, &log().1).is_ok());
}

#[test]
fn a_submission_is_written_as_the_specification_has_it() {
    let submission =
        Submission { old_size: 3, proof: vec![Root([0; 32]), Root([255; 32])], checkpoint: "log\n5\nroot\n".to_owned() };
    let body =
        "old 3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n//////////////////////////////////////////8=\n\nlog\n5\nroot\n";
    assert_eq!(submission.to_string(), body);
    let first = Submission { old_size: 0, proof: vec![], checkpoint: "log\n5\nroot\n".to_owned() };
    assert_eq!(first.to_string(), "old 0\n\nlog\n5\nroot\n");
}

#[test]
fn an_answer_means_what_the_specification_says() {
    let of = WitnessAnswer::of_http;
    let size = Some("text/x.tlog.size");
    assert_eq!(of(200, None, "\u{2014} w AAAA\n".as_bytes()), WitnessAnswer::Cosigned { lines: "\u{2014} w AAAA\n".to_owned() });
    assert_eq!(of(409, size, b"20852014\n"), WitnessAnswer::Conflict { size: 20_852_014 });
    let refused = |answer: WitnessAnswer| matches!(answer, WitnessAnswer::Refused { .. });
    for body in [&b"7"[..], b"07\n", b"-7\n", b"seven\n", b""] {
        assert!(refused(of(409, size, body)), "{body:?}");
    }
    assert!(refused(of(409, Some("text/plain"), b"7\n")), "a size is said to be one");
    for status in [400, 403, 404, 422, 301, 204] {
        assert!(refused(of(status, None, b"")), "{status}");
    }
    assert!(refused(of(200, None, &vec![b'a'; MOST_ANSWERED + 1])) && refused(of(200, None, &[0xff])));
    for status in [429, 500, 502, 503] {
        assert!(matches!(of(status, None, b""), WitnessAnswer::Unavailable { .. }), "{status}");
    }
}

#[test]
fn a_quorum_is_met_by_those_who_are_asked_for_and_nobody_else() {
    let nested = "group x 2 w1 w2 w3\ngroup y any w4 w5\ngroup both all x y\nquorum both\n";
    for (rules, by, met) in [
        ("quorum none\n", &[][..], true),
        ("quorum w1\n", &[1], true),
        ("quorum w1\n", &[2], false),
        ("group g any w1 w2\nquorum g\n", &[2], true),
        ("group g any w1 w2\nquorum g\n", &[3], false),
        ("group g all w1 w2\nquorum g\n", &[1], false),
        ("group g all w1 w2\nquorum g\n", &[2, 1], true),
        (nested, &[1, 2, 4], true),
        (nested, &[1, 2, 3], false),
        (nested, &[1, 4, 5], false),
    ] {
        let note = cosigned(by, 0);
        let checked = policy(rules).check(&note, &log().1, ANY_TIME);
        assert_eq!(checked.is_ok(), met, "{rules} by {by:?}: {checked:?}");
    }
    let refusal = policy("group g all w1 w2\nquorum g\n").check(&cosigned(&[1], 0), &log().1, ANY_TIME).expect_err("too few");
    assert_eq!(refusal.to_string(), "the policy asks for g, and w1.example cosigned");
    let refusal = policy("quorum w1\n").check(&checkpoint(), &log().1, ANY_TIME).expect_err("nobody");
    assert_eq!(refusal.to_string(), "the policy asks for w1, and none of its witnesses cosigned");
}

#[test]
fn a_cosignature_from_before_the_checkpoint_s_entries_or_from_the_future_does_not_count() {
    let policy = policy("quorum w1\n");
    let check = |seconds: i64, since: i64, until: i64| {
        let period = Period { since: Some(at(since)), until: at(until) };
        policy.check(&cosigned(&[1], seconds), &log().1, period)
    };
    assert_eq!(check(1_000, 900, 2_000).expect("in time")[0].at, at(1_000));
    assert!(check(1_000, 1_000 + 299, 2_000).is_ok() && check(1_000, 900, 1_000 - 299).is_ok(), "clocks may differ");
    let early = check(1_000, 1_000 + 301, 2_000).expect_err("before").to_string();
    assert!(early.contains("w1.example is dated") && early.contains("before an entry of the checkpoint was written"), "{early}");
    let late = check(1_000, 0, 1_000 - 301).expect_err("to come").to_string();
    assert!(late.contains("which is to come"), "{late}");
}

#[test]
fn a_policy_is_of_its_logs_and_refuses_a_cosignature_that_does_not_hold() {
    let policy = policy("quorum w1\n");
    let other = LedgerKey::new("log.example/other", [3; 32]);
    assert_eq!(policy.check(&cosigned(&[1], 0), &other, ANY_TIME), Err(PolicyRefusal::OtherLog(other.to_string())));
    let of_another = checkpoint() + &line(1, &checkpoint().replacen("\n7\n", "\n8\n", 1), at(0));
    let invalid = PolicyRefusal::Cosignature(CosignatureError::Invalid("w1.example".to_owned()));
    assert_eq!(policy.check(&of_another, &log().1, ANY_TIME), Err(invalid));
}

#[test]
fn a_policy_that_says_something_else_is_refused_with_its_line() {
    let (one, two) = (witness(1).1, witness(2).1);
    let renamed = {
        let mut encoded = vec![4];
        encoded.extend(one.public());
        let hash = signed_note::key_id("other.example", &encoded);
        format!("other.example+{hash:08x}+{}", data_encoding::BASE64.encode(&encoded))
    };
    let witnesses = format!("witness a {one}\nwitness b {two}\n");
    for (text, line, problem) in [
        (String::new(), 1, PolicyProblem::NoQuorum),
        (format!("{witnesses}quorum c\n"), 3, PolicyProblem::Unknown("c".to_owned())),
        (format!("quorum a\n{witnesses}"), 1, PolicyProblem::Unknown("a".to_owned())),
        (format!("{witnesses}quorum a\nquorum b\n"), 4, PolicyProblem::SecondQuorum),
        (format!("{witnesses}group g 3 a b\nquorum g\n"), 3, PolicyProblem::Threshold),
        (format!("{witnesses}group g 0 a b\nquorum g\n"), 3, PolicyProblem::Threshold),
        (format!("{witnesses}group g all\nquorum g\n"), 3, PolicyProblem::Threshold),
        (format!("{witnesses}group g some a b\nquorum g\n"), 3, PolicyProblem::Line),
        (format!("{witnesses}group g any a a\nquorum g\n"), 3, PolicyProblem::Member("a".to_owned())),
        (format!("{witnesses}group g any a\ngroup h any a b\nquorum h\n"), 4, PolicyProblem::Member("a".to_owned())),
        (format!("{witnesses}group a any b\nquorum a\n"), 3, PolicyProblem::Taken("a".to_owned())),
        (format!("witness none {one}\nquorum none\n"), 1, PolicyProblem::Taken("none".to_owned())),
        (format!("{witnesses}group g any none\nquorum g\n"), 3, PolicyProblem::Unknown("none".to_owned())),
        (format!("witness a {one}\nwitness b {renamed}\nquorum a\n"), 2, PolicyProblem::Twice),
        (format!("log {0}\nlog {0}\nquorum none\n", log().1), 2, PolicyProblem::Twice),
        (format!("log {one}\nquorum none\n"), 1, PolicyProblem::Log(CheckpointError::Key)),
        (format!("witness a {}\nquorum a\n", log().1), 1, PolicyProblem::Witness(WitnessKeyError::Algorithm(1))),
        ("quorum none\nwhatever\n".to_owned(), 2, PolicyProblem::Line),
        ("quorum none\r\n".to_owned(), 1, PolicyProblem::Character),
    ] {
        assert_eq!(Policy::parse(&text), Err(PolicyError { line, problem }), "{text}");
    }
}

#[test]
fn a_certificate_meets_a_policy_by_what_its_checkpoint_carries() {
    let policy = Policy::parse(&format!("log {}\nwitness w {}\nquorum w\n", key().1, witness(1).1)).expect("a policy");
    // The entries are of the epoch's first second.
    let since_the_epoch = |seconds: i64| Timestamp::from_second(seconds).expect("in range");
    let cosigned = |seconds: i64| {
        let mut certificate = certificate();
        for proven in &mut certificate.entries {
            let mut proof: TlogProof = proven.proof.parse().expect("a proof");
            proof.checkpoint = with_signature(&proof.checkpoint, &line(1, &proof.checkpoint, since_the_epoch(seconds)));
            proven.proof = proof.to_string();
        }
        certificate
    };
    let now = since_the_epoch(1_000_000);
    let good = cosigned(900_000);
    assert!(check(&good.to_bytes()).is_ok(), "cosignatures are nothing to whoever does not ask for them");
    let by = good.check_policy(&policy, now).expect("met");
    assert_eq!(by.iter().map(|c| (c.witness.name(), c.at.as_second())).collect::<Vec<_>>(), [("w1.example", 900_000)]);
    // One of its entries was written after its checkpoint is said to have been cosigned.
    let mut late = cosigned(900_000);
    let event = AuditEvent::new("late", EventType::BatchPurged, since_the_epoch(950_000));
    late.entries[1].entry = AuditEntry::seal(0, event, GENESIS.to_owned(), "0".repeat(64)).leaf();
    for refused in [certificate(), cosigned(2_000_000), late] {
        assert!(matches!(refused.check_policy(&policy, now), Err(CertificateError::Policy(PolicyRefusal::Quorum { .. }))));
    }
    // Every entry's checkpoint counts, not only the first one's.
    let mut mixed = cosigned(900_000);
    mixed.entries[3] = certificate().entries.remove(3);
    assert!(mixed.check_policy(&policy, now).is_err());
}

proptest! {
    #[test]
    fn no_bit_of_a_cosigned_checkpoint_can_be_changed(place in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let note = cosigned(&[1, 2], 0);
        let mut bytes = note.into_bytes();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let policy = policy("group both all w1 w2\nquorum both\n");
        let held = String::from_utf8(bytes).is_ok_and(|note| {
            Checkpoint::open(&note, &log().1).is_ok() && policy.check(&note, &log().1, ANY_TIME).is_ok()
        });
        prop_assert!(!held, "byte {place}");
    }
}
