//! Witnesses of the world's logs. They go by the specifications (C2SP tlog-witness, tlog-cosignature; RFC 9162, 2.1.4.2) and
//! use nothing of the engine's, nor of the domain's: what they take, others take as well.

use crate::{
    faults::call,
    ledger::signing_key,
    world::{Weather, World, WorldState},
};
use async_trait::async_trait;
use data_encoding::BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey};
use oubli_domain::ledger::{Submission, WitnessAnswer};
use oubli_engine::ports::{Witness, WitnessAddress};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, sync::Arc};

type Hash = [u8; 32];

/// What the witnesses hold, and how they behave.
#[derive(Debug, Clone, Default)]
pub struct Witnessing {
    /// Entries and root of the checkpoint that each cosigned last of each log.
    pub holds: BTreeMap<(String, String), (u64, Hash)>,
    /// How they behave.
    pub mood: Mood,
    /// How often one was asked.
    pub asked: u64,
}

/// How witnesses behave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mood {
    /// As they should.
    #[default]
    Honest,
    /// They do not answer.
    Down,
    /// They know nothing of the log.
    Strange,
    /// They sign something else.
    Lying,
    /// They say that they hold a checkpoint of so many entries.
    Elsewhere(u64),
    /// Their clock is hours ahead.
    Fast,
}

/// Some of the witnesses of the world.
#[allow(clippy::expect_used)]
pub fn witnesses(many: u8) -> Vec<WitnessAddress> {
    let address = |n: u8| {
        let (name, encoded) = (name(n), encoded(n));
        let key = format!("{name}+{}+{}", data_encoding::HEXLOWER.encode(&key_id(&name, &encoded)), BASE64.encode(&encoded));
        WitnessAddress { key: key.parse().expect("a witness's key"), url: format!("https://{name}") }
    };
    (1..=many).map(address).collect()
}

/// What reaches them.
pub fn witness(world: &World) -> Arc<dyn Witness> {
    Arc::new(SimWitness(world.clone()))
}

fn name(n: u8) -> String {
    format!("w{n}.example")
}

fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

fn encoded(n: u8) -> Vec<u8> {
    [&[4][..], key(n).verifying_key().as_bytes().as_slice()].concat()
}

fn key_id(name: &str, encoded: &[u8]) -> [u8; 4] {
    let sum = Sha256::digest([name.as_bytes(), b"\n", encoded].concat());
    [sum[0], sum[1], sum[2], sum[3]]
}

/// A signature line taken apart: whose, by which key, and the signature.
fn signature(line: &str) -> Option<(&str, [u8; 4], Vec<u8>)> {
    let (name, rest) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let bytes = BASE64.decode(rest.as_bytes()).ok()?;
    let (id, signature) = bytes.split_first_chunk::<4>()?;
    Some((name, *id, signature.to_vec()))
}

/// A note taken apart: its text, and its signature lines.
pub fn parts(note: &str) -> Option<(&str, Vec<&str>)> {
    let cut = note.rfind("\n\n")?;
    Some((&note[..=cut], note[cut + 2..].strip_suffix('\n')?.split('\n').collect()))
}

/// Whether a line is the cosignature of one of the world's witnesses on a text.
pub fn cosigns(line: &str, text: &str) -> bool {
    let Some((named, id, signed)) = signature(line) else { return false };
    let Some(n) = (1..=9).find(|n| named == name(*n) && id == key_id(&name(*n), &encoded(*n))) else { return false };
    let Some((time, signed)) = signed.split_first_chunk::<8>() else { return false };
    let said = format!("cosignature/v1\ntime {}\n{text}", u64::from_be_bytes(*time));
    Signature::from_slice(signed).is_ok_and(|s| key(n).verifying_key().verify_strict(said.as_bytes(), &s).is_ok())
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::digest([&[1][..], left.as_slice(), right.as_slice()].concat()).into()
}

/// RFC 9162, 2.1.4.2.
fn consistent(first: (u64, Hash), second: (u64, Hash), proof: &[Hash]) -> bool {
    if first.0 == second.0 {
        return first.1 == second.1 && proof.is_empty();
    }
    let (mut earlier, mut later) = (first.0 - 1, second.0 - 1);
    while earlier & 1 == 1 {
        (earlier, later) = (earlier >> 1, later >> 1);
    }
    let whole = first.0.is_power_of_two();
    let mut path = whole.then_some(first.1).into_iter().chain(proof.iter().copied());
    let Some(start) = path.next() else { return false };
    let (mut fr, mut sr) = (start, start);
    for hash in path {
        if later == 0 {
            return false;
        }
        if earlier & 1 == 1 || earlier == later {
            (fr, sr) = (node(&hash, &fr), node(&hash, &sr));
            while earlier & 1 == 0 && earlier != 0 {
                (earlier, later) = (earlier >> 1, later >> 1);
            }
        } else {
            sr = node(&sr, &hash);
        }
        (earlier, later) = (earlier >> 1, later >> 1);
    }
    later == 0 && fr == first.1 && sr == second.1
}

/// What a witness reads of a request.
struct Asked<'a> {
    old: u64,
    proof: Vec<Hash>,
    text: &'a str,
    origin: &'a str,
    size: u64,
    root: Hash,
    signed: bool,
}

fn read(body: &str) -> Option<Asked<'_>> {
    let hash = |text: &str| BASE64.decode(text.as_bytes()).ok().and_then(|b| Hash::try_from(b).ok());
    let (head, note) = body.split_once("\n\n")?;
    let mut lines = head.split('\n');
    let old = lines.next()?.strip_prefix("old ")?.parse().ok()?;
    let proof: Vec<Hash> = lines.map(hash).collect::<Option<_>>()?;
    let (text, signatures) = parts(note)?;
    let mut said = text.lines();
    let (origin, size, root) = (said.next()?, said.next()?.parse().ok()?, hash(said.next()?)?);
    let by_log = |line: &&str| {
        let found = signature(line).filter(|(name, ..)| *name == origin);
        let found = found.and_then(|(_, _, signed)| Signature::from_slice(&signed).ok());
        found.is_some_and(|s| signing_key().verifying_key().verify_strict(text.as_bytes(), &s).is_ok())
    };
    let signed = signatures.iter().any(by_log);
    (proof.len() <= 63).then_some(Asked { old, proof, text, origin, size, root, signed })
}

/// All witnesses of the world.
struct SimWitness(World);

#[async_trait]
impl Witness for SimWitness {
    async fn add_checkpoint(&self, witness: &WitnessAddress, submission: &Submission) -> WitnessAnswer {
        let (world, name, body) = (self.0.clone(), witness.key.name().to_owned(), submission.to_string());
        let answered = call(
            &self.0,
            |why| WitnessAnswer::unavailable(why.to_owned()),
            move || {
                let mut state = world.lock();
                let answer = state.witness_answers(&name, &body);
                state.note(|| format!("{name} answers {answer:?}"));
                Ok(answer)
            },
        );
        answered.await.unwrap_or_else(|down| down)
    }
}

impl WorldState {
    fn witness_answers(&mut self, name: &str, body: &str) -> WitnessAnswer {
        let now = self.now_ms / 1_000;
        let mood = self.mood();
        let http = |status: u16, body: &str| WitnessAnswer::of_http(status, Some("text/x.tlog.size"), body.as_bytes());
        let Some(n) = (1..=9).find(|n| self::name(*n) == name) else { return http(404, "") };
        match mood {
            Mood::Down => return WitnessAnswer::unavailable("down"),
            Mood::Strange => return http(404, ""),
            Mood::Elsewhere(size) => return http(409, &format!("{size}\n")),
            Mood::Honest | Mood::Lying | Mood::Fast => {}
        }
        let Some(asked) = read(body).filter(|asked| asked.old <= asked.size) else { return http(400, "") };
        if !asked.signed {
            return http(403, "");
        }
        let Some(witnessing) = &mut self.witnessing else { return http(404, "") };
        let held = witnessing.holds.get(&(name.to_owned(), asked.origin.to_owned())).copied();
        let held_size = held.map_or(0, |(size, _)| size);
        if asked.old != held_size {
            return http(409, &format!("{held_size}\n"));
        }
        let follows = held.map_or(asked.proof.is_empty(), |held| consistent(held, (asked.size, asked.root), &asked.proof));
        if !follows {
            return http(422, "");
        }
        witnessing.holds.insert((name.to_owned(), asked.origin.to_owned()), (asked.size, asked.root));
        let time = if mood == Mood::Fast { now + 7_200 } else { now };
        let what = if mood == Mood::Lying { "something else\n" } else { asked.text };
        let signed = key(n).sign(format!("cosignature/v1\ntime {time}\n{what}").as_bytes()).to_bytes();
        let blob = [&key_id(name, &encoded(n))[..], &time.to_be_bytes(), &signed].concat();
        http(200, &format!("\u{2014} {name} {}\n", BASE64.encode(&blob)))
    }

    /// How the witness that is asked now behaves: in a storm, now and then as it should not.
    fn mood(&mut self) -> Mood {
        let Some(witnessing) = &mut self.witnessing else { return Mood::Strange };
        witnessing.asked += 1;
        let mood = witnessing.mood;
        if self.weather == Weather::Calm || !self.chance(150) {
            return mood;
        }
        let moods = [Mood::Down, Mood::Strange, Mood::Lying, Mood::Elsewhere(0), Mood::Elsewhere(1_000_000), Mood::Fast];
        self.choose(&moods).copied().unwrap_or_default()
    }
}
