//! What the deployment's roles may do in the stores of a map: IAM is asked, nothing is tried.

use aws_sdk_iam::{
    Client,
    error::{DisplayErrorContext, ProvideErrorMetadata as _},
    types::{EvaluationResult, PolicyEvaluationDecisionType},
};
use clap::Args;
use oubli_domain::datamap::Finding;
use oubli_engine::ports::{Need, Work};
use std::collections::{BTreeMap, BTreeSet};

/// The roles of the deployment's functions, as the stack's outputs name them.
#[derive(Args, Clone, Default)]
pub struct Roles {
    /// ARN of the role that looks for records (the stack's output DiscoveryRoleArn): IAM is asked whether it may
    #[arg(long, env = "OUBLI_DISCOVERY_ROLE_ARN", value_name = "ARN", value_parser = role)]
    discovery_role: Option<String>,
    /// ARN of the role that hides, restores and removes them (DeletionRoleArn)
    #[arg(long, env = "OUBLI_DELETION_ROLE_ARN", value_name = "ARN", value_parser = role)]
    deletion_role: Option<String>,
    /// ARN of the role that exports them (ExportRoleArn)
    #[arg(long, env = "OUBLI_EXPORT_ROLE_ARN", value_name = "ARN", value_parser = role)]
    export_role: Option<String>,
}

fn role(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "iam", _, account, role] if account.len() == 12 && role.starts_with("role/") => Ok(text.to_owned()),
        _ => Err("accepted: the ARN of a role, such as arn:aws:iam::111122223333:role/oubli-DiscoveryRole-1A2B3C".to_owned()),
    }
}

/// What IAM says of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Denied {
    /// No policy allows it.
    NotAllowed,
    /// A policy denies it.
    Explicitly,
    /// The permissions boundary does not allow it.
    ByBoundary,
    /// The organization's policies do not allow it.
    ByOrganization,
}

impl Denied {
    fn words(self) -> &'static str {
        match self {
            Denied::NotAllowed => "no policy of the role allows it",
            Denied::Explicitly => "a policy of the role denies it",
            Denied::ByBoundary => "the role's permissions boundary does not allow it",
            Denied::ByOrganization => "a policy of the AWS organization does not allow it",
        }
    }
}

impl Roles {
    /// Whether one was named.
    pub fn any(&self) -> bool {
        self.discovery_role.is_some() || self.deletion_role.is_some() || self.export_role.is_some()
    }

    fn of(&self, work: Work) -> Option<&str> {
        match work {
            Work::Search => self.discovery_role.as_deref(),
            Work::Erase => self.deletion_role.as_deref(),
            Work::Export => self.export_role.as_deref(),
        }
    }

    /// What these roles may not do of what the deployment needs.
    pub async fn may(&self, client: &Client, needs: &BTreeMap<Need, Vec<String>>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (need, producers) in needs {
            let Some(role) = self.of(need.work) else { continue };
            let Some(producer) = producers.first() else { continue };
            match ask(client, role, need).await {
                Ok(denied) => {
                    for (why, actions) in denied {
                        findings.push(Finding::warn(None, denial(producers, producer, role, need, why, &actions)));
                    }
                }
                Err(reason) => {
                    let text = format!(
                        "what {role} may do was not asked ({reason}): allow iam:SimulatePrincipalPolicy on it to whoever checks the \
                         map, and give the role's ARN as the stack's outputs name it"
                    );
                    // It would be the same for the others.
                    findings.push(Finding::warn(None, text));
                    return findings;
                }
            }
        }
        findings
    }
}

fn denial(producers: &[String], producer: &str, role: &str, need: &Need, why: Denied, actions: &BTreeSet<String>) -> String {
    let others = match producers.len() {
        0 | 1 => String::new(),
        2 => format!(" (and {})", producers[1]),
        several => format!(" (and {} others)", several - 1),
    };
    let (actions, resource) = (actions.iter().map(String::as_str).collect::<Vec<_>>().join(", "), &need.resource);
    let then = match why {
        Denied::NotAllowed => {
            format!("add {} to the stack's {}, or let the store's own policy allow it", need.granted, need.parameter)
        }
        _ => "change that policy".to_owned(),
    };
    let role = role.rsplit('/').next().unwrap_or(role);
    format!("producer {producer}: {role}{others} may not {actions} on {resource}: {}: {then}", why.words())
}

/// The actions that a role may not do, by why; or why nobody said.
async fn ask(client: &Client, role: &str, need: &Need) -> Result<BTreeMap<Denied, BTreeSet<String>>, String> {
    let simulated = client.simulate_principal_policy().policy_source_arn(role);
    let simulated = simulated.set_action_names(Some(need.actions.iter().map(|action| (*action).to_owned()).collect()));
    let mut pages = simulated.resource_arns(&need.resource).into_paginator().send();
    let mut denied: BTreeMap<Denied, BTreeSet<String>> = BTreeMap::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|e| {
            let said = e.code().map(str::to_owned).unwrap_or_else(|| DisplayErrorContext(&e).to_string());
            said.lines().next().unwrap_or_default().to_owned()
        })?;
        for result in page.evaluation_results() {
            if let Some(why) = why_not(result) {
                denied.entry(why).or_default().insert(result.eval_action_name().to_owned());
            }
        }
    }
    Ok(denied)
}

fn why_not(result: &EvaluationResult) -> Option<Denied> {
    if *result.eval_decision() == PolicyEvaluationDecisionType::Allowed {
        return None;
    }
    let by_organization = result.organizations_decision_detail().is_some_and(|detail| !detail.allowed_by_organizations());
    let by_boundary =
        result.permissions_boundary_decision_detail().is_some_and(|detail| !detail.allowed_by_permissions_boundary());
    Some(match (by_organization, by_boundary, result.eval_decision()) {
        (_, _, PolicyEvaluationDecisionType::ExplicitDeny) => Denied::Explicitly,
        (true, ..) => Denied::ByOrganization,
        (_, true, _) => Denied::ByBoundary,
        _ => Denied::NotAllowed,
    })
}

#[cfg(test)]
#[path = "roles_tests.rs"]
mod tests;
