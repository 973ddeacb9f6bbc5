//! `percept demo`: the same network, trained three ways from the same start, and what each makes of photos that it has
//! never seen.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use percept_image::write_atomic;
use percept_judge::report::ReportOptions;
use percept_nn::disentangle::SelectionConfig;
use percept_nn::loss::{FeatureLoss, L1Loss, LossConfig, Term};
use percept_nn::network::{NetworkConfig, SrResNetConfig};
use percept_run::config::{CosineConfig, SchedulerConfig, ValSetConfig};
use percept_run::{Config, RunFiles, Task};
use percept_train::{Outcome, Resume};

use super::report;
use crate::args::{DemoArgs, Global};
use crate::bundle::{self, Asset};
use crate::failure::Failure;
use crate::opener::open;
use crate::output::print;
use crate::progress::duration;
use crate::screen::say;
use crate::{interrupt, training};

/// Steps of the common start, and of each of the three runs that go on from it.
#[derive(Clone, Copy)]
struct Steps {
    warm: u64,
    each: u64,
}

/// On two cores this is done within twelve minutes, the report included, …
const FULL: Steps = Steps { warm: 900, each: 240 };
/// … and this within three.
const QUICK: Steps = Steps { warm: 200, each: 40 };

/// Runs the command.
pub fn run(global: &Global, args: &DemoArgs) -> Result<(), Failure> {
    percept_conv::keep_memory();
    let started = Instant::now();
    let out = std::path::absolute(&args.out)
        .map_err(|error| Failure::call(format!("{}: {error}; choose another --out", args.out.display())))?;
    let photos = Photos::lay_out(&out)?;
    let steps = match (args.steps, args.quick) {
        (Some(steps), _) => Steps { warm: steps, each: steps },
        (None, true) => QUICK,
        (None, false) => FULL,
    };
    let stop = interrupt::listen("finishing this step and saving")?;
    let plan = plan(&out, &photos, steps);
    for (at, config) in plan.iter().enumerate() {
        let label = format!("{}/{} {}", at + 1, plan.len(), config.name);
        let trainer = training::trainer(global, config.clone(), Some(Resume::default()))?;
        if let Outcome::Stopped { .. } = training::train(trainer, &label, stop)? {
            let out = args.out.display();
            return Err(Failure::work(format!(
                "stopped, everything is saved; the same command goes on (in {out})"
            )));
        }
    }
    let compared: Vec<PathBuf> = plan.iter().skip(1).map(Config::run_dir).collect();
    let page = out.join("report.html");
    let summary = report::build(global, &compared, &ReportOptions::default(), &page)?;
    say(&report::lines(&summary));
    say(&format!("done in {}", duration(started.elapsed())));
    print(&page.display().to_string())?;
    if args.open {
        open(&page);
    }
    Ok(())
}

/// The folders of the bundled photos.
struct Photos {
    train: PathBuf,
    val: PathBuf,
}

impl Photos {
    /// Writes the photos where they are not there yet.
    fn lay_out(out: &Path) -> Result<Self, Failure> {
        if bundle::TRAIN_PHOTOS.is_empty() {
            return Err(Failure::call(
                "this build carries no photos; build it with the feature `bundled`, or use `percept train` with your own",
            ));
        }
        let photos = Self { train: out.join("photos/train"), val: out.join("photos/val") };
        write(&photos.train, bundle::TRAIN_PHOTOS)?;
        write(&photos.val, bundle::VAL_PHOTOS)?;
        Ok(photos)
    }
}

fn write(folder: &Path, assets: &[Asset]) -> Result<(), Failure> {
    let failed = |path: &Path, error: std::io::Error| {
        Failure::work(format!(
            "{}: cannot be written: {error}; choose another folder as --out, with 100 MB of space",
            path.display()
        ))
    };
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    for asset in assets {
        let path = folder.join(asset.name);
        if !path.exists() {
            write_atomic(&path, asset.bytes).map_err(|error| failed(&path, error))?;
        }
    }
    Ok(())
}

/// The four runs: the start, and what is compared.
fn plan(out: &Path, photos: &Photos, steps: Steps) -> Vec<Config> {
    let run = |name: &str, steps: u64| {
        let mut config = Config::for_task(Task::Sr);
        config.name = name.to_string();
        config.network_g = NetworkConfig::SrResNet(SrResNetConfig { num_feat: 48, num_block: 6 });
        config.datasets.train.dataroot_gt.clone_from(&photos.train);
        config.datasets.val = None;
        config.path.run = Some(out.join(name));
        config.train.total_iter = steps;
        config.train.ema_decay = 0.0;
        config.logger.print_freq = 5;
        config.logger.save_checkpoint_freq = 50;
        config
    };
    let mut warm = run("warm", steps.warm);
    warm.train.losses = losses(LossConfig::L1(L1Loss {}));
    warm.train.warmup_iter = 20;
    warm.train.optim_g.lr = 5e-4;
    warm.train.scheduler = SchedulerConfig::Cosine(CosineConfig { eta_min: 1e-4 });

    let compared = |name: &str| {
        let mut config = run(name, steps.each);
        config.seed = 1; // Photos and crops that the start has not just seen.
        config.path.pretrain_network_g = Some(RunFiles::new(out.join("warm")).model());
        config.datasets.val = Some(ValSetConfig::new(&photos.val));
        // A third of the way, two thirds, the end; a quick run has no time to look twice.
        config.val.val_freq = if steps.each < FULL.each { steps.each } else { steps.each / 3 };
        config.val.metrics = vec!["psnr-y".to_string(), "lpips-alex".to_string()];
        config
    };
    let mut l1 = compared("l1");
    l1.train.losses = losses(LossConfig::L1(L1Loss {}));
    let perceptual = |name: &str, selection: Option<SelectionConfig>| {
        let mut config = compared(name);
        config.train.losses =
            losses(LossConfig::Feature(FeatureLoss { selection, ..FeatureLoss::default() }));
        config
    };
    let disentangled = perceptual("disentangled", Some(SelectionConfig::default()));
    vec![warm, l1, perceptual("feature", None), disentangled]
}

/// One loss alone.
fn losses(loss: LossConfig) -> Vec<Term> {
    Term::list([Term::from(loss)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runs_differ_in_their_losses_alone() {
        let out = Path::new("/demo");
        let photos = Photos { train: out.join("train"), val: out.join("val") };
        for steps in [FULL, QUICK] {
            let plan = plan(out, &photos, steps);
            for config in &plan {
                config.validate().unwrap();
            }
            let mut bare = plan[1..].to_vec();
            for config in &mut bare {
                config.name.clear();
                config.path.run = None;
                config.train.losses.clear();
            }
            assert!(bare.iter().all(|config| *config == bare[0]));
        }
    }
}
