//! How the records of a place can be found: by the table's key or an index, from an identifier or from another producer's
//! records.

use crate::{
    column::{FEW, Field, ratio},
    edges::{Edge, Form, coverage, hits},
    groups::Sort,
    names,
    people::Person,
    shape::Shape,
    survey::{Place, Survey},
    value::Keys,
};
use oubli_domain::datamap::{Meaning, Strength, is_role, meaning, words_of};

/// What a way starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum By {
    /// An identifier of this kind.
    Kind(String),
    /// A field of another place's records.
    Place(usize, String),
}

/// A way to the records of a place.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    pub by: By,
    pub index: Option<String>,
    pub attribute: String,
    /// `{}`, or with a fixed beginning.
    pub value: String,
    /// The sort key's attribute where it is an index's, and what it has to be.
    pub sort: Option<(Option<String>, Sort)>,
    /// What the table's own sort key has to be.
    pub only: Option<(String, String)>,
    pub confidence: f64,
    pub evidence: String,
    /// The field compared.
    pub field: usize,
}

/// One attribute that records can be asked for by.
pub(crate) struct Path<'s> {
    pub index: Option<&'s str>,
    pub number: usize,
    place: usize,
    pub field: &'s Field,
    sort: Option<(Option<String>, Sort)>,
    only: Option<(String, String)>,
}

/// Everything the records of a place can be asked for by.
pub(crate) fn paths<'s>(survey: &'s Survey, place: &'s Place) -> Vec<Path<'s>> {
    let table = &survey.sampled(place).table;
    let indexes = table.indexes.iter().map(|index| (Some(index.name.as_str()), &index.keys));
    let all = std::iter::once((None, &table.keys)).chain(indexes);
    all.filter_map(|(index, keys)| path(survey, place, index, keys)).collect()
}

fn path<'s>(survey: &'s Survey, place: &'s Place, index: Option<&'s str>, keys: &'s Keys) -> Option<Path<'s>> {
    let number = place.fields.iter().position(|field| field.is_top() && field.path[0] == keys.partition)?;
    let field = &place.fields[number];
    let with_same = |other: &Place| other.field(&keys.partition).is_some_and(|theirs| theirs.literal == field.literal);
    let others = survey.places.iter().filter(|other| other.table == place.table && other.label != place.label);
    let mixed = others.filter(|other| with_same(other)).count() > 0;
    let table_sort = survey.sampled(place).table.keys.sort.clone();
    let (sort, only) = match (mixed, index, &place.sort) {
        (false, ..) | (true, None, Sort::Any) => (None, None),
        (true, None, sort) => (Some((None, sort.clone())), None),
        (true, Some(_), own) => {
            let name = keys.sort.as_ref();
            let beginning = name.and_then(|name| Some((name.clone(), place.field(name)?.literal.clone()?)));
            match (beginning, own, table_sort) {
                (Some((name, beginning)), ..) => (Some((Some(name), Sort::Beginning(beginning))), None),
                (None, Sort::Equal(word), Some(sort)) => (None, Some((sort, word.clone()))),
                // Nothing tells its records in this index from others'.
                _ => return None,
            }
        }
    };
    let own = survey.places.iter().position(|other| std::ptr::eq(other, place))?;
    Some(Path { index, number, place: own, field, sort, only })
}

impl Path<'_> {
    pub(crate) fn is_of_addresses(&self) -> bool {
        self.field.share(|shape| shape == Shape::Email) >= 0.9
    }

    fn way(&self, by: By, form: Form, confidence: f64, evidence: String) -> Way {
        let beginning = self.field.literal.as_deref().filter(|_| form == Form::Inner).unwrap_or_default();
        Way {
            by,
            index: self.index.map(str::to_owned),
            attribute: self.field.path[0].clone(),
            value: format!("{beginning}{{}}"),
            sort: self.sort.clone(),
            only: self.only.clone(),
            confidence,
            evidence,
            field: self.number,
        }
    }

    /// By a person's own id, where its values are among those.
    pub(crate) fn by_person(&self, survey: &Survey, person: &Person) -> Option<Way> {
        let ids = person.ids(survey)?;
        let place = &survey.places[person.place];
        let name = format!("{}.{}", survey.name(place), place.fields[person.key].name());
        let answered = survey.answers.get(&((self.place, self.number), (person.place, person.key)));
        if let Some(answered) =
            answered.filter(|answered| self.place != person.place && (answered.proves() || !answered.leaves_open()))
        {
            return answered.proves().then(|| {
                let evidence =
                    format!("{} of {} values that were looked up are in {name}{}", answered.found, answered.asked, self.often());
                self.way(By::Kind(person.kind.clone()), Form::Whole, 0.9 * ratio(answered.found, answered.asked), evidence)
            });
        }
        let common = self.field.is_common();
        [Form::Whole, Form::Inner].into_iter().find_map(|form| {
            let own = self.field.set(form)?;
            let key = &place.fields[person.key];
            // Numbers behind another beginning are those of something else.
            let others = form == Form::Inner && person.form == Form::Inner && self.field.literal != key.literal;
            if others && (common || key.is_common()) {
                return None;
            }
            let found = hits(own, ids);
            let same_name =
                names::agree(self.field.leaf(), key.leaf()) && names::subjects(self.field.leaf()) == names::subjects(key.leaf());
            let enough = found >= FEW || found == own.len() && !common && (found >= 2 || found == 1 && same_name);
            let share = ratio(found, own.len());
            (enough && share >= 0.9 * coverage(survey, place)).then(|| {
                let evidence = format!("{found} of {} different values are in {name}{}", own.len(), self.often());
                self.way(By::Kind(person.kind.clone()), form, if found < FEW { 0.7 } else { 0.98 * share }, evidence)
            })
        })
    }

    /// By an address, where it holds them.
    pub(crate) fn by_address(&self) -> Option<Way> {
        let form = if self.field.literal.is_some() { Form::Inner } else { Form::Whole };
        let share = self.field.share(|shape| shape == Shape::Email);
        (self.is_of_addresses() && self.field.set(form).is_some()).then(|| {
            let evidence = format!("{} of its values are email addresses{}", percent(share), self.often());
            self.way(By::Kind("subject_email".to_owned()), form, 0.97 * share, evidence)
        })
    }

    /// The roles that its name, or what all its values begin with, is a word for.
    pub(crate) fn roles(&self) -> Vec<String> {
        let of = |text: &str| words_of(text).into_iter().filter(|word| is_role(word)).collect();
        if !self.field.may_be_an_id() {
            return Vec::new();
        }
        match &self.field.literal {
            Some(_) if self.field.compound => Vec::new(),
            Some(beginning) => of(beginning),
            None if meaning(self.field.leaf()) == Some((Meaning::Person, Strength::Strong)) => of(self.field.leaf()),
            None => Vec::new(),
        }
    }

    /// By what it is called alone, after people in a role.
    pub(crate) fn by_name(&self, role: &str) -> Option<Way> {
        self.roles().iter().any(|own| own == role).then(|| {
            let evidence = format!("its name alone says so: in no table that was sampled a person is one record{}", self.often());
            let form = if self.field.literal.is_some() { Form::Inner } else { Form::Whole };
            self.way(By::Kind("subject_id".to_owned()), form, 0.6, evidence)
        })
    }

    /// By a number, where it holds those that can be called.
    pub(crate) fn by_number(&self) -> Option<Way> {
        let phones = self.field.share(|shape| matches!(shape, Shape::Phone | Shape::PhoneLike));
        let named = meaning(self.field.leaf()).is_some_and(|(meaning, _)| meaning == Meaning::Phone);
        (self.field.literal.is_none() && phones >= 0.8 && named).then(|| {
            let evidence = format!("{} of its values are phone numbers{}", percent(phones), self.often());
            self.way(By::Kind("phone".to_owned()), Form::Whole, 0.9 * phones, evidence)
        })
    }

    /// By a field of other records that it is among.
    pub(crate) fn by_edge(&self, survey: &Survey, edge: &Edge) -> Option<Way> {
        let parent = &survey.places[edge.to.0];
        let field = &parent.fields[edge.to.1];
        let known = edge.to_form == Form::Whole && field.can_be_named();
        let evidence = |name: &str| format!("{} are in {name}{}", edge.words(), self.often());
        let name = format!("{}.{}", survey.name(parent), field.name());
        known.then(|| self.way(By::Place(edge.to.0, field.name()), edge.from_form, edge.confidence(), evidence(&name)))
    }

    /// By a field of other records that names this key, where these are nobody else's.
    pub(crate) fn by_owner(&self, survey: &Survey, edge: &Edge) -> Option<Way> {
        let parent = &survey.places[edge.from.0];
        let field = &parent.fields[edge.from.1];
        let (theirs, own) = (field.set(edge.from_form)?, self.field.set(edge.to_form)?);
        let once = theirs.values().all(|times| *times == 1) && field.values >= FEW;
        let all = ratio(hits(own, theirs), own.len());
        let known = edge.from_form == Form::Whole && field.can_be_named();
        (once && all >= 0.9 && known).then(|| {
            let name = format!("{}.{}", survey.name(parent), field.name());
            let evidence = format!("{} of its keys are named by {name}, none of them twice", percent(all));
            self.way(By::Place(edge.from.0, field.name()), edge.to_form, 0.85 * all, evidence)
        })
    }

    fn often(&self) -> String {
        match self.field.present_share() {
            share if share >= 0.999 => "; every sampled record has one".to_owned(),
            share => format!("; {} of the sampled records have one", percent(share)),
        }
    }
}

pub(crate) fn percent(share: f64) -> String {
    format!("{:.0} %", (share * 100.0).floor())
}

/// Whether whom a record is about by itself is whom it is about through its parent.
pub(crate) fn agree_on_people(survey: &Survey, own: &Edge, through: &Edge, parents: &Edge) -> bool {
    let field = |(place, field): (usize, usize)| &survey.places[place].fields[field];
    let parent_rows = field(through.to).rows(through.to_form).iter().zip(field(parents.from).rows(parents.from_form));
    let person_of: std::collections::BTreeMap<_, _> =
        parent_rows.filter_map(|(key, person)| Some(((*key)?, (*person)?))).collect();
    let rows = field(through.from).rows(through.from_form).iter().zip(field(own.from).rows(own.from_form));
    let compared: Vec<bool> = rows.filter_map(|(parent, person)| Some(*person_of.get(&(*parent)?)? == (*person)?)).collect();
    let same = compared.iter().filter(|same| **same).count();
    compared.len() >= FEW && ratio(same, compared.len()) >= 0.98
}
