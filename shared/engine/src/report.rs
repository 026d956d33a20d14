//! Compliance reports.

use crate::{
    Engine, EngineError, Outcome, Refusal,
    certificate::claims_of,
    engine::organization_requests,
    items::{RequestItem, claims_key, from_item, request_partition},
    ports::{Document, Index, Query, Range, TableName, Template},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use oubli_domain::{
    access::{Action, Caller},
    audit::EventType,
    ids::OrganizationId,
    report::{Facts, Period, Report, ReportKind, Section, Sums},
};

/// How long it counts: API Gateway waits for 30 seconds.
const PATIENCE: SignedDuration = SignedDuration::from_secs(20);

impl Engine {
    /// A report on the requests received in a period. However many there are, it holds a page of them at a time.
    ///
    /// # Errors
    /// `period_too_large`; [`EngineError::Transient`].
    pub async fn report(&self, caller: &Caller, kind: ReportKind, period: Period, sections: &[Section]) -> Outcome<Report> {
        Self::permit(caller, Action::Report)?;
        let organization = &caller.organization;
        let settings = self.settings(organization).await?;
        let zone = TimeZone::get(&settings.time_zone).unwrap_or(TimeZone::UTC);
        let midnight = |day: jiff::civil::Date| -> Outcome<Timestamp> {
            let start = day.to_zoned(zone.clone()).map_err(|e| EngineError::Broken(e.to_string()))?;
            Ok(start.timestamp())
        };
        let (from, to) = (midnight(period.start_date)?, midnight(period.end_date.tomorrow().unwrap_or(period.end_date))?);
        let place = |at: Timestamp| format!("{:016}", at.as_millisecond().max(0));
        let mut query = Query {
            index: Some(Index::ByOrganization),
            limit: 100,
            ..Query::new(TableName::Jobs, organization_requests(organization), Range::Between(place(from), place(to)))
        };
        let mut sums = Sums::new(self.now(), zone);
        let give_up = self.now() + PATIENCE;
        loop {
            let page = self.ports.table.query(query.clone()).await?;
            let requests = page.items.into_iter().map(from_item::<RequestItem>).collect::<Outcome<Vec<_>>>()?;
            for facts in self.facts(requests).await? {
                sums.add(&facts);
            }
            match page.next {
                None => break,
                Some(_) if self.now() > give_up => {
                    let text = "There are more requests in this period than one answer can count.";
                    let remedy = "Ask for a shorter period, month by month.";
                    return Err(Refusal::invalid("period_too_large", "period", text, remedy).into());
                }
                Some(next) => query.after = Some(next),
            }
        }
        let details = [("type", serde_json::to_value(kind).unwrap_or_default())];
        self.record_reading(caller, EventType::ReportCreated, None, details).await?;
        Ok(sums.report(kind, period, sections))
    }

    async fn facts(&self, requests: Vec<RequestItem>) -> Outcome<Vec<Facts>> {
        let keys: Vec<_> = requests.iter().map(|r| claims_key(&request_partition(&r.organization, &r.id))).collect();
        let claims = if keys.is_empty() { vec![] } else { self.ports.table.get_many(&keys).await? };
        let facts = requests.into_iter().zip(claims).map(|(request, claims)| {
            let claims = claims_of(claims);
            let kept = claims.iter().flat_map(|c| &c.kept).map(|k| (k.category.clone(), k.reason.clone())).collect();
            let erased = claims.iter().flat_map(|c| &c.erased).map(|e| (e.category.clone(), e.documents)).collect();
            Facts {
                request: request.id.to_string(),
                reason: request.reason,
                phase: request.state.phase,
                cancelled: request.state.cancelled,
                received_at: request.submitted_at,
                decided_at: request.decided_at,
                finished_at: request.finished_at,
                deadline: request.deadlines.target,
                erased,
                bytes: request.counts.bytes,
                kept,
            }
        });
        Ok(facts.collect())
    }

    /// A report as a PDF file, with the report's JSON inside.
    ///
    /// # Errors
    /// [`EngineError::Broken`] where nothing can print.
    pub async fn report_pdf(&self, organization: &OrganizationId, report: &Report) -> Outcome<Vec<u8>> {
        let json = serde_json::to_vec(report).map_err(|_| EngineError::Broken("a report does not serialize".to_owned()))?;
        let name = self.settings(organization).await?.name;
        let data = serde_json::json!({ "organization_name": name, "report": report });
        let document = Document {
            template: Template::Report,
            data: data.to_string().into_bytes(),
            attachment: json,
            ident: format!("report {organization} {} {}", report.period.start_date, report.period.end_date),
            created: report.generated_at.to_zoned(TimeZone::UTC).datetime(),
        };
        self.printer.pdf(&document).map_err(|e| EngineError::Broken(e.to_string()))
    }
}
