//! A table of a test's own: dynoxide in memory behind a loopback port.

use crate::support::{by_subject, producer, removals, returned};
use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    types::{
        AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
        ProjectionType, ScalarAttributeType,
    },
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use oubli_connectors::DynamoDb;
use oubli_domain::datamap::{DynamoTable, ItemSelection, Location, Producer, ScanBound, Selection, Template};
use oubli_engine::ports::{Applied, Connector, Expected, PutBack, RecordRef, Selector, StoreError, Way};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

pub struct Fixture {
    pub client: Client,
    pub connector: Arc<DynamoDb>,
}

pub fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

impl Fixture {
    /// A table `orders` with key (`user`, `n`), an index of whole items by `email` and one of keys by `badge`, a number.
    pub async fn new() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(dynoxide::server::serve_on(listener, dynoxide::Database::memory().expect("memory")));
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(endpoint)
            .build();
        let client = Client::from_conf(config);
        let key = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("complete");
        let attribute = |name: &str, kind| {
            AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().expect("complete")
        };
        let index = |name: &str, attribute: &str, projection| {
            GlobalSecondaryIndex::builder()
                .index_name(name)
                .key_schema(key(attribute, KeyType::Hash))
                .projection(Projection::builder().projection_type(projection).build())
                .build()
                .expect("complete")
        };
        client
            .create_table()
            .table_name("orders")
            .billing_mode(BillingMode::PayPerRequest)
            .key_schema(key("user", KeyType::Hash))
            .key_schema(key("n", KeyType::Range))
            .attribute_definitions(attribute("user", ScalarAttributeType::S))
            .attribute_definitions(attribute("n", ScalarAttributeType::N))
            .attribute_definitions(attribute("email", ScalarAttributeType::S))
            .attribute_definitions(attribute("badge", ScalarAttributeType::N))
            .global_secondary_indexes(index("by_email", "email", ProjectionType::All))
            .global_secondary_indexes(index("by_badge", "badge", ProjectionType::KeysOnly))
            .send()
            .await
            .expect("created");
        Self { connector: Arc::new(DynamoDb::new(client.clone())), client }
    }

    /// A further table, keyed by `id`.
    pub async fn table(&self, name: &str) {
        let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build().expect("complete");
        let id = AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S).build();
        let table = self.client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest).key_schema(key);
        table.attribute_definitions(id.expect("complete")).send().await.expect("created");
    }

    pub async fn put(&self, user: &str, n: i64, more: &[(&str, AttributeValue)]) {
        let mut item: HashMap<_, _> = more.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
        item.extend([("user".to_owned(), text(user)), ("n".to_owned(), number(n))]);
        self.client.put_item().table_name("orders").set_item(Some(item)).send().await.expect("put");
    }

    pub async fn get(&self, user: &str, n: i64) -> Option<HashMap<String, AttributeValue>> {
        let request = self.client.get_item().table_name("orders").consistent_read(true);
        request.key("user", text(user)).key("n", number(n)).send().await.expect("get").item
    }

    pub async fn remove(&self, producer: &Producer, expected: Expected) -> Result<Applied, StoreError> {
        self.connector.apply(producer, &removals([expected])).await.remove(0)
    }

    pub async fn put_back(&self, record: &RecordRef, body: Vec<u8>) -> Result<PutBack, StoreError> {
        self.connector.put_back(&orders(None), vec![returned(record, Value::Null, body)]).await.remove(0)
    }
}

/// A connector to the same tables that takes another way to them.
pub fn connected(client: &Client, way: SharedHttpClient) -> DynamoDb {
    let impatient = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    DynamoDb::new(Client::from_conf(client.config().to_builder().retry_config(impatient).http_client(way).build()))
}

pub fn select(attribute: &str, index: Option<&str>) -> Selection {
    Selection::Items(ItemSelection {
        by: by_subject(),
        attribute: attribute.to_owned(),
        index: index.map(str::to_owned),
        value: Template::plain(),
        sort: None,
        conditions: BTreeMap::new(),
        scan: None,
    })
}

/// The whole table, up to so many items.
pub fn scan(attribute: &str, max_items: u64) -> Selection {
    let Selection::Items(items) = select(attribute, None) else { unreachable!("it selects items") };
    let bound = ScanBound { max_items: Some(max_items), max_read_units: None };
    Selection::Items(ItemSelection { scan: Some(bound), ..items })
}

pub fn orders(version_attribute: Option<&str>) -> Producer {
    let location = DynamoTable {
        table: "orders".to_owned(),
        key: vec!["user".to_owned(), "n".to_owned()],
        version_attribute: version_attribute.map(str::to_owned),
    };
    let select = vec![select("user", None), select("email", Some("by_email")), select("badge", Some("by_badge"))];
    producer(Location::Table(location), select)
}

pub fn selector<'a>(producer: &'a Producer, place: usize, value: &'a str) -> Selector<'a> {
    Selector { way: Way { selection: &producer.select[place], value }, fields: &[], but: &[] }
}

pub fn record(user: &str, n: i64) -> RecordRef {
    RecordRef { key: json!({ "user": { "S": user }, "n": { "N": n.to_string() } }), matched: None, selection: None }
}
