//! Seconds of whole training steps: one JSON line, as `bench/train_step.py` prints.
//!
//! `cargo run --release -p percept-train --example train_step -- LOSS [STEPS] [bf16]`, with `l1`, `feature`,
//! `gan` (l1, feature and a U-Net discriminator), `contextual-three` (in three features, without a selection), `selection`, `projection` or `contextual` (with a selection that
//! moves in every batch), `selection-default` or `projection-default` (in every second one), `selection-rests` or
//! `projection-rests` (no longer) as LOSS: the network and batch of `percept demo`, on the bundled photos. Unlike there, the time
//! includes waiting for the batch. With `bf16`, products of network and trunk are.

use std::error::Error;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use percept_nn::adversarial::{DiscriminatorConfig, UNetConfig};
use percept_nn::backbone::{BackboneConfig, Precision};
use percept_nn::disentangle::{ClosedConfig, Gate, Score, SelectionConfig, TripletConfig};
use percept_nn::loss::{ContextualLoss, FeatureLoss, GanLoss, L1Loss, LossConfig, Term};
use percept_nn::network::{NetworkConfig, SrResNetConfig};
use percept_nn::weights::WeightStore;
use percept_run::{Config, Task};
use percept_train::{Event, Trainer};

/// Steps before the clock counts.
const WARM_UP: u64 = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let name = arguments.first().map_or("selection", String::as_str);
    let steps: u64 = arguments.get(1).map_or(Ok(20), |steps| steps.parse())?;
    let narrow = arguments.get(2).is_some_and(|precision| precision == "bf16");
    let precision = if narrow { Precision::Bf16 } else { Precision::F32 };
    percept_conv::keep_memory();

    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets");
    let folder = tempfile::tempdir()?;
    let backbone = BackboneConfig { precision, ..BackboneConfig::default() };
    let feature = |selection: Option<SelectionConfig>| {
        LossConfig::Feature(FeatureLoss { selection, backbone: backbone.clone(), ..FeatureLoss::default() })
    };
    let mut config = Config::for_task(Task::Sr);
    config.path.run = Some(folder.path().join("run"));
    config.network_g = NetworkConfig::SrResNet(SrResNetConfig { num_feat: 48, num_block: 6 });
    config.datasets.train.dataroot_gt = assets.join("photos/train");
    config.datasets.val = None;
    config.train.total_iter = WARM_UP + steps;
    config.train.ema_decay = 0.0;
    config.train.precision = precision;
    // No warm-up: the weights are in force at once.
    let default = TripletConfig { warmup: 0, until: 0, ..TripletConfig::default() };
    let moving = TripletConfig { every: 1, ..default.clone() };
    let resting = TripletConfig { until: WARM_UP as usize, ..default.clone() };
    let closed = |score| ClosedConfig { score, warmup: 0, ..ClosedConfig::default() }.into();
    let projection = |config| TripletConfig { gate: Gate::Projection, ..config };
    let mut others = Vec::new();
    let loss = match name {
        "gan" => {
            config.network_d = Some(DiscriminatorConfig::UNet(UNetConfig::default()));
            others.push(Term::from(LossConfig::L1(L1Loss {})));
            others.push(Term::from(LossConfig::Gan(GanLoss::default())).weighted(0.1));
            feature(None)
        }
        "l1" => LossConfig::L1(L1Loss {}),
        "feature" => feature(None),
        "selection" => feature(Some(moving.into())),
        "selection-default" => feature(Some(default.into())),
        "selection-rests" => feature(Some(resting.into())),
        "projection" => feature(Some(projection(moving).into())),
        "projection-default" => feature(Some(projection(default).into())),
        "projection-rests" => feature(Some(projection(resting).into())),
        "closed" => feature(Some(closed(Score::default()))),
        "systematic" => feature(Some(closed(Score::Systematic { window: 16 }))),
        "contextual-three" => {
            let FeatureLoss { layer_weights, .. } = FeatureLoss::default();
            LossConfig::Contextual(ContextualLoss { layer_weights, backbone, ..ContextualLoss::default() })
        }
        "contextual" => {
            let selection = Some(moving.into());
            LossConfig::Contextual(ContextualLoss { selection, backbone, ..ContextualLoss::default() })
        }
        other => {
            return Err(format!(
                "no loss `{other}`; there are l1, feature, gan, contextual, contextual-three, closed, systematic, and selection and projection, alone, with \
                 -default and with -rests"
            )
            .into());
        }
    };
    others.push(Term::from(loss));
    config.train.losses = Term::list(others);
    config.logger.print_freq = WARM_UP + steps;
    config.logger.save_checkpoint_freq = WARM_UP + steps;

    let trainer = Trainer::create(config, &WeightStore::new().with_dir(assets.join("weights")))?;
    let mut seconds = Vec::new();
    trainer.run(&AtomicBool::new(false), |event| match event {
        Event::Step(report) if report.iter > WARM_UP => seconds.push(report.seconds),
        _ => {}
    })?;
    let line = serde_json::json!({"loss": name, "seconds": seconds, "peak_rss_mib": peak_rss_mib()});
    println!("{line}");
    Ok(())
}

/// The most memory that this process ever had, where the system tells.
fn peak_rss_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
