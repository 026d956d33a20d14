//! What the objects of a log are named, by C2SP tlog-tiles.

use super::Root;
use data_encoding::HEXLOWER;

/// Levels of the tree in one tile.
pub const HEIGHT: u8 = 8;

/// Hashes in a full tile, and entries in a full bundle.
pub const WIDTH: u64 = 1 << HEIGHT;

/// A number in groups of three digits: `x001/x234/067`.
fn grouped(mut n: u64) -> String {
    let mut text = format!("{:03}", n % 1000);
    while n >= 1000 {
        n /= 1000;
        text = format!("x{:03}/{text}", n % 1000);
    }
    text
}

fn with_width(base: String, width: u64) -> String {
    if width == WIDTH { base } else { format!("{base}.p/{width}") }
}

/// A tile of hashes, full or with only its first `width` ones.
pub fn tile_name(level: u8, n: u64, width: u64) -> String {
    with_width(format!("tile/{level}/{}", grouped(n)), width)
}

/// A bundle of entries, full or with only its first `width` ones.
pub fn bundle_name(n: u64, width: u64) -> String {
    with_width(format!("tile/entries/{}", grouped(n)), width)
}

/// What the names of a tile's partial forms start with.
pub fn partial_tiles(level: u8, n: u64) -> String {
    format!("tile/{level}/{}.p/", grouped(n))
}

/// What the names of a bundle's partial forms start with.
pub fn partial_bundles(n: u64) -> String {
    format!("tile/entries/{}.p/", grouped(n))
}

/// Where the entries of a growth wait until it is published. Named by what the tree becomes.
pub fn staging_name(size: u64, root: Root) -> String {
    format!("staging/{size:020}-{}", HEXLOWER.encode(&root.0))
}

/// Where the checkpoint of a size is kept for good, besides `checkpoint`, which is the newest.
pub fn checkpoint_name(size: u64) -> String {
    format!("checkpoints/{size:020}")
}

/// Where the cosignature of a witness is kept for good, by the number of the witness's key.
pub fn cosignature_name(size: u64, key_id: u32) -> String {
    format!("cosignatures/{size:020}/{key_id:08x}")
}

/// Whether an object is a full tile of hashes: needed for as long as the log, while partial forms are replaced and entries
/// may go by policy.
pub fn is_full_tile(name: &str) -> bool {
    name.strip_prefix("tile/").is_some_and(|rest| !rest.starts_with("entries/") && !rest.contains(".p/"))
}
