//! Asks the deployment of the environment for a compliance report, as somebody who waits for no more than its first page: the
//! deployment makes the rest in the background. For tests; prints the report's id.

use anyhow::{Context, Result, bail};
use oubli_aws::Aws;
use oubli_domain::{
    access::{Caller, Role, Roles},
    ids::{ActorId, OrganizationId, ReportId},
    report::{Period, ReportKind, Section},
};
use oubli_engine::{
    Config, Engine,
    api::{ReportOrder, ReportOutcome},
    ports::NoStores,
};
use std::sync::Arc;
use uuid::Uuid;

#[tokio::main]
async fn main() -> Result<()> {
    let organization: OrganizationId = std::env::args().nth(1).context("which organization?")?.parse()?;
    let aws = Aws::from_env().await?;
    let config = Config { report_patience_seconds: 0, ..Config::default() };
    let engine = Engine::with_config(aws.ports(Arc::new(NoStores)), config);
    let caller = Caller { organization, actor: ActorId::from_uuid(Uuid::now_v7()), roles: Roles::of(Role::Auditor) };
    let period = Period { start_date: "2026-01-01".parse()?, end_date: "2126-12-31".parse()? };
    let order = ReportOrder { kind: ReportKind::GdprErasure, period, sections: Section::ALL.to_vec() };
    match engine.reports().report(&caller, ReportId::from_uuid(Uuid::now_v7()), order).await? {
        ReportOutcome::Running(view) => println!("{}", view.id),
        ReportOutcome::Done(_) => bail!("its first page was all of it"),
    }
    Ok(())
}
