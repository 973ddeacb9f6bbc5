//! A term that keeps a discriminator smooth around photos.

use burn::tensor::{Tensor, TensorData};
use percept_image::rng_for;
use rand_distr::{Distribution, StandardNormal};

/// The step of [`approximate_r1`] for images, as its paper has it.
pub const R1_SIGMA: f64 = 0.01;

/// The sample number of the noise: no sample of a batch has it.
const NOISE: u64 = u64::MAX;

/// The penalty R1 (Mescheder et al., *Which Training Methods for GANs do actually Converge?*, ICML 2018), `|∇D(y)|²`,
/// without second derivatives: by finite differences, as in Lin et al., *Diffusion Adversarial Post-Training for One-Step
/// Video Generation*, 2025. `[1]`, unweighted:
///
/// `mean ((D(y + σ ε) − D(y)) / σ)²` with `ε` from the standard normal distribution.
///
/// For small `σ` its expectation over `ε` is `|∇D(y)|²`, the squared length of the gradient of a logit by all values of the
/// image; where `D` is linear, for all `σ`. (The paper does not divide by `σ²`: its weight of 100 at `σ = 0.01` is one of
/// 0.01 here.) Every logit counts as a discriminator of its own: the mean is over images and positions, so that the size of
/// the crops does not change the weight. BasicSR takes the gradient of the sum of an image's logits instead.
///
/// `real` is `y`, `[N, H, W, 3]`, `logits` what `discriminator` made of it; `noise` is `ε` ([`r1_noise`]) and `sigma` is `σ`
/// ([`R1_SIGMA`] for images in `[0, 1]`). Gradient flows to both sides of the difference, as that of R1 does.
pub fn approximate_r1(
    discriminator: impl FnOnce(Tensor<4>) -> Tensor<4>,
    real: Tensor<4>,
    logits: Tensor<4>,
    noise: Tensor<4>,
    sigma: f64,
) -> Tensor<1> {
    let near = discriminator(real + noise.mul_scalar(sigma));
    (near - logits).div_scalar(sigma).square().mean()
}

/// Values of the standard normal distribution like `real`, a function of `seed` and `step`, and of how many images of the batch
/// lie `before` those of `real`.
pub fn r1_noise(real: &Tensor<4>, seed: u64, step: u64, before: usize) -> Tensor<4> {
    let shape = real.dims();
    let [_, height, width, channels] = shape;
    let values = StandardNormal.sample_iter(rng_for(seed, step, NOISE));
    let values: Vec<f32> =
        values.skip(before * height * width * channels).take(shape.iter().product()).collect();
    Tensor::from_data(TensorData::new(values, shape), &real.device())
}
