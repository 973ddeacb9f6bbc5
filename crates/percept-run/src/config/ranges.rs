//! Ranges of values, and values that contradict each other.

use percept_image::Pipeline;
use percept_nn::disentangle::{Anchor, SelectionConfig};
use percept_nn::network::NetworkError;

use super::{Config, SchedulerConfig, TrainConfig};
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
    check_train(&config.train, config.datasets.train.batch_size)?;
    let counts = [
        ("val.val_freq", config.val.val_freq),
        ("logger.print_freq", config.logger.print_freq),
        ("logger.save_checkpoint_freq", config.logger.save_checkpoint_freq),
    ];
    counts
        .iter()
        .try_for_each(|(key, value)| ensure(*value >= 1, key, || "must be at least 1; it is 0".to_string()))
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
    count("gt_size", train.gt_size, 16, 1024)?;
    let multiple = config.task.network_scale(config.scale);
    ensure(train.gt_size.is_multiple_of(multiple), &key("gt_size"), || {
        let nearest = train.gt_size.next_multiple_of(multiple);
        format!("must be a multiple of {multiple} here; it is {}, take {nearest}", train.gt_size)
    })?;
    count("batch_size", train.batch_size, 1, 256)?;
    count("prefetch", train.prefetch, 1, 64)?;
    count("cache_mib", train.cache_mib, 0, 1 << 20)?;
    let paired = train.dataroot_lq.is_some();
    ensure(config.task != Task::Raw2rgb || !paired, &key("dataroot_lq"), || {
        "cannot be used with `raw2rgb`; leave it out, the RAW is made from the photos".to_string()
    })?;
    ensure(!paired || train.degradation.is_none(), &key("degradation"), || {
        "and `dataroot_lq` contradict each other; keep one of them".to_string()
    })?;
    if let Some(degradation) = &train.degradation {
        Pipeline::new(degradation)
            .map_err(|error| (key("degradation"), format!("is out of range: {error}")))?;
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
    let some = val.max_images.is_none_or(|count| count >= 1);
    ensure(some, "datasets.val.max_images", || "must be at least 1; leave it out for all".to_string())
}

fn check_train(train: &TrainConfig, batch_size: usize) -> Result<(), Complaint> {
    ensure(train.total_iter >= 1, "train.total_iter", || "must be at least 1; it is 0".to_string())?;
    fraction("train.ema_decay", train.ema_decay)?;
    if let Some(clip) = train.grad_clip {
        within("train.grad_clip", clip, 1e-9, 1e9)?;
    }
    let optim = &train.optim_g;
    within("train.optim_g.lr", optim.lr, 1e-12, 1.0)?;
    // Beyond, an average in single precision never lets go of its start.
    optim.betas.iter().try_for_each(|beta| within("train.optim_g.betas", *beta, 0.0, 0.99999))?;
    within("train.optim_g.weight_decay", optim.weight_decay, 0.0, 1.0)?;
    within("train.optim_g.eps", optim.eps, 1e-12, 1.0)?;
    match &train.scheduler {
        SchedulerConfig::Constant => {}
        SchedulerConfig::Cosine(cosine) => {
            ensure((0.0..=optim.lr).contains(&cosine.eta_min), "train.scheduler.eta_min", || {
                format!("must be from 0 to optim_g.lr = {}; it is {}", optim.lr, cosine.eta_min)
            })?;
        }
        SchedulerConfig::Multistep(steps) => {
            ensure(steps.gamma > 0.0 && steps.gamma <= 1.0, "train.scheduler.gamma", || {
                format!("must be above 0 and at most 1; it is {}", steps.gamma)
            })?;
            let rising = steps.milestones.is_sorted_by(|a, b| a < b);
            ensure(rising, "train.scheduler.milestones", || {
                format!("must rise; they are {:?}", steps.milestones)
            })?;
        }
    }
    check_losses(train, batch_size)
}

fn check_losses(train: &TrainConfig, batch_size: usize) -> Result<(), Complaint> {
    let TrainConfig { pixel_opt, perceptual_opt, style_opt, .. } = train;
    let any = pixel_opt.is_some() || perceptual_opt.is_some() || style_opt.is_some();
    ensure(any, "train", || {
        "has no loss; add at least one of [train.pixel_opt], [train.perceptual_opt], [train.style_opt]"
            .to_string()
    })?;
    let checked = [
        ("pixel_opt", pixel_opt.as_ref().map_or(Ok(()), |opt| opt.validate())),
        ("perceptual_opt", perceptual_opt.as_ref().map_or(Ok(()), |opt| opt.validate())),
        ("style_opt", style_opt.as_ref().map_or(Ok(()), |opt| opt.validate())),
    ];
    for (loss, checked) in checked {
        // The sentence begins with the key.
        checked.map_err(|sentence| {
            let (key, problem) = sentence.split_once(' ').unwrap_or((&sentence, "is out of range"));
            (format!("train.{loss}.{key}"), problem.to_string())
        })?;
    }
    let Some(selection) = perceptual_opt.as_ref().and_then(|opt| opt.selection()) else { return Ok(()) };
    let key = "train.perceptual_opt.selection";
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
