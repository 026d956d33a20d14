//! Proofs out of tiles, whoever fetches them.

use super::{HEIGHT, Root, WIDTH, tile_name};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};
use tlog_tiles::{
    Error, Hash, HashReader as _, Tile, TileHashReader, TileReader, check_record, check_tree, prove_record, prove_tree,
    stored_hash_index,
};

/// A tile of hashes, by its place and by how many of its hashes a tree of some size has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TileRef {
    /// Its level.
    pub level: u8,
    /// Its place in the level.
    pub n: u64,
    /// Its first so many hashes.
    pub width: u64,
}

impl TileRef {
    /// Its name. Once the full tile is there, a narrower one may be gone: it is the beginning of the full one.
    pub fn name(self) -> String {
        tile_name(self.level, self.n, self.width)
    }

    /// The name of the full tile.
    pub fn full_name(self) -> String {
        tile_name(self.level, self.n, WIDTH)
    }
}

/// Tiles fetched so far. What they say is believed only as far as it makes up the root.
pub type KnownTiles = BTreeMap<TileRef, Vec<u8>>;

/// How far a proof is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proving {
    /// It stands.
    Proof(Vec<Root>),
    /// These tiles are needed; then ask again.
    Needs(BTreeSet<TileRef>),
    /// The tiles do not make up the root, or there is no such entry in the tree.
    Impossible,
}

struct Reader<'a> {
    known: &'a KnownTiles,
    missing: RefCell<BTreeSet<TileRef>>,
}

impl TileReader for Reader<'_> {
    fn height(&self) -> u8 {
        HEIGHT
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        let read = |tile: &Tile| {
            let name = TileRef { level: tile.level(), n: tile.level_index(), width: tile.width().into() };
            let known = self.known.get(&name).cloned();
            if known.is_none() {
                self.missing.borrow_mut().insert(name);
            }
            known
        };
        let found: Vec<Option<Vec<u8>>> = tiles.iter().map(read).collect();
        found.into_iter().collect::<Option<_>>().ok_or(Error::InvalidTile)
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

fn prove(size: u64, root: Root, known: &KnownTiles, proof: impl Fn(&TileHashReader<'_>) -> Result<Vec<Hash>, Error>) -> Proving {
    let reader = Reader { known, missing: RefCell::default() };
    let proof = proof(&TileHashReader::new(size, Hash(root.0), &reader));
    let missing = reader.missing.into_inner();
    match proof {
        Ok(hashes) => Proving::Proof(hashes.into_iter().map(|h| Root(h.0)).collect()),
        Err(_) if !missing.is_empty() => Proving::Needs(missing),
        Err(_) => Proving::Impossible,
    }
}

/// That the tree of this size and root holds its entry number `index` (RFC 6962, 2.1.1).
pub fn inclusion_proof(size: u64, root: Root, index: u64, known: &KnownTiles) -> Proving {
    if index >= size {
        return Proving::Impossible;
    }
    prove(size, root, known, |reader| {
        let path = prove_record(size, index, reader)?;
        let leaf = reader.read_hashes(&[stored_hash_index(0, index)])?;
        // The reader leaves some full tiles unchecked where several subtrees share a tile: the proof tells.
        let leaf = leaf.first().copied().ok_or(Error::InvalidTile)?;
        check_record(&path, size, Hash(root.0), index, leaf)?;
        Ok(path)
    })
}

/// That the tree of this size and root begins with an earlier tree (RFC 6962, 2.1.2); each is a size and a root.
pub fn consistency_proof(earlier: (u64, Root), later: (u64, Root), known: &KnownTiles) -> Proving {
    if earlier.0 == 0 || earlier.0 >= later.0 {
        return if is_consistent(earlier, later, &[]) { Proving::Proof(vec![]) } else { Proving::Impossible };
    }
    prove(later.0, later.1, known, |reader| {
        let path = prove_tree(later.0, earlier.0, reader)?;
        check_tree(&path, later.0, Hash(later.1.0), earlier.0, Hash(earlier.1.0))?;
        Ok(path)
    })
}

/// Whether this path shows that the second tree begins with the first one; each is a size and a root.
pub fn is_consistent(earlier: (u64, Root), later: (u64, Root), path: &[Root]) -> bool {
    match earlier.0 {
        0 => earlier.1 == Root::EMPTY && path.is_empty(),
        size if size == later.0 => earlier.1 == later.1 && path.is_empty(),
        size if size > later.0 || path.len() > 128 => false,
        size => {
            let path = path.iter().map(|h| Hash(h.0)).collect();
            check_tree(&path, later.0, Hash(later.1.0), size, Hash(earlier.1.0)).is_ok()
        }
    }
}
