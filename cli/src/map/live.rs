//! Asking the stores, and what the deployment's roles may do there.

use super::roles::Roles;
use crate::failure::Failure;
use oubli_aws::Aws;
use oubli_connectors::{Options, Registry, needs, survey};
use oubli_domain::datamap::{DataMap, Finding, Lines};
use std::collections::BTreeSet;

/// What stores and roles say of a map.
///
/// # Errors
/// The environment cannot be read.
pub fn ask(map: &DataMap, lines: &Lines, stores: bool, roles: &Roles) -> Result<Vec<Finding>, Failure> {
    crate::admin::with_runtime(async {
        let aws = Aws::from_env().await.map_err(|e| Failure::Usage(e.to_string()))?;
        let owner = aws.callers_account().await;
        let options = Options { path_style: aws.path_style(), owner, ..Options::default() };
        let registry = Registry::new(aws.config().clone(), options);
        let mut findings = Vec::new();
        if stores {
            findings.extend(survey(&registry, map, lines, &own_places()).await);
        }
        if roles.any() {
            let client = aws_sdk_iam::Client::new(aws.config());
            findings.extend(roles.may(&client, &needs(&registry, map).await).await);
        }
        let findings = findings.into_iter().map(|finding| lines.point(finding)).collect();
        Ok(once(findings))
    })
}

/// The deployment's own tables and buckets, as far as the environment names them.
fn own_places() -> BTreeSet<String> {
    let own = std::env::vars().filter(|(name, _)| name.starts_with("OUBLI_"));
    own.filter(|(name, _)| name.ends_with("_TABLE") || name.ends_with("_BUCKET")).map(|(_, value)| value).collect()
}

/// Each finding once: two selections may say the same.
fn once(findings: Vec<Finding>) -> Vec<Finding> {
    let mut seen: Vec<Finding> = Vec::new();
    for finding in findings {
        if !seen.contains(&finding) {
            seen.push(finding);
        }
    }
    seen
}
