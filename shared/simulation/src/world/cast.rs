//! Who and what there is in a seed: organizations, people, data maps, data, and how the services behave.

use super::{
    WorldState,
    map::{Map, Produces, Way, Who},
};
use crate::{
    acts::Case,
    oracle::{Asked, HoldSeen},
    stores::{Rules, Versioning},
};
use std::collections::BTreeMap;

/// An organization of the world.
#[derive(Debug, Clone)]
pub struct ShopCast {
    pub name: String,
    /// For how long what is hidden from now on can be restored, in seconds.
    pub window: u32,
    /// What that was before, each until when.
    pub windows_before: Vec<(i64, u32)>,
    pub slots: u32,
    /// Records of a batch, and batches at once.
    pub batch: u32,
    pub lanes: u32,
    /// Every version of its map, in order; the first is version 1.
    pub maps: Vec<Map>,
}

/// Everything that was drawn.
#[derive(Debug, Clone, Default)]
pub struct Cast {
    pub shops: Vec<ShopCast>,
    pub people: Vec<Who>,
    /// Indexes show a write only after a while.
    pub lagging: bool,
    /// Pages and lists are cut and late.
    pub cut: bool,
    /// Workers' clocks disagree by up to this many milliseconds.
    pub skew_ms: i64,
    /// Nobody decides, retries or verifies once the storm is over: policy must end everything.
    pub idle: bool,
    /// Time jumps by hours, days and months.
    pub jumps: bool,
    /// Stores refuse records, close, and change their rules.
    pub troubled: bool,
    /// Requests that somebody will submit, and holds that somebody will place.
    pub cases: BTreeMap<u128, Case>,
    pub holds: BTreeMap<u128, HoldSeen>,
}

const DAY: u32 = 24 * 3600;

/// People whose ids are beginnings of each other's.
const NAMES: [&str; 4] = ["ann", "ann2", "bo", "ann23"];

pub fn person(n: usize) -> Who {
    let name = NAMES[n % NAMES.len()];
    Who { id: Some(name.to_owned()), email: Some(format!("{name}@example.org")) }
}

impl WorldState {
    fn draw<T: Copy>(&mut self, of: &[T], otherwise: T) -> T {
        self.choose(of).copied().unwrap_or(otherwise)
    }

    /// Draws a world. Data are put there, maps are not published yet.
    pub fn draw_cast(&mut self) {
        let organizations = self.draw(&[1, 1, 2], 1);
        let people = self.draw(&[2, 3, 4], 2);
        let cast = Cast {
            shops: vec![],
            people: (0..people).map(person).collect(),
            lagging: self.chance(500),
            cut: self.chance(500),
            skew_ms: self.draw(&[0, 0, 1_000, 2_000], 0),
            idle: self.chance(60),
            jumps: self.chance(350),
            troubled: self.chance(350),
            cases: BTreeMap::new(),
            holds: BTreeMap::new(),
        };
        self.cast = cast;
        for n in 0..organizations {
            let name = ["alpha", "beta"][n % 2].to_owned();
            let map = self.draw_map(&name);
            let window = self.draw_window();
            let slots = self.draw(&[1, 1, 2, 3], 1);
            let batch = self.draw(&[1, 2, 2, 2, 3], 2);
            let lanes = self.draw(&[1, 2, 4, 4], 4);
            self.fill(&map);
            self.cast.shops.push(ShopCast { name, window, windows_before: vec![], slots, batch, lanes, maps: vec![map] });
        }
    }

    /// For how long what is hidden can be restored, in seconds.
    pub fn draw_window(&mut self) -> u32 {
        self.draw(&[400, 400, 7_200, 3 * DAY], 400)
    }

    fn draw_map(&mut self, organization: &str) -> Map {
        let place = |table: &str| format!("{organization}-{table}");
        let producer = |name: &str, category: &str, ways: Vec<Way>| Produces {
            name: name.to_owned(),
            category: category.to_owned(),
            place: place(name),
            ways,
            duty: None,
            log: false,
        };
        let mut producers = Vec::new();
        let both = self.chance(600);
        let mut ways = vec![Way::Id("owner")];
        if both {
            ways.push(Way::Email("email"));
        }
        producers.push(producer("orders", "orders", ways));
        if self.chance(700) {
            let category = if self.chance(600) { "orders" } else { "details" };
            producers.push(producer("lines", category, vec![Way::Parent("orders".to_owned(), "parent")]));
            if self.chance(400) {
                producers.push(producer("notes", "details", vec![Way::Parent("lines".to_owned(), "parent")]));
            }
        }
        if self.chance(600) {
            let mut invoices = producer("invoices", "invoices", vec![Way::Id("owner")]);
            invoices.duty = Some(self.draw(&[7, 7, 7, 0], 7));
            producers.push(invoices);
        }
        if self.chance(500) {
            let way = if self.chance(500) { Way::Email("email") } else { Way::Id("owner") };
            let mut chat = producer("chat", "chat", vec![way]);
            chat.log = self.chance(300);
            producers.push(chat);
        }
        if self.chance(600) {
            producers.push(producer("files", "files", vec![Way::Prefix("u/{}/")]));
        }
        if self.chance(300) {
            let category = if self.chance(500) { "files" } else { "scans" };
            producers.push(producer("scans", category, vec![Way::Prefix("s/{}/")]));
        }
        // One producer reaches into another's records, and has a duty of its own.
        if self.chance(40) {
            let mut shadow = producer("ledger", "books", vec![Way::Email("email")]);
            shadow.place = place("orders");
            shadow.duty = Some(7);
            producers.push(shadow);
        }
        if self.chance(300) {
            producers.reverse();
        }
        Map { producers }
    }

    /// Another version of a map: another order, a producer more or less.
    pub fn redraw_map(&mut self, shop: usize) -> Option<Map> {
        let newest = self.cast.shops.get(shop)?.maps.last()?.clone();
        let name = self.cast.shops[shop].name.clone();
        let mut map = newest.clone();
        match self.draw(&[0, 0, 1, 2], 0) {
            0 => map.producers.reverse(),
            1 if map.producers.len() > 2 => {
                let names: Vec<String> = map.producers.iter().map(|p| p.name.clone()).filter(|n| n != "orders").collect();
                if let Some(gone) = self.choose(&names).cloned() {
                    map = map.without(&gone);
                }
            }
            _ => {
                if map.producer("avatars").is_none() {
                    let avatars = Produces {
                        name: "avatars".to_owned(),
                        category: "avatars".to_owned(),
                        place: format!("{name}-avatars"),
                        ways: vec![Way::Id("owner")],
                        duty: None,
                        log: false,
                    };
                    map.producers.insert(0, avatars);
                }
            }
        }
        Some(map)
    }

    fn fill(&mut self, map: &Map) {
        let people = self.cast.people.clone();
        for producer in &map.producers {
            if producer.is_bucket() {
                self.draw_bucket(producer);
            }
            for (n, who) in people.iter().enumerate() {
                let many = if n == 0 { self.draw(&[3, 3, 3, 5], 3) } else { self.draw(&[0, 1, 1], 1) };
                for m in 0..many {
                    self.fill_one(producer, who, n, m);
                }
            }
        }
        self.now_ms += 10_000;
    }

    fn draw_bucket(&mut self, producer: &Produces) {
        let versioning = self
            .draw(&[Versioning::On, Versioning::On, Versioning::On, Versioning::Never, Versioning::Suspended], Versioning::On);
        let expiry_ms = if self.chance(150) { Some(5 * i64::from(DAY) * 1000) } else { None };
        self.shop.rules.insert(producer.place.clone(), Rules { versioning, expiry_ms });
    }

    fn fill_one(&mut self, producer: &Produces, who: &Who, n: usize, m: usize) {
        let name = format!("{n}{m}");
        let (id, email) = (who.id.clone().unwrap_or_default(), who.email.clone().unwrap_or_default());
        match producer.ways.first() {
            Some(Way::Prefix(template)) => {
                let key = format!("{}{m}", template.replace("{}", &id));
                self.app_uploads(&producer.place, &key);
                if self.chance(300) {
                    self.app_uploads(&producer.place, &key);
                }
            }
            Some(Way::Parent(_, attribute)) => {
                self.app_writes(&producer.place, &name, &[("id", &name), (attribute, &name)]);
            }
            _ => {
                // Some rows carry only the address, some two people's names.
                let other = self.cast.people.get(1).and_then(|o| o.email.clone()).unwrap_or_default();
                let (owner, address) = match self.draw(&[0, 0, 0, 1, 2], 0) {
                    1 if producer.ways.len() > 1 => ("guest".to_owned(), email),
                    2 if n == 0 && m == 1 => (id, other),
                    _ => (id, email),
                };
                // A duty may also end while a request is under way.
                let issued = self.draw(&["2025-05-01", "2025-05-01", "2015-05-01", "2015-05-01", "2019-01-20"], "2015-05-01");
                self.app_writes(
                    &producer.place,
                    &name,
                    &[("id", &name), ("owner", &owner), ("email", &address), ("issued", issued)],
                );
            }
        }
    }

    /// Draws what will be asked for. One request is always an erasure of the first person.
    pub fn draw_cases(&mut self) {
        let requests = self.draw(&[1, 1, 2, 3], 1);
        for n in 1..=requests {
            let shops: Vec<usize> = (0..self.cast.shops.len()).collect();
            let shop = self.draw(&shops, 0);
            let shop = self.cast.shops[if n == 1 { 0 } else { shop }].clone();
            let people: Vec<usize> = (0..self.cast.people.len()).chain([0, 0]).collect();
            let person = self.draw(&people, 0);
            let who = self.cast.people[if n == 1 { 0 } else { person }].clone();
            let who = self.draw_names(who);
            let categories = shop.maps[0].categories();
            let (mut only, mut not) = (vec![], vec![]);
            match self.draw(&[0, 0, 0, 0, 1, 2], 0) {
                1 => only.extend(self.choose(&categories).cloned()),
                2 if categories.len() > 1 => not.extend(self.choose(&categories).cloned()),
                _ => {}
            }
            let asked = Asked {
                organization: shop.name,
                who,
                submitter: crate::acts::OFFICER,
                only,
                not,
                logs: !self.chance(100),
                export: false,
                export_first: self.chance(100),
                not_before: None,
            };
            let later = self.draw(&[None, None, None, None, None, None, Some(600), Some(30 * 3600)], None);
            let verified = !self.chance(120);
            self.cast.cases.insert(n, Case { asked, verified, later });
        }
        if self.chance(350) {
            let asked = self.cast.cases.get(&1).map(|c| c.asked.clone()).unwrap_or_default();
            let asked = Asked { export: true, export_first: false, only: vec![], not: vec![], logs: true, ..asked };
            self.cast.cases.insert(9, Case { asked, verified: true, later: None });
        }
    }

    fn draw_names(&mut self, who: Who) -> Who {
        match self.draw(&[0, 0, 0, 1, 2], 0) {
            1 => Who { email: None, ..who },
            2 => Who { id: None, ..who },
            _ => who,
        }
    }

    /// Draws the holds that people will place: on a person by one name or both, on a category, on everybody.
    pub fn draw_holds(&mut self, above: u128) {
        let many = self.draw(&[0, 0, 1, 2, 4, 6], 0);
        for n in above + 1..=above + many {
            let last = self.cast.shops.len() - 1;
            let shop = if self.chance(800) { 0 } else { last };
            let shop = self.cast.shops[shop].clone();
            let categories = shop.maps[0].categories();
            let first = self.cast.cases.get(&1).map(|c| c.asked.who.clone()).unwrap_or_default();
            let other = self.cast.people.get(1).cloned().unwrap_or_default();
            let who = match self.draw(&[0, 0, 0, 1, 2, 2], 0) {
                0 => Some(first),
                1 => Some(self.draw_names(other)),
                _ => None,
            };
            let on_category = self.chance(if who.is_some() { 300 } else { 700 });
            let many = if self.chance(200) { 2 } else { 1 };
            let named: Vec<String> = (0..many).filter_map(|_| self.choose(&categories).cloned()).collect();
            let mut categories = if on_category { named } else { vec![] };
            categories.sort();
            categories.dedup();
            // The engine takes no hold about nothing in particular: everybody is every category.
            let categories = if who.is_none() && categories.is_empty() { shop.maps[0].categories() } else { categories };
            self.cast.holds.insert(n, HoldSeen { organization: shop.name, who, categories, ..HoldSeen::default() });
        }
    }

    /// The shop of this name.
    pub fn shop_named(&self, organization: &str) -> Option<&ShopCast> {
        self.cast.shops.iter().find(|s| s.name == organization)
    }

    /// Which organization a place belongs to.
    pub fn owner_of(&self, place: &str) -> Option<&ShopCast> {
        self.cast.shops.iter().find(|s| place.strip_prefix(&s.name).is_some_and(|rest| rest.starts_with('-')))
    }
}

/// What a row holds, as the rules see it.
pub type Fields = BTreeMap<String, String>;
