//! The Fréchet distance between what VGG16 sees in two sets of images.

use burn::tensor::Device;
use percept_image::{Image, MetricError, Srgb};

use super::score::checked_one;
use crate::backbone::{Backbone, BackboneKind, Pooling, Precision, Scaling, Trunk, architecture};
use crate::weights::{WeightError, WeightStore};

/// Sweeps after which rotations have long converged.
const SWEEPS: usize = 60;

/// Features of images for the Fréchet distance between two sets of them (`vgg-fd`): the mean of every channel of VGG16's
/// relu5_3 over all positions.
///
/// The idea is that of the Fréchet Inception distance (Heusel, Ramsauer, Unterthiner, Nessler, Hochreiter, *GANs Trained
/// by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium*, 2017); the network is another one, and the
/// numbers have nothing to do with FID's.
#[derive(Clone, Debug)]
pub struct FrechetVgg {
    protocol: String,
    trunk: Trunk,
    device: Device,
}

impl FrechetVgg {
    /// Its name in a call.
    pub const NAME: &str = "vgg-fd";
    /// Length of the features. Of fewer images the covariance has gaps, and the distance comes out too small.
    pub const DIMENSIONS: usize = 512;

    /// Through the known VGG16.
    ///
    /// # Errors
    /// When `vgg16` is missing from the store, wrong or broken.
    pub fn new(store: &WeightStore, device: &Device) -> Result<Self, WeightError> {
        let device = device.clone().inner();
        let architecture = architecture(BackboneKind::Vgg16);
        let weights = store.open(architecture.name)?;
        let positions = architecture.named(&["relu5_3"]);
        let (pooling, scaling) = (Pooling::Max, Scaling::IMAGENET);
        let trunk =
            Trunk::new(&architecture, &positions, pooling, scaling, &weights.state, Precision::F32, &device)?;
        let protocol = format!(
            "Fréchet distance, VGG16 relu5_3, mean over positions at full size, covariance over n - 1, trunk sha256 {}, f32; not FID",
            weights.short_hash()
        );
        Ok(Self { protocol, trunk, device })
    }

    /// Everything that someone needs to get the same number elsewhere.
    pub fn protocol(&self) -> String {
        self.protocol.clone()
    }

    /// Where the distance was defined: authors, title, year.
    pub fn source(&self) -> &str {
        "Dowson, Landau, The Fréchet Distance between Multivariate Normal Distributions, 1982"
    }

    /// What the network sees in `image`: [`DIMENSIONS`](Self::DIMENSIONS) means.
    ///
    /// # Errors
    /// When a side is shorter than 16 pixels or a value is no number.
    pub fn features(&self, image: &Image<Srgb>) -> Result<Vec<f64>, MetricError> {
        let image = checked_one(Self::NAME, self.trunk.min_side(), &self.device, image)?;
        let features = self.trunk.features(image).into_iter();
        let means = features.flat_map(|features| {
            features.mean_dim(1).mean_dim(2).into_data().iter::<f32>().collect::<Vec<_>>()
        });
        Ok(means.map(f64::from).collect())
    }
}

/// The squared Fréchet distance of the normal distributions with mean and covariance (over `n − 1`) of two sets of
/// vectors (Dowson, Landau, *The Fréchet Distance between Multivariate Normal Distributions*, 1982):
/// `|μ_a − μ_b|² + tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½)`. `None` where a set has fewer than two, or lengths differ.
///
/// With `Σ = XᵀX` the trace of the root is the sum of the singular values of `X_a X_bᵀ`, which is exact where there are
/// fewer vectors than dimensions and `Σ` has no inverse.
pub fn frechet_distance(a: &[Vec<f64>], b: &[Vec<f64>]) -> Option<f64> {
    let length = a.first()?.len();
    if a.len() < 2 || b.len() < 2 || a.iter().chain(b).any(|vector| vector.len() != length) {
        return None;
    }
    let ((mean_a, a), (mean_b, b)) = (centred(a, length), centred(b, length));
    let shift: f64 = mean_a.iter().zip(&mean_b).map(|(a, b)| (a - b).powi(2)).sum();
    let trace = |rows: &[Vec<f64>]| rows.iter().map(|row| dot(row, row)).sum::<f64>();
    let spread = trace(&a) + trace(&b);
    let (a, b) = (triangular(a, length), triangular(b, length));
    let (few, many) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let products = few.iter().map(|few| many.iter().map(|many| dot(few, many)).collect()).collect();
    // Equal sets: rounding may leave a trace below zero.
    Some((shift + spread - 2.0 * singular_values(products).iter().sum::<f64>()).max(0.0))
}

/// The mean, and the rows `X` without it, scaled so that `XᵀX` is the covariance.
fn centred(vectors: &[Vec<f64>], length: usize) -> (Vec<f64>, Vec<Vec<f64>>) {
    let count = vectors.len() as f64;
    let mean: Vec<f64> =
        (0..length).map(|at| vectors.iter().map(|vector| vector[at]).sum::<f64>() / count).collect();
    let scale = (count - 1.0).sqrt().recip();
    let centred = |vector: &Vec<f64>| vector.iter().zip(&mean).map(|(v, mean)| (v - mean) * scale).collect();
    let rows = vectors.iter().map(centred).collect();
    (mean, rows)
}

/// At most `length` rows `R` with `RᵀR = XᵀX`, by Householder's reflections.
fn triangular(mut rows: Vec<Vec<f64>>, length: usize) -> Vec<Vec<f64>> {
    if rows.len() <= length {
        return rows;
    }
    for at in 0..length {
        let below = &mut rows[at..];
        let mut mirror: Vec<f64> = below.iter().map(|row| row[at]).collect();
        mirror[0] += dot(&mirror, &mirror).sqrt().copysign(mirror[0]);
        let size = dot(&mirror, &mirror);
        if size == 0.0 {
            continue;
        }
        let mut along = vec![0.0; length - at];
        for (row, mirror) in below.iter().zip(&mirror) {
            along.iter_mut().zip(&row[at..]).for_each(|(sum, v)| *sum += mirror * v);
        }
        for (row, mirror) in below.iter_mut().zip(&mirror) {
            let scale = 2.0 * mirror / size;
            row[at..].iter_mut().zip(&along).for_each(|(v, along)| *v -= scale * along);
        }
    }
    rows.truncate(length);
    rows
}

/// The singular values of a matrix, in no order: rows are rotated in pairs until all are at right angles (Hestenes,
/// *Inversion of Matrices by Biorthogonalization and Related Results*, 1958), and their lengths are left.
fn singular_values(mut rows: Vec<Vec<f64>>) -> Vec<f64> {
    let mut squares: Vec<f64> = rows.iter().map(|row| dot(row, row)).collect();
    // Rows that are rounding errors beside the whole have no direction.
    let least = f64::EPSILON * f64::EPSILON * squares.iter().sum::<f64>();
    for _ in 0..SWEEPS {
        let mut turned = false;
        for second in 1..rows.len() {
            let (before, after) = rows.split_at_mut(second);
            for (first, p) in before.iter_mut().enumerate() {
                let q = &mut after[0];
                let product = dot(p, q);
                let sizes = (squares[first] * squares[second]).sqrt();
                if product.abs() <= 1e-15 * sizes || sizes <= least {
                    continue;
                }
                turned = true;
                let zeta = (squares[second] - squares[first]) / (2.0 * product);
                let tangent = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
                let cosine = tangent.hypot(1.0).recip();
                let sine = cosine * tangent;
                for (p, q) in p.iter_mut().zip(q.iter_mut()) {
                    (*p, *q) = (cosine * *p - sine * *q, sine * *p + cosine * *q);
                }
                (squares[first], squares[second]) = (dot(p, p), dot(q, q));
            }
        }
        if !turned {
            break;
        }
    }
    squares.into_iter().map(f64::sqrt).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
