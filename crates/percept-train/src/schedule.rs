//! The learning rate as a function of the step alone.

use percept_run::config::{OptimConfig, SchedulerConfig, TrainConfig};

/// The learning rate of each step of a run.
///
/// `cosine` follows Loshchilov and Hutter, 2017, without restarts:
/// the whole rate at the first step, `eta_min` once all steps are done. A milestone of `multistep` is a number
/// of steps that are done before the rate falls. The warm-up multiplies either with `iter / warmup_iter`.
#[derive(Clone, Debug)]
pub struct Schedule {
    lr: f64,
    scheduler: SchedulerConfig,
    warmup_iter: u64,
    total_iter: u64,
}

impl Schedule {
    /// For an optimiser with that scheduler in the run that `train` describes.
    pub fn new(optim: &OptimConfig, scheduler: &SchedulerConfig, train: &TrainConfig) -> Self {
        let TrainConfig { warmup_iter, total_iter, .. } = *train;
        Self { lr: optim.lr, scheduler: scheduler.clone(), warmup_iter, total_iter }
    }

    /// The learning rate of step `iter`, counted from 1.
    pub fn rate(&self, iter: u64) -> f64 {
        let base = self.lr;
        let done = iter.saturating_sub(1);
        let scheduled = match &self.scheduler {
            SchedulerConfig::Constant => base,
            SchedulerConfig::Cosine(cosine) => {
                let progress = (done as f64 / self.total_iter as f64).min(1.0);
                let share = 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
                cosine.eta_min + (base - cosine.eta_min) * share
            }
            SchedulerConfig::Multistep(steps) => {
                let passed = steps.milestones.iter().filter(|milestone| **milestone <= done).count();
                base * (0..passed).map(|_| steps.gamma).product::<f64>()
            }
        };
        match self.warmup_iter {
            0 => scheduled,
            warmup => scheduled * (iter as f64 / warmup as f64).min(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use percept_run::config::{CosineConfig, MultistepConfig};

    fn schedule(scheduler: SchedulerConfig, warmup_iter: u64) -> Schedule {
        Schedule { lr: 0.1, scheduler, warmup_iter, total_iter: 100 }
    }

    #[track_caller]
    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }

    #[test]
    fn constant_stays() {
        let schedule = schedule(SchedulerConfig::Constant, 0);
        assert!((1..=100).all(|iter| schedule.rate(iter) == 0.1));
    }

    #[test]
    fn cosine_runs_from_the_full_rate_through_the_middle_to_the_end() {
        let schedule = schedule(SchedulerConfig::Cosine(CosineConfig { eta_min: 0.02 }), 0);
        close(schedule.rate(1), 0.1);
        close(schedule.rate(51), 0.06);
        // cos(60°) = 1/2, a third of the way.
        let third = Schedule { total_iter: 3, ..schedule.clone() };
        close(third.rate(2), 0.02 + 0.08 * 0.75);
        close(schedule.rate(101), 0.02);
        close(schedule.rate(500), 0.02);
        assert!((1..100).all(|iter| schedule.rate(iter) > schedule.rate(iter + 1)));
    }

    #[test]
    fn multistep_falls_after_its_milestones() {
        let steps = MultistepConfig { milestones: vec![10, 20], gamma: 0.5 };
        let schedule = schedule(SchedulerConfig::Multistep(steps), 0);
        close(schedule.rate(10), 0.1);
        close(schedule.rate(11), 0.05);
        close(schedule.rate(20), 0.05);
        close(schedule.rate(21), 0.025);
    }

    #[test]
    fn warm_up_rises_linearly_to_the_full_rate() {
        let schedule = schedule(SchedulerConfig::Constant, 4);
        let rates: Vec<_> = (1..=6).map(|iter| schedule.rate(iter)).collect();
        for (rate, expected) in rates.iter().zip([0.025, 0.05, 0.075, 0.1, 0.1, 0.1]) {
            close(*rate, expected);
        }
    }
}
