//! What a saved query asks DynamoDB for.

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
};
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::HttpRequest,
    },
    http::{Response, StatusCode},
};
use oubli_connectors::DynamoDb;
use oubli_domain::{personal::IdentifierKind, saved_query::SavedQuery};
use oubli_engine::ports::{Connector as _, StoreError};
use serde_json::{Value, json};
use std::{
    fmt,
    sync::{Arc, Mutex},
};

/// A table keyed by a number, with an index on a text and one on bytes. Notes the parameters it is asked with.
#[derive(Clone, Default)]
struct Logins(Arc<Mutex<Vec<Value>>>);

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Logins")
    }
}

impl HttpConnector for Logins {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let answer = if target.ends_with("DescribeTable") {
            let attribute = |name: &str, kind: &str| json!({ "AttributeName": name, "AttributeType": kind });
            json!({ "Table": {
                "TableName": "num-logins", "TableStatus": "ACTIVE",
                "AttributeDefinitions": [attribute("customer_id", "N"), attribute("email", "S"), attribute("token", "B")],
                "KeySchema": [{ "AttributeName": "customer_id", "KeyType": "HASH" }],
            } })
        } else {
            assert!(target.ends_with("ExecuteStatement"), "{target}");
            self.0.lock().expect("whole").push(body["Parameters"].clone());
            json!({ "Items": [{ "device": { "S": "phone" } }] })
        };
        let response = Response::new(StatusCode::try_from(200).expect("a status"), SdkBody::from(answer.to_string()));
        HttpConnectorFuture::ready(Ok(response))
    }
}

fn query(condition: &str) -> SavedQuery {
    let statement = format!("SELECT device FROM \"num-logins\" WHERE {condition}");
    let parameters = vec![IdentifierKind::SUBJECT_ID; statement.matches('?').count()];
    SavedQuery {
        name: "logins".parse().expect("a name"),
        category: "profile".parse().expect("a name"),
        store: "db".parse().expect("a name"),
        statement,
        parameters,
        description: None,
        columns: vec!["device".to_owned()],
        table: "num-logins".to_owned(),
        by_index: false,
    }
}

/// What is asked with these values, or why nothing is.
async fn asked(condition: &str, values: &[&str]) -> Result<Value, StoreError> {
    let logins = Logins::default();
    let service = SharedHttpConnector::new(logins.clone());
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url("http://dynamodb.test")
        .retry_config(RetryConfig::disabled())
        .http_client(http_client_fn(move |_, _| service.clone()))
        .build();
    let connector = DynamoDb::new(Client::from_conf(config));
    let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
    let page = connector.queries().expect("it takes queries").query(&query(condition), &values, None).await?;
    assert_eq!(page.rows.len(), 1);
    let mut asked = logins.0.lock().expect("whole");
    assert_eq!(asked.len(), 1);
    Ok(asked.remove(0))
}

#[tokio::test]
async fn a_parameter_has_the_type_of_the_key_it_is_compared_with() {
    for (condition, values, parameters) in [
        ("customer_id = ?", &["42"][..], json!([{ "N": "42" }])),
        ("? = customer_id AND device <> ?", &["42", "42"], json!([{ "N": "42" }, { "S": "42" }])),
        ("email = ?", &["007"], json!([{ "S": "007" }])),
        ("email = ? AND customer_id IN (?, ?)", &["7", "8", "9"], json!([{ "S": "7" }, { "N": "8" }, { "N": "9" }])),
    ] {
        assert_eq!(asked(condition, values).await.expect("asked"), parameters, "{condition}");
    }
}

#[tokio::test]
async fn nothing_is_asked_by_what_cannot_be_the_key() {
    for (condition, value, reason) in [
        ("customer_id = ?", "mara@example.com", "customer_id is a number"),
        ("customer_id = ?", "007", "declare its kind with form: number"),
        ("token = ?", "42", "token is binary"),
    ] {
        let refused = asked(condition, &[value]).await.expect_err("refused");
        let (StoreError::Record { reason: said, .. } | StoreError::Unusable { reason: said, .. }) = refused else {
            panic!("{refused:?}")
        };
        assert!(said.contains(reason) && !said.contains(value), "{said}");
    }
}
