//! How a log grows: from its right edge and new entries to the tiles, bundles and root that follow.

use super::{
    HEIGHT, Root, WIDTH, bundle_entries, bundle_name,
    leaf::{LeafError, push_leaf},
    tile_name,
};
use std::collections::BTreeMap;
use thiserror::Error;
use tlog_tiles::{Error, Hash, HashReader, Tile, record_hash, stored_hash_index, stored_hashes_for_record_hash, tree_hash};

/// The right edge of a log: of each level the last tile, if it is not full, and the last bundle of entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    /// Entries in the log.
    pub size: u64,
    /// Partial tiles by level.
    pub tiles: BTreeMap<u8, Vec<u8>>,
    /// The partial bundle.
    pub bundle: Vec<u8>,
}

/// What is stored is not what the log's head says.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the stored tiles do not make up the log's root")]
pub struct EdgeMismatch;

/// What a log becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeUpdate {
    /// Its new size.
    pub size: u64,
    /// Its new root.
    pub root: Root,
    /// Objects to publish, by name.
    pub objects: Vec<(String, Vec<u8>)>,
    /// Tiles and bundles that became full: prefixes of the names of their partial forms.
    pub completed: Vec<String>,
    /// Its new right edge.
    pub edge: Edge,
}

impl Edge {
    /// The names of what makes up the edge of a log of this size: partial tiles by level, and the partial bundle.
    pub fn names(size: u64) -> (BTreeMap<u8, String>, Option<String>) {
        let partial = |level: u8| {
            let at_level = size.checked_shr(u32::from(HEIGHT) * u32::from(level)).unwrap_or(0);
            (at_level % WIDTH > 0).then(|| (level, tile_name(level, at_level / WIDTH, at_level % WIDTH)))
        };
        let tiles = (0..8).filter_map(partial).collect();
        (tiles, (!size.is_multiple_of(WIDTH)).then(|| bundle_name(size / WIDTH, size % WIDTH)))
    }

    /// The root that the edge makes up, if its parts fit together.
    ///
    /// # Errors
    /// [`EdgeMismatch`].
    pub fn root(&self) -> Result<Root, EdgeMismatch> {
        let (names, bundle) = Self::names(self.size);
        let widths = |level: &u8| (self.size >> (u32::from(HEIGHT) * u32::from(*level))) % WIDTH;
        let tiles_fit =
            self.tiles.len() == names.len() && self.tiles.iter().all(|(level, tile)| tile.len() as u64 == widths(level) * 32);
        let entries = bundle_entries(&self.bundle).map_err(|_| EdgeMismatch)?;
        let row = self.tiles.get(&0).map(Vec::as_slice).unwrap_or_default();
        let bundle_fits =
            bundle.is_some() != self.bundle.is_empty() && entries.iter().flat_map(|e| record_hash(e).0).eq(row.iter().copied());
        if !tiles_fit || !bundle_fits {
            return Err(EdgeMismatch);
        }
        let reader = Hashes { edge: self, new: &BTreeMap::new() };
        tree_hash(self.size, &reader).map(|h| Root(h.0)).map_err(|_| EdgeMismatch)
    }

    /// What becomes of the log with these entries behind it.
    ///
    /// # Errors
    /// [`LeafError::TooLong`], or [`LeafError::Bundle`] for an edge whose parts do not fit together.
    pub fn grow(&self, leaves: &[Vec<u8>]) -> Result<TreeUpdate, LeafError> {
        let broken = |_: Error| LeafError::Bundle;
        let mut new = BTreeMap::new();
        for (n, leaf) in (self.size..).zip(leaves) {
            let hashes =
                stored_hashes_for_record_hash(n, record_hash(leaf), &Hashes { edge: self, new: &new }).map_err(broken)?;
            new.extend((stored_hash_index(0, n)..).zip(hashes));
        }
        let size = self.size + leaves.len() as u64;
        let reader = Hashes { edge: self, new: &new };
        let root = Root(tree_hash(size, &reader).map_err(broken)?.0);
        let mut growth = TreeUpdate { size, root, objects: vec![], completed: vec![], edge: Edge { size, ..Self::default() } };
        self.grow_bundles(leaves, &mut growth)?;
        for tile in Tile::new_tiles(HEIGHT, self.size, size) {
            let (level, n, width) = (tile.level(), tile.level_index(), u64::from(tile.width()));
            let data = tile.read_data(&reader).map_err(broken)?;
            growth.objects.push((tile_name(level, n, width), data.clone()));
            if width == WIDTH {
                // Only the one that was begun before has partial forms.
                let begun = self.size >> (u32::from(HEIGHT) * u32::from(level));
                if begun / WIDTH == n && !begun.is_multiple_of(WIDTH) {
                    growth.completed.push(super::partial_tiles(level, n));
                }
            } else {
                growth.edge.tiles.insert(level, data);
            }
        }
        // Levels that did not grow keep their edge.
        for level in Self::names(size).0.into_keys() {
            if let Some(tile) = self.tiles.get(&level) {
                growth.edge.tiles.entry(level).or_insert_with(|| tile.clone());
            }
        }
        Ok(growth)
    }

    fn grow_bundles(&self, leaves: &[Vec<u8>], growth: &mut TreeUpdate) -> Result<(), LeafError> {
        let mut bundle = self.bundle.clone();
        for (n, leaf) in (self.size..).zip(leaves) {
            push_leaf(&mut bundle, leaf)?;
            if (n + 1) % WIDTH == 0 {
                growth.objects.push((bundle_name(n / WIDTH, WIDTH), std::mem::take(&mut bundle)));
                if self.size / WIDTH == n / WIDTH && !self.size.is_multiple_of(WIDTH) {
                    growth.completed.push(super::partial_bundles(n / WIDTH));
                }
            }
        }
        if !bundle.is_empty() && !leaves.is_empty() {
            growth.objects.push((bundle_name(growth.size / WIDTH, growth.size % WIDTH), bundle.clone()));
        }
        growth.edge.bundle = bundle;
        Ok(())
    }
}

/// Hashes of an edge and of what was added to it.
struct Hashes<'a> {
    edge: &'a Edge,
    new: &'a BTreeMap<u64, Hash>,
}

impl HashReader for Hashes<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        let read = |index: &u64| {
            if let Some(hash) = self.new.get(index) {
                return Ok(*hash);
            }
            let tile = Tile::from_index(HEIGHT, *index);
            let data = self.edge.tiles.get(&tile.level()).ok_or(Error::IndexesNotInTree)?;
            let at_level = self.edge.size >> (u32::from(HEIGHT) * u32::from(tile.level()));
            if tile.level_index() != at_level / WIDTH {
                return Err(Error::IndexesNotInTree);
            }
            let width = u32::try_from(data.len() / 32).map_err(|_| Error::InvalidTile)?;
            Tile::new(HEIGHT, tile.level(), tile.level_index(), width, false).hash_at_index(data, *index)
        };
        indexes.iter().map(read).collect()
    }
}
