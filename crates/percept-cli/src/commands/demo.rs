//! `percept demo`: the same network, trained three ways from the same start, and what each makes of photos that it has
//! never seen.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use percept_image::resize::imresize;
use percept_image::{Image, Srgb, photo_name, read_srgb, write_atomic};
use percept_judge::report::ReportOptions;
use percept_nn::adversarial::{AdversarialType, DiscriminatorConfig, VggConfig};
use percept_nn::disentangle::{ClosedConfig, Score, SelectionConfig};
use percept_nn::loss::{
    ColourLoss, ColourSpace, ContextualLoss, GanLoss, L1Loss, LossConfig, PhaseLoss, Term,
};
use percept_nn::network::{NetworkConfig, SpanConfig};
use percept_run::config::{CosineConfig, OptimConfig, SchedulerConfig, ValSetConfig};
use percept_run::{Config, Task};
use percept_train::{Outcome, Resume, Team, restore_one_more};

use super::report;
use crate::args::{DemoArgs, Global};
use crate::bundle::{self, Asset};
use crate::failure::Failure;
use crate::opener::open;
use crate::output::print;
use crate::progress::duration;
use crate::screen::say;
use crate::{interrupt, training};

/// The bundled model that all runs go on from. It was trained on pixels for weeks.
const START: &str = "classic-x4-psnr";
/// Steps of each run. On two cores this is done within ten minutes, the report included, …
const FULL: u64 = 500;
/// … and this within three.
const QUICK: u64 = 120;

/// The longest side of a photo of the user's, about that of the bundled ones; larger ones are shrunk.
const SIDE: usize = 640;
/// The shortest one.
const LEAST: usize = 192;

/// Runs the command.
pub fn run(global: &Global, args: &DemoArgs) -> Result<(), Failure> {
    percept_conv::keep_memory();
    let started = Instant::now();
    let out = std::path::absolute(&args.out)
        .map_err(|error| Failure::call(format!("{}: {error}; choose another --out", args.out.display())))?;
    // What is wrong with them shows before minutes of work.
    let own = args.photo.iter().map(|path| own(path)).collect::<Result<Vec<_>, _>>()?;
    let photos = Photos::lay_out(&out)?;
    let steps = args.steps.unwrap_or(if args.quick { QUICK } else { FULL });
    let stop = interrupt::listen("finishing this step and saving")?;
    let plan = plan(&out, &photos, steps);
    for (at, config) in plan.iter().enumerate() {
        let label = format!("{}/{} {}", at + 1, plan.len(), config.name);
        let trainer = training::trainer(global, Team::alone(), config.clone(), Some(Resume::default()))?;
        if let Outcome::Stopped { .. } = training::train(trainer, &label, stop)? {
            let out = args.out.display();
            return Err(Failure::work(format!(
                "stopped, everything is saved; the same command goes on (in {out})"
            )));
        }
    }
    for (name, photo) in &own {
        let device = global.device()?;
        plan.iter()
            .try_for_each(|config| restore_one_more(config, name, photo, &device))
            .map_err(|error| Failure::work(format!("{name}: {error}")))?;
    }
    let compared: Vec<PathBuf> = plan.iter().map(Config::run_dir).collect();
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

/// A photo of the user's: its name on the page, and the photo in the size of the others.
fn own(path: &Path) -> Result<(String, Image<Srgb>), Failure> {
    let photo = read_srgb(path).map_err(Failure::call)?;
    let (width, height) = photo.size();
    if width.min(height) < LEAST {
        return Err(Failure::call(format!(
            "{}: has {width}×{height} pixels, and the demo needs {LEAST} on each side; take a larger photo",
            path.display()
        )));
    }
    let share = (SIDE as f64 / width.max(height) as f64).min(1.0);
    let side = |side: usize| ((side as f64 * share).round() as usize).max(1);
    let photo = match share < 1.0 {
        true => imresize(&photo, side(width), side(height)).map(|value| value.clamp(0.0, 1.0)),
        false => photo,
    };
    Ok((format!("{} (yours)", photo_name(path)), photo))
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

/// The three runs that are compared.
fn plan(out: &Path, photos: &Photos, steps: u64) -> Vec<Config> {
    let run = |name: &str, losses: Vec<Term>| {
        let mut config = Config::for_task(Task::Sr);
        config.name = name.to_string();
        config.network_g = NetworkConfig::Span(SpanConfig {
            feature_channels: 28,
            cat_channels: Some(20),
            norm: true,
            reparameterized: false,
            ..SpanConfig::default()
        });
        config.datasets.train.dataroot_gt.clone_from(&photos.train);
        config.datasets.train.batch_size = 4;
        config.datasets.val = Some(ValSetConfig::new(&photos.val));
        config.path.pretrain_network_g = Some(START.into());
        config.path.run = Some(out.join(name));
        let plays = losses.iter().any(|term| matches!(term.loss, LossConfig::Gan(_)));
        config.network_d = plays.then(|| DiscriminatorConfig::Vgg(VggConfig::default()));
        config.train.losses = losses;
        config.train.total_iter = steps;
        config.train.ema_decay = 0.99;
        config.train.optim_g.lr = 1e-4;
        config.train.optim_d = Some(OptimConfig { lr: 4e-4, ..OptimConfig::default() });
        config.train.scheduler = SchedulerConfig::Cosine(CosineConfig { eta_min: 1e-6 });
        config.val.val_freq = steps;
        config.val.metrics = vec!["psnr-y".to_string(), "lpips-alex".to_string()];
        config.logger.print_freq = 5;
        config.logger.save_checkpoint_freq = 50;
        config
    };
    // What people see: features wherever they fit best, the colour of places, what a discriminator tells from photos, and no grid.
    let seen = |selection: Option<SelectionConfig>| {
        let contextual = LossConfig::Contextual(ContextualLoss { selection, ..ContextualLoss::default() });
        let colour = LossConfig::Colour(ColourLoss { space: ColourSpace::Srgb, ..ColourLoss::default() });
        let gan = LossConfig::Gan(GanLoss { gan_type: AdversarialType::Relativistic, ..GanLoss::default() });
        let phase = LossConfig::Phase(PhaseLoss::default());
        Term::list([
            Term::from(contextual),
            Term::from(colour).weighted(5.0),
            Term::from(phase).weighted(20.0),
            Term::from(gan).weighted(0.1),
        ])
    };
    let systematic = ClosedConfig { score: Score::Systematic { window: 16 }, ..ClosedConfig::default() };
    vec![
        run("l1", Term::list([Term::from(LossConfig::L1(L1Loss {}))])),
        run("perceptual", seen(None)),
        run("disentangled", seen(Some(systematic.into()))),
    ]
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
            let mut bare = plan;
            for config in &mut bare {
                config.name.clear();
                config.path.run = None;
                config.network_d = None;
                config.train.losses.clear();
            }
            assert!(bare.iter().all(|config| *config == bare[0]));
        }
    }
}
