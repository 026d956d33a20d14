//! Which file of a crate imports from which: none from one that imports from it, and no room of the engine from another.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result};
use petgraph::{algo::tarjan_scc, graphmap::DiGraphMap};
use syn::{Attribute, Item, UseTree, Visibility, visit::Visit};

use crate::shell;

/// What puts rooms together: neither a room nor the core uses it.
const ABOVE: [&str; 2] = ["engine", "worker"];

/// The engine's rooms.
const ROOMS: [&str; 12] = [
    "directory",
    "discovery",
    "execution",
    "exports",
    "holds",
    "idempotency",
    "ledger",
    "notifications",
    "reports",
    "requests",
    "reviews",
    "subjects",
];

/// Crates whose files may import from each other in a circle: every part of the simulated world writes into the world,
/// which consists of them.
const CIRCLES: [&str; 1] = ["shared/simulation"];

/// A module by its path in its crate; the crate's root has none.
type Module = Vec<String>;

/// What each module of a crate imports from others.
type Imports = BTreeMap<Module, BTreeSet<Module>>;

pub fn check() -> Result<Vec<String>> {
    let files = shell::output(shell::command("git").args(["ls-files", "*.rs"]))?;
    let mut crates: BTreeMap<String, BTreeMap<Module, String>> = BTreeMap::new();
    for path in files.lines().filter(|path| shell::root().join(path).exists()) {
        let Some((folder, file)) = path.split_once("/src/") else { continue };
        let text = fs::read_to_string(shell::root().join(path))?;
        crates.entry(folder.to_owned()).or_default().insert(module_of(file), text);
    }
    let mut found = Vec::new();
    for (folder, sources) in crates {
        let imports = imports(&sources).with_context(|| folder.clone())?;
        if !CIRCLES.contains(&folder.as_str()) {
            found.extend(circles(&imports).into_iter().map(|circle| format!("{folder}: {circle}")));
        }
        if folder == "shared/engine" {
            found.extend(between_rooms(&imports));
        }
    }
    Ok(found)
}

fn module_of(file: &str) -> Module {
    let mut parts: Module = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| ["lib", "main", "mod"].contains(&last.as_str())) {
        parts.pop();
    }
    parts
}

/// A module and what is in it count as one: how they are told apart is their own affair.
fn imports(sources: &BTreeMap<Module, String>) -> Result<Imports> {
    let mut imports = Imports::new();
    for (module, text) in sources {
        let file = syn::parse_file(text).with_context(|| module.join("::"))?;
        let mut named = Named { module, sources, to: BTreeSet::new() };
        named.visit_file(&file);
        imports.insert(
            module.clone(),
            named.to.into_iter().filter(|to| !to.starts_with(module) && !module.starts_with(to)).collect(),
        );
    }
    Ok(imports)
}

/// The modules that a file names.
struct Named<'a> {
    module: &'a Module,
    sources: &'a BTreeMap<Module, String>,
    to: BTreeSet<Module>,
}

impl Named<'_> {
    fn tree(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.tree(&path.tree, before);
                before.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(tree, before)),
            UseTree::Name(name) => self.path(before.iter().cloned().chain([name.ident.to_string()]).collect()),
            UseTree::Rename(name) => self.path(before.iter().cloned().chain([name.ident.to_string()]).collect()),
            UseTree::Glob(_) => self.path(before.clone()),
        }
    }

    /// Notes the module that a path leads into; a path into another crate leads nowhere.
    fn path(&mut self, path: Vec<String>) {
        let mut rest = path.as_slice();
        let mut base = self.module.clone();
        match rest.first().map(String::as_str) {
            Some("crate") => (base, rest) = (vec![], &rest[1..]),
            Some("self") => rest = &rest[1..],
            Some("super") => {
                while rest.first().is_some_and(|part| part == "super") {
                    base.pop();
                    rest = &rest[1..];
                }
            }
            _ => {}
        }
        base.extend(rest.iter().cloned());
        while !base.is_empty() && !self.sources.contains_key(&base) {
            base.pop();
        }
        self.to.insert(base);
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|a| a.path().is_ident("cfg") && a.parse_args::<syn::Path>().is_ok_and(|p| p.is_ident("test")))
}

impl<'ast> Visit<'ast> for Named<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Mod(module) if is_test(&module.attrs) => {}
            Item::Use(item) if !is_test(&item.attrs) => {
                let mut found = Named { module: self.module, sources: self.sources, to: BTreeSet::new() };
                found.tree(&item.tree, &mut Vec::new());
                // What a module passes on of its own parts it does not use.
                let passed_on = !matches!(item.vis, Visibility::Inherited);
                self.to.extend(found.to.into_iter().filter(|to| !(passed_on && to.starts_with(self.module))));
            }
            item => syn::visit::visit_item(self, item),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if parts.len() > 1 && ["crate", "self", "super"].contains(&parts[0].as_str()) {
            self.path(parts);
        }
        syn::visit::visit_path(self, path);
    }
}

fn circles(imports: &Imports) -> Vec<String> {
    let edges = imports.iter().flat_map(|(from, all)| all.iter().map(move |to| (from, to)));
    let graph: DiGraphMap<&Module, ()> = DiGraphMap::from_edges(edges);
    let circles = tarjan_scc(&graph).into_iter().filter(|circle| circle.len() > 1);
    let say = |circle: Vec<&Module>| {
        let mut names: Vec<String> = circle.into_iter().map(|m| m.join("::")).collect();
        names.sort();
        format!("{} import from each other in a circle", names.join(", "))
    };
    circles.map(say).collect()
}

/// What stands beside the rooms: what they share, what they are made of, and what puts them together.
const BESIDE: [&str; 16] = [
    "api",
    "core",
    "crypt",
    "engine",
    "error",
    "items",
    "keyring",
    "kinds",
    "manifest",
    "ports",
    "problem_code",
    "record_name",
    "transaction",
    "vault",
    "worker",
    "",
];

fn between_rooms(imports: &Imports) -> Vec<String> {
    let top = |module: &Module| module.first().cloned().unwrap_or_default();
    let room = |module: &Module| Some(top(module)).filter(|m| ROOMS.contains(&m.as_str()));
    let above = |module: &Module| ABOVE.contains(&top(module).as_str());
    let unknown = |m: &String| !ROOMS.contains(&m.as_str()) && !BESIDE.contains(&m.as_str());
    let tops: BTreeSet<String> = imports.keys().map(top).filter(unknown).collect();
    let say = |m| format!("shared/engine: {m} is neither a room nor beside them: say which in xtask/src/tidy/loops.rs");
    let mut found: Vec<String> = tops.into_iter().map(say).collect();
    for (from, all) in imports {
        let mine = room(from);
        for to in all.iter().filter(|to| above(to) || room(to).is_some_and(|theirs| mine.as_ref() != Some(&theirs))) {
            if mine.is_some() || top(from) == "core" {
                let (from, to) = (from.join("::"), to.join("::"));
                found.push(format!("shared/engine: {from} uses {to}: what a room needs of another belongs into the core"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sources: &[(&str, &str)]) -> Imports {
        let sources = sources.iter().map(|(file, text)| (module_of(file), (*text).to_owned())).collect();
        imports(&sources).expect("Rust")
    }

    #[test]
    fn files_that_import_from_each_other_are_named() {
        let imports = of(&[
            ("lib.rs", "mod a; mod b; mod c; pub use c::C;"),
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "pub struct B; fn f() { let _ = super::a::A; }"),
            ("c.rs", "pub struct C; use super::a::A; #[cfg(test)] mod tests { use crate::d::D; }"),
            ("d.rs", "pub struct D; use crate::c::C;"),
        ]);
        assert_eq!(circles(&imports), ["a, b import from each other in a circle"]);
    }

    #[test]
    fn a_module_and_its_parts_are_one() {
        let imports = of(&[
            ("a/mod.rs", "mod b; pub use b::B; use b::C; pub struct A;"),
            ("a/b.rs", "use super::A; pub struct B; pub struct C;"),
        ]);
        assert!(circles(&imports).is_empty());
    }

    #[test]
    fn a_room_or_the_core_that_uses_another_room_is_named() {
        let imports = of(&[
            ("holds/mod.rs", "use crate::core::Core; use crate::requests::Requests;"),
            ("requests.rs", "pub struct Requests;"),
            ("core/mod.rs", "pub struct Core;"),
            ("core/lines.rs", "fn f() { crate::holds::g() }"),
            ("core/notify.rs", "use crate::engine::Engine;"),
            ("requests/undo.rs", "use crate::worker::Worker;"),
            ("engine.rs", "pub struct Engine;"),
            ("worker.rs", "use crate::{holds::Holds, requests::Requests}; pub struct Worker;"),
            ("attic.rs", ""),
        ]);
        let found = between_rooms(&imports);
        let wanted = [
            "attic is neither",
            "core::lines uses holds",
            "core::notify uses engine",
            "holds uses requests",
            "requests::undo uses worker",
        ];
        assert_eq!(found.len(), wanted.len(), "{found:?}");
        assert!(found.iter().zip(wanted).all(|(found, wanted)| found.contains(wanted)), "{found:?}");
    }
}
