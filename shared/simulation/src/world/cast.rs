//! Who and what there is in a seed: organizations, people, data maps, data, and how the services behave.

use super::{
    WorldState,
    map::{DEVICE, EMAIL, ID, Map, NOBODY, Name, PARCELS, Produces, Way, Who, parcels_of},
};
use crate::{
    acts::Case,
    oracle::{Asked, HoldSeen},
    stores::{Rules, Versioning},
};
use std::collections::{BTreeMap, BTreeSet};

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
    /// Until when rows were put there, in milliseconds: what was written since is somebody's doing.
    pub filled_ms: i64,
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
    /// Applications act on records in the moment before the engine does, in any weather.
    pub busy: bool,
    /// Requests that somebody will submit, and holds that somebody will place.
    pub cases: BTreeMap<u128, Case>,
    pub holds: BTreeMap<u128, HoldSeen>,
}

impl Cast {
    /// Whether batches have to wait their turn: where some are of one record, so that there are many. No dice are thrown for it.
    pub fn limited(&self) -> bool {
        self.shops.iter().any(|shop| shop.batch == 1)
    }
}

const DAY: u32 = 24 * 3600;

/// People whose ids are beginnings of each other's.
const NAMES: [&str; 4] = ["ann", "ann2", "bo", "ann23"];

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
            people: vec![],
            filled_ms: 0,
            lagging: self.chance(500),
            cut: self.chance(500),
            skew_ms: self.draw(&[0, 0, 1_000, 2_000], 0),
            idle: self.chance(60),
            jumps: self.chance(350),
            troubled: self.chance(350),
            busy: self.chance(500),
            cases: BTreeMap::new(),
            holds: BTreeMap::new(),
        };
        self.cast = cast;
        for n in 0..people {
            let person = self.draw_person(n);
            self.cast.people.push(person);
        }
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

    /// Somebody with an id, no address or up to two, and maybe a device. Some share an address with the first.
    fn draw_person(&mut self, n: usize) -> Who {
        let name = NAMES[n % NAMES.len()];
        let mut person = Who::default();
        person.0.insert((ID, name.to_owned()));
        let addresses = [format!("{name}@example.org"), format!("{name}.home@example.org")];
        let many = self.draw(&[1, 1, 1, 1, 1, 2, 2, 0], 1);
        person.0.extend(addresses.into_iter().take(many).map(|address| (EMAIL, address)));
        if self.chance(350) {
            person.0.insert((DEVICE, format!("dev-{name}")));
        }
        let shared = self.cast.people.first().and_then(|first| first.first(EMAIL));
        if let Some(shared) = shared.filter(|_| self.chance(100)) {
            person.0.insert((EMAIL, shared));
        }
        person
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
            only: None,
            duty: None,
            with_parent: false,
            log: false,
            says: vec![],
        };
        let mut producers = Vec::new();
        let both = self.chance(600);
        let mut ways = vec![Way::By(ID, "owner")];
        if both {
            ways.push(Way::By(EMAIL, "email"));
        }
        if self.chance(150) {
            ways.push(Way::By(DEVICE, "device"));
        }
        let mut orders = producer("orders", "orders", ways);
        orders.duty = self.draw(&[None, None, None, Some(7)], None);
        if self.chance(250) {
            orders.says = self.draw_says("owner");
        }
        producers.push(orders);
        if self.chance(600) {
            let all = [(Way::By(ID, "id"), 800), (Way::By(EMAIL, "email"), 700), (Way::By(DEVICE, "device"), 300)];
            let mut ways: Vec<Way> = all.into_iter().filter(|(_, chance)| self.chance(*chance)).map(|(way, _)| way).collect();
            if ways.is_empty() {
                ways.push(Way::By(ID, "id"));
            }
            let mut profiles = producer("profiles", "profile", ways);
            if self.chance(800) {
                profiles.says = self.draw_says("id");
            }
            producers.push(profiles);
        }
        if self.chance(700) {
            let category = if self.chance(600) { "orders" } else { "details" };
            let mut lines = producer("lines", category, vec![Way::Parent("orders".to_owned(), "parent")]);
            lines.with_parent = self.chance(500);
            if self.chance(400) {
                let mut notes = producer("notes", "details", vec![Way::Parent("lines".to_owned(), "parent")]);
                notes.with_parent = lines.with_parent && self.chance(700);
                producers.push(notes);
            }
            producers.push(lines);
        }
        if self.chance(600) {
            let mut invoices = producer("invoices", "invoices", vec![Way::By(ID, "owner")]);
            invoices.duty = Some(self.draw(&[7, 7, 7, 0], 7));
            producers.push(invoices);
        }
        if self.chance(500) {
            let ways = [Way::By(EMAIL, "email"), Way::By(EMAIL, "email"), Way::By(ID, "owner"), Way::By(DEVICE, "device")];
            let way = self.choose(&ways).cloned().unwrap_or(Way::By(ID, "owner"));
            let mut chat = producer("chat", "chat", vec![way]);
            chat.log = self.chance(300);
            producers.push(chat);
        }
        if self.chance(600) {
            producers.push(producer("files", "files", vec![Way::Prefix("u/{}/")]));
        }
        if self.chance(250) {
            let mut parcels = producer("parcels", "parcels", vec![Way::Listed("orders".to_owned())]);
            parcels.with_parent = self.chance(500);
            producers.push(parcels);
        }
        if self.chance(300) {
            // One table for all that lies on a desk: the more specific producer has what is of its type.
            let mut ways = vec![Way::By(ID, "owner")];
            if self.chance(400) {
                ways.push(Way::By(EMAIL, "email"));
            }
            let mut desk = producer("desk", "desk", ways.clone());
            desk.duty = self.draw(&[None, None, None, Some(7)], None);
            producers.push(desk);
            for (of, duty) in [("bill", Some(7)), ("draft", None)] {
                if self.chance(650) {
                    let mut inner = producer("desk", of, ways.clone());
                    (inner.name, inner.only, inner.duty) = (format!("{of}s"), Some(of), duty);
                    producers.push(inner);
                }
            }
        }
        if producers.iter().any(|p| p.name == "files") && self.chance(350) {
            let mut contracts = producer("files", "contracts", vec![Way::Prefix("u/{}/c/")]);
            (contracts.name, contracts.duty) = ("contracts".to_owned(), self.draw(&[None, Some(0)], None));
            producers.push(contracts);
        }
        if self.chance(300) {
            let category = if self.chance(500) { "files" } else { "scans" };
            producers.push(producer("scans", category, vec![Way::Prefix("s/{}/")]));
        }
        // One producer reaches into another's records, and has a duty of its own.
        if self.chance(40) {
            let mut shadow = producer("ledger", "books", vec![Way::By(EMAIL, "email")]);
            shadow.place = place("orders");
            shadow.duty = Some(7);
            producers.push(shadow);
        }
        if self.chance(300) {
            producers.reverse();
        }
        Map { producers }
    }

    /// Which fields identify a person. A record that says nothing of whose it is tells nobody apart.
    fn draw_says(&mut self, id: &'static str) -> Vec<(&'static str, &'static str)> {
        let mut says = vec![(ID, id)];
        match self.draw(&[0, 0, 0, 1, 2], 0) {
            0 => says.push((EMAIL, "email")),
            1 => says.extend([(EMAIL, "email"), (DEVICE, "device")]),
            _ => says.push((DEVICE, "device")),
        }
        says
    }

    /// Another version of a map: another order, a producer more or less.
    pub fn redraw_map(&mut self, shop: usize) -> Option<Map> {
        let newest = self.cast.shops.get(shop)?.maps.last()?.clone();
        let name = self.cast.shops[shop].name.clone();
        let mut map = newest.clone();
        match self.draw(&[0, 0, 1, 2, 3], 0) {
            0 => map.producers.reverse(),
            // What identified nobody does from now on, or the reverse.
            3 => {
                let says = self.draw_says("id");
                let profiles = map.producers.iter_mut().find(|p| p.name == "profiles")?;
                profiles.says = if profiles.says.is_empty() { says } else { vec![] };
            }
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
                        ways: vec![Way::By(ID, "owner")],
                        only: None,
                        duty: None,
                        with_parent: false,
                        log: false,
                        says: vec![],
                    };
                    map.producers.insert(0, avatars);
                }
            }
        }
        Some(map)
    }

    fn fill(&mut self, map: &Map) {
        for producer in &map.producers {
            // A bucket that has versions never has none again, whichever producers share it.
            if producer.is_bucket() && !self.shop.rules.contains_key(&producer.place) {
                self.draw_bucket(producer);
            }
            for n in 0..self.cast.people.len() {
                if producer.name == "profiles" {
                    self.fill_profile(producer, n);
                    continue;
                }
                let many = if n == 0 { self.draw(&[3, 3, 3, 5], 3) } else { self.draw(&[0, 1, 1], 1) };
                for m in 0..many {
                    self.fill_one(producer, n, m);
                }
            }
        }
        self.cast.filled_ms = self.now_ms;
        self.now_ms += 10_000;
    }

    fn draw_bucket(&mut self, producer: &Produces) {
        let versioning = self
            .draw(&[Versioning::On, Versioning::On, Versioning::On, Versioning::Never, Versioning::Suspended], Versioning::On);
        let expiry_ms = if self.chance(150) { Some(5 * i64::from(DAY) * 1000) } else { None };
        self.shop.rules.insert(producer.place.clone(), Rules { versioning, expiry_ms });
    }

    /// A profile, whose key is the person's id. Some lack an address.
    fn fill_profile(&mut self, producer: &Produces, n: usize) {
        let who = self.cast.people[n].clone();
        let address = who.first(EMAIL).filter(|_| self.chance(800));
        let device = who.first(DEVICE).filter(|_| self.chance(800));
        self.write_profile(producer, &who, address, device);
    }

    /// Writes somebody's profile.
    pub fn write_profile(&mut self, producer: &Produces, who: &Who, address: Option<String>, device: Option<String>) {
        let id = who.first(ID).unwrap_or_default();
        self.write_about(&producer.place, &id, [Some(id.clone()), address, device], "2015-05-01");
    }

    /// Writes a row with an owner, an address and a device, as far as there are any.
    pub fn write_about(&mut self, place: &str, key: &str, names: [Option<String>; 3], issued: &str) {
        let named = ["owner", "email", "device"].into_iter().zip(&names);
        let named = named.filter_map(|(field, value)| value.as_deref().map(|value| (field, value)));
        let parcels = parcels_of(key).join("|");
        let fields = [("id", key), ("issued", issued)].into_iter().chain(named);
        let lists = place.ends_with("-orders").then_some((PARCELS, parcels.as_str()));
        let of = place.ends_with("-desk").then(|| ("type", self.draw(&["note", "bill", "draft"], "note")));
        let fields: Vec<(&str, &str)> = fields.chain(lists).chain(of).collect();
        self.app_writes(place, key, &fields);
    }

    /// Writes a row that is found through another one.
    pub fn write_found_through(&mut self, producer: &Produces, key: &str, parent: &str) {
        if let Some((_, attribute)) = producer.ways.first().and_then(Way::parent) {
            self.app_writes(&producer.place, key, &[("id", key), (attribute, parent)]);
        }
    }

    fn fill_one(&mut self, producer: &Produces, n: usize, m: usize) {
        let name = format!("{n}{m}");
        let who = self.cast.people[n].clone();
        let id = who.first(ID).unwrap_or_default();
        match producer.ways.first() {
            Some(Way::Prefix(template)) => {
                let key = format!("{}{m}", template.replace("{}", &id));
                self.app_uploads(&producer.place, &key);
                if self.chance(300) {
                    self.app_uploads(&producer.place, &key);
                }
                if self.chance(200) {
                    self.app_begins_upload(&producer.place, &key);
                }
            }
            Some(Way::Listed(_)) => parcels_of(&name).iter().for_each(|key| self.write_found_through(producer, key, &name)),
            Some(Way::Parent(..)) => self.write_found_through(producer, &name, &name),
            _ => {
                // Some rows carry only the address, some two people's names.
                let addresses: Vec<String> = who.of(EMAIL).cloned().collect();
                let address = self.choose(&addresses).cloned();
                let device = who.first(DEVICE).filter(|_| self.chance(700));
                let other = self.cast.people.get(1).and_then(|other| other.first(EMAIL));
                let (owner, address) = match self.draw(&[0, 0, 0, 1, 2], 0) {
                    1 if producer.ways.len() > 1 && address.is_some() => (self.draw(&NOBODY, "guest").to_owned(), address),
                    2 if n == 0 && m == 1 && other.is_some() => {
                        // A record that says who it is about says that this address is theirs, too.
                        if let Some(other) = other.clone().filter(|_| !producer.says.is_empty()) {
                            self.cast.people[n].0.insert((EMAIL, other));
                        }
                        (id, other)
                    }
                    _ => (id, address),
                };
                // A duty may also end while a request is under way.
                let issued = self.draw(&["2025-05-01", "2025-05-01", "2015-05-01", "2015-05-01", "2019-01-20"], "2015-05-01");
                self.write_about(&producer.place, &name, [Some(owner), address, device], issued);
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
            let (who, loud) = (self.draw_names(&who), self.chance(250));
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
                loud,
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
            let first = self.cast.people[0].clone();
            let who = if self.chance(400) { self.draw_names(&first) } else { asked.who };
            let asked = Asked { who, export: true, export_first: false, only: vec![], not: vec![], logs: true, ..asked };
            self.cast.cases.insert(9, Case { asked, verified: true, later: None });
        }
    }

    /// Some of somebody's names; now and then with a name of somebody else.
    fn draw_names(&mut self, who: &Who) -> Who {
        let (ids, others): (Vec<_>, Vec<_>) = who.0.iter().cloned().partition(|(kind, _)| *kind == ID);
        let mut some: BTreeSet<Name> = match self.draw(&[0, 0, 0, 1, 1, 2, 2, 3], 0) {
            1 => ids.into_iter().collect(),
            2 => self.choose(&others).cloned().into_iter().collect(),
            3 => who.0.iter().filter(|_| self.chance(500)).cloned().collect(),
            _ => who.0.clone(),
        };
        if some.is_empty() {
            some = who.0.clone();
        }
        if self.chance(60) {
            let anybody: Vec<Name> = self.cast.people.iter().flat_map(|p| p.0.iter().cloned()).collect();
            some.extend(self.choose(&anybody).cloned());
        }
        Who(some)
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
                0 if self.chance(500) => Some(first),
                0 => {
                    let somebody = self.cast.people.first().cloned().unwrap_or_default();
                    Some(self.draw_names(&somebody))
                }
                1 => Some(self.draw_names(&other)),
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
            let loud = self.chance(250);
            self.cast.holds.insert(n, HoldSeen { organization: shop.name, who, loud, categories, ..HoldSeen::default() });
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
