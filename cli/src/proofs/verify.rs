//! `oubli verify`: with no network, and no trust in whoever issued what is verified.

use super::{
    key, read, read_text, verify_log, verify_point,
    witnessed::{self, key_of, policy, refusal},
};
use crate::{failure::Failure, output};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use oubli_domain::ledger::{Certificate, CertificateError, Checkpoint, Claims, Cosigned, Opened, Order, Policy, Trust, Verified};
use oubli_engine::{Language, certificate_document, ports::PdfRenderer as _};
use oubli_pdf::Typst;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Options {
    #[command(subcommand)]
    log: Option<Command>,
    /// A certificate, JSON or PDF
    #[arg(required = true, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    trust: Trusted,
    /// Whose cosignatures its checkpoint must carry, and of which logs it may be: a C2SP tlog-policy. Where it names the log,
    /// no key is needed
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Of a PDF, check only the certificate inside: its pages may have been printed by another version of Oubli
    #[arg(long)]
    ignore_pages: bool,
    /// An identifier of the person, given or found: shows that the certificate is about that person
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Check an exported log, or a part of one: every entry, the chain, the tree and the checkpoint
    Log(verify_log::Options),
    /// Check a checkpoint's signature, and who cosigned it
    Checkpoint(verify_point::CheckpointOptions),
    /// Check that an entry is in the log
    Entry(verify_point::EntryOptions),
}

#[derive(Args, Default)]
#[group(multiple = false)]
struct Trusted {
    /// The log's public key, name+hash+key, from another source than the file
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// A checkpoint you hold: what is verified must be at it
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
}

pub fn run(options: &Options, json: bool) -> Result<(), Failure> {
    match (&options.log, &options.file) {
        (Some(Command::Log(log)), _) => verify_log::run(log, json),
        (Some(Command::Checkpoint(one)), _) => verify_point::checkpoint(one, json),
        (Some(Command::Entry(one)), _) => verify_point::entry(one, json),
        (None, Some(file)) => verify_certificate(options, file, json),
        (None, None) => Err(Failure::Usage("name a certificate".to_owned())),
    }
}

fn verify_certificate(options: &Options, file: &Path, json: bool) -> Result<(), Failure> {
    let policy = options.policy.as_deref().map(policy).transpose()?;
    let refused = |e: CertificateError| Failure::Refused(format!("not verified: {e}"));
    let file = read(file)?;
    let pdf = file.starts_with(b"%PDF-");
    let bytes = if pdf { attached(&file)? } else { file.clone() };
    let certificate = Certificate::read(&bytes).map_err(refused)?;
    let trust = trust(&options.trust, policy.as_ref(), &certificate)?;
    let verified = certificate.check(&trust, options.subject.as_deref()).map_err(refused)?;
    let cosigned = policy.as_ref().map(|policy| certificate.check_policy(policy, Timestamp::now()));
    let cosigned = cosigned.transpose().map_err(refusal)?.unwrap_or_default();
    let pages = match pdf {
        false => Pages::None,
        true if options.ignore_pages => Pages::Ignored,
        true if printed_from(&certificate, &file) => Pages::Same,
        true => {
            let reason = "not verified: the PDF is not, byte for byte, what this version of oubli prints from the certificate \
                          inside. It was changed, or another version printed it: --ignore-pages checks the certificate alone";
            return Err(Failure::Refused(reason.to_owned()));
        }
    };
    let (proved, not_proved) = words(&verified, &trust, &cosigned, pages, &certificate);
    if json {
        let kind = kind_of(&verified);
        let claims = &verified.claims;
        let by = witnessed::listed(&cosigned);
        output::print_json(&json!({
            "verified": true, "proved": proved, "not_proved": not_proved, "order": verified.order, "opened_by": kind, "cosigned_by": by, "claims": claims,
        }));
    } else {
        let list = |lines: &[String]| lines.iter().map(|l| format!("  - {l}")).collect::<Vec<_>>().join("\n");
        output::print(&format!("Verified.\n\nProved:\n{}\n\nNot proved:\n{}", list(&proved), list(&not_proved)));
    }
    Ok(())
}

/// What a certificate is checked against: what the command line names, or the log that a policy does.
fn trust(given: &Trusted, policy: Option<&Policy>, certificate: &Certificate) -> Result<Trust, Failure> {
    match (&given.key, &given.checkpoint, policy) {
        (Some(text), ..) => Ok(Trust::Key(key(text)?)),
        (None, Some(path), _) => {
            let note = read_text(path)?;
            Ok(Trust::Checkpoint(Checkpoint::read(&note).map_err(|e| Failure::Usage(e.to_string()))?))
        }
        (None, None, Some(policy)) => Ok(Trust::Key(key_of(policy, &certificate.checkpoint_note().unwrap_or_default())?)),
        (None, None, None) => {
            let reason = "give --key, --checkpoint or --policy, from another source than the certificate: checked against the key \
                          that it names itself, any forger's certificate would hold";
            Err(Failure::Usage(reason.to_owned()))
        }
    }
}

/// The certificate inside a PDF.
fn attached(pdf: &[u8]) -> Result<Vec<u8>, Failure> {
    let none = || Failure::Refused("not verified: the PDF carries no certificate.json".to_owned());
    let document = lopdf::Document::load_mem(pdf).map_err(|_| none())?;
    let streams = document.objects.values().filter_map(|o| o.as_stream().ok());
    let mut files = streams.filter(|s| s.dict.get(b"Type").and_then(lopdf::Object::as_name).is_ok_and(|n| n == b"EmbeddedFile"));
    let file = files.next().ok_or_else(none)?;
    if files.next().is_some() {
        return Err(Failure::Refused("not verified: the PDF carries more than one file".to_owned()));
    }
    file.get_plain_content().map_err(|_| none())
}

/// What is known of a PDF's pages.
#[derive(Clone, Copy)]
enum Pages {
    /// There are none.
    None,
    /// They were not looked at.
    Ignored,
    /// They are what the certificate prints as.
    Same,
}

/// Whether a PDF is, byte for byte, what the certificate inside prints as, in one of the languages.
fn printed_from(certificate: &Certificate, pdf: &[u8]) -> bool {
    let typst = Typst::default();
    let printed = |language| certificate_document(certificate, language).ok().and_then(|d| typst.pdf(&d).ok());
    Language::ALL.into_iter().any(|language| printed(language).as_deref() == Some(pdf))
}

/// The kind of the identifier that a certificate opened by.
fn kind_of(verified: &Verified) -> Option<&str> {
    match &verified.person {
        Some(Opened::Identifier(kind)) => Some(kind.as_str()),
        Some(Opened::Subject) | None => None,
    }
}

/// What the claims say may be left of the person.
fn left(claims: &Claims) -> String {
    let nobody = "nobody of these identifiers was found in the places searched";
    match (claims.nothing_is_left(), claims.found_nobody()) {
        (true, true) => return format!("that {nobody}"),
        (true, false) => return "that nothing of the person is left".to_owned(),
        (false, _) => {}
    }
    let until = |day: Option<jiff::civil::Date>| day.map(|d| format!(", until {d}")).unwrap_or_default();
    let asked = [("asked for", &claims.asked.categories), ("not asked for", &claims.asked.exclude_categories)];
    let mut lines: Vec<String> = Vec::new();
    if claims.found_nobody() {
        lines.push(nobody.to_owned());
    }
    let named = asked.into_iter().filter(|(_, categories)| !categories.is_empty()).map(|(what, categories)| {
        format!("{what}: {}", categories.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
    });
    lines.extend(named);
    lines.extend(claims.kept.iter().map(|k| {
        let why = match &k.duty {
            Some(duty) if k.reason == "retention" => duty.clone(),
            Some(words) => format!("{}: {words}", k.reason),
            None => k.reason.clone(),
        };
        format!("kept: {} records of {} ({why}{})", k.documents, k.category, until(k.until))
    }));
    lines.extend(claims.left_out.iter().map(|l| format!("left out by {}: {}{}", l.decided_by, l.category, until(l.until))));
    lines.extend(claims.unsearched.iter().map(|u| {
        let how = if u.by_part { "searched in part" } else { "not searched" };
        format!("{how}: {} of {} ({})", u.producer, u.category, u.reason)
    }));
    lines.extend(
        claims
            .identifiers
            .iter()
            .filter_map(|i| Some((&i.kind, i.not_searched_by.as_ref()?)))
            .map(|(kind, why)| format!("nothing was searched by a {kind} ({why})")),
    );
    if claims.identifiers_incomplete {
        lines.push("there may be more identifiers than were found".to_owned());
    }
    if claims.verification.is_none() {
        lines.push("after everything was destroyed, nobody looked again".to_owned());
    }
    let counts = [("restored", claims.restored), ("not put back", claims.conflicts), ("failed", claims.failed)];
    lines.extend(counts.into_iter().filter(|(_, n)| *n > 0).map(|(what, n)| format!("{what}: {n} records")));
    format!("what may be left of the person: {}", lines.join("; "))
}

/// In which order it was done, by the places of the log.
fn in_order(order: &Order, claims: &Claims) -> String {
    let steps = [
        ("approved", Some(order.approved)),
        ("first hidden of the entries shown", order.hidden),
        ("last destroyed", order.purged),
        ("completed", Some(order.completed)),
    ];
    let steps: Vec<String> = steps.into_iter().filter_map(|(what, at)| Some(format!("{what} (entry {})", at?))).collect();
    let plans: Vec<String> = claims.plan_digests.iter().map(ToString::to_string).collect();
    format!("it was recorded in this order: {}; what was approved is the plan {}", steps.join(", "), plans.join(" and "))
}

fn words(
    verified: &Verified,
    trust: &Trust,
    cosigned: &[Cosigned],
    pages: Pages,
    certificate: &Certificate,
) -> (Vec<String>, Vec<String>) {
    let claims = &verified.claims;
    let erased: u64 = claims.erased.iter().map(|e| e.documents + e.vectors).sum();
    let mut proved = vec![
        format!(
            "{} recorded request {}, a {}, as {} on {}, with {erased} records erased, exactly as the certificate states",
            claims.organization, claims.request_id, claims.request_type, claims.status, claims.completed_at
        ),
        format!("it recorded {}", left(claims)),
        format!(
            "{} entries about it are in the audit log {}, among the {} of its checkpoint",
            verified.entries, verified.checkpoint.origin, verified.checkpoint.size
        ),
        match trust {
            Trust::Key(_) => "that checkpoint was signed with the key you gave".to_owned(),
            Trust::Checkpoint(_) => "that checkpoint is the one you hold".to_owned(),
        },
    ];
    let mut not_proved = vec![
        "that the records are really gone: that is the controller's statement, which it cannot take back or change".to_owned(),
    ];
    match verified.order {
        Some(order) => proved.push(in_order(&order, claims)),
        None => not_proved.push("in which order it was approved, done and completed: its entries do not show it".to_owned()),
    }
    if cosigned.is_empty() {
        not_proved
            .push("that the log shows everybody the same: compare its checkpoint with one that somebody else holds".to_owned());
    } else {
        let by = witnessed::words(cosigned);
        proved.push(format!("that checkpoint was cosigned as your policy asks, by {by}: to them the log has only grown"));
        not_proved
            .push("that the witnesses of your policy do not connive with the controller: that is whom you chose".to_owned());
    }
    if verified.person.is_some() {
        let kind = kind_of(verified).map(|kind| format!(", which is their {kind}")).unwrap_or_default();
        proved.push(format!("it is about the person of the identifier you gave{kind}"));
    } else {
        not_proved.push("whom it is about: give --subject with an identifier that the person was searched by".to_owned());
    }
    match pages {
        Pages::None => {}
        Pages::Same => proved.push("the pages of the PDF are what the certificate inside says, byte for byte".to_owned()),
        Pages::Ignored => {
            let fingerprint = certificate.fingerprint();
            not_proved
                .push(format!("what is printed on the pages: compare it with this, and its fingerprint with {fingerprint}"));
        }
    }
    (proved, not_proved)
}
