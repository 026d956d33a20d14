//! A DynamoDB of the test's own: dynoxide in memory behind a loopback port, with the tables of the template.

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
        ScalarAttributeType,
    },
};
use oubli_aws::{DynamoDb, Settings};
use oubli_engine::ports::Index;
use std::{net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;

/// A DynamoDB's address.
pub async fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(dynoxide::server::serve_on(listener, dynoxide::Database::memory().expect("memory")));
    address
}

pub fn client(address: SocketAddr) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(format!("http://{address}"))
        .build();
    Client::from_conf(config)
}

fn keys(pk: &str, sk: &str) -> Vec<KeySchemaElement> {
    let element = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("complete");
    vec![element(pk, KeyType::Hash), element(sk, KeyType::Range)]
}

async fn create(client: &Client, table: &str, indexes: &[(&str, Index)]) {
    let mut request = client.create_table().table_name(table).billing_mode(BillingMode::PayPerRequest);
    request = request.set_key_schema(Some(keys("pk", "sk")));
    let mut attributes = vec!["pk", "sk"];
    for (name, index) in indexes {
        let (pk, sk) = index.attributes();
        attributes.extend([pk, sk]);
        let projection = match index.projected() {
            None => Projection::builder().projection_type(ProjectionType::All),
            Some(names) => {
                let names = names.iter().map(|name| (*name).to_owned()).collect();
                Projection::builder().projection_type(ProjectionType::Include).set_non_key_attributes(Some(names))
            }
        };
        let index = GlobalSecondaryIndex::builder().index_name(*name).set_key_schema(Some(keys(pk, sk)));
        request = request.global_secondary_indexes(index.projection(projection.build()).build().expect("complete"));
    }
    for name in attributes {
        let definition = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
        request = request.attribute_definitions(definition.build().expect("complete"));
    }
    request.send().await.expect("created");
}

/// Makes the tables that [`table_at`] uses.
pub async fn tables(address: SocketAddr) {
    let client = client(address);
    create(&client, "control", &[("by_org", Index::ByOrganization), ("by_due", Index::ByDue)]).await;
    create(&client, "ledger", &[]).await;
    for table in ["keys", "directory", "decisions"] {
        create(&client, table, &[]).await;
    }
}

pub fn table_at(address: SocketAddr) -> DynamoDb {
    let name = |variable: &str| variable.strip_prefix("OUBLI_")?.strip_suffix("_TABLE").map(str::to_lowercase);
    DynamoDb::new(client(address), Arc::new(Settings::read(name).expect("settings")))
}
