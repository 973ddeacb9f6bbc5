//! How often a page calls something better or worse that is not: pages of simulated scores, as the real ones are judged.

use percept_image::Better;
use percept_judge::stats::{Outcome, crossed_bootstrap, outcomes};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, StandardNormal, StudentT};
use rayon::prelude::*;

/// Of the cells of a page, and of pages that have any, at most this share may be called better or worse by chance.
const MOST: f64 = 0.06;
const PAGES: u64 = 600;
const RESAMPLES: usize = 200;

/// How the differences of photos are spread; all have mean 0 and variance 1.
#[derive(Clone, Copy, Debug)]
enum Noise {
    Normal,
    /// Lopsided: mostly a little below 0, at times far above.
    Exponential,
    /// Even, with photos far off on either side: Student's t with 3 degrees of freedom.
    FarOff,
}

impl Noise {
    const ALL: [Self; 3] = [Self::Normal, Self::Exponential, Self::FarOff];

    fn draw(self, rng: &mut ChaCha8Rng) -> f64 {
        match self {
            Self::Normal => rng.sample(StandardNormal),
            Self::Exponential => rng.sample::<f64, _>(Exp1) - 1.0,
            Self::FarOff => StudentT::new(3.0).unwrap().sample(rng) / 3.0f64.sqrt(),
        }
    }
}

/// A page: `runs` against a baseline and against each other, by `scores`, which all look at the same photos: where there are
/// several, half of what a photo's difference deviates by is common to them. Seeds, where there are several, add their own.
#[derive(Clone, Copy, Debug)]
struct Page {
    runs: usize,
    scores: usize,
    seeds: usize,
    photos: usize,
    noise: Noise,
}

impl Page {
    /// By run, score, seed and photo the score less the baseline's; the last run is better than the others by `gain` in all.
    fn simulated(self, gain: f64, rng: &mut ChaCha8Rng) -> Vec<Vec<Vec<Vec<f64>>>> {
        let common = if self.scores > 1 { 0.5f64.sqrt() } else { 0.0 };
        let own = (1.0 - common * common).sqrt();
        let [of_seed, of_cell] = if self.seeds > 1 { [0.3, 0.5] } else { [0.0; 2] };
        let run = |run: usize| {
            let gain = if run + 1 == self.runs { gain } else { 0.0 };
            let photos: Vec<f64> = (0..self.photos).map(|_| common * self.noise.draw(rng)).collect();
            let score = |_| {
                let photos: Vec<f64> =
                    photos.iter().map(|photo| gain + photo + own * self.noise.draw(rng)).collect();
                let seed = |_| {
                    let seed = of_seed * rng.sample::<f64, _>(StandardNormal);
                    photos.iter().map(|photo| photo + seed + of_cell * self.noise.draw(rng)).collect()
                };
                (0..self.seeds).map(seed).collect()
            };
            (0..self.scores).map(score).collect()
        };
        (0..self.runs).map(run).collect()
    }

    /// Every cell: each run against the baseline, and each pair of runs.
    fn judged(self, gain: f64, set: u64) -> Vec<Outcome> {
        let mut rng = ChaCha8Rng::seed_from_u64(set);
        let scores = self.simulated(gain, &mut rng);
        let less = |a: &[Vec<f64>], b: &[Vec<f64>]| {
            let of_seed = |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(a, b)| a - b).collect();
            a.iter().zip(b).map(of_seed).collect()
        };
        let mut cells: Vec<Vec<Vec<f64>>> = Vec::new();
        for (at, run) in scores.iter().enumerate() {
            cells.extend(run.iter().cloned());
            for before in &scores[..at] {
                cells.extend(run.iter().zip(before).map(|(a, b)| less(a, b)));
            }
        }
        let found =
            cells.iter().map(|cell| (Better::Higher, crossed_bootstrap(cell, RESAMPLES, set).unwrap()));
        outcomes(&found.collect::<Vec<_>>()).into_iter().map(|(_, outcome)| outcome).collect()
    }

    /// Shares of cells and of pages with a cell that are called better or worse.
    fn called(self, gain: f64) -> [f64; 2] {
        let pages: Vec<Vec<Outcome>> = (0..PAGES).into_par_iter().map(|set| self.judged(gain, set)).collect();
        let called = |outcome: &Outcome| *outcome != Outcome::None;
        let cells = pages.iter().flatten().filter(|outcome| called(outcome)).count();
        let any = pages.iter().filter(|page| page.iter().any(called)).count();
        [cells as f64 / pages.iter().flatten().count() as f64, any as f64 / pages.len() as f64]
    }
}

#[test]
fn chance_alone_is_hardly_ever_called_a_difference() {
    for photos in [3, 5, 8, 20] {
        for seeds in [1, 2, 3] {
            for noise in Noise::ALL {
                // A single question, which no correction helps, and a page of twelve.
                for (runs, scores) in [(1, 1), (2, 4)] {
                    let page = Page { runs, scores, seeds, photos, noise };
                    let [cells, pages] = page.called(0.0);
                    assert!(cells <= MOST && pages <= MOST, "{page:?}: {cells} of cells, {pages} of pages");
                }
            }
        }
    }
}

/// And the caution is not bought by finding nothing: a clear gain, in deviations of the photos' differences.
#[test]
fn clear_differences_are_found() {
    for (photos, runs, scores, gain) in [(5, 1, 1, 5.0), (5, 2, 4, 12.0), (20, 1, 1, 1.2), (20, 2, 4, 1.8)] {
        let page = Page { runs, scores, seeds: 1, photos, noise: Noise::Normal };
        let [_, pages] = page.called(gain);
        assert!(pages >= 0.9, "{page:?}: {pages} of pages");
    }
    // With three seeds a gain as large as twelve times what seeds do.
    let page = Page { runs: 1, scores: 1, seeds: 3, photos: 20, noise: Noise::Normal };
    assert!(page.called(3.6)[1] >= 0.9);
}
