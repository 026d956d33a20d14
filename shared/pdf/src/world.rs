//! What Typst may see: a few files in memory and the fonts it comes with. No disk, no network, no clock.

use crate::legible::shapes;
use std::collections::HashMap;
use typst::{
    Library, LibraryExt as _,
    diag::{FileError, FileResult},
    foundations::{Bytes, Datetime, Duration},
    syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot},
    text::{Font, FontBook},
    utils::LazyHash,
};

/// Those of this crate: for scripts that the fonts of Typst lack. `fonts/subset.py` made them.
const FALLBACK: [&[u8]; 12] = [
    include_bytes!("../fonts/NotoSansHebrew.ttf"),
    include_bytes!("../fonts/NotoSansArabic.ttf"),
    include_bytes!("../fonts/NotoSansDevanagari.ttf"),
    include_bytes!("../fonts/NotoSansBengali.ttf"),
    include_bytes!("../fonts/NotoSansTamil.ttf"),
    include_bytes!("../fonts/NotoSansThai.ttf"),
    include_bytes!("../fonts/NotoSansGeorgian.ttf"),
    include_bytes!("../fonts/NotoSansArmenian.ttf"),
    include_bytes!("../fonts/NotoSansJP.ttf"),
    include_bytes!("../fonts/NotoSansSC.ttf"),
    include_bytes!("../fonts/NotoSansKR.ttf"),
    include_bytes!("../fonts/NotoEmoji.ttf"),
];

/// The fonts, read once.
pub struct Fonts {
    fonts: Vec<Font>,
    book: LazyHash<FontBook>,
    library: LazyHash<Library>,
}

impl Default for Fonts {
    fn default() -> Self {
        let fonts: Vec<Font> = typst_assets::fonts().chain(FALLBACK).flat_map(|data| Font::iter(Bytes::new(data))).collect();
        let book = LazyHash::new(FontBook::from_fonts(&fonts));
        Self { fonts, book, library: LazyHash::new(Library::default()) }
    }
}

impl Fonts {
    /// Whether one of the fonts has all of what a reader takes for one character: letter and marks are never of two.
    pub fn show(&self, cluster: &str) -> bool {
        let mut parts = cluster.chars().filter(|c| !shapes(*c)).map(u32::from).peekable();
        parts.peek().is_some() && self.fonts.iter().any(|font| parts.clone().all(|part| font.info().coverage.contains(part)))
    }
}

/// One document's world.
pub struct World<'a> {
    fonts: &'a Fonts,
    main: FileId,
    files: HashMap<FileId, Bytes>,
}

impl<'a> World<'a> {
    /// Of these files, the first of which is the document; `None` if one of the names is none.
    pub fn new(fonts: &'a Fonts, files: Vec<(&str, Bytes)>) -> Option<Self> {
        let id = |name: &str| Some(RootedPath::new(VirtualRoot::Project, VirtualPath::new(name).ok()?).intern());
        let main = id(files.first()?.0)?;
        let files = files.into_iter().map(|(name, body)| Some((id(name)?, body))).collect::<Option<_>>()?;
        Some(Self { fonts, main, files })
    }

    fn find(&self, id: FileId) -> FileResult<Bytes> {
        self.files.get(&id).cloned().ok_or_else(|| FileError::NotFound(id.vpath().get_without_slash().into()))
    }
}

impl typst::World for World<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &self.fonts.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.fonts.book
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let bytes = self.find(id)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| FileError::InvalidUtf8)?;
        Ok(Source::new(id, text.to_owned()))
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        self.find(id)
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.fonts.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}
