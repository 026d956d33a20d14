//! Holding a data map against the stores it speaks of.

use oubli_domain::{
    datamap::{DataMap, Finding, StoreKind, looks_personal},
    ids::ProducerName,
};
use oubli_engine::ports::{NotSurveyed, Stores, Survey, Surveyed};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// A data map knows no organization: buckets are held to the window that settings begin with.
const WINDOW: Duration = Duration::from_secs(30 * 24 * 3600);

/// What the stores say of a map: tables, indexes and buckets that are missing or differ are refused, what a store
/// cannot promise is a warning, and so are fields that look personal where no producer names the table they are in. Field
/// names are read, never values.
pub async fn survey(stores: &dyn Stores, map: &DataMap, lines: &BTreeMap<ProducerName, u64>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for producer in &map.producers {
        let line = lines.get(&producer.name).copied();
        let Some(store) = map.stores.get(&producer.store) else { continue };
        let about = |text: String| format!("producer {}: {text}", producer.name);
        let promised = match stores.connector(&producer.store, store) {
            Ok(connector) => connector.capabilities(producer, WINDOW).await,
            Err(error) => Err(error),
        };
        match promised {
            Ok(promised) => {
                let cautions = promised.words().into_iter();
                findings.extend(cautions.map(|caution| Finding::warn(line, about(caution))));
            }
            Err(error) => findings.push(Finding::refuse(line, about(error.to_string()))),
        }
    }
    let claimed: BTreeSet<&str> = map.producers.iter().map(|p| p.location.name()).collect();
    let mut asked: Vec<(StoreKind, Option<&str>)> = Vec::new();
    for (name, store) in &map.stores {
        let place = (store.connector, store.region.as_deref());
        // A store without a connector was named with its producers.
        let Ok(connector) = stores.connector(name, store) else { continue };
        let Some(survey) = connector.survey().filter(|_| !asked.contains(&place)) else { continue };
        asked.push(place);
        findings.extend(unclaimed(survey, &claimed).await.into_iter().map(|text| Finding::warn(None, text)));
    }
    findings
}

async fn unclaimed(survey: &dyn Survey, claimed: &BTreeSet<&str>) -> Vec<String> {
    let places = match survey.places(claimed).await {
        Ok(places) => places,
        Err(NotSurveyed { places, reason, needs }) => {
            return vec![format!("{places} that no producer names were not looked at ({reason}): allow {needs}")];
        }
    };
    let personal = places.into_iter().filter_map(|Surveyed { place, fields }| {
        let fields: Vec<&str> = fields.iter().map(String::as_str).filter(|f| looks_personal(f)).collect();
        let fields = (!fields.is_empty()).then(|| fields.join(", "))?;
        Some(format!("{place} belongs to no producer, and these of its fields look personal: {fields}"))
    });
    personal.collect()
}
