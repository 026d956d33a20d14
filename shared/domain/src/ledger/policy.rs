//! Whose cosignatures somebody asks for (C2SP tlog-policy): logs, witnesses, groups of them, and a quorum.

use super::{
    CheckpointError, LedgerKey,
    cosignature::{CLOCKS_APART, CosignatureError, Cosigned, WitnessKey, WitnessKeyError, cosignatures},
};
use jiff::Timestamp;
use thiserror::Error;

/// Why a text is not a policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {problem}")]
pub struct PolicyError {
    /// From 1.
    pub line: usize,
    /// What is wrong.
    pub problem: PolicyProblem,
}

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyProblem {
    /// A line that says nothing known.
    #[error(
        "expected one of: log KEY [URL]; witness NAME KEY [URL]; group NAME all, any or a number, then NAME ...; quorum NAME or none"
    )]
    Line,
    /// Bytes that a policy may not hold.
    #[error("control characters other than tabs and ends of lines are not accepted")]
    Character,
    /// A log's key that is none.
    #[error(transparent)]
    Log(#[from] CheckpointError),
    /// A witness's key that is none.
    #[error(transparent)]
    Witness(#[from] WitnessKeyError),
    /// The same log or witness a second time.
    #[error("this key is on an earlier line, too")]
    Twice,
    /// A name that is taken.
    #[error("{0} is defined already; a name is defined once, and none is predefined")]
    Taken(String),
    /// A name that no line before defines.
    #[error("{0} is no witness and no group of a line before this one")]
    Unknown(String),
    /// A witness or group that counts twice.
    #[error("{0} is a member already: each counts once")]
    Member(String),
    /// A threshold out of its bounds.
    #[error("a group needs at least one member, and as many of them as it has at most")]
    Threshold,
    /// A second quorum.
    #[error("there is a quorum already")]
    SecondQuorum,
    /// No quorum at all.
    #[error("there is no quorum; to ask for no witness, write: quorum none")]
    NoQuorum,
}

/// Why a checkpoint is not what a policy asks for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyRefusal {
    /// It is of a log that the policy does not name.
    #[error("the policy names other logs than {0}")]
    OtherLog(String),
    /// A cosignature that does not hold.
    #[error(transparent)]
    Cosignature(#[from] CosignatureError),
    /// Too few of those that are asked for cosigned.
    #[error("the policy asks for {quorum}, and {found}")]
    Quorum {
        /// The name of the quorum.
        quorum: String,
        /// Who cosigned, who did not, and whose cosignature does not count.
        found: String,
    },
}

/// A witness, or a group of which some have to cosign.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    Witness(WitnessKey),
    Group { threshold: usize, members: Vec<usize> },
}

/// Logs, witnesses, and who of these has to cosign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<LedgerKey>,
    rules: Vec<(String, Rule)>,
    /// None where no witness is asked for.
    quorum: Option<usize>,
}

/// When a checkpoint can have been cosigned.
#[derive(Debug, Clone, Copy)]
pub struct Period {
    /// The latest entry that is known to be in it was written then; none if none is known.
    pub since: Option<Timestamp>,
    /// Now.
    pub until: Timestamp,
}

impl Period {
    /// Why a cosignature of this time does not count.
    fn excludes(self, at: Timestamp) -> Option<String> {
        if self.since.is_some_and(|since| at < since.checked_sub(CLOCKS_APART).unwrap_or(Timestamp::MIN)) {
            return Some(format!("dated {at}, before an entry of the checkpoint was written"));
        }
        (at > self.until.checked_add(CLOCKS_APART).unwrap_or(Timestamp::MAX)).then(|| format!("dated {at}, which is to come"))
    }
}

impl Policy {
    /// Reads the text of a policy.
    ///
    /// # Errors
    /// [`PolicyError`], by the line.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let mut reading = Reading::default();
        let mut lines = 0;
        for (place, line) in text.split('\n').enumerate() {
            lines = place + 1;
            reading.take(line).map_err(|problem| PolicyError { line: lines, problem })?;
        }
        let quorum = reading.quorum.ok_or(PolicyError { line: lines, problem: PolicyProblem::NoQuorum })?;
        Ok(Self { logs: reading.logs, rules: reading.rules, quorum })
    }

    /// The logs that it names; any, if it names none.
    pub fn logs(&self) -> &[LedgerKey] {
        &self.logs
    }

    /// Checks that a checkpoint of a log carries the cosignatures that the policy asks for. The log's own signature is
    /// checked by whoever opens the checkpoint.
    ///
    /// # Errors
    /// [`PolicyRefusal`].
    pub fn check(&self, note: &str, log: &LedgerKey, period: Period) -> Result<Vec<Cosigned>, PolicyRefusal> {
        if !self.logs.is_empty() && !self.logs.contains(log) {
            return Err(PolicyRefusal::OtherLog(log.to_string()));
        }
        let witness = |(_, rule): &(String, Rule)| match rule {
            Rule::Witness(key) => Some(key.clone()),
            Rule::Group { .. } => None,
        };
        let known: Vec<WitnessKey> = self.rules.iter().filter_map(witness).collect();
        let found = cosignatures(note, &known)?;
        let (counted, void): (Vec<Cosigned>, Vec<Cosigned>) = found.into_iter().partition(|c| period.excludes(c.at).is_none());
        let Some(quorum) = self.quorum else { return Ok(counted) };
        if self.witnessed(quorum, &counted) {
            return Ok(counted);
        }
        let names = |all: &[Cosigned]| all.iter().map(|c| c.witness.name().to_owned()).collect::<Vec<_>>().join(", ");
        let mut said = if counted.is_empty() {
            "none of its witnesses cosigned".to_owned()
        } else {
            format!("{} cosigned", names(&counted))
        };
        for one in &void {
            let why = period.excludes(one.at).unwrap_or_default();
            said.push_str(&format!("; the cosignature of {} is {why}", one.witness.name()));
        }
        Err(PolicyRefusal::Quorum { quorum: self.rules[quorum].0.clone(), found: said })
    }

    fn witnessed(&self, rule: usize, by: &[Cosigned]) -> bool {
        match &self.rules[rule].1 {
            Rule::Witness(key) => by.iter().any(|c| c.witness == *key),
            Rule::Group { threshold, members } => members.iter().filter(|m| self.witnessed(**m, by)).count() >= *threshold,
        }
    }
}

/// A policy, line by line.
#[derive(Default)]
struct Reading {
    logs: Vec<LedgerKey>,
    rules: Vec<(String, Rule)>,
    /// Of the rules, those that a group has as a member.
    members: Vec<usize>,
    quorum: Option<Option<usize>>,
}

impl Reading {
    fn take(&mut self, line: &str) -> Result<(), PolicyProblem> {
        if line.bytes().any(|b| (b < b' ' && b != b'\t') || b == 0x7f) {
            return Err(PolicyProblem::Character);
        }
        let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with('#') => Ok(()),
            ["log", key] | ["log", key, _] => {
                let key: LedgerKey = key.parse()?;
                if self.logs.iter().any(|known| known.public() == key.public()) {
                    return Err(PolicyProblem::Twice);
                }
                self.logs.push(key);
                Ok(())
            }
            ["witness", name, key] | ["witness", name, key, _] => {
                let key: WitnessKey = key.parse()?;
                let same = |(_, rule): &(String, Rule)| matches!(rule, Rule::Witness(known) if known.public() == key.public());
                if self.rules.iter().any(same) {
                    return Err(PolicyProblem::Twice);
                }
                self.define(name, Rule::Witness(key))
            }
            ["group", name, threshold, members @ ..] => {
                let mut places = Vec::new();
                for member in members {
                    let place = self.place(member)?;
                    if self.members.contains(&place) || places.contains(&place) {
                        return Err(PolicyProblem::Member((*member).to_owned()));
                    }
                    places.push(place);
                }
                let threshold = match *threshold {
                    "all" => places.len(),
                    "any" => 1,
                    number => number.parse().map_err(|_| PolicyProblem::Line)?,
                };
                if !(1..=places.len()).contains(&threshold) {
                    return Err(PolicyProblem::Threshold);
                }
                self.members.extend(&places);
                self.define(name, Rule::Group { threshold, members: places })
            }
            ["quorum", name] => {
                if self.quorum.is_some() {
                    return Err(PolicyProblem::SecondQuorum);
                }
                self.quorum = Some(if *name == "none" { None } else { Some(self.place(name)?) });
                Ok(())
            }
            _ => Err(PolicyProblem::Line),
        }
    }

    fn define(&mut self, name: &str, rule: Rule) -> Result<(), PolicyProblem> {
        if name == "none" || self.rules.iter().any(|(known, _)| known == name) {
            return Err(PolicyProblem::Taken(name.to_owned()));
        }
        self.rules.push((name.to_owned(), rule));
        Ok(())
    }

    fn place(&self, name: &str) -> Result<usize, PolicyProblem> {
        let place = self.rules.iter().position(|(known, _)| known == name);
        place.ok_or_else(|| PolicyProblem::Unknown(name.to_owned()))
    }
}
