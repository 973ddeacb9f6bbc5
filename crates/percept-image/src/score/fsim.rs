//! Feature similarity, with and without colour.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

use super::gradient::SCHARR;
use super::phase::Filters;
use super::plane::{Outside, Plane, YIQ};
use super::pool::Pool;
use super::{numeric, pair, similarity, sum_rows};
use crate::{Better, Image, Metric, MetricError, Srgb};

/// The paper's constants: for phase congruency, and for gradients and colours of range 255.
const T1: f64 = 0.85;
const T2: f64 = 160.0;
const T3: f64 = 200.0;
/// How much the colours weigh.
const LAMBDA: f64 = 0.03;
/// The finest wavelength.
const MIN_SIDE: usize = 6;

/// Feature similarity index (Zhang, Zhang, Mou, Zhang, *FSIM: A Feature Similarity Index for Image Quality Assessment*,
/// 2011): phase congruency and gradients, compared where either image has features; of luma (`fsim`), or of colours too
/// (`fsimc`). 1 for equal images. Needs 6 pixels a side.
///
/// The filters of the last size are kept: a set of equal sizes computes them once.
#[derive(Clone)]
pub struct Fsim {
    colour: bool,
    crop: usize,
    filters: Arc<Mutex<Option<Arc<Filters>>>>,
}

impl std::fmt::Debug for Fsim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fsim").field("colour", &self.colour).field("crop", &self.crop).finish_non_exhaustive()
    }
}

impl Fsim {
    /// On luma, `crop` pixels cut off each side first (`fsim`).
    pub fn luma(crop: usize) -> Self {
        Self { colour: false, crop, filters: Arc::default() }
    }

    /// On luma and colours, `crop` pixels cut off each side first (`fsimc`).
    pub fn colour(crop: usize) -> Self {
        Self { colour: true, crop, filters: Arc::default() }
    }

    fn filters(&self, width: usize, height: usize) -> Arc<Filters> {
        let mut kept = self.filters.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some(filters) if filters.size() == (width, height) => Arc::clone(filters),
            _ => Arc::clone(kept.insert(Arc::new(Filters::new(width, height)))),
        }
    }
}

impl Metric for Fsim {
    fn name(&self) -> &str {
        if self.colour { "fsimc" } else { "fsim" }
    }

    fn protocol(&self) -> String {
        let (label, values) = match self.colour {
            true => ("FSIMc", "YIQ of range 255, lambda 0.03"),
            false => ("FSIM", "Y of YIQ of range 255"),
        };
        format!(
            "{label}, {values}, shrunk by means of whole blocks of round(shorter side / 256) pixels, 4 scales from wavelength 6 and 4 orientations, Scharr / 16 with zeros outside, T1 0.85, T2 160, T3 = T4 200, crop {}",
            self.crop
        )
    }

    fn better(&self) -> Better {
        Better::Higher
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=1.0
    }

    fn source(&self) -> &str {
        "Zhang, Zhang, Mou, Zhang, FSIM: A Feature Similarity Index for Image Quality Assessment, 2011"
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, MIN_SIDE)?;
        let pool = Pool { side: Pool::side_for(a.size()), before: 0, after: 0, outside: Outside::Zero };
        let yiq = |image: &Image<Srgb>| Plane::levels(&pool.planes(image), YIQ);
        let ([a, ia, qa], [b, ib, qb]) = (yiq(&a), yiq(&b));
        let filters = self.filters(a.width, a.height);
        let (phase_a, phase_b) = (filters.congruency(&a), filters.congruency(&b));
        let width = a.width;
        let [sum, weights] = sum_rows(a.height, |y| {
            let gradients = SCHARR.magnitude(&a, y).into_iter().zip(SCHARR.magnitude(&b, y));
            gradients.enumerate().fold([0.0; 2], |[sum, weights], (x, (ga, gb))| {
                let at = y * width + x;
                let (pa, pb) = (phase_a[at], phase_b[at]);
                let mut alike = similarity(pa, pb, T1) * similarity(ga, gb, T2);
                if self.colour {
                    let colour =
                        similarity(ia.data[at], ib.data[at], T3) * similarity(qa.data[at], qb.data[at], T3);
                    alike *= colour.abs().powf(LAMBDA);
                }
                let weight = pa.max(pb);
                [sum + weight * alike, weights + weight]
            })
        });
        numeric(self, sum / weights)
    }
}
