use super::*;
use aws_sdk_iam::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::HttpRequest,
    },
    http::{Response, StatusCode},
};
use aws_smithy_types::body::SdkBody;
use std::{
    fmt,
    sync::{Arc, Mutex},
};

/// What IAM answers to a role, an action and a resource, as its API reference writes it: the decision, and whether boundary
/// and organization would allow it.
type Decide = fn(&str, &str, &str) -> (&'static str, Option<bool>, Option<bool>);

struct Iam {
    decide: Decide,
    asked: Arc<Mutex<Vec<String>>>,
    refuses: bool,
}

impl fmt::Debug for Iam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Iam")
    }
}

/// The values of a form's fields whose names begin so.
fn fields(form: &str, name: &str) -> Vec<String> {
    let pairs = form.split('&').filter_map(|pair| pair.split_once('='));
    let decoded = |text: &str| text.replace("%3A", ":").replace("%2F", "/").replace("%2A", "*");
    pairs.filter(|(key, _)| key.starts_with(name)).map(|(_, value)| decoded(value)).collect()
}

fn result(action: &str, resource: &str, (decision, boundary, organization): (&str, Option<bool>, Option<bool>)) -> String {
    let detail = |name: &str, member: &str, allowed: Option<bool>| {
        allowed.map(|allowed| format!("<{name}><{member}>{allowed}</{member}></{name}>")).unwrap_or_default()
    };
    let boundary = detail("PermissionsBoundaryDecisionDetail", "AllowedByPermissionsBoundary", boundary);
    let organization = detail("OrganizationsDecisionDetail", "AllowedByOrganizations", organization);
    format!(
        "<member><MatchedStatements/><MissingContextValues/><EvalResourceName>{resource}</EvalResourceName>\
         <EvalDecision>{decision}</EvalDecision><EvalActionName>{action}</EvalActionName>{boundary}{organization}</member>"
    )
}

impl HttpConnector for Iam {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let form = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        self.asked.lock().expect("asked").push(form.clone());
        let (status, body) = if self.refuses {
            let error = "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>\
                         <Code>AccessDenied</Code><Message>User: arn:aws:iam::111122223333:user/dev is not authorized to perform: \
                         iam:SimulatePrincipalPolicy</Message></Error><RequestId>1</RequestId></ErrorResponse>";
            (403, error.to_owned())
        } else {
            let role = fields(&form, "PolicySourceArn").remove(0);
            let resource = fields(&form, "ResourceArns.member").remove(0);
            let mut actions = fields(&form, "ActionNames.member");
            // Pages of two.
            let from = fields(&form, "Marker").first().and_then(|marker| marker.parse::<usize>().ok()).unwrap_or_default();
            actions.drain(..from);
            let more = actions.len() > 2;
            actions.truncate(2);
            let results: String =
                actions.iter().map(|action| result(action, &resource, (self.decide)(&role, action, &resource))).collect();
            let marker = if more { format!("<Marker>{}</Marker>", from + 2) } else { String::new() };
            let answer = format!(
                "<SimulatePrincipalPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
                 <SimulatePrincipalPolicyResult><IsTruncated>{more}</IsTruncated>{marker}<EvaluationResults>{results}\
                 </EvaluationResults></SimulatePrincipalPolicyResult><ResponseMetadata><RequestId>1</RequestId>\
                 </ResponseMetadata></SimulatePrincipalPolicyResponse>"
            );
            (200, answer)
        };
        let response = Response::new(StatusCode::try_from(status).expect("a status"), SdkBody::from(body));
        HttpConnectorFuture::ready(Ok(response))
    }
}

const SEARCHES: &str = "arn:aws:iam::111122223333:role/oubli-DiscoveryRole-1";
const ERASES: &str = "arn:aws:iam::111122223333:role/oubli-DeletionRole-1";
const ORDERS: &str = "arn:aws:dynamodb:eu-central-1:111122223333:table/orders";

fn needs() -> BTreeMap<Need, Vec<String>> {
    let read: &[&str] = &["dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:Query"];
    let need = |work, actions, resource: &str, parameter| Need {
        work,
        actions,
        resource: resource.to_owned(),
        granted: resource.replace("/x", "/*"),
        parameter,
    };
    let by = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    [
        (need(Work::Search, read, ORDERS, "DataTableArns"), by(&["orders", "invoices"])),
        (need(Work::Erase, &["dynamodb:DeleteItem"], ORDERS, "DataTableArns"), by(&["orders", "invoices"])),
        (need(Work::Export, read, ORDERS, "DataTableArns"), by(&["orders", "invoices"])),
    ]
    .into()
}

/// What is said of the roles that search and erase, and how often IAM was asked.
fn said(decide: Decide, refuses: bool) -> (Vec<String>, usize) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let iam = SharedHttpConnector::new(Iam { decide, asked: asked.clone(), refuses });
    let config = aws_sdk_iam::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url("http://iam.test")
        .retry_config(RetryConfig::disabled())
        .http_client(http_client_fn(move |_, _| iam.clone()))
        .build();
    let roles = Roles { discovery_role: Some(SEARCHES.to_owned()), deletion_role: Some(ERASES.to_owned()), export_role: None };
    let found = crate::admin::with_runtime(async { Ok(roles.may(&Client::from_conf(config), &needs()).await) });
    let said = found.expect("a runtime").into_iter().map(|finding| finding.message).collect();
    let asked = asked.lock().expect("asked").len();
    (said, asked)
}

#[test]
fn roles_that_may_do_all_that_is_needed_are_not_spoken_of() {
    let (said, asked) = said(|_, _, _| ("allowed", Some(true), Some(true)), false);
    assert!(said.is_empty(), "{said:?}");
    assert_eq!(asked, 3, "two pages for what the one reads, one for the other; the role that exports was not given");
}

#[test]
fn what_a_role_may_not_do_is_named_with_what_grants_it() {
    let (said, _) = said(
        |role, action, _| match (role == ERASES, action) {
            (true, _) => ("implicitDeny", None, None),
            // On the second page.
            (false, "dynamodb:Query") => ("implicitDeny", None, None),
            _ => ("allowed", None, None),
        },
        false,
    );
    assert_eq!(said.len(), 2, "{said:?}");
    let searches = "producer orders: oubli-DiscoveryRole-1 (and invoices) may not dynamodb:Query on arn:aws:dynamodb:eu-central-1:\
                    111122223333:table/orders: no policy of the role allows it: add arn:aws:dynamodb:eu-central-1:111122223333:\
                    table/orders to the stack's DataTableArns";
    assert!(said[0].starts_with(searches), "{said:?}");
    assert!(said[1].contains("oubli-DeletionRole-1 (and invoices) may not dynamodb:DeleteItem"), "{said:?}");
}

#[test]
fn who_forbids_it_is_said() {
    let cases: [(Decide, &str); 4] = [
        (|_, _, _| ("explicitDeny", None, None), "a policy of the role denies it: change that policy"),
        (|_, _, _| ("implicitDeny", Some(false), Some(true)), "permissions boundary"),
        (|_, _, _| ("implicitDeny", Some(true), Some(false)), "policy of the AWS organization"),
        (|_, _, _| ("implicitDeny", Some(true), Some(true)), "no policy of the role"),
    ];
    for (decide, words) in cases {
        let (said, _) = said(decide, false);
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said.iter().all(|text| text.contains(words)), "{words}: {said:?}");
    }
}

#[test]
fn who_may_not_ask_is_told_so_once() {
    let (said, asked) = said(|_, _, _| ("allowed", None, None), true);
    assert_eq!((said.len(), asked), (1, 1), "{said:?}");
    assert!(said[0].contains("AccessDenied") && said[0].contains("allow iam:SimulatePrincipalPolicy"), "{said:?}");
    assert!(!said[0].contains("user/dev"), "{said:?}");
}

#[test]
fn only_the_arn_of_a_role_is_taken_for_one() {
    assert!(role(SEARCHES).is_ok() && role("arn:aws-cn:iam::111122223333:role/path/x").is_ok());
    for wrong in ["oubli-DiscoveryRole", "arn:aws:iam::111122223333:user/x", "arn:aws:sts::111122223333:role/x", ""] {
        assert!(role(wrong).expect_err("refused").contains("arn:aws:iam::"), "{wrong}");
    }
}
