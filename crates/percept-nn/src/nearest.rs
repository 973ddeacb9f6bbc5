//! The name that was meant.

/// The one of `known` that `name` begins, nearly is, or is a word of; `None` where a guess would be a random one.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    // Names are short and alike: beyond a third of the letters nobody meant it.
    let near = 1 + name.chars().count() / 3;
    let holds = |candidate: &str| {
        candidate.starts_with(&name) || candidate.split(['_', '-']).any(|word| word == name)
    };
    let distance = |candidate: &str| match name.len() > 2 && holds(candidate) {
        true => 0,
        false => strsim::damerau_levenshtein(&name, candidate),
    };
    let nearest =
        known.into_iter().map(|candidate| (distance(candidate), candidate)).min_by_key(|(far, _)| *far);
    nearest.filter(|(far, _)| *far <= near).map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn what_is_nearly_a_name_or_begins_one_was_meant() {
        let known = ["photo-x4", "photo-x4-mild", "classic-x4", "classic-x4-psnr"];
        for (name, meant) in [
            ("foto-x4", Some("photo-x4")),
            ("Photo-X4", Some("photo-x4")),
            ("classicx4psnr", Some("classic-x4-psnr")),
            ("photo", Some("photo-x4")),
            ("psnr", Some("classic-x4-psnr")),
            ("ph", None),
            ("runs/other", None),
        ] {
            assert_eq!(nearest(name, known), meant, "{name}");
        }
        assert_eq!(nearest("photo-x4", []), None);
    }
}
