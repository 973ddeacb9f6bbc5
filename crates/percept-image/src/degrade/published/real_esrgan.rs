//! Wang, Xie, Dong and Shan, *Real-ESRGAN: training real-world blind super-resolution with pure synthetic data*, 2021.
//!
//! All numbers are those of the published training options of `RealESRGAN_x4plus` (`options/train_realesrgan_x4plus.yml` of the
//! repository xinntao/Real-ESRGAN); its keys are named beside them. What the options leave open is from section 3 of the paper.
//! Other scales have the same numbers, as in the options of `RealESRGAN_x2plus`.

use super::{one_of, sequence};
use crate::degrade::{
    DegradationConfig, GaussianNoise, Jpeg, KernelBlur, PoissonNoise, Resize, Shape, SincBlur, Step,
    Strength, Subsampling, Whole,
};

/// What differs between the first and the second time.
struct Order {
    /// `second_blur_prob`.
    blur_prob: f64,
    /// `blur_sigma`, `blur_sigma2`.
    blur_sigma: [f64; 2],
    /// `resize_prob`, `resize_prob2`: up, down, keep.
    resize_prob: [f64; 3],
    /// `resize_range`, `resize_range2`.
    resize_range: [f64; 2],
    /// `noise_range`, `noise_range2`: 8-bit levels.
    noise_range: [f64; 2],
    /// `poisson_scale_range`, `poisson_scale_range2`.
    poisson_scale_range: [f64; 2],
}

const FIRST: Order = Order {
    blur_prob: 1.0,
    blur_sigma: [0.2, 3.0],
    resize_prob: [0.2, 0.7, 0.1],
    resize_range: [0.15, 1.5],
    noise_range: [1.0, 30.0],
    poisson_scale_range: [0.05, 3.0],
};
const SECOND: Order = Order {
    blur_prob: 0.8,
    blur_sigma: [0.2, 1.5],
    resize_prob: [0.3, 0.4, 0.3],
    resize_range: [0.3, 1.2],
    noise_range: [1.0, 25.0],
    poisson_scale_range: [0.05, 2.5],
};
/// `kernel_prob`: Gaussian, generalised and plateau, each round and elongated.
const KERNEL_PROB: [(Shape, bool, f64); 6] = [
    (Shape::Gaussian, true, 0.45),
    (Shape::Gaussian, false, 0.25),
    (Shape::Generalised, true, 0.12),
    (Shape::Generalised, false, 0.03),
    (Shape::Plateau, true, 0.12),
    (Shape::Plateau, false, 0.03),
];
/// `sinc_prob`, `sinc_prob2`.
const SINC_PROB: f64 = 0.1;
/// `final_sinc_prob`.
const FINAL_SINC_PROB: f64 = 0.8;
/// `betag_range`, `betap_range`; a half of the kernels is below 1, the other above.
const BETA: [(Shape, [f64; 2]); 2] = [(Shape::Generalised, [0.5, 4.0]), (Shape::Plateau, [1.0, 2.0])];
/// `gaussian_noise_prob`; the others have Poisson noise.
const GAUSSIAN_NOISE_PROB: f64 = 0.5;
/// `gray_noise_prob`.
const GREY_NOISE_PROB: f64 = 0.4;
/// `jpeg_range`.
const JPEG_RANGE: [f64; 2] = [30.0, 95.0];

pub(super) fn steps(scale: f64) -> Vec<Step> {
    let fit = Resize { divide: true, of: Whole::Photo, ..resize(scale.into()) };
    let last_resize = || Step::from(DegradationConfig::Resize(fit.clone()));
    let last_sinc = || sinc([7.0, 21.0], 1.0 / 3.0).prob(FINAL_SINC_PROB);
    let mut steps = vec![blur(&FIRST)];
    steps.push(resizes(&FIRST, resize));
    steps.push(noise(&FIRST));
    steps.push(jpeg());
    steps.push(blur(&SECOND));
    // The second factor is one of the size that the network will see.
    steps.push(resizes(&SECOND, |factor| {
        let (low, high) = factor.bounds();
        Resize { of: Whole::Photo, ..resize([low / scale, high / scale].into()) }
    }));
    steps.push(noise(&SECOND));
    steps.push(one_of([
        sequence([last_resize(), last_sinc(), jpeg()]),
        sequence([jpeg(), last_resize(), last_sinc()]),
    ]));
    steps
}

/// A blur of one of the seven kernels, `blur_kernel_size` 21: any odd size from 7 on.
fn blur(order: &Order) -> Step {
    let kernel = |shape: Shape, round: bool, beta: [f64; 2], weight: f64| {
        let blur = KernelBlur {
            shape,
            round,
            sigma: order.blur_sigma.into(),
            beta: beta.into(),
            ..KernelBlur::default()
        };
        Step::from(DegradationConfig::KernelBlur(blur)).weight((1.0 - SINC_PROB) * weight)
    };
    let mut kernels = Vec::new();
    for (shape, round, prob) in KERNEL_PROB {
        match BETA.iter().find(|(of, _)| *of == shape) {
            Some((_, [low, high])) => {
                kernels.push(kernel(shape, round, [*low, 1.0], prob / 2.0));
                kernels.push(kernel(shape, round, [1.0, *high], prob / 2.0));
            }
            None => kernels.push(kernel(shape, round, [1.0, 1.0], prob)),
        }
    }
    // Small sinc kernels, 3 of the 8 sizes, are cut off no lower than at π/3; large ones at π/5.
    kernels.push(sinc([7.0, 11.0], 1.0 / 3.0).weight(SINC_PROB * 3.0 / 8.0));
    kernels.push(sinc([13.0, 21.0], 1.0 / 5.0).weight(SINC_PROB * 5.0 / 8.0));
    one_of(kernels).prob(order.blur_prob)
}

fn sinc(size: [f64; 2], lowest: f64) -> Step {
    Step::from(DegradationConfig::SincBlur(SincBlur { size: size.into(), cutoff: [lowest, 1.0].into() }))
}

/// Area, bilinear or bicubic, as PyTorch and OpenCV have them.
fn resize(scale: Strength) -> Resize {
    Resize { scale, ..Resize::default() }
}

/// Up, down or neither.
fn resizes(order: &Order, of: impl Fn(Strength) -> Resize) -> Step {
    let ([up, down, keep], [low, high]) = (order.resize_prob, order.resize_range);
    let step =
        |factor: Strength, weight: f64| Step::from(DegradationConfig::Resize(of(factor))).weight(weight);
    one_of([step([1.0, high].into(), up), step([low, 1.0].into(), down), step([1.0, 1.0].into(), keep)])
}

fn noise(order: &Order) -> Step {
    let gaussian = GaussianNoise { sigma: order.noise_range.into(), grey_prob: GREY_NOISE_PROB, clip: true };
    let poisson = PoissonNoise {
        peak_of_levels: true,
        scale: order.poisson_scale_range.into(),
        grey_prob: GREY_NOISE_PROB,
        ..PoissonNoise::default()
    };
    one_of([
        Step::from(DegradationConfig::GaussianNoise(gaussian)).weight(GAUSSIAN_NOISE_PROB),
        Step::from(DegradationConfig::PoissonNoise(poisson)).weight(1.0 - GAUSSIAN_NOISE_PROB),
    ])
}

/// The paper's own JPEG halves the colours, too.
fn jpeg() -> Step {
    Step::from(DegradationConfig::Jpeg(Jpeg { quality: JPEG_RANGE.into(), subsampling: Subsampling::Half }))
}
