//! Zhang, Liang, Van Gool and Timofte, *Designing a practical degradation model for deep blind image super-resolution*, 2021.
//!
//! The steps, their order and all numbers are those of the authors' code (`degradation_bsrgan` of cszn/KAIR), but for two
//! things: the camera's pipeline is left out, since it needs a network, and the covariance of correlated noise follows the
//! paper, so that its axes are even over all rotations and its entries keep their sign.

use super::{one_of, sequence};
use crate::degrade::{
    CorrelatedNoise, DegradationConfig, GaussianNoise, Jpeg, KernelBlur, Resize, Shuffle, Step, Strength,
    Subsampling, Whole,
};
use crate::resize::Filter;

/// `scale2_prob`: how often a photo is first halved, and the rest is done at scale 2; at scale 4 alone.
const HALVED_PROB: f64 = 0.25;
/// `jpeg_prob` of the JPEG in the middle; there is always one at the end.
const JPEG_PROB: f64 = 0.9;
/// Quality factors.
const JPEG_RANGE: [f64; 2] = [30.0, 95.0];
/// Standard deviations of noise in 8-bit levels; that of correlated noise is at most the second.
const NOISE_RANGE: [f64; 2] = [2.0, 25.0];
/// How often noise is coloured, grey and correlated.
const NOISE_PROB: [f64; 3] = [0.4, 0.4, 0.2];
/// How often the first resize is one by any factor; otherwise it is a blur, and one pixel of many.
const RESIZE_PROB: f64 = 0.75;
/// Sides of blur kernels.
const SIZES: [f64; 2] = [7.0, 25.0];

pub(super) fn steps(scale: usize) -> Vec<Step> {
    let whole = |of: usize| shuffled(of as f64, scale as f64);
    let degraded = match scale {
        4 => one_of([sequence([halved(), whole(2)]).weight(HALVED_PROB), whole(4).weight(1.0 - HALVED_PROB)]),
        _ => whole(scale),
    };
    vec![degraded, jpeg()]
}

/// The steps in any order, the last resize after the first, for a picture that is `scale` times too large; of the photo's side
/// `in_all` pixels shall become one.
fn shuffled(scale: f64, in_all: f64) -> Step {
    let steps = vec![
        blur(scale),
        blur(scale),
        first_resize(scale),
        divided(in_all.into(), Whole::Photo, &Resize::OPENCV),
        noise(),
        jpeg().prob(JPEG_PROB),
    ];
    Step::from(DegradationConfig::Shuffle(Shuffle { steps, in_order: vec![3, 4] }))
}

/// To one half, by OpenCV's three filters or by MATLAB's bicubic.
fn halved() -> Step {
    let half = |filters: &[Filter]| divided(2.0.into(), Whole::Picture, filters);
    one_of([half(&Resize::OPENCV), half(&[Filter::Bicubic])])
}

/// An elongated Gaussian whose variances are even up to `4 + scale`, or a round one whose deviation is even up to `2 + scale / 5`.
fn blur(scale: f64) -> Step {
    let gaussian = |blur: KernelBlur| Step::from(DegradationConfig::KernelBlur(blur));
    let plain = KernelBlur { size: SIZES.into(), ..KernelBlur::default() };
    one_of([
        gaussian(KernelBlur {
            sigma: [0.0, (4.0 + scale).sqrt()].into(),
            even_variance: true,
            round: false,
            angle: [0.0, 180.0].into(),
            ..plain.clone()
        }),
        gaussian(KernelBlur { sigma: [0.0, 2.0 + 0.2 * scale].into(), ..plain }),
    ])
}

/// By a divisor that is even from 1 to `2 · scale`, or a blur and every `scale`-th pixel. The authors shift the blur's kernel to
/// the middle of those pixels by linear interpolation, which is what a bilinear resize without antialiasing does.
fn first_resize(scale: f64) -> Step {
    let kernel = KernelBlur { size: 25.0.into(), sigma: [0.1, 0.6 * scale].into(), ..KernelBlur::default() };
    one_of([
        divided([1.0, 2.0 * scale].into(), Whole::Picture, &Resize::OPENCV).weight(RESIZE_PROB),
        sequence([
            Step::from(DegradationConfig::KernelBlur(kernel)),
            divided(scale.into(), Whole::Picture, &[Filter::OpencvBilinear]),
        ])
        .weight(1.0 - RESIZE_PROB),
    ])
}

fn divided(scale: Strength, of: Whole, filters: &[Filter]) -> Step {
    let filters = filters.to_vec();
    Step::from(DegradationConfig::Resize(Resize { scale, divide: true, of, filters }))
}

fn noise() -> Step {
    let gaussian = |grey_prob: f64, weight: f64| {
        let noise = GaussianNoise { sigma: NOISE_RANGE.into(), grey_prob, clip: true };
        Step::from(DegradationConfig::GaussianNoise(noise)).weight(weight)
    };
    let [colour, grey, correlated] = NOISE_PROB;
    let noise = CorrelatedNoise { sigma: NOISE_RANGE[1].into() };
    one_of([
        gaussian(0.0, colour),
        gaussian(1.0, grey),
        Step::from(DegradationConfig::CorrelatedNoise(noise)).weight(correlated),
    ])
}

/// As OpenCV saves: with half of the colours.
fn jpeg() -> Step {
    Step::from(DegradationConfig::Jpeg(Jpeg { quality: JPEG_RANGE.into(), subsampling: Subsampling::Half }))
}
