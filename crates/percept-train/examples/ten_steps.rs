//! Trains a small network for ten steps on the bundled photos, and restores one that it has not seen.
//!
//! ```text
//! cargo run --release -p percept-train --example ten_steps
//! ```

use std::error::Error;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use percept_conv::Device;
use percept_image::{Photo, read_srgb, write_photo};
use percept_nn::model::{Model, Tiling};
use percept_nn::weights::WeightStore;
use percept_run::{Config, RunFiles};
use percept_train::{Event, Trainer};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new("ten-steps");
    ten_steps(folder)?;
    println!("{}", folder.display());
    Ok(())
}

/// Leaves a run and `restored.png` in `folder`.
fn ten_steps(folder: &Path) -> Result<(), Box<dyn Error>> {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets");
    // What `percept train` reads from a file. All other keys have their defaults.
    let text = format!(
        r#"
        name = "ten-steps"
        task = "sr"
        path.run = '{run}'
        datasets.train.dataroot_gt = '{photos}'
        network_g = {{ type = "compact", num_feat = 8, num_conv = 2 }}
        train.total_iter = 10
        [[train.losses]]
        type = "l1"
        [[train.losses]]
        type = "feature"
        selection = {{}}
        "#,
        run = folder.join("run").display(),
        photos = assets.join("photos/train").display(),
    );
    let config = Config::from_toml(&text, "ten_steps.rs")?;
    let files = RunFiles::new(config.run_dir());
    let store = WeightStore::new().with_dir(assets.join("weights"));

    // Another thread may set this to stop; the run is saved then, and goes on with `Trainer::resume`.
    let stop = AtomicBool::new(false);
    Trainer::create(config, &store)?.run(&stop, |event| {
        if let Event::Step(report) = event {
            println!("step {}: {report}", report.iter);
        }
    })?;

    let model = Model::load(files.model(), &Device::flex())?;
    let small = read_srgb(assets.join("photos/val/coffee.jpg"))?;
    let large = model.restore(&small, Tiling::default())?;
    write_photo(folder.join("restored.png"), &Photo::new(large))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn it_trains_and_restores() {
        let folder = tempfile::tempdir().unwrap();
        ten_steps(folder.path()).unwrap();
        let (small, large) = (
            read_srgb(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/photos/val/coffee.jpg"))
                .unwrap(),
            read_srgb(folder.path().join("restored.png")).unwrap(),
        );
        assert_eq!(large.size(), (4 * small.width(), 4 * small.height()));
    }
}
