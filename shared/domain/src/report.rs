//! Compliance reports: sums over the requests of a period.

use crate::{grounds::Reason, ids::Category, lifecycle::Phase};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Hours within which a request should be decided on.
pub const RESPONSE_HOURS: f64 = 72.0;
/// Days within which a request should be complete.
pub const COMPLETION_DAYS: f64 = 30.0;
/// Share of requests that should be done by their deadline, in percent.
pub const SLA_PERCENT: f64 = 99.0;
/// Share of requests that may end with exceptions or fail, in percent.
pub const EXCEPTION_PERCENT: f64 = 5.0;

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportKind {
    /// Erasures under Art. 17 GDPR.
    GdprErasure,
    /// The metrics that 11 CCR 7102 (CCPA) asks for.
    CcpaMetrics,
    /// Response and completion against their targets.
    Sla,
}

/// The parts of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// How many, by month, category and reason.
    RequestSummary,
    /// How long they took, and what was erased.
    CompletionStats,
    /// Against the targets.
    SlaCompliance,
    /// Those that did not go through whole.
    Exceptions,
}

impl Section {
    /// Every part, in order.
    pub const ALL: [Self; 4] = [Self::RequestSummary, Self::CompletionStats, Self::SlaCompliance, Self::Exceptions];
}

/// A period, both days included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// First day.
    pub start_date: Date,
    /// Last day.
    pub end_date: Date,
}

/// What a report needs to know of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its id, as text.
    pub request: String,
    /// Why it was made.
    pub reason: Reason,
    /// Where it is.
    pub phase: Phase,
    /// It was cancelled.
    pub cancelled: bool,
    /// When it was received.
    pub received_at: Timestamp,
    /// When it was first approved or rejected.
    pub decided_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// By when it should have ended.
    pub deadline: Timestamp,
    /// Records erased, by category, also by a request that was cancelled too late for them.
    pub erased: Vec<(Category, u64)>,
    /// Their size.
    pub bytes: u64,
    /// Categories that may not be gone, each with the code of why.
    pub kept: Vec<(Category, String)>,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: ReportKind,
    /// Requests received in this period, in the organization's time zone.
    pub period: Period,
    /// When it was made.
    pub generated_at: Timestamp,
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_summary: Option<Summary>,
    /// How long they took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_stats: Option<Completion>,
    /// Against the targets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sla_compliance: Option<Sla>,
    /// Those that did not go through whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exceptions: Option<Vec<ExceptionLine>>,
    /// 11 CCR 7102(a): requests to delete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ccpa: Option<Ccpa>,
}

/// How many requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Received in the period.
    pub received: u64,
    /// Of these, complete with nothing kept.
    pub completed: u64,
    /// Complete, with something kept.
    pub completed_with_exceptions: u64,
    /// Rejected.
    pub rejected: u64,
    /// Cancelled.
    pub cancelled: u64,
    /// Standing still until a person looks.
    pub failed: u64,
    /// Under way.
    pub open: u64,
    /// By the month they were received in.
    pub by_month: Vec<Month>,
    /// Records erased, by category.
    pub by_category: BTreeMap<Category, u64>,
    /// Requests by the reason stated.
    pub by_reason: BTreeMap<String, u64>,
}

/// A month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Month {
    /// As `2026-01`.
    pub month: String,
    /// Received.
    pub received: u64,
    /// Of these, complete by now.
    pub completed: u64,
}

/// How long completed requests took, from their receipt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Completion {
    /// Completed requests.
    pub completed: u64,
    /// Days, on average; none where nothing is complete.
    pub mean_days: Option<f64>,
    /// Half of them took no longer.
    pub median_days: Option<f64>,
    /// 95 of 100 took no longer.
    pub p95_days: Option<f64>,
    /// The longest.
    pub longest_days: Option<f64>,
    /// Records erased.
    pub documents_erased: u64,
    /// Their size.
    pub bytes_erased: u64,
}

/// Something measured against its target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Target {
    /// So many of those that count.
    pub met: u64,
    /// Those that count.
    pub of: u64,
    /// The share, in percent; none where nothing counts.
    pub percent: Option<f64>,
    /// The target, in words.
    pub target: String,
    /// It is met.
    pub ok: bool,
}

/// Against the targets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sla {
    /// Decided within 72 hours, of those decided.
    pub response: Target,
    /// Complete within 30 days and by the deadline, of those complete.
    pub completion: Target,
    /// Done by the deadline, of those done or due.
    pub deadline: Target,
    /// Ended with exceptions or failed, of those ended.
    pub exceptions: Target,
}

/// A request that did not go through whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionLine {
    /// Which.
    pub request_id: String,
    /// How it ended, or stands.
    pub status: String,
    /// What was kept, as `category: reason`.
    pub kept: Vec<String>,
}

/// What 11 CCR 7102(a)(1) lists, for requests to delete.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ccpa {
    /// Requests received.
    pub received: u64,
    /// Complied with in whole.
    pub complied_in_whole: u64,
    /// Complied with in part.
    pub complied_in_part: u64,
    /// Denied.
    pub denied: u64,
    /// Median days within which the business substantively responded.
    pub median_days_to_respond: Option<f64>,
    /// Mean days, likewise.
    pub mean_days_to_respond: Option<f64>,
}

/// Sums, one request after another. As large as the categories and the different durations are many, whatever the number
/// of requests, so that a sum that takes long can be put down and gone on with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    now: Timestamp,
    #[serde(with = "jiff::fmt::serde::tz::required")]
    zone: TimeZone,
    summary: Summary,
    months: BTreeMap<String, (u64, u64)>,
    completion: Durations,
    response: Durations,
    documents: u64,
    bytes: u64,
    responded: (u64, u64),
    in_time: (u64, u64),
    by_deadline: (u64, u64),
    exceptional: (u64, u64),
    lines: Vec<ExceptionLine>,
}

const DAY_SECONDS: f64 = 86_400.0;
/// Most requests listed by name as exceptions; the counts are of all.
pub const MOST_LINES: usize = 1_000;

fn days(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64() / DAY_SECONDS
}

fn tally(of: &mut (u64, u64), met: bool) {
    of.0 += u64::from(met);
    of.1 += 1;
}

impl Sums {
    /// Of nothing yet.
    pub fn new(now: Timestamp, zone: TimeZone) -> Self {
        Self {
            now,
            zone,
            summary: Summary::default(),
            months: BTreeMap::new(),
            completion: Durations::default(),
            response: Durations::default(),
            documents: 0,
            bytes: 0,
            responded: (0, 0),
            in_time: (0, 0),
            by_deadline: (0, 0),
            exceptional: (0, 0),
            lines: vec![],
        }
    }

    /// Adds a request.
    pub fn add(&mut self, facts: &Facts) {
        let complete = matches!(facts.phase, Phase::Completed | Phase::CompletedWithExceptions);
        self.summary.received += 1;
        let count = match facts.phase {
            _ if facts.cancelled => &mut self.summary.cancelled,
            Phase::Completed => &mut self.summary.completed,
            Phase::CompletedWithExceptions => &mut self.summary.completed_with_exceptions,
            Phase::Rejected => &mut self.summary.rejected,
            Phase::Cancelled | Phase::Restored => &mut self.summary.cancelled,
            Phase::Failed => &mut self.summary.failed,
            _ => &mut self.summary.open,
        };
        *count += 1;
        let month = facts.received_at.to_zoned(self.zone.clone()).strftime("%Y-%m").to_string();
        tally_month(self.months.entry(month).or_default(), complete);
        *self.summary.by_reason.entry(word(&facts.reason)).or_default() += 1;
        for (category, documents) in &facts.erased {
            *self.summary.by_category.entry(category.clone()).or_default() += documents;
            self.documents += documents;
        }
        self.bytes += facts.bytes;
        self.against_targets(facts, complete);
        let failed = facts.phase == Phase::Failed;
        if (facts.phase == Phase::CompletedWithExceptions || failed) && self.lines.len() < MOST_LINES {
            self.lines.push(ExceptionLine {
                request_id: facts.request.clone(),
                status: if failed { "failed" } else { "completed_with_exceptions" }.to_owned(),
                kept: facts.kept.iter().map(|(category, reason)| format!("{category}: {reason}")).collect(),
            });
        }
    }

    fn against_targets(&mut self, facts: &Facts, complete: bool) {
        if let Some(decided) = facts.decided_at {
            let took = days(facts.received_at, decided);
            self.response.add(took);
            tally(&mut self.responded, took * 24.0 < RESPONSE_HOURS);
        }
        if let Some(finished) = facts.finished_at.filter(|_| complete) {
            let took = days(facts.received_at, finished);
            self.completion.add(took);
            // A month can be shorter than 30 days.
            tally(&mut self.in_time, took < COMPLETION_DAYS && finished <= facts.deadline);
            tally(&mut self.by_deadline, finished <= facts.deadline);
        } else if facts.finished_at.is_none() && self.now > facts.deadline {
            tally(&mut self.by_deadline, false);
        }
        if facts.finished_at.is_some() || facts.phase == Phase::Failed {
            let exceptional = matches!(facts.phase, Phase::CompletedWithExceptions | Phase::Failed);
            tally(&mut self.exceptional, exceptional);
        }
    }

    /// The report.
    pub fn report(mut self, kind: ReportKind, period: Period, sections: &[Section]) -> Report {
        self.summary.by_month = std::mem::take(&mut self.months)
            .into_iter()
            .map(|(month, (received, completed))| Month { month, received, completed })
            .collect();
        let wants = |section| sections.contains(&section);
        Report {
            kind,
            period,
            generated_at: self.now,
            completion_stats: wants(Section::CompletionStats).then(|| self.completion()),
            sla_compliance: wants(Section::SlaCompliance).then(|| self.sla()),
            ccpa: (kind == ReportKind::CcpaMetrics).then(|| self.ccpa()),
            exceptions: wants(Section::Exceptions).then(|| std::mem::take(&mut self.lines)),
            request_summary: wants(Section::RequestSummary).then_some(self.summary),
        }
    }

    fn completion(&self) -> Completion {
        let took = &self.completion;
        Completion {
            completed: took.count,
            mean_days: took.mean(),
            median_days: took.median(),
            p95_days: took.nearest_rank(95),
            longest_days: took.at(took.count),
            documents_erased: self.documents,
            bytes_erased: self.bytes,
        }
    }

    fn sla(&self) -> Sla {
        let target = |(met, of): (u64, u64), words: &str, ok: &dyn Fn(f64) -> bool| {
            let percent = share(met, of);
            Target { met, of, percent: percent.map(round), target: words.to_owned(), ok: percent.is_none_or(ok) }
        };
        Sla {
            response: target(self.responded, "decided within 72 hours, all of them", &|p| p >= 100.0),
            completion: target(self.in_time, "complete within 30 days and by the deadline, all of them", &|p| p >= 100.0),
            deadline: target(self.by_deadline, "done by the deadline, more than 99 %", &|p| p > SLA_PERCENT),
            exceptions: target(self.exceptional, "with exceptions or failed, fewer than 5 %", &|p| p < EXCEPTION_PERCENT),
        }
    }

    fn ccpa(&self) -> Ccpa {
        Ccpa {
            received: self.summary.received,
            complied_in_whole: self.summary.completed,
            complied_in_part: self.summary.completed_with_exceptions,
            denied: self.summary.rejected,
            median_days_to_respond: self.response.median(),
            mean_days_to_respond: self.response.mean(),
        }
    }
}

fn tally_month(month: &mut (u64, u64), complete: bool) {
    month.0 += 1;
    month.1 += u64::from(complete);
}

fn word<T: Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// To hundredths: more would pretend to a precision nobody needs.
fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
fn share(met: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| met as f64 * 100.0 / of as f64)
}

/// Durations by hundredths of a day: as fine as they are told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Durations {
    count: u64,
    days: f64,
    hundredths: BTreeMap<u32, u64>,
}

impl Durations {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates at both ends")]
    fn add(&mut self, days: f64) {
        self.count += 1;
        self.days += days;
        *self.hundredths.entry((days * 100.0).round() as u32).or_default() += 1;
    }

    /// The one of this place in their order, from 1.
    fn at(&self, place: u64) -> Option<f64> {
        let mut passed = 0;
        let reached = |(_, count): &(&u32, &u64)| {
            passed += **count;
            passed >= place
        };
        self.hundredths.iter().find(reached).filter(|_| place > 0).map(|(hundredths, _)| f64::from(*hundredths) / 100.0)
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
    fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| round(self.days / self.count as f64))
    }

    fn median(&self) -> Option<f64> {
        let (lower, upper) = (self.at(self.count.div_ceil(2))?, self.at(self.count / 2 + 1)?);
        Some(round(f64::midpoint(lower, upper)))
    }

    fn nearest_rank(&self, percent: u64) -> Option<f64> {
        self.at((self.count * percent).div_ceil(100))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn at(day: i64) -> Timestamp {
        // 2026-01-05, noon UTC.
        Timestamp::from_second(1_767_614_400 + day * 86_400).expect("in range")
    }

    fn facts(received: i64, decided: Option<i64>, finished: Option<i64>, phase: Phase) -> Facts {
        Facts {
            request: format!("req_{received}"),
            reason: Reason::ConsentWithdrawn,
            phase,
            cancelled: false,
            received_at: at(received),
            decided_at: decided.map(at),
            finished_at: finished.map(at),
            deadline: at(received) + SignedDuration::from_hours(24 * 30),
            erased: vec![("orders".parse().expect("a name"), 3)],
            bytes: 10,
            kept: vec![],
        }
    }

    fn report(all: &[Facts]) -> Report {
        let mut sums = Sums::new(at(100), TimeZone::UTC);
        all.iter().for_each(|f| sums.add(f));
        let period = Period { start_date: "2026-01-01".parse().expect("day"), end_date: "2026-12-31".parse().expect("day") };
        sums.report(ReportKind::CcpaMetrics, period, &Section::ALL)
    }

    #[test]
    fn times_are_measured_from_the_receipt() {
        let report = report(&[
            facts(0, Some(1), Some(2), Phase::Completed),
            facts(1, Some(5), Some(5), Phase::CompletedWithExceptions),
            facts(40, Some(41), Some(80), Phase::Completed),
            facts(41, None, None, Phase::InReview),
            facts(42, Some(43), Some(43), Phase::Rejected),
        ]);
        let stats = report.completion_stats.expect("asked for");
        assert_eq!((stats.completed, stats.median_days, stats.longest_days), (3, Some(4.0), Some(40.0)));
        assert_eq!((stats.mean_days, stats.p95_days, stats.documents_erased), (Some(15.33), Some(40.0), 15));
        let sla = report.sla_compliance.expect("asked for");
        assert_eq!((sla.response.met, sla.response.of, sla.response.ok), (3, 4, false));
        assert_eq!((sla.completion.met, sla.completion.of), (2, 3));
        // The one under way is past its deadline too.
        assert_eq!((sla.deadline.met, sla.deadline.of, sla.deadline.ok), (2, 4, false));
        assert_eq!((sla.exceptions.met, sla.exceptions.of, sla.exceptions.percent), (1, 4, Some(25.0)));
        let summary = report.request_summary.expect("asked for");
        assert_eq!((summary.received, summary.open, summary.rejected), (5, 1, 1));
        assert_eq!(
            summary.by_month.iter().map(|m| (m.month.as_str(), m.received)).collect::<Vec<_>>(),
            [("2026-01", 2), ("2026-02", 3)]
        );
        let ccpa = report.ccpa.expect("of this kind");
        assert_eq!((ccpa.complied_in_whole, ccpa.complied_in_part, ccpa.denied), (2, 1, 1));
        assert_eq!(ccpa.median_days_to_respond, Some(1.0));
    }

    #[test]
    fn what_is_late_by_the_law_is_not_in_time_though_it_took_less_than_thirty_days() {
        let paris =
            |time: &str| time.parse::<jiff::civil::DateTime>().expect("time").in_tz("Europe/Paris").expect("zone").timestamp();
        let facts = |finished: &str| {
            let received_at = paris("2025-01-30T12:00:00");
            let deadlines = crate::deadline::gdpr(received_at, "Europe/Paris", crate::deadline::Country::Fr, false);
            let deadline = deadlines.expect("deadlines").target;
            Facts { received_at, deadline, finished_at: Some(paris(finished)), ..facts(0, None, None, Phase::Completed) }
        };
        for (finished, met) in [("2025-02-28T23:00:00", 1), ("2025-03-01T08:00:00", 0)] {
            let sla = report(&[facts(finished)]).sla_compliance.expect("asked for");
            assert_eq!((sla.completion.met, sla.completion.of, sla.deadline.met), (met, 1, met), "{finished}");
            assert_eq!(sla.completion.ok, met == 1, "{finished}");
        }
    }

    #[test]
    fn report_sums_resume_from_checkpoint() {
        let all = [facts(0, Some(1), Some(2), Phase::Completed), facts(1, Some(5), Some(6), Phase::CompletedWithExceptions)];
        let mut whole = Sums::new(at(100), TimeZone::get("Europe/Berlin").expect("zone"));
        let mut begun = whole.clone();
        all.iter().for_each(|f| whole.add(f));
        begun.add(&all[0]);
        let mut gone_on: Sums = serde_json::from_str(&serde_json::to_string(&begun).expect("json")).expect("sums");
        gone_on.add(&all[1]);
        assert_eq!(gone_on, whole);
    }

    #[test]
    fn the_middle_of_an_even_number_is_between_two() {
        let all: Vec<Facts> = [1, 2, 4, 9].map(|days| facts(0, Some(1), Some(days), Phase::Completed)).to_vec();
        let stats = report(&all).completion_stats.expect("asked for");
        assert_eq!((stats.median_days, stats.p95_days, stats.mean_days), (Some(3.0), Some(9.0), Some(4.0)));
    }

    #[test]
    fn a_period_without_requests_has_no_shares_and_breaks_no_target() {
        let report = report(&[]);
        let sla = report.sla_compliance.expect("asked for");
        assert!(sla.response.ok && sla.deadline.ok && sla.response.percent.is_none());
        assert_eq!(report.completion_stats.expect("asked for").median_days, None);
    }
}
