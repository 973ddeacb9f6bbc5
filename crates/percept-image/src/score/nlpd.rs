//! Distance of normalised Laplacian pyramids.

use std::ops::RangeInclusive;

use super::plane::{Plane, YIQ};
use super::pyramid::{band, reduced};
use super::{numeric, pair, sum_rows};
use crate::{Better, Image, Metric, MetricError, Srgb};

/// Of each scale, finest first: the constant, and the weights of the neighbours' sizes above, on the left, on the right, two on
/// the right, and below, as the authors learned them from photos.
const SCALES: [(f64, [f64; 5]); 6] = [
    (0.0248, [0.1011, 0.1493, 0.1460, 0.0072, 0.1015]),
    (0.0185, [0.0757, 0.1986, 0.1846, 0.0, 0.0837]),
    (0.0179, [0.0477, 0.2138, 0.2243, 0.0, 0.0467]),
    (0.0191, [0.0, 0.2503, 0.2616, 0.0, 0.0]),
    (0.0220, [0.0, 0.2598, 0.2552, 0.0, 0.0]),
    (0.2782, [0.0, 0.2215, 0.0717, 0.0, 0.0]),
];
/// Five halvings (rounded up) leave more than a pixel from this side on.
const MIN_SIDE: usize = 33;

/// Normalised Laplacian pyramid distance (Laparra, Ballé, Berardino, Simoncelli, *Perceptual Image Quality Assessment Using a
/// Normalized Laplacian Pyramid*, 2016): luma without its local mean, divided by its local size, compared at six scales
/// (`nlpd`). 0 for equal images. Needs 33 pixels a side.
#[derive(Clone, Debug)]
pub struct Nlpd {
    crop: usize,
}

impl Nlpd {
    /// With `crop` pixels cut off each side first.
    pub fn new(crop: usize) -> Self {
        Self { crop }
    }
}

impl Metric for Nlpd {
    fn name(&self) -> &str {
        "nlpd"
    }

    fn protocol(&self) -> String {
        format!(
            "NLPD, BT.601 full-range luma of range 1, Laplacian pyramid of 6 scales by 1 4 6 4 1 mirrored at the edge, the authors' normalisation with zeros outside, mean of the scales' root mean squares, crop {}",
            self.crop
        )
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=f64::INFINITY
    }

    fn source(&self) -> &str {
        "Laparra, Ballé, Berardino, Simoncelli, Perceptual Image Quality Assessment Using a Normalized Laplacian Pyramid, 2016"
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, MIN_SIDE)?;
        let (mut a, mut b) = (Plane::mixed(&a, YIQ[0]), Plane::mixed(&b, YIQ[0]));
        let mut sum = 0.0;
        for (scale, normal) in SCALES.iter().enumerate() {
            // The coarsest scale is what is left.
            let (low_a, low_b) = match scale + 1 < SCALES.len() {
                true => (Some(reduced(&a)), Some(reduced(&b))),
                false => (None, None),
            };
            let of = |level: Plane, low: &Option<Plane>| {
                low.as_ref().map(|low| band(&level, low)).unwrap_or(level)
            };
            let (band_a, band_b) = (of(a, &low_a), of(b, &low_b));
            let [squares] = sum_rows(band_a.height, |y| {
                let both = normalised(&band_a, y, normal).into_iter().zip(normalised(&band_b, y, normal));
                [both.map(|(a, b)| (a - b) * (a - b)).sum::<f64>()]
            });
            sum += (squares / band_a.data.len() as f64).sqrt();
            let (Some(next_a), Some(next_b)) = (low_a, low_b) else { break };
            (a, b) = (next_a, next_b);
        }
        numeric(self, sum / SCALES.len() as f64)
    }
}

/// A row of a band, divided by a constant and the weighted sizes of its neighbours.
fn normalised(band: &Plane, y: usize, (constant, weights): &(f64, [f64; 5])) -> Vec<f64> {
    let [above, left, right, second, below] = weights;
    let mut sizes = vec![*constant; band.width];
    for (row, weight) in [(y.checked_sub(1), above), (Some(y + 1), below)] {
        let Some(row) = row.filter(|row| *row < band.height && *weight > 0.0) else { continue };
        sizes.iter_mut().zip(band.row(row)).for_each(|(size, v)| *size += weight * v.abs());
    }
    let row = band.row(y);
    sizes[1..].iter_mut().zip(row).for_each(|(size, v)| *size += left * v.abs());
    for (skipped, weight) in [(1, right), (2, second)] {
        sizes.iter_mut().zip(&row[skipped.min(row.len())..]).for_each(|(size, v)| *size += weight * v.abs());
    }
    row.iter().zip(sizes).map(|(v, size)| v / size).collect()
}
