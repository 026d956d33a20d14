//! Removing what a request gathered.

use crate::{
    Result,
    core::Core,
    items::{BatchItem, from_item},
    ports::{Key, Query, Range, TableName},
};

impl Core {
    /// Deletes a round's manifest parts.
    pub(crate) async fn delete_manifest(&self, partition: &str, round: u32) -> Result<()> {
        let mut names = Vec::new();
        for item in self.query_all(control_query(partition, &format!("batch#{round:03}#"))).await? {
            names.push(from_item::<BatchItem>(item)?.part);
        }
        self.delete_named(names).await
    }

    pub(crate) async fn delete_named(&self, names: Vec<String>) -> Result<()> {
        for names in names.chunks(1000) {
            self.ports.objects.delete(names).await?;
        }
        Ok(())
    }

    pub(crate) async fn delete_items(&self, partition: &str, prefix: &str) -> Result<()> {
        let items = self.query_all(control_query(partition, prefix)).await?;
        let keys: Vec<Key> = items
            .iter()
            .filter_map(|i| i.get("sk").and_then(|v| v.as_str()))
            .map(|sk| Key { table: TableName::Control, pk: partition.to_owned(), sk: sk.to_owned() })
            .collect();
        if keys.is_empty() { Ok(()) } else { Ok(self.ports.table.delete_all(keys).await?) }
    }
}

pub(crate) fn control_query(partition: &str, prefix: &str) -> Query {
    Query::new(TableName::Control, partition.to_owned(), Range::Prefix(prefix.to_owned()))
}
