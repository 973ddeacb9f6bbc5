//! Ranges of values, and values that contradict each other.

use percept_image::Pipeline;
use percept_nn::disentangle::{Anchor, SelectionConfig};
use percept_nn::loss::LossConfig;
use percept_nn::network::NetworkError;

use super::datasets::MAX_PATCH;
use super::{Config, MixConfig, OptimConfig, RootConfig, SchedulerConfig, TrainConfig, ValConfig};
use crate::Task;

/// A dotted key, and what is wrong with its value.
type Complaint = (String, String);

/// `Err` unless `ok`.
fn ensure(ok: bool, key: &str, problem: impl FnOnce() -> String) -> Result<(), Complaint> {
    if ok { Ok(()) } else { Err((key.to_string(), problem())) }
}

pub(super) fn check(config: &Config) -> Result<(), Complaint> {
    let name_is_plain = !config.name.is_empty() && !config.name.contains(['/', '\\']) && config.name != "..";
    ensure(name_is_plain, "name", || "must be a plain name without slashes".to_string())?;
    check_scale(config)?;
    check_network(config)?;
    check_datasets(config)?;
    let train = &config.datasets.train;
    check_train(&config.train, train.stages().map(|(_, _, batch_size)| batch_size).min().unwrap_or(1))?;
    ensure(config.train.jitter <= train.sides().0 / 2, "train.jitter", || {
        format!("must be at most half of datasets.train.gt_size; it is {}", config.train.jitter)
    })?;
    check_game(config)?;
    let counts = [
        ("val.val_freq", config.val.val_freq),
        ("logger.print_freq", config.logger.print_freq),
        ("logger.save_checkpoint_freq", config.logger.save_checkpoint_freq),
        ("logger.keep_checkpoints", config.logger.keep_checkpoints as u64),
        ("val.early_stop", config.val.early_stop.unwrap_or(1)),
    ];
    check_val(&config.val)?;
    counts
        .iter()
        .try_for_each(|(key, value)| ensure(*value >= 1, key, || "must be at least 1; it is 0".to_string()))
}

fn check_val(val: &ValConfig) -> Result<(), Complaint> {
    if let Some(best) = &val.save_best {
        ensure(val.metrics.contains(best), "val.save_best", || {
            format!("is `{best}`, which is none of val.metrics: {}", val.metrics.join(", "))
        })?;
    }
    ensure(val.early_stop.is_none() || val.save_best.is_some(), "val.early_stop", || {
        "needs val.save_best, the score that has to become better".to_string()
    })
}

fn check_scale(config: &Config) -> Result<(), Complaint> {
    let scales = config.task.scales();
    ensure(scales.contains(&config.scale), "scale", || {
        let (first, last) = scales.clone().into_inner();
        let range = if first == last { format!("{first}") } else { format!("{first} to {last}") };
        format!("must be {range} for the task `{}`; it is {}", config.task, config.scale)
    })
}

fn check_network(config: &Config) -> Result<(), Complaint> {
    let scale = config.task.network_scale(config.scale);
    config.network_g.validate(scale).map_err(|error| match error {
        NetworkError::Value { key, problem, .. } => (format!("network_g.{key}"), problem.to_string()),
        NetworkError::Scale { .. } => {
            let problem =
                format!("does not fit the task `{}` at scale {}: {error}", config.task, config.scale);
            ("network_g.type".to_string(), problem)
        }
    })
}

fn check_datasets(config: &Config) -> Result<(), Complaint> {
    let train = &config.datasets.train;
    let key = |name: &str| format!("datasets.train.{name}");
    let count = |name: &str, value: usize, low: usize, high: usize| {
        let ok = (low..=high).contains(&value);
        ensure(ok, &key(name), || format!("must be {low} to {high}; it is {value}"))
    };
    let multiple = config.task.network_scale(config.scale);
    let at = |at: usize, name: &str| match at {
        0 => name.to_string(),
        at => format!("progressive.{}.{name}", at - 1),
    };
    let mut before = None;
    for (number, (after, side, batch)) in train.stages().enumerate() {
        count(&at(number, "gt_size"), side, 16, 1024)?;
        ensure(side.is_multiple_of(multiple), &key(&at(number, "gt_size")), || {
            let nearest = side.next_multiple_of(multiple);
            format!("must be a multiple of {multiple} here; it is {side}, take {nearest}")
        })?;
        count(&at(number, "batch_size"), batch, 1, 256)?;
        ensure(before.is_none_or(|before| before < after), &key(&at(number, "after")), || {
            format!("must rise from stage to stage, and be at least 1; it is {after}")
        })?;
        before = Some(after);
    }
    ensure(train.progressive.len() <= 64, &key("progressive"), || "may have 64 stages at most".to_string())?;
    check_mixes(config)?;
    count("prefetch", train.prefetch, 1, 64)?;
    count("num_workers", train.num_workers.unwrap_or(1), 1, 256)?;
    count("cache_mib", train.cache_mib, 0, 1 << 20)?;
    check_roots("train", &train.all_roots())?;
    let paired = train.dataroot_lq.is_some();
    ensure(config.task != Task::Raw2rgb || !paired, &key("dataroot_lq"), || {
        "cannot be used with `raw2rgb`; leave it out, the RAW is made from the photos".to_string()
    })?;
    let made = [
        ("degradation", train.degradation.is_some()),
        ("recipe", train.recipe.is_some()),
        ("patch_size", train.patch_size.is_some()),
        ("sharpen_gt", train.sharpen_gt.is_some()),
    ];
    for (name, given) in made {
        ensure(!paired || !given, &key(name), || {
            "and `dataroot_lq` contradict each other; keep one of them".to_string()
        })?;
    }
    ensure(train.recipe.is_none() || train.degradation.is_none(), &key("recipe"), || {
        "and `degradation` contradict each other; keep one of them".to_string()
    })?;
    Pipeline::new(&train.steps(config.task, config.scale))
        .map_err(|error| (key("degradation"), format!("is out of range: {error}")))?;
    if let Some(patch_size) = train.patch_size {
        count("patch_size", patch_size, train.gt_size, MAX_PATCH)?;
        let widest = patch_size - train.gt_size + train.sides().1;
        ensure(widest <= MAX_PATCH, &key("patch_size"), || {
            format!("is {widest} with the largest crops of `progressive`, beyond {MAX_PATCH}; lower it")
        })?;
    }
    if let Some(sharpen) = &train.sharpen_gt {
        sharpen.validate().map_err(|error| (key("sharpen_gt"), format!("is out of range: {error}")))?;
    }
    ensure(config.task == Task::Raw2rgb || train.mosaic.is_none(), &key("mosaic"), || {
        format!("belongs to the task `raw2rgb`; this is `{}`", config.task)
    })?;
    if let Some(mosaic) = &train.mosaic {
        mosaic.validate().map_err(|error| (key("mosaic"), format!("is out of range: {error}")))?;
    }
    let Some(val) = &config.datasets.val else { return Ok(()) };
    ensure(config.task != Task::Raw2rgb || val.dataroot_lq.is_none(), "datasets.val.dataroot_lq", || {
        "cannot be used with `raw2rgb`; leave it out, the RAW is made from the photos".to_string()
    })?;
    let roots = val.all_roots();
    if let Some(at) = roots.iter().skip(1).position(|root| root.share.is_some()) {
        let complaint = "has no use: all photos are validated with; leave it out".to_string();
        return Err((format!("datasets.val.roots.{at}.share"), complaint));
    }
    check_roots("val", &roots)?;
    let some = val.max_images.is_none_or(|count| count >= 1);
    ensure(some, "datasets.val.max_images", || "must be at least 1; leave it out for all".to_string())
}

/// Mixes, of which a sample is one at most.
fn check_mixes(config: &Config) -> Result<(), Complaint> {
    let augment = &config.datasets.train.augment;
    ensure(augment.len() <= 16, "datasets.train.augment", || "may be 16 mixes at most".to_string())?;
    for (at, mix) in augment.iter().enumerate() {
        let key = |name: &str| format!("datasets.train.augment.{at}.{name}");
        within(&key("prob"), mix.prob(), 0.0, 1.0)?;
        let side = match mix {
            MixConfig::Mixup(mix) => {
                within(&key("alpha"), mix.alpha, 0.01, 100.0)?;
                continue;
            }
            MixConfig::Cutmix(mix) => mix.side,
            MixConfig::Cutblur(mix) => {
                ensure(config.task != Task::Raw2rgb, &key("type"), || {
                    "is `cutblur`, which needs inputs that are photos; leave it out with `raw2rgb`"
                        .to_string()
                })?;
                mix.side
            }
        };
        let (low, high) = side.bounds();
        ensure((0.0..=1.0).contains(&low) && low <= high && high <= 1.0, &key("side"), || {
            format!("must be a number or [lowest, highest] from 0 to 1; it is {side}")
        })?;
    }
    let sum: f64 = augment.iter().map(MixConfig::prob).sum();
    // Tenths do not add up exactly.
    ensure(sum < 1.0 + 1e-9, "datasets.train.augment", || {
        format!("has probabilities that sum to {sum:.2}; a sample is one mix at most, so 1 is the most")
    })
}

/// Several roots: what one says of all has to be said by all.
fn check_roots(set: &str, roots: &[RootConfig]) -> Result<(), Complaint> {
    let key = |at: usize, name: &str| match at {
        0 => format!("datasets.{set}.{name}"),
        at => format!("datasets.{set}.roots.{}.{name}", at - 1),
    };
    let more = roots.len() - 1;
    ensure(more <= 100, &format!("datasets.{set}.roots"), || format!("may be 100 at most; they are {more}"))?;
    let paired = roots.iter().take(1).any(|root| root.dataroot_lq.is_some());
    let shared = roots.iter().any(|root| root.share.is_some());
    for (at, root) in roots.iter().enumerate() {
        ensure(root.dataroot_lq.is_some() == paired, &key(at, "dataroot_lq"), || {
            "is given for some roots and not for all; the photos are all paired, or all degraded on the fly"
                .to_string()
        })?;
        match root.share {
            Some(share) => within(&key(at, "share"), share, 1e-6, 1e6)?,
            None => ensure(!shared, &key(at, "share"), || {
                "is given for some roots and not for all; give each its share, or leave out all".to_string()
            })?,
        }
    }
    let lists = roots.iter().zip(0..).find(|(root, _)| root.recursive && root.meta_info_file.is_some());
    match lists {
        Some((_, at)) => Err((
            key(at, "recursive"),
            "and `meta_info_file` contradict each other; keep one of them".to_string(),
        )),
        None => Ok(()),
    }
}

fn check_train(train: &TrainConfig, batch_size: usize) -> Result<(), Complaint> {
    ensure(train.total_iter >= 1, "train.total_iter", || "must be at least 1; it is 0".to_string())?;
    ensure((1..=1024).contains(&train.accumulate), "train.accumulate", || {
        format!("must be 1 to 1024; it is {}", train.accumulate)
    })?;
    fraction("train.ema_decay", train.ema_decay)?;
    check_learning("optim_g", &train.optim_g, "scheduler", &train.scheduler)?;
    let (optim, scheduler) = train.learning_d();
    let optim_d = if train.optim_d.is_some() { "optim_d" } else { "optim_g" };
    let scheduler_d = if train.scheduler_d.is_some() { "scheduler_d" } else { "scheduler" };
    check_learning(optim_d, optim, scheduler_d, scheduler)?;
    check_losses(train, batch_size)
}

/// An optimiser and its schedule, with their keys below `train`.
fn check_learning(
    optim_key: &str,
    optim: &OptimConfig,
    scheduler_key: &str,
    scheduler: &SchedulerConfig,
) -> Result<(), Complaint> {
    let key = |name: &str| format!("train.{optim_key}.{name}");
    within(&key("lr"), optim.lr, 1e-12, 1.0)?;
    // Beyond, an average in single precision never lets go of its start.
    let (betas, count) = (optim.betas(), optim.kind.betas().len());
    ensure(betas.len() == count, &key("betas"), || {
        format!("must be {count} for this `type`; they are {betas:?}")
    })?;
    betas.iter().try_for_each(|beta| within(&key("betas"), *beta, 0.0, 0.99999))?;
    within(&key("weight_decay"), optim.weight_decay, 0.0, 1.0)?;
    within(&key("eps"), optim.eps, 1e-12, 1.0)?;
    if let Some(clip) = optim.grad_clip {
        within(&key("grad_clip"), clip, 1e-9, 1e9)?;
    }
    let key = |name: &str| format!("train.{scheduler_key}.{name}");
    match scheduler {
        SchedulerConfig::Constant => Ok(()),
        SchedulerConfig::Cosine(cosine) => {
            ensure((0.0..=optim.lr).contains(&cosine.eta_min), &key("eta_min"), || {
                format!("must be from 0 to {optim_key}.lr = {}; it is {}", optim.lr, cosine.eta_min)
            })
        }
        SchedulerConfig::Multistep(steps) => {
            ensure(steps.gamma > 0.0 && steps.gamma <= 1.0, &key("gamma"), || {
                format!("must be above 0 and at most 1; it is {}", steps.gamma)
            })?;
            let rising = steps.milestones.is_sorted_by(|a, b| a < b);
            ensure(rising, &key("milestones"), || format!("must rise; they are {:?}", steps.milestones))
        }
    }
}

/// A discriminator and the loss that asks for it.
fn check_game(config: &Config) -> Result<(), Complaint> {
    let train = &config.train;
    let games = train.losses.iter().filter(|term| matches!(term.loss, LossConfig::Gan(_)));
    let names: Vec<_> = games.map(|term| term.name.as_str()).collect();
    match (names.first(), &config.network_d) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err((
            "network_d".to_string(),
            "is used by no loss; leave it out, or add\n\n[[train.losses]]\ntype = \"gan\"\nweight = 0.1\n"
                .to_string(),
        )),
        (Some(name), None) => Err((
            format!("train.losses.{name}.type"),
            "is `gan`, which needs a discriminator; add\n\n[network_d]\ntype = \"vgg\"\n".to_string(),
        )),
        (Some(name), Some(network_d)) => {
            let second = names.get(1).copied().unwrap_or_default();
            ensure(names.len() == 1, &format!("train.losses.{second}.type"), || {
                "is `gan` a second time; there is one discriminator, keep one of them".to_string()
            })?;
            let start = train.gan().map_or(0, |(_, gan)| gan.start);
            ensure(start == 0 || train.losses.len() > 1, &format!("train.losses.{name}.start"), || {
                format!(
                    "is {start}, and before that there would be nothing to learn from; add another loss, or set it to 0"
                )
            })?;
            network_d.validate().map_err(|error| (format!("network_d.{}", error.key), error.problem))
        }
    }
}

fn check_losses(train: &TrainConfig, batch_size: usize) -> Result<(), Complaint> {
    let key = "train.losses";
    ensure(!train.losses.is_empty(), key, || {
        format!("is empty; add at least one, such as\n\n[[{key}]]\ntype = \"l1\"\n")
    })?;
    for (at, term) in train.losses.iter().enumerate() {
        let place = format!("{key}.{}", term.name);
        // The sentence begins with the key.
        term.validate().map_err(|sentence| {
            let (key, problem) = sentence.split_once(' ').unwrap_or((&sentence, "is out of range"));
            (format!("{place}.{key}"), problem.to_string())
        })?;
        let twice = train.losses.iter().take(at).any(|other| other.name == term.name);
        ensure(!twice, &format!("{place}.name"), || {
            format!("is `{}` in two of the losses; give them names that differ", term.name)
        })?;
        if let Some(selection) = term.loss.selection() {
            check_selection(selection, &format!("{place}.selection"), train, batch_size)?;
        }
    }
    Ok(())
}

fn check_selection(
    selection: &SelectionConfig,
    key: &str,
    train: &TrainConfig,
    batch_size: usize,
) -> Result<(), Complaint> {
    ensure(!selection.crosses_photos() || batch_size >= 2, &format!("{key}.contrast"), || {
        "is `across`, which compares photos of one batch: set datasets.train.batch_size to at least 2; it is 1"
            .to_string()
    })?;
    let lags = selection.anchor() != Some(Anchor::Earlier) || train.ema_decay > 0.0;
    let anchor = match selection {
        SelectionConfig::Closed(_) => "score.anchor",
        SelectionConfig::Triplet(_) => "anchor",
    };
    ensure(lags, &format!("{key}.{anchor}"), || {
        "is `earlier`, the result of the averaged network: set train.ema_decay above 0".to_string()
    })
}

fn fraction(key: &str, value: f64) -> Result<(), Complaint> {
    ensure((0.0..1.0).contains(&value), key, || format!("must be at least 0 and below 1; it is {value}"))
}

fn within(key: &str, value: f64, low: f64, high: f64) -> Result<(), Complaint> {
    ensure((low..=high).contains(&value), key, || {
        format!("must be from {} to {}; it is {}", number(low), number(high), number(value))
    })
}

/// As a person writes it: `1e-9`, and not nine digits.
fn number(value: f64) -> String {
    let plain = value == 0.0 || !value.is_finite() || (1e-3..1e6).contains(&value.abs());
    if plain { format!("{value}") } else { format!("{value:e}") }
}
