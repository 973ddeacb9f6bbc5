//! LMDB environments, read only: the B+tree of a `data.mdb`, with no lock and no library.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::{MAX_BYTES, ReadError};

/// The file of an environment's folder that holds its data.
pub const DATA: &str = "data.mdb";
const MAGIC: u32 = 0xBEEF_C0DE;
const VERSION: u32 = 1;
/// Bytes of a page's head, and of the head and description of a page that begins an environment.
const HEAD: u64 = 16;
const META: u64 = 152;
/// Kinds of pages.
const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
const OVERFLOW: u16 = 0x04;
const META_PAGE: u16 = 0x08;
/// Bytes of a node before its key.
const NODE: usize = 8;
/// A value that lies on pages of its own; the other flags are of databases within the database.
const BIG: u16 = 0x01;
/// The number of a tree's root that has no pages.
const NO_PAGE: u64 = u64::MAX;
/// A tree of so many levels holds more than any disk.
const DEEPEST: u16 = 32;

/// The main database of an LMDB environment (Symas' *Lightning Memory-Mapped Database*, format 1 of 64-bit machines with the
/// least byte first), as its last finished transaction left it. Keys and the places of all values are read when it is opened;
/// values when they are asked for. Nothing is locked: who writes to it meanwhile has to make a copy first.
#[derive(Debug)]
pub struct Lmdb<R = File> {
    path: PathBuf,
    file: Mutex<R>,
    values: BTreeMap<Vec<u8>, Value>,
}

/// Where a value lies.
#[derive(Clone, Copy, Debug)]
struct Value {
    /// The first byte.
    offset: u64,
    length: u64,
    /// The first page of its own, if it has some.
    page: Option<u64>,
}

/// The last finished transaction.
struct Meta {
    page_size: u64,
    root: u64,
    depth: u16,
    entries: u64,
    transaction: u64,
}

impl Lmdb {
    /// The environment in a folder, or the `data.mdb` itself.
    ///
    /// # Errors
    /// As [`of`](Self::of), and when there is no such file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let path = path.as_ref();
        let path = if path.is_dir() { path.join(DATA) } else { path.to_path_buf() };
        let file = File::open(&path).map_err(|source| ReadError::from_io(&path, source))?;
        Self::of(path, file)
    }
}

impl<R: Read + Seek> Lmdb<R> {
    /// The environment in `file`; `path` stands in messages.
    ///
    /// # Errors
    /// When it is no such file, is cut off, or its tree is damaged: every offset is checked, and every page is entered once.
    pub fn of(path: impl Into<PathBuf>, file: R) -> Result<Self, ReadError> {
        let mut lmdb = Self { path: path.into(), file: Mutex::new(file), values: BTreeMap::new() };
        let length = lmdb.length()?;
        let meta = lmdb.meta(length)?;
        let mut seen = BTreeSet::new();
        if meta.root != NO_PAGE {
            lmdb.walk(&meta, length, &mut seen)?;
        }
        let found = lmdb.values.len() as u64;
        if found != meta.entries {
            return Err(
                lmdb.malformed(format!("it says that it has {} entries and has {found}", meta.entries))
            );
        }
        Ok(lmdb)
    }

    /// All keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.values.keys().map(Vec::as_slice)
    }

    /// Bytes of the value of a key.
    pub fn value_length(&self, key: &[u8]) -> Option<u64> {
        self.values.get(key).map(|value| value.length)
    }

    /// The value of a key; `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read, or its pages are damaged.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(value) = self.values.get(key) else { return Ok(None) };
        if value.length > MAX_BYTES {
            return Err(self.malformed(format!("a value of {} MB", value.length / 1_000_000)));
        }
        if let Some(page) = value.page {
            let head = self.bytes(value.offset - HEAD, HEAD)?;
            if (word(&head, 0, 8), word(&head, 10, 2)) != (Some(page), Some(u64::from(OVERFLOW))) {
                return Err(self.malformed(format!("page {page} is not that of a value")));
            }
        }
        self.bytes(value.offset, value.length).map(Some)
    }

    /// The newer of the two pages that begin the file.
    fn meta(&self, length: u64) -> Result<Meta, ReadError> {
        if length < META {
            return Err(self.truncated(format!("{length} bytes")));
        }
        let first = self.meta_at(0)?.ok_or_else(|| {
            self.malformed("it does not begin as a data.mdb of a 64-bit machine does".to_string())
        })?;
        // A crash may have left the second one half written.
        let second = match first.page_size + META <= length {
            true => self.meta_at(first.page_size)?,
            false => return Err(self.truncated("its second page is missing".to_string())),
        };
        let newer = second
            .filter(|second| second.page_size == first.page_size && second.transaction > first.transaction);
        Ok(newer.unwrap_or(first))
    }

    /// `None` where no such page is.
    fn meta_at(&self, offset: u64) -> Result<Option<Meta>, ReadError> {
        let bytes = self.bytes(offset, META)?;
        let number = |at: usize, width: usize| word(&bytes, at, width).unwrap_or_default();
        let page_size = number(40, 4);
        let sound = number(10, 2) & u64::from(META_PAGE) != 0
            && number(16, 4) == u64::from(MAGIC)
            && number(20, 4) == u64::from(VERSION)
            && (512..=65_536).contains(&page_size)
            && page_size.is_power_of_two();
        if !sound {
            return Ok(None);
        }
        // The description of the main database follows that of the free pages.
        if number(92, 2) & 0x04 != 0 {
            return Err(self.malformed("its keys have several values each".to_string()));
        }
        Ok(Some(Meta {
            page_size,
            depth: number(94, 2) as u16,
            entries: number(120, 8),
            root: number(128, 8),
            transaction: number(144, 8),
        }))
    }

    /// Enters every page of the tree, and notes what its leaves hold.
    fn walk(&mut self, meta: &Meta, length: u64, seen: &mut BTreeSet<u64>) -> Result<(), ReadError> {
        if !(1..=DEEPEST).contains(&meta.depth) {
            return Err(self.malformed(format!("its tree has {} levels", meta.depth)));
        }
        let mut open = vec![(meta.root, 1)];
        while let Some((number, level)) = open.pop() {
            if !seen.insert(number) {
                return Err(self.malformed(format!("page {number} is in its tree twice")));
            }
            let start = number.checked_mul(meta.page_size);
            let start =
                start.filter(|start| start.checked_add(meta.page_size).is_some_and(|end| end <= length));
            let start = start.ok_or_else(|| self.truncated(format!("page {number} is missing")))?;
            let page = self.bytes(start, meta.page_size)?;
            let kind = if level == meta.depth { LEAF } else { BRANCH };
            let head = (word(&page, 0, 8), word(&page, 10, 2));
            if head != (Some(number), Some(u64::from(kind))) {
                return Err(
                    self.malformed(format!("page {number} is not the page that its tree needs there"))
                );
            }
            for node in nodes(&page).ok_or_else(|| self.malformed(format!("the nodes of page {number}")))? {
                match kind {
                    BRANCH => open.push((node.child, level + 1)),
                    _ => self.note(&node, (start, &page), meta, length)?,
                }
            }
        }
        Ok(())
    }

    /// Notes the value of a leaf's node.
    fn note(
        &mut self,
        node: &Node<'_>,
        (start, page): (u64, &[u8]),
        meta: &Meta,
        length: u64,
    ) -> Result<(), ReadError> {
        let value = match node.flags {
            0 => Value { offset: start + node.data as u64, length: node.size, page: None },
            BIG => {
                let first = word(page, node.data, 8).unwrap_or(NO_PAGE);
                let offset = first.checked_mul(meta.page_size).and_then(|at| at.checked_add(HEAD));
                let offset = offset.ok_or_else(|| self.malformed(format!("a value on page {first}")))?;
                Value { offset, length: node.size, page: Some(first) }
            }
            _ => {
                let reason = "it holds databases within the database; photos have to lie in the main one";
                return Err(self.malformed(reason.to_string()));
            }
        };
        let end = if value.page.is_some() { length } else { start + page.len() as u64 };
        if value.offset.checked_add(value.length).is_none_or(|last| last > end) {
            let key = String::from_utf8_lossy(node.key).into_owned();
            return Err(self.truncated(format!("the value of `{key}` goes beyond the end")));
        }
        match self.values.insert(node.key.to_vec(), value) {
            None => Ok(()),
            Some(_) => {
                let key = String::from_utf8_lossy(node.key).into_owned();
                Err(self.malformed(format!("the key `{key}` is there twice")))
            }
        }
    }

    fn length(&self) -> Result<u64, ReadError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::End(0)).map_err(|source| ReadError::from_io(&self.path, source))
    }

    /// Bytes that are known to be inside the file.
    fn bytes(&self, offset: u64, length: u64) -> Result<Vec<u8>, ReadError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(&mut bytes));
        read.map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => self.truncated("it became shorter".to_string()),
            _ => ReadError::from_io(&self.path, source),
        })?;
        Ok(bytes)
    }

    fn malformed(&self, reason: String) -> ReadError {
        ReadError::Malformed { path: self.path.clone(), reason }
    }

    fn truncated(&self, reason: String) -> ReadError {
        ReadError::Truncated { path: self.path.clone(), reason }
    }
}

/// A node of a page.
struct Node<'a> {
    key: &'a [u8],
    /// Of a leaf: what its value is.
    flags: u16,
    /// Of a leaf: bytes of its value, and where that, or the number of its page, begins in the page.
    size: u64,
    data: usize,
    /// Of a branch: the number of the page below.
    child: u64,
}

/// The nodes of a page; `None` where they go beyond it or lie on each other.
fn nodes(page: &[u8]) -> Option<Vec<Node<'_>>> {
    let lower = usize::try_from(word(page, 12, 2)?).ok()?;
    let places = page.get(HEAD as usize..lower)?;
    let leaf = word(page, 10, 2)? == u64::from(LEAF);
    let (mut nodes, mut taken) = (Vec::new(), lower);
    for place in places.chunks_exact(2) {
        let at = usize::from(u16::from_le_bytes([*place.first()?, *place.get(1)?]));
        let (size, high) = (word(page, at, 4)?, word(page, at + 4, 2)?);
        let key = page.get(at + NODE..at + NODE + usize::try_from(word(page, at + 6, 2)?).ok()?)?;
        let (data, flags) = (at + NODE + key.len(), if leaf { high as u16 } else { 0 });
        let inside = match (leaf, flags & BIG != 0) {
            (false, _) => 0,
            (true, true) => 8,
            (true, false) => usize::try_from(size).ok()?,
        };
        page.get(data..data.checked_add(inside)?)?;
        // Nodes that shared their bytes could say more than a file of that size holds.
        taken = taken.checked_add(NODE + key.len() + inside).filter(|taken| *taken <= page.len())?;
        nodes.push(Node { key, flags, size, data, child: size | high << 32 });
    }
    Some(nodes)
}

/// The number in `width` bytes at `at`, the least one first.
fn word(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(width)?)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}
