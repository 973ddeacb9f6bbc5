//! Blind or referenceless image spatial quality evaluator.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use rayon::prelude::*;

use super::filter::Border;
use super::natural::{Part, normalised};
use super::plane::Plane;
use super::{alone, numeric};
use crate::resize::imresize_by;
use crate::{Better, Cost, Image, Luma, Metric, MetricError, Srgb};

/// The least side.
const SIDE: usize = 16;
/// Numbers that describe a picture at one scale: shape and variance of its values, and of their products with the neighbours in
/// four directions shape, mean and the two variances.
const FEATURES: usize = 18;
/// Those of full and of half size.
const ALL: usize = 2 * FEATURES;
/// Support vectors of the regression.
const VECTORS: usize = 774;
/// The regression's kernel is `exp(−GAMMA · distance²)`, and this comes off the sum.
const GAMMA: f64 = 0.05;
const RHO: f64 = -153.591;
/// Least and largest of each feature in the training, then of each support vector its weight and itself; where they are from is said
/// beside the file.
static MODEL: &[u8; 8 * (2 * ALL + VECTORS * (1 + ALL))] =
    include_bytes!("../../../../assets/brisque/model.f64");

/// Blind/referenceless image spatial quality evaluator (Mittal, Moorthy, Bovik, *No-Reference Image Quality Assessment in the Spatial
/// Domain*, 2012): what a regression that learned from people's scores of JPEG, JPEG 2000, noise, blur and lost packets makes of
/// the statistics of a picture (`brisque`). Looks at the test image alone. Photos are between 0 and 100 as a rule, the best near 0;
/// it can be a little less, and above.
///
/// Beyond the picture is black, as in the authors' program. A flat picture is an error.
#[derive(Clone, Debug)]
pub struct Brisque {
    crop: usize,
}

impl Brisque {
    /// With `crop` pixels cut off each side first.
    pub fn new(crop: usize) -> Self {
        Self { crop }
    }
}

impl Metric for Brisque {
    fn name(&self) -> &str {
        "brisque"
    }

    fn protocol(&self) -> String {
        format!(
            "BRISQUE, no reference, BT.601 full-range luma rounded to levels, second scale by MATLAB's bicubic, the authors' regression (LIVE release 2), crop {}",
            self.crop
        )
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn range(&self) -> RangeInclusive<f64> {
        f64::NEG_INFINITY..=f64::INFINITY
    }

    fn source(&self) -> &str {
        "Mittal, Moorthy, Bovik, No-Reference Image Quality Assessment in the Spatial Domain, 2012"
    }

    fn cost(&self) -> Cost {
        Cost::Medium
    }

    fn needs_reference(&self) -> bool {
        false
    }

    fn score(&self, _: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let image = alone(self, test, self.crop, SIDE)?;
        let mut luma = Plane::luma(&image);
        luma.data.par_iter_mut().with_min_len(1 << 14).for_each(|v| *v = v.round());
        let mut all = [0.0; ALL];
        for (k, plane) in [&luma, &halved(&luma)].into_iter().enumerate() {
            all[k * FEATURES..][..FEATURES].copy_from_slice(&features(&normalised(plane, Border::Zero)));
        }
        if all.iter().any(|v| v.is_nan()) {
            let why = "it needs contrast, and this image has none".to_owned();
            return Err(MetricError::Undefined { metric: self.name().to_owned(), why });
        }
        numeric(self, regressed(&all))
    }
}

/// Half the size, by MATLAB's bicubic on values of range 1.
fn halved(luma: &Plane) -> Plane {
    let values = luma.data.iter().map(|v| (v / 255.0) as f32).collect();
    let small = imresize_by(&Image::<Luma>::from_parts(luma.width, luma.height, values), 0.5);
    let (width, height) = small.size();
    Plane { width, height, data: small.data().iter().map(|v| f64::from(*v) * 255.0).collect() }
}

/// NaN where the plane has no values of a sign.
fn features(plane: &Plane) -> [f64; FEATURES] {
    let [values, products @ ..] =
        Part { left: 0, top: 0, width: plane.width, height: plane.height }.fits(plane);
    let mut out = [0.0; FEATURES];
    (out[0], out[1]) = (values.symmetric(), values.square);
    for (out, fit) in out[2..].chunks_exact_mut(4).zip(products) {
        out.copy_from_slice(&[fit.shape, fit.mean(), fit.left.powi(2), fit.right.powi(2)]);
    }
    out
}

/// What the regression says, of features that are brought to −1 to 1 first.
fn regressed(features: &[f64; ALL]) -> f64 {
    static NUMBERS: LazyLock<Vec<f64>> =
        LazyLock::new(|| MODEL.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect());
    let (least, rest) = NUMBERS.split_at(ALL);
    let (most, vectors) = rest.split_at(ALL);
    let scaled: [f64; ALL] =
        std::array::from_fn(|k| 2.0 * (features[k] - least[k]) / (most[k] - least[k]) - 1.0);
    let terms = vectors.chunks_exact(1 + ALL).map(|vector| {
        let distance: f64 = scaled.iter().zip(&vector[1..]).map(|(a, b)| (a - b) * (a - b)).sum();
        vector[0] * (-GAMMA * distance).exp()
    });
    terms.sum::<f64>() - RHO
}
