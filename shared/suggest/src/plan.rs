//! What a map can say: producers and the ways to them, and what nothing reaches.

use crate::{
    column::Field,
    edges::{Edge, best, edges},
    judge::Standing,
    people::{Person, people, standings},
    survey::Survey,
    ways::{By, Path, Way, agree_on_people, paths},
};
use oubli_domain::datamap::words_of;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of how places hang together.
pub(crate) struct Plan {
    /// The best edge of each field.
    pub edges: Vec<Edge>,
    pub people: Vec<Person>,
    /// Places that can be reached, in the order they were, with the ways to them.
    pub reached: Vec<(usize, Vec<Way>)>,
    /// What else leads to people and is not followed, by place.
    pub aside: BTreeMap<usize, Vec<String>>,
    /// What it would take to reach a place that leads somewhere.
    pub needs: BTreeMap<usize, Vec<String>>,
}

/// Edges that a person said are none, as `place.field -> place`.
pub(crate) fn plan(survey: &Survey, refused: &BTreeSet<String>, ignored: &BTreeSet<String>) -> Plan {
    let standings = standings(survey);
    let named = |edge: &Edge| {
        let (from, to) = (&survey.places[edge.from.0], &survey.places[edge.to.0]);
        format!("{}.{} -> {}", survey.name(from), from.fields[edge.from.1].name(), survey.name(to))
    };
    let mut all = edges(survey, &standings);
    all.retain(|edge| !refused.contains(&named(edge)));
    let best = best(&all);
    let people = people(survey, &standings, &best);
    // Where people have no table of their own, a field that is called after them is all there is.
    let role = if people.is_empty() { role(survey) } else { None };
    let mut planning = Planning { survey, refused, role, all, best, people, reached: Vec::new(), aside: BTreeMap::new() };
    let open: Vec<usize> =
        (0..survey.places.len()).filter(|place| !ignored.contains(&survey.name(&survey.places[*place]))).collect();
    planning.reach(&open);
    let needs = open.iter().filter(|place| !planning.is_reached(**place)).map(|place| (*place, planning.needs(*place))).collect();
    let Planning { best, people, reached, aside, .. } = planning;
    Plan { edges: best, people, reached, aside, needs }
}

struct Planning<'s> {
    survey: &'s Survey,
    refused: &'s BTreeSet<String>,
    role: Option<String>,
    all: Vec<Edge>,
    best: Vec<Edge>,
    people: Vec<Person>,
    reached: Vec<(usize, Vec<Way>)>,
    aside: BTreeMap<usize, Vec<String>>,
}

impl Planning<'_> {
    fn is_reached(&self, place: usize) -> bool {
        self.reached.iter().any(|(other, _)| *other == place)
    }

    fn reach(&mut self, open: &[usize]) {
        let of_people: Vec<usize> = self.people.iter().map(|person| person.place).filter(|place| open.contains(place)).collect();
        let others = open.iter().copied().filter(|place| !of_people.contains(place));
        for place in of_people.iter().copied().chain(others).collect::<Vec<_>>() {
            let ways = self.by_identity(place);
            if !ways.is_empty() {
                self.reached.push((place, ways));
            }
        }
        loop {
            let further = open.iter().copied().filter(|place| !self.is_reached(*place));
            let Some(found) = further.filter_map(|place| Some((place, self.through_another(place)?))).next() else { return };
            self.reached.push((found.0, vec![found.1]));
        }
    }

    /// By identifiers: of a person's one record all there are, of others the one that most speaks for.
    fn by_identity(&mut self, number: usize) -> Vec<Way> {
        let place = &self.survey.places[number];
        let paths = paths(self.survey, place);
        if let Some(person) = self.people.iter().find(|person| person.place == number) {
            let own = paths.iter().filter_map(|path| path.by_person(self.survey, person)).take(1);
            let addresses = paths.iter().filter_map(Path::by_address).take(1);
            let numbers = paths.iter().filter_map(Path::by_number).take(1);
            return own.chain(addresses).chain(numbers).collect();
        }
        // Whoever most is about comes first: a visit is the patient's, and not the doctor's.
        for person in &self.people {
            let to = self.survey.name(&self.survey.places[person.place]);
            let from = self.survey.name(place);
            let refused = |path: &&Path| self.refused.contains(&format!("{from}.{} -> {to}", path.field.name()));
            let followed = paths.iter().filter(|path| !refused(path));
            let mut ways: Vec<Way> = followed.filter_map(|path| path.by_person(self.survey, person)).collect();
            let leads = self.best.iter().any(|edge| edge.from.0 == number && edge.to.0 == person.place);
            if ways.is_empty() && leads {
                // It is theirs, though nothing finds it by their id: not somebody else's.
                return paths.iter().filter_map(Path::by_address).take(1).collect();
            }
            if ways.is_empty() {
                continue;
            }
            ways.sort_by_key(|way| whose(place.fields[way.field].leaf()));
            let others = ways.split_off(1);
            let said = others.into_iter().filter(|way| way.field != ways[0].field).map(|way| {
                let index = way.index.map(|index| format!(" ({index})")).unwrap_or_default();
                format!("{}{index} leads to people too: their requests would take what is also somebody else's", way.attribute)
            });
            self.aside.entry(number).or_default().extend(said);
            let sparse = place.fields[ways[0].field].present_share() < 0.95;
            ways.extend(paths.iter().filter_map(Path::by_address).take(1).filter(|_| sparse));
            return ways;
        }
        let mut ways: Vec<Way> = paths.iter().filter_map(|path| path.by_name(self.role.as_deref()?)).take(1).collect();
        if ways.is_empty() {
            ways.extend(paths.iter().filter_map(Path::by_address).take(1));
        }
        ways
    }

    fn through_another(&self, number: usize) -> Option<Way> {
        let place = &self.survey.places[number];
        let paths = paths(self.survey, place);
        let leads = |person: &Person| self.best.iter().find(|edge| edge.from.0 == number && edge.to.0 == person.place);
        let own = self.people.iter().find_map(leads);
        let down = paths.iter().flat_map(|path| {
            let edges = self.all.iter().filter(move |edge| edge.from == (number, path.number) && self.is_reached(edge.to.0));
            edges
                .filter(move |edge| own.is_none_or(|own| self.same_people(own, edge)))
                .filter_map(move |edge| path.by_edge(self.survey, edge))
        });
        let is_person = self.people.iter().any(|person| person.place == number);
        let up = paths.iter().filter(|path| path.index.is_none() && !is_person).flat_map(|path| {
            let edges = self.all.iter().filter(move |edge| edge.to == (number, path.number) && self.is_reached(edge.from.0));
            edges.filter_map(move |edge| path.by_owner(self.survey, edge))
        });
        down.chain(up).max_by(|a, b| a.confidence.total_cmp(&b.confidence))
    }

    fn same_people(&self, own: &Edge, through: &Edge) -> bool {
        let parents = self.best.iter().find(|edge| edge.from.0 == through.to.0 && edge.to.0 == own.to.0);
        parents.is_some_and(|parents| agree_on_people(self.survey, own, through, parents))
    }

    fn needs(&self, number: usize) -> Vec<String> {
        let place = &self.survey.places[number];
        let leading = self.best.iter().filter(|edge| edge.from.0 == number && (self.is_reached(edge.to.0)));
        let to_people = |edge: &Edge| self.people.iter().any(|person| person.place == edge.to.0);
        let mut edges: Vec<&Edge> = leading.collect();
        edges.sort_by_key(|edge| !to_people(edge));
        let most = edges.first().map(|edge| to_people(edge));
        let kept = edges.into_iter().filter(|edge| Some(to_people(edge)) == most);
        kept.map(|edge| need(self.survey, &place.fields[edge.from.1], edge)).collect()
    }
}

fn need(survey: &Survey, field: &Field, edge: &Edge) -> String {
    let to = &survey.places[edge.to.0];
    let target = format!("{}.{}", survey.name(to), to.fields[edge.to.1].name());
    let evidence = format!("{} are in {target}", edge.words());
    if field.is_top() && !field.listed {
        format!("needs an index on {} ({evidence})", field.name())
    } else {
        format!(
            "needs an attribute of its own with an index for {} ({evidence}): none can be on what is inside another",
            field.name()
        )
    }
}

/// The role of whom most fields that can be asked for are called after.
fn role(survey: &Survey) -> Option<String> {
    let mut places: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for (number, place) in survey.places.iter().enumerate() {
        for path in paths(survey, place) {
            for role in path.roles().into_iter().filter(|role| !AT_WORK.contains(&role.as_str())) {
                places.entry(role).or_default().insert(number);
            }
        }
    }
    places.into_iter().max_by_key(|(role, places)| (places.len(), std::cmp::Reverse(role.clone()))).map(|(role, _)| role)
}

/// Roles of those who work for whoever has the data.
const AT_WORK: [&str; 18] = [
    "agent",
    "assignee",
    "approver",
    "staff",
    "employee",
    "doctor",
    "physician",
    "nurse",
    "driver",
    "courier",
    "technician",
    "creator",
    "author",
    "reporter",
    "worker",
    "arzt",
    "mitarbeiter",
    "medecin",
];

/// Whose record it most likely is, by how the field is called: the owner's before a recipient's.
fn whose(name: &str) -> usize {
    const LATER: [&str; 12] = [
        "recipient",
        "receiver",
        "to",
        "target",
        "destinataire",
        "destinatario",
        "empfaenger",
        "agent",
        "assignee",
        "approver",
        "driver",
        "updated",
    ];
    let words = words_of(name);
    words.iter().filter(|word| LATER.contains(&word.as_str())).count()
}

impl Plan {
    /// How each place stands to people.
    pub(crate) fn standings(&self, places: usize) -> Vec<Standing> {
        let mut all = vec![Standing::Unknown; places];
        for (place, _) in &self.reached {
            all[*place] = Standing::Linked;
        }
        let mut leading: BTreeSet<usize> = self.people.iter().map(|person| person.place).collect();
        loop {
            let before = leading.len();
            let further: Vec<usize> =
                self.edges.iter().filter(|edge| leading.contains(&edge.to.0)).map(|edge| edge.from.0).collect();
            leading.extend(further);
            if leading.len() == before {
                break;
            }
        }
        for place in leading {
            all[place] = Standing::Linked;
        }
        for person in &self.people {
            all[person.place] = Standing::Person;
        }
        all
    }

    /// The kinds of identifiers that ways start from and a map has to declare.
    pub(crate) fn declared(&self) -> BTreeSet<&str> {
        let kinds = self.reached.iter().flat_map(|(_, ways)| ways).filter_map(|way| match &way.by {
            By::Kind(kind) => Some(kind.as_str()),
            By::Place(..) => None,
        });
        kinds.filter(|kind| !["subject_id", "subject_email"].contains(kind)).collect()
    }
}
