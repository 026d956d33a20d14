//! What is concluded, before it is written down.

use crate::{
    decisions::Decisions,
    judge::{Judged, PERSONAL},
    objects::Shown,
    plan::Plan,
    survey::{Place, Survey},
};

/// A field that looks personal.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonalField {
    /// Table and field: `orders.email`, `app[order].email`.
    pub name: String,
    /// From 0 to 1.
    pub confidence: f64,
}

/// A field that leads to records elsewhere, or keys of objects that do.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// `orders.customer_id`, or `documents:customers/{}/`.
    pub from: String,
    /// The place: `profiles`.
    pub to: String,
    /// From 0 to 1.
    pub confidence: f64,
}

/// What is said of every field: by place, in their order.
pub(crate) struct Judgements {
    pub of: Vec<Vec<Judged>>,
    /// Decisions whose evidence is no longer what it was, and other words for people.
    pub again: Vec<String>,
    /// What people could decide.
    pub open: Vec<(String, String)>,
}

/// What is concluded, before it is written down.
pub(crate) struct Findings<'s> {
    pub survey: &'s Survey,
    pub decisions: &'s Decisions,
    pub plan: Plan,
    pub judged: Judgements,
    pub objects: Vec<Shown>,
}

/// What a place shows, in words that change only when it does.
pub(crate) fn place_evidence(place: &Place) -> String {
    let names: Vec<String> = place.fields.iter().filter(|field| field.is_top()).map(crate::column::Field::name).collect();
    format!("fields {}", names.join(" "))
}

pub(crate) fn edge_evidence(share: f64) -> String {
    let how = match share {
        share if share >= 0.999 => "all",
        share if share >= 0.9 => "nearly all",
        _ => "some",
    };
    format!("{how} of its values are there")
}

impl Findings<'_> {
    pub(crate) fn fields(&self) -> Vec<PersonalField> {
        let places = self.survey.places.iter().zip(&self.judged.of);
        let all = places.flat_map(|(place, of)| place.fields.iter().zip(of).map(move |(field, judged)| (place, field, judged)));
        let personal = all.filter(|(_, _, judged)| judged.confidence >= PERSONAL);
        let named = personal.map(|(place, field, judged)| PersonalField {
            name: format!("{}.{}", self.survey.name(place), field.name()),
            confidence: judged.confidence,
        });
        named.collect()
    }

    pub(crate) fn links(&self) -> Vec<Link> {
        let survey = self.survey;
        let of_rows = self.plan.edges.iter().map(|edge| {
            let (from, to) = (&survey.places[edge.from.0], &survey.places[edge.to.0]);
            let field = from.fields[edge.from.1].name();
            Link { from: format!("{}.{field}", survey.name(from)), to: survey.name(to), confidence: edge.confidence() }
        });
        let of_objects = survey.buckets.iter().zip(&self.objects).flat_map(|(bucket, shown)| {
            shown.families.iter().map(|family| Link {
                from: format!("{}:{}", bucket.name, family.template),
                to: survey.name(&survey.places[family.place]),
                confidence: family.confidence,
            })
        });
        of_rows.chain(of_objects).collect()
    }
}
