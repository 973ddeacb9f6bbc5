//! How near a picture is to its reference, by three scores.
//!
//! `cargo run --release -p percept-image --example score -- REFERENCE TEST`

use std::error::Error;
use std::path::Path;

use percept_image::{Fsim, Metric, Psnr, Ssim, read_srgb};

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [reference, test] = &paths[..] else {
        return Err("name two pictures of one size: the reference and the one to be judged".into());
    };
    for line in scores(reference.as_ref(), test.as_ref())? {
        println!("{line}");
    }
    Ok(())
}

/// A line a score: name, value, and the protocol without which the value means nothing.
fn scores(reference: &Path, test: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let (reference, test) = (read_srgb(reference)?, read_srgb(test)?);
    let metrics: [&dyn Metric; 3] = [&Psnr::y(4), &Ssim::y(4), &Fsim::colour(0)];
    let line = |metric: &&dyn Metric| {
        let value = metric.score(&reference, &test)?;
        Ok(format!("{:<7} {value:.4}  ({})", metric.name(), metric.protocol()))
    };
    metrics.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use percept_image::{Image, Photo, write_photo};

    use super::*;

    #[test]
    fn a_grey_that_is_a_little_lighter() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let flat = |name: &str, level: f32| {
            let path = folder.path().join(name);
            write_photo(&path, &Photo::new(Image::from_fn(40, 30, |_, _, _| level))).map(|()| path)
        };
        let lines = scores(&flat("a.png", 0.4)?, &flat("b.png", 0.6)?)?;
        assert_eq!(lines.len(), 3);
        // A difference of 51 levels, of which studio range keeps 219 / 255.
        assert!(lines[0].starts_with("psnr-y  15.3") && lines[0].contains("crop 4"), "{}", lines[0]);
        assert!(scores(&folder.path().join("a.png"), &folder.path().join("none.png")).is_err());
        Ok(())
    }
}
