//! The game against a discriminator, as a run plays it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use percept_nn::adversarial::{AdversarialType, DiscriminatorConfig, PatchConfig, UNetConfig, VggConfig};
use percept_nn::loss::{GanLoss, LossConfig, Term};
use percept_run::{Config, Task};
use percept_train::{Event, Outcome, Trainer};

use crate::trainer::{assert_equal_runs, config, create, finish, folder, lines, refused, resume, weights};

fn played(dir: &Path, run: &str, network_d: DiscriminatorConfig, gan: GanLoss) -> Config {
    let mut config = config(dir, run, Task::Sr);
    config.network_d = Some(network_d);
    config.train.losses.push(Term::from(LossConfig::Gan(gan)).weighted(0.1));
    Term::complete(&mut config.train.losses);
    config
}

/// The discriminator, its optimiser and the vectors of its spectral norm go on where they were, and so does what is compared.
#[test]
fn a_game_goes_on_bit_for_bit() {
    let dir = folder();
    let gan = GanLoss { r1: 0.01, start: 2, gan_type: AdversarialType::Relativistic };
    let discriminators = [
        DiscriminatorConfig::Vgg(VggConfig { num_feat: 4, num_down: 2 }),
        DiscriminatorConfig::UNet(UNetConfig { num_feat: 4, ..UNetConfig::default() }),
        DiscriminatorConfig::Patch(PatchConfig { num_feat: 4, ..PatchConfig::default() }),
    ];
    for network_d in discriminators {
        let name = network_d.name();
        let mut whole = played(dir.path(), &format!("{name}-whole"), network_d.clone(), gan.clone());
        whole.train.jitter = 4;
        finish(create(&whole));
        let log = lines(whole.run_dir().join("log.jsonl"));
        let steps: Vec<_> = log.iter().filter(|line| line.get("val").is_none()).collect();
        for (at, line) in steps.iter().enumerate() {
            assert_eq!(
                line.get("l_d_real").is_some() && line.get("l_g_gan").is_some(),
                at >= 2,
                "{name}: {line}"
            );
        }
        let mut cut = played(dir.path(), &format!("{name}-cut"), network_d, gan.clone());
        cut.train.jitter = 4;
        for at in [1, 5] {
            let stop = AtomicBool::new(false);
            let trainer = if at == 1 { create(&cut) } else { resume(&cut.run_dir()) };
            let outcome = trainer.run(&stop, |event| {
                if matches!(event, Event::Step(report) if report.iter == at) {
                    stop.store(true, Ordering::SeqCst);
                }
            });
            assert_eq!(outcome.unwrap(), Outcome::Stopped { iter: at });
        }
        finish(resume(&cut.run_dir()));
        assert_equal_runs(&whole.run_dir(), &cut.run_dir());
    }
}

#[test]
fn a_discriminator_that_cannot_be_had_is_an_error_by_name() {
    let dir = folder();
    let vgg = VggConfig { num_feat: 4, num_down: 1 };
    let good = played(dir.path(), "run", DiscriminatorConfig::Vgg(vgg), GanLoss::default());
    let mut config = good.clone();
    config.path.pretrain_network_d = Some(dir.path().join("nowhere.pth"));
    let problem = refused(Trainer::create(config, &weights()));
    assert!(problem.contains("nowhere.pth"), "{problem}");
    // A generator's weights are no discriminator's.
    let mut config = good.clone();
    finish(create(&good));
    config.path.run = Some(dir.path().join("other"));
    config.path.pretrain_network_d = Some(good.run_dir().join("model.safetensors"));
    let problem = refused(Trainer::create(config.clone(), &weights()));
    assert!(problem.contains("does not fit") && problem.contains("levels.0.conv1.weight"), "{problem}");
    config.path.pretrain_network_d = None;
    config.network_d = Some(DiscriminatorConfig::Vgg(VggConfig { num_feat: 4, num_down: 6 }));
    let problem = refused(Trainer::create(config.clone(), &weights()));
    assert!(problem.contains("network_d (vgg)") && problem.contains("128"), "{problem}");
    config.network_d.clone_from(&good.network_d);
    let gan = LossConfig::Gan(GanLoss { start: 5, ..GanLoss::default() });
    let losses = std::mem::replace(&mut config.train.losses, Term::list([Term::from(gan)]));
    let problem = refused(Trainer::create(config.clone(), &weights()));
    assert!(problem.contains("`train.losses.gan.start` is 5"), "{problem}");
    config.train.losses = losses;
    config.network_d = None;
    let problem = refused(Trainer::create(config.clone(), &weights()));
    assert!(problem.contains("`train.losses.gan.type` is `gan`, which needs a discriminator"), "{problem}");
    config.network_d.clone_from(&good.network_d);
    config.train.losses.pop();
    let problem = refused(Trainer::create(config, &weights()));
    assert!(problem.contains("`network_d` is used by no loss"), "{problem}");
}
