//! Butteraugli.

use std::ops::RangeInclusive;

use butteraugli::{ButteraugliParams, ButteraugliResult, ImgRef, RGB, butteraugli_linear};
use rayon::prelude::*;

use super::lab::light;
use super::{numeric, pair};
use crate::{Better, Cost, Image, Metric, MetricError, Srgb};

/// Candelas a square metre that white has, the default of the authors' tool.
const NITS: f32 = 80.0;
const MIN_SIDE: usize = 8;

/// How the differences of all places become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Norm {
    Largest,
    Three,
}

/// Butteraugli (Alakuijala et al., *Guetzli: Perceptually Guided JPEG Encoder*, 2017), as libjxl has it: what an eye close to the
/// screen sees, from cones to masking. About 1 is a difference that can just be seen.
#[derive(Clone, Debug)]
pub struct Butteraugli {
    norm: Norm,
    crop: usize,
}

impl Butteraugli {
    /// Where the pictures differ most, `crop` pixels cut off each side first (`butteraugli`).
    pub fn largest(crop: usize) -> Self {
        Self { norm: Norm::Largest, crop }
    }

    /// libjxl's 3-norm of all places, the mean of the norms 3, 6 and 12; `crop` pixels cut off each side first
    /// (`butteraugli-3`).
    pub fn three(crop: usize) -> Self {
        Self { norm: Norm::Three, crop }
    }
}

impl Metric for Butteraugli {
    fn name(&self) -> &str {
        match self.norm {
            Norm::Largest => "butteraugli",
            Norm::Three => "butteraugli-3",
        }
    }

    fn protocol(&self) -> String {
        let norm = match self.norm {
            Norm::Largest => "largest difference",
            Norm::Three => "3-norm (mean of the norms 3, 6 and 12)",
        };
        format!("Butteraugli of libjxl, {norm}, white of {NITS} cd/m2, f32, crop {}", self.crop)
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=f64::INFINITY
    }

    fn source(&self) -> &str {
        "Alakuijala, Obryk, Stoliarchuk, Szabadka, Vandevenne, Wassenberg, Guetzli: Perceptually Guided JPEG Encoder, 2017"
    }

    fn cost(&self) -> Cost {
        Cost::Medium
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, MIN_SIDE)?;
        let (width, height) = a.size();
        let [a, b] = [&a, &b].map(|image| linear(image));
        let params = ButteraugliParams::new().with_intensity_target(NITS);
        let [a, b] = [&a, &b].map(|pixels| ImgRef::new(pixels, width, height));
        let undefined = |why: butteraugli::ButteraugliError| MetricError::Undefined {
            metric: self.name().to_owned(),
            why: why.to_string(),
        };
        let ButteraugliResult { score, pnorm_3, .. } =
            butteraugli_linear(a, b, &params).map_err(undefined)?;
        numeric(self, if self.norm == Norm::Largest { score } else { pnorm_3 })
    }
}

/// Linear light.
fn linear(image: &Image<Srgb>) -> Vec<RGB<f32>> {
    let pixels = image.data().as_chunks::<3>().0.par_iter();
    // Less than no light has no response.
    let lit = |pixel: &[f32; 3]| light(pixel.map(|v| v.max(0.0)));
    pixels.map(lit).map(|[r, g, b]| RGB { r, g, b }).collect()
}
