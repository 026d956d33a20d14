//! How much of what is there a draft finds, how much of what it says is so, and that nothing of it is a value.

use crate::{
    clinic, commerce, foreign,
    made::{Example, lines},
    rides, school, shop, vehicles,
};
use oubli_domain::datamap::{DataMap, parse};
use oubli_suggest::{Decisions, Draft, draft};
use std::collections::BTreeSet;

fn all() -> Vec<Example> {
    let own = [shop::example(), commerce::example(), rides::example(), clinic::example(), school::example()];
    own.into_iter().chain(foreign::examples()).chain([vehicles::example()]).collect()
}

struct Score {
    right: usize,
    said: usize,
    there: usize,
}

impl Score {
    fn of(name: &str, said: &BTreeSet<String>, there: &BTreeSet<String>) -> Self {
        println!("{name}: missed {:?}", there.difference(said).collect::<Vec<_>>());
        println!("{name}: wrong  {:?}", said.difference(there).collect::<Vec<_>>());
        let score = Self { right: said.intersection(there).count(), said: said.len(), there: there.len() };
        println!("{name}: recall {:.3}, precision {:.3}", score.recall(), score.precision());
        score
    }

    fn recall(&self) -> f64 {
        self.right as f64 / self.there as f64
    }

    fn precision(&self) -> f64 {
        self.right as f64 / self.said as f64
    }
}

fn drafted(example: &Example) -> (Draft, Score, Score) {
    let draft = draft(&example.survey, &Decisions::default(), None);
    let fields = draft.fields.iter().map(|field| field.name.clone()).collect();
    let links = draft.links.iter().map(|link| format!("{} -> {}", link.from, link.to)).collect();
    let fields = Score::of(&format!("{}: fields", example.name), &fields, &lines(example.personal));
    let links = Score::of(&format!("{}: edges", example.name), &links, &lines(example.edges));
    (draft, fields, links)
}

fn sum(scores: &[Score]) -> Score {
    let of = |count: fn(&Score) -> usize| scores.iter().map(count).sum();
    Score { right: of(|s| s.right), said: of(|s| s.said), there: of(|s| s.there) }
}

fn checked(draft: &Draft) -> DataMap {
    parse(&draft.text).unwrap_or_else(|refused| panic!("{refused}\n{}", draft.text)).0
}

/// What every example is held to by itself, as all of them are together.
const FIELDS: (f64, f64) = (0.95, 0.9);
const EDGES: (f64, f64) = (0.9, 0.9);

#[test]
fn of_every_example_by_itself_most_is_found_and_most_that_is_found_is_so() {
    let mut below = Vec::new();
    for example in all() {
        let (_, fields, edges) = drafted(&example);
        for (what, score, (recall, precision)) in [("fields", fields, FIELDS), ("edges", edges, EDGES)] {
            if score.there == 0 || score.recall() < recall || score.precision() < precision {
                below.push(format!("{}: {what}: {:.3} {:.3}", example.name, score.recall(), score.precision()));
            }
        }
    }
    assert_eq!(below, [""; 0]);
}

#[test]
fn of_examples_most_that_is_personal_is_found_and_most_that_is_found_is_personal() {
    let (fields, links): (Vec<Score>, Vec<Score>) = all().iter().map(drafted).map(|(_, fields, links)| (fields, links)).unzip();
    let (fields, links) = (sum(&fields), sum(&links));
    println!(
        "all: fields {:.3} {:.3}, edges {:.3} {:.3}",
        fields.recall(),
        fields.precision(),
        links.recall(),
        links.precision()
    );
    let reaches = |score: &Score, (recall, precision): (f64, f64)| score.recall() >= recall && score.precision() >= precision;
    assert!(reaches(&fields, FIELDS), "{} {}", fields.recall(), fields.precision());
    assert!(reaches(&links, EDGES), "{} {}", links.recall(), links.precision());
}

#[test]
fn every_draft_is_a_map_that_is_accepted_as_it_stands() {
    for example in all() {
        let (draft, ..) = drafted(&example);
        println!("{}", draft.text);
        let map = checked(&draft);
        assert_eq!(map.declared().count(), draft.producers, "{}", example.name);
    }
}

#[test]
fn no_value_of_a_record_is_in_a_draft() {
    for example in all() {
        let draft = draft(&example.survey, &Decisions::default(), None);
        assert!(example.planted.len() > 200, "{}", example.name);
        // Short words are in any text: given names would be too, if they were data of the draft.
        let words: BTreeSet<&str> = draft.text.split(|c: char| !c.is_alphanumeric()).collect();
        for value in &example.planted {
            let there = if value.chars().all(char::is_alphanumeric) {
                words.contains(value.as_str())
            } else {
                draft.text.contains(value)
            };
            assert!(!there, "{}: {value}", example.name);
        }
    }
}

#[test]
fn the_same_stores_make_the_same_draft() {
    for (a, b) in all().iter().zip(all()) {
        assert_eq!(drafted(a).0.text, drafted(&b).0.text);
    }
}
