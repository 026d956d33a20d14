//! In which order producers are walked and in which they are erased.

use super::{
    model::{DataMap, Producer},
    selection::SelectBy,
};
use crate::ids::ProducerName;
use petgraph::{algo::tarjan_scc, graph::DiGraph};
use std::collections::BTreeMap;
use thiserror::Error;

/// Producers that wait for each other.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("these producers wait for each other: {}", .0.iter().map(ProducerName::as_str).collect::<Vec<_>>().join(", "))]
pub struct Cycle(pub Vec<ProducerName>);

/// Parents before the producers found through them; and uploads before the objects that they become: one that is finished
/// after the uploads were listed is then found among the objects.
///
/// # Errors
/// [`Cycle`].
pub fn selection_order(map: &DataMap) -> Result<Vec<ProducerName>, Cycle> {
    sort(map, |map, producer| {
        let parents = producer.select.iter().filter_map(|s| match s.by() {
            SelectBy::Parent { producer, .. } => Some(map.with_those_within(producer)),
            SelectBy::Identity(_) => None,
        });
        let parents = parents.flatten().cloned();
        let first = parents.filter(|p| map.producer(p).is_some()).map(|parent| (parent, producer.name.clone()));
        first.chain(producer.location.unfinished_of().map(|of| (producer.name.clone(), of.clone()))).collect()
    })
}

/// The order of a plan's steps: what is found through another producer goes before it, and who reads an anchor to
/// decide goes before its owner. Reading what a producer owns itself orders nothing.
///
/// # Errors
/// [`Cycle`].
pub fn deletion_order(map: &DataMap) -> Result<Vec<ProducerName>, Cycle> {
    sort(map, |map, producer| {
        let mut before = Vec::new();
        for selection in &producer.select {
            if let SelectBy::Parent { producer: parent, .. } = selection.by()
                && map.producer(parent).is_some()
            {
                let parents = map.with_those_within(parent).into_iter();
                before.extend(parents.map(|parent| (producer.name.clone(), parent.clone())));
            }
        }
        for anchor in &producer.reads_as_discriminator {
            for owner in map.producers.iter().filter(|o| o.owns.contains(anchor) && o.name != producer.name) {
                before.push((producer.name.clone(), owner.name.clone()));
            }
        }
        before
    })
}

/// Sorts producers by `(before, after)` pairs; those free to go anywhere keep the order of the map.
fn sort(
    map: &DataMap,
    pairs: impl Fn(&DataMap, &Producer) -> Vec<(ProducerName, ProducerName)>,
) -> Result<Vec<ProducerName>, Cycle> {
    let mut graph: DiGraph<ProducerName, ()> = DiGraph::new();
    let nodes: BTreeMap<_, _> = map.producers.iter().map(|p| (p.name.clone(), graph.add_node(p.name.clone()))).collect();
    for producer in &map.producers {
        for (before, after) in pairs(map, producer) {
            if let (Some(a), Some(b)) = (nodes.get(&before), nodes.get(&after)) {
                graph.update_edge(*a, *b, ());
            }
        }
    }
    for component in tarjan_scc(&graph) {
        let loops_alone = component.len() == 1 && graph.contains_edge(component[0], component[0]);
        if component.len() > 1 || loops_alone {
            let mut names: Vec<_> = component.iter().map(|n| graph[*n].clone()).collect();
            names.sort();
            return Err(Cycle(names));
        }
    }
    let mut order: Vec<ProducerName> = Vec::new();
    while order.len() < map.producers.len() {
        let ready = map.producers.iter().find(|p| {
            !order.contains(&p.name)
                && nodes.get(&p.name).is_some_and(|n| {
                    graph.neighbors_directed(*n, petgraph::Direction::Incoming).all(|before| order.contains(&graph[before]))
                })
        });
        match ready {
            Some(producer) => order.push(producer.name.clone()),
            None => break,
        }
    }
    Ok(order)
}
