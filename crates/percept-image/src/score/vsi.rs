//! Visual saliency-induced index.

use std::f64::consts::PI;
use std::ops::RangeInclusive;

use super::gradient::SCHARR;
use super::plane::{Outside, Plane};
use super::pool::Pool;
use super::saliency::saliency;
use super::{numeric, pair, similarity, sum_rows};
use crate::{Better, Image, Metric, MetricError, Srgb};

/// The paper's constants: for saliency, and for gradients and colours of range 255.
const C1: f64 = 1.27;
const C2: f64 = 386.0;
const C3: f64 = 130.0;
/// How much gradients and colours weigh.
const ALPHA: f64 = 0.4;
const BETA: f64 = 0.02;
/// A 3×3 window.
const MIN_SIDE: usize = 3;
/// From RGB to L, M and N.
const LMN: [[f64; 3]; 3] = [[0.06, 0.63, 0.27], [0.30, 0.04, -0.35], [0.34, -0.6, 0.17]];

/// Visual saliency-induced index (Zhang, Shen, Li, *VSI: A Visual Saliency-Induced Index for Perceptual Image Quality
/// Assessment*, 2014): saliency, gradients and colours, compared where either image draws the eye (`vsi`). 1 for equal
/// images. Needs 3 pixels a side.
#[derive(Clone, Debug)]
pub struct Vsi {
    crop: usize,
}

impl Vsi {
    /// With `crop` pixels cut off each side first.
    pub fn new(crop: usize) -> Self {
        Self { crop }
    }
}

impl Metric for Vsi {
    fn name(&self) -> &str {
        "vsi"
    }

    fn protocol(&self) -> String {
        format!(
            "VSI, SDSP saliency at 256×256 in CIELAB with D50 white, LMN of range 255, shrunk by means of blocks of round(shorter side / 256) pixels (edges repeated), Scharr / 16 with zeros outside, C1 1.27, C2 386, C3 130, alpha 0.4, beta 0.02, crop {}",
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
        "Zhang, Shen, Li, VSI: A Visual Saliency-Induced Index for Perceptual Image Quality Assessment, 2014"
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, MIN_SIDE)?;
        let side = Pool::side_for(a.size());
        // One block may stand half outside.
        let pool = Pool { side, before: side / 2, after: (side - 1) / 2, outside: Outside::Edge };
        let seen =
            |image: &Image<Srgb>| (pool.plane(&saliency(image)), Plane::levels(&pool.planes(image), LMN));
        let ((seen_a, [a, ma, na]), (seen_b, [b, mb, nb])) = (seen(&a), seen(&b));
        let width = a.width;
        let [sum, weights] = sum_rows(a.height, |y| {
            let gradients = SCHARR.magnitude(&a, y).into_iter().zip(SCHARR.magnitude(&b, y));
            gradients.enumerate().fold([0.0; 2], |[sum, weights], (x, (ga, gb))| {
                let at = y * width + x;
                let (sa, sb) = (seen_a.data[at], seen_b.data[at]);
                let colour =
                    similarity(ma.data[at], mb.data[at], C3) * similarity(na.data[at], nb.data[at], C3);
                // The real part, where opposite colours make it negative.
                let turned = if colour < 0.0 { (PI * BETA).cos() } else { 1.0 };
                let colour = colour.abs().powf(BETA) * turned;
                let alike = similarity(sa, sb, C1) * similarity(ga, gb, C2).powf(ALPHA) * colour;
                let weight = sa.max(sb);
                [sum + weight * alike, weights + weight]
            })
        });
        // Two images without anything salient: nothing differs there.
        numeric(self, (sum + f64::EPSILON) / (weights + f64::EPSILON))
    }
}
