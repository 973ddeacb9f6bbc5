//! What the file of a result is called, and so its format.

use std::path::{Path, PathBuf};

use percept_image::{Capacity, Head};

/// What is added to a picture's name where its result lies beside it: `-x4`, `-x2.5`; `-restored` for results as large as
/// their pictures.
pub fn mark(times: f64) -> String {
    match times {
        1.0 => "-restored".to_string(),
        times => format!("-x{times}"),
    }
}

/// A result's name: the picture's with a suffix, and the `ending` that is asked for, else the picture's own, else PNG's.
pub fn result_name(picture: &Path, suffix: &str, ending: Option<&str>) -> PathBuf {
    let ending = match (ending, Capacity::of(picture)) {
        (Some(ending), _) => ending.into(),
        (None, Some(_)) => picture.extension().unwrap_or_default().to_os_string(),
        (None, None) => "png".into(),
    };
    let mut name = picture.file_stem().unwrap_or_default().to_os_string();
    name.push(suffix);
    name.push(".");
    name.push(ending);
    picture.with_file_name(name)
}

/// `name`, or that of a PNG where its format cannot hold what `head` says. A format that was `asked` for holds enough if it
/// holds the opacity.
pub fn holding_name(name: &Path, head: &Head, asked: bool) -> PathBuf {
    let holds = |format: Capacity| match asked {
        true => format.alpha || !head.alpha,
        false => format.holds(head),
    };
    match Capacity::of(name).is_some_and(holds) {
        true => name.to_path_buf(),
        false => name.with_extension("png"),
    }
}
