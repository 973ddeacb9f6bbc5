//! Names of photos that may lie in several folders.

use std::collections::BTreeMap;

use percept_image::photo_name;

/// A name for each of these paths, unique and without slashes: that of the file without extension; the whole path where two
/// would be the same; and a number before that where even these are.
pub(super) fn names(files: &[String]) -> Vec<String> {
    let flat = |file: &String| file.replace(['/', '\\'], "_");
    let choices: [Vec<String>; 2] =
        [files.iter().map(photo_name).collect(), files.iter().map(flat).collect()];
    let counts = choices.each_ref().map(|names| {
        let mut count = BTreeMap::<&str, usize>::new();
        names.iter().for_each(|name| *count.entry(name).or_default() += 1);
        count
    });
    let name = |(at, file): (usize, &String)| {
        let unique = choices
            .iter()
            .zip(&counts)
            .find_map(|(names, count)| names.get(at).filter(|name| count.get(name.as_str()) == Some(&1)));
        unique.cloned().unwrap_or_else(|| format!("{}-{}", at + 1, flat(file)))
    };
    files.iter().enumerate().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_short_as_they_can_be() {
        let files = ["a.png", "in/b.png", "in/a.jpg", "c.png", "in/c.png", "in_c.png"].map(String::from);
        assert_eq!(
            names(&files),
            ["a.png", "b", "in_a.jpg", "c.png", "5-in/c.png".replace('/', "_").as_str(), "in_c"]
        );
    }
}
