//! The pages of the repository speak of files and names that there are: links lead somewhere, and recipes can be followed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All files below `folder` that end in one of `endings`.
fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let ends = |ending: &&str| path.extension().is_some_and(|of| of == *ending);
        if path.is_dir() {
            found.extend(files(&path, endings));
        } else if endings.iter().any(ends) {
            found.push(path);
        }
    }
    found
}

/// The repository's own pages: those at its root, of `docs` and of `assets`.
fn pages() -> Vec<PathBuf> {
    let at_root = std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let at_root = at_root.filter(|path| path.is_file() && path.extension().is_some_and(|of| of == "md"));
    let below = ["docs", "assets"].into_iter().flat_map(|folder| files(&root().join(folder), &["md"]));
    at_root.chain(below).collect()
}

/// What a heading is linked by: lower case, spaces as hyphens, no marks.
fn anchor(heading: &str) -> String {
    let plain = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = plain.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The targets of a page's links.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

/// What stands between single backticks, code blocks left out.
fn quoted(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|part| part.lines()).flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn links_lead_to_files_and_headings() {
    let mut dead = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in links(&text).filter(|link| !link.contains("://")) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { page.with_file_name(file) };
            let leads = match std::fs::read_to_string(&target) {
                Ok(text) if !heading.is_empty() => {
                    text.lines().any(|line| line.starts_with('#') && anchor(line) == heading)
                }
                _ => target.exists(),
            };
            if !leads {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "these links lead nowhere:\n{}", dead.join("\n"));
}

#[test]
fn recipes_name_files_and_items_that_exist() {
    let sources = files(&root().join("crates"), &["rs", "py"]);
    let sources: Vec<_> = sources.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let mut missing = BTreeSet::new();
    for page in ["ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"] {
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        for name in quoted(&text) {
            // NAME stands for what the reader adds.
            let is_path =
                ["crates/", "docs/", "bench/", "assets/", ".ci/"].iter().any(|at| name.starts_with(at));
            let is_item = name.contains('_')
                && name.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '_' | '0'..='9'));
            let there = match (is_path && !name.contains("NAME"), is_item) {
                (true, _) => root().join(name.split(' ').next().unwrap_or(name)).exists(),
                (_, true) => sources.iter().any(|source| source.contains(name)),
                _ => true,
            };
            if !there {
                missing.insert(format!("{page}: {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "not in the tree any more: {missing:#?}");
}
