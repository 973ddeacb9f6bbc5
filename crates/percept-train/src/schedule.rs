//! The learning rate as a function of the step alone.

use percept_run::config::{SchedulerConfig, TrainConfig};

/// The learning rate of step `iter`, counted from 1.
///
/// `cosine` follows Loshchilov and Hutter, 2017, without restarts:
/// the whole rate at the first step, `eta_min` once all steps are done. A milestone of `multistep` is a number
/// of steps that are done before the rate falls. The warm-up multiplies either with `iter / warmup_iter`.
pub fn learning_rate(config: &TrainConfig, iter: u64) -> f64 {
    let base = config.optim_g.lr;
    let done = iter.saturating_sub(1);
    let scheduled = match &config.scheduler {
        SchedulerConfig::Constant => base,
        SchedulerConfig::Cosine(cosine) => {
            let progress = (done as f64 / config.total_iter as f64).min(1.0);
            let share = 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
            cosine.eta_min + (base - cosine.eta_min) * share
        }
        SchedulerConfig::Multistep(steps) => {
            let passed = steps.milestones.iter().filter(|milestone| **milestone <= done).count();
            base * (0..passed).map(|_| steps.gamma).product::<f64>()
        }
    };
    match config.warmup_iter {
        0 => scheduled,
        warmup => scheduled * (iter as f64 / warmup as f64).min(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use percept_run::config::{CosineConfig, MultistepConfig, OptimConfig};

    fn config(scheduler: SchedulerConfig, warmup_iter: u64) -> TrainConfig {
        let optim_g = OptimConfig { lr: 0.1, ..OptimConfig::default() };
        TrainConfig { total_iter: 100, warmup_iter, optim_g, scheduler, ..TrainConfig::default() }
    }

    #[track_caller]
    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }

    #[test]
    fn constant_stays() {
        let config = config(SchedulerConfig::Constant, 0);
        assert!((1..=100).all(|iter| learning_rate(&config, iter) == 0.1));
    }

    #[test]
    fn cosine_runs_from_the_full_rate_through_the_middle_to_the_end() {
        let config = config(SchedulerConfig::Cosine(CosineConfig { eta_min: 0.02 }), 0);
        close(learning_rate(&config, 1), 0.1);
        close(learning_rate(&config, 51), 0.06);
        // cos(60°) = 1/2, a third of the way.
        let third = TrainConfig { total_iter: 3, ..config.clone() };
        close(learning_rate(&third, 2), 0.02 + 0.08 * 0.75);
        close(learning_rate(&config, 101), 0.02);
        close(learning_rate(&config, 500), 0.02);
        assert!((1..100).all(|iter| learning_rate(&config, iter) > learning_rate(&config, iter + 1)));
    }

    #[test]
    fn multistep_falls_after_its_milestones() {
        let steps = MultistepConfig { milestones: vec![10, 20], gamma: 0.5 };
        let config = config(SchedulerConfig::Multistep(steps), 0);
        close(learning_rate(&config, 10), 0.1);
        close(learning_rate(&config, 11), 0.05);
        close(learning_rate(&config, 20), 0.05);
        close(learning_rate(&config, 21), 0.025);
    }

    #[test]
    fn warm_up_rises_linearly_to_the_full_rate() {
        let config = config(SchedulerConfig::Constant, 4);
        let rates: Vec<_> = (1..=6).map(|iter| learning_rate(&config, iter)).collect();
        for (rate, expected) in rates.iter().zip([0.025, 0.05, 0.075, 0.1, 0.1, 0.1]) {
            close(*rate, expected);
        }
    }
}
