//! `mutants`: the engine, broken on purpose in one place at a time, to see that the simulation or a named test notices.
//!
//! Each file of `mutants/` is a diff. Lines before it say what it breaks: `promise:`, and `test:` with the arguments of
//! `cargo test` where a test of that name notices it instead of the simulation.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::shell;

#[derive(Args)]
pub struct Options {
    /// Seeds after which the simulation gives up on a mutant
    #[arg(long, default_value_t = 5_000)]
    seeds: u64,
    /// Only mutants whose name contains one of these
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Mutants at a time, each in a copy of the sources of its own
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    jobs: u8,
}

struct Mutant {
    name: String,
    file: PathBuf,
    promise: String,
    /// Arguments of the `cargo test` that notices it.
    test: Option<Vec<String>>,
}

/// A copy of the sources, so that the tree itself is never broken.
struct Tree {
    root: PathBuf,
    target: PathBuf,
}

pub fn run(options: &Options) -> Result<()> {
    let chosen: Vec<Mutant> =
        all()?.into_iter().filter(|m| options.only.is_empty() || options.only.iter().any(|part| m.name.contains(part))).collect();
    ensure!(!chosen.is_empty(), "no mutant is called so");
    let trees = (0..options.jobs).map(Tree::copy).collect::<Result<Vec<_>>>()?;
    let first = trees.first().context("at least one at a time")?;
    for mutant in &chosen {
        let fits = || first.apply(&mutant.file, false).and_then(|()| first.apply(&mutant.file, true));
        fits().with_context(|| format!("{} no longer fits the sources", mutant.name))?;
    }
    println!("as it stands:");
    first.holds(&chosen)?;
    let left = Mutex::new(chosen.iter());
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
    let survivors_in = |tree: &Tree| -> Result<Vec<&str>> {
        let mut survived = Vec::new();
        while let Some(mutant) = next() {
            if !tree.catches(mutant, options.seeds)? {
                survived.push(mutant.name.as_str());
            }
        }
        Ok(survived)
    };
    let survived = thread::scope(|scope| {
        let running: Vec<_> = trees.iter().map(|tree| scope.spawn(|| survivors_in(tree))).collect();
        let ended = running.into_iter().map(|job| job.join().unwrap_or_else(|_| bail!("a run of mutants broke off")));
        ended.collect::<Result<Vec<_>>>()
    })?;
    let survived = survived.concat();
    println!("{} mutants, {} caught", chosen.len(), chosen.len() - survived.len());
    ensure!(survived.is_empty(), "not caught: {}", survived.join(", "));
    Ok(())
}

fn all() -> Result<Vec<Mutant>> {
    let mut files: Vec<PathBuf> = fs::read_dir(shell::root().join("mutants"))?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "diff"))
        .collect();
    files.sort();
    files.into_iter().map(Mutant::read).collect()
}

impl Mutant {
    fn read(file: PathBuf) -> Result<Self> {
        let text = fs::read_to_string(&file)?;
        let head = text.lines().take_while(|line| !line.starts_with("--- "));
        let said = |what: &str| head.clone().find_map(|line| line.strip_prefix(what)).map(|rest| rest.trim().to_owned());
        let name = file.file_stem().context("a mutant has a name")?.to_string_lossy().into_owned();
        let promise = said("promise:").with_context(|| format!("{name} does not say which promise it breaks"))?;
        let test = said("test:").map(|arguments| arguments.split_whitespace().map(str::to_owned).collect());
        Ok(Self { name, file, promise, test })
    }
}

impl Tree {
    fn copy(number: u8) -> Result<Self> {
        let home = shell::root().join("target").join("mutants").join(number.to_string());
        let tree = Self { root: home.join("tree"), target: home.join("target") };
        let listed = shell::output(shell::command("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]))?;
        let there: BTreeSet<&str> =
            listed.split('\0').filter(|name| !name.is_empty() && shell::root().join(name).is_file()).collect();
        fs::create_dir_all(&tree.root)?;
        tree.forget_others(&tree.root, &there)?;
        for name in there {
            let (from, to) = (shell::root().join(name), tree.root.join(name));
            // What is the same keeps its time, so that nothing is built twice.
            let bytes = fs::read(&from)?;
            if fs::read(&to).ok().as_ref() != Some(&bytes) {
                fs::create_dir_all(to.parent().unwrap_or(&tree.root))?;
                fs::write(&to, bytes)?;
            }
        }
        Ok(tree)
    }

    /// Removes what an earlier copy left and is gone from the sources: a crate that was renamed would still be built.
    fn forget_others(&self, folder: &Path, there: &BTreeSet<&str>) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                self.forget_others(&path, there)?;
                // Refused where something is left in it.
                fs::remove_dir(&path).ok();
            } else if !there.contains(path.strip_prefix(&self.root)?.to_string_lossy().as_ref()) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    fn cargo(&self) -> Command {
        let mut cargo = shell::cargo();
        cargo.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        cargo
    }

    /// Puts a diff on the tree, or takes it off again.
    fn apply(&self, diff: &Path, off: bool) -> Result<()> {
        let mut git = shell::command("git");
        git.current_dir(&self.root).env("GIT_CEILING_DIRECTORIES", self.root.parent().unwrap_or(&self.root));
        git.args(["apply", "--recount"]).args(off.then_some("--reverse")).arg(diff);
        shell::output(&mut git).map(drop)
    }

    /// The first seed that breaks a promise.
    fn simulation(&self, seeds: u64) -> Result<Option<String>> {
        shell::output(self.cargo().args(["build", "--quiet", "--package", "oubli-simulation", "--bins"]))?;
        let mut simulate = shell::command(self.target.join("debug").join("simulate"));
        simulate.args(["--no-mutants", "--until-broken", "--seeds"]).arg(seeds.to_string());
        let done = simulate.output()?;
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        if done.status.success() {
            return Ok(None);
        }
        let first = said.lines().find(|line| line.trim_start().starts_with("seed "));
        match first {
            Some(line) => Ok(Some(format!("by {}", line.trim()))),
            None => bail!("the simulation ended with {} and names no seed\n{said}", done.status),
        }
    }

    /// Whether the tests of this name pass. Tests that do not build are no verdict.
    fn passes(&self, arguments: &[String]) -> Result<bool> {
        shell::output(self.cargo().args(["test", "--quiet", "--no-run"]).args(without_names(arguments)))?;
        let done = self.cargo().args(["test", "--quiet"]).args(arguments).output()?;
        let said = String::from_utf8_lossy(&done.stdout);
        ensure!(
            !done.status.success() || !said.contains("running 0 tests") || said.contains("running 1 test"),
            "no test of {arguments:?}"
        );
        Ok(done.status.success())
    }

    /// Unbroken, everything that is to notice the mutants holds.
    fn holds(&self, mutants: &[Mutant]) -> Result<()> {
        if let Some(how) = self.simulation(200)? {
            bail!("a promise is broken without any mutant: {how}");
        }
        for mutant in mutants {
            if let Some(test) = &mutant.test {
                ensure!(self.passes(test)?, "the test of {} fails without it", mutant.name);
            }
        }
        Ok(())
    }

    /// Whether a mutant is noticed; says how.
    fn catches(&self, mutant: &Mutant, seeds: u64) -> Result<bool> {
        let since = Instant::now();
        self.apply(&mutant.file, false)?;
        let noticed = self.noticed(mutant, seeds);
        self.apply(&mutant.file, true)?;
        let (noticed, seconds) = (noticed?, since.elapsed().as_secs_f64());
        let how = noticed.as_ref().map_or_else(|| "SURVIVED".to_owned(), |how| format!("caught {how}"));
        println!("{} ({}): {how} [{seconds:.0} s]", mutant.name, mutant.promise);
        Ok(noticed.is_some())
    }

    fn noticed(&self, mutant: &Mutant, seeds: u64) -> Result<Option<String>> {
        match &mutant.test {
            Some(test) => Ok((!self.passes(test)?).then(|| format!("by {}", test.join(" ")))),
            None => self.simulation(seeds),
        }
    }
}

/// The arguments that say what is built.
fn without_names(arguments: &[String]) -> &[String] {
    let end = arguments.iter().position(|a| a == "--").unwrap_or(arguments.len());
    &arguments[..end]
}
