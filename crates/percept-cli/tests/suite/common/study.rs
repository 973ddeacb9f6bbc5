//! Studies of small pictures, served by the real binary.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use percept_image::{Image, Photo, Srgb, write_photo};

pub use super::served::{Reply, Served};
use super::{arg, run};

pub const SMALL: (usize, usize) = (48, 40);
pub const METHODS: [(&str, f32); 3] = [("sharp", 0.03), ("soft", 0.1), ("poor", 0.2)];

/// A picture with detail; another `seed`, another picture. `error` is a pattern laid over it.
pub fn picture((width, height): (usize, usize), seed: usize, error: f32) -> Image<Srgb> {
    Image::from_fn(width, height, |x, y, c| {
        let wave =
            ((x * (seed + 2) + 3 * y + 20 * c) as f32 / 17.0).sin() * (y as f32 / (9 + seed) as f32).cos();
        0.5 + 0.35 * wave + error * if (x / 2 + y / 2) % 2 == 0 { 1.0 } else { -1.0 }
    })
}

/// Folders `gt`, `lq` (a fourth of the size) and one for each method with its error, of `photos` photos.
pub fn folders(at: &Path, photos: usize, size: (usize, usize), methods: &[(&str, f32)]) {
    let small = (size.0 / 4, size.1 / 4);
    let kinds = [("gt", size, 0.0), ("lq", small, 0.0)];
    let methods = methods.iter().map(|(name, error)| (*name, size, *error));
    for (folder, size, error) in kinds.into_iter().chain(methods) {
        let folder = at.join(folder);
        fs::create_dir_all(&folder).unwrap();
        for photo in 0..photos {
            let path = folder.join(format!("photo{photo}.png"));
            write_photo(path, &Photo::new(picture(size, photo, error))).unwrap();
        }
    }
}

/// A study of `photos` photos and these methods.
pub fn study(
    at: &Path,
    photos: usize,
    size: (usize, usize),
    methods: &[(&str, f32)],
    more: &[&str],
) -> PathBuf {
    folders(at, photos, size, methods);
    let study = at.join("study");
    let named: Vec<_> =
        methods.iter().map(|(name, _)| format!("{name}={}", at.join(name).display())).collect();
    let (reference, input) = (at.join("gt"), at.join("lq"));
    let mut call =
        vec!["study", "new", arg(&study), "--ref", arg(&reference), "--input", arg(&input), "--methods"];
    call.extend(named.iter().map(String::as_str));
    call.extend(more);
    run(&call).exits(0).prints(&[arg(&study)]);
    study
}

/// The answers of a study, as `analyse --csv` writes them: one map a line.
pub fn csv(study: &Path) -> Vec<BTreeMap<String, String>> {
    let path = study.join("votes.csv");
    run(&["study", "analyse", arg(study), "--csv", arg(&path)]).exits(0);
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(String::from).collect::<Vec<_>>());
    let header = lines.next().unwrap();
    lines.map(|line| header.iter().cloned().zip(line).collect()).collect()
}

impl Served {
    /// `percept study serve` until it is dropped.
    pub fn new(study: &Path, more: &[&str]) -> Self {
        Self::of(&[&["study", "serve", arg(study)], more].concat())
    }

    /// On a free port of this machine.
    pub fn here(study: &Path) -> Self {
        Self::new(study, &["--listen", "127.0.0.1:0"])
    }

    /// A new participant's path, `/s/LINK`.
    pub fn start(&self) -> String {
        let reply = self.post("/start", "application/x-www-form-urlencoded", "consent=yes");
        assert_eq!(reply.status, 303, "{reply:?}");
        reply.header("location").unwrap()
    }

    pub fn vote(&self, participant: &str, trial: u64, choice: u64) -> Reply {
        let body = serde_json::json!({"trial": trial, "choice": choice, "ms": 1200}).to_string();
        self.post(&format!("{participant}/vote"), "application/json", &body)
    }
}
