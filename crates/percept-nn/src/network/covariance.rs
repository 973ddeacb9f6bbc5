//! Attention between channels, by how alike they are over the whole image (El-Nouby et al., *XCiT: Cross-Covariance Image
//! Transformers*, NeurIPS 2021).

use burn::tensor::{Tensor, TensorData, activation, s};
use percept_conv::{Conv, conv2d};

/// Keeps the root of what is zero, and its slope, finite.
const LEAST: f64 = 1e-24;
/// Added to the likeness of channels of different heads.
const APART: f32 = -1e30;

/// Means over all positions of `[N, H, W, 3·C]`, queries, keys and values: of the products of queries and keys, of the squares
/// of both, and of the values: `[N, 1, C, C + 3]`.
pub(super) fn statistics(qkv: Tensor<4>) -> Tensor<4> {
    let [n, h, w, all] = qkv.dims();
    let (c, positions) = (all / 3, h * w);
    let qkv = qkv.reshape([n, positions, all]);
    let [q, k, v] = [0, 1, 2].map(|i| qkv.clone().slice(s![.., .., i * c..(i + 1) * c]));
    let products = q.clone().swap_dims(1, 2).matmul(k.clone());
    let column = |x: Tensor<3>| x.sum_dim(1).swap_dims(1, 2);
    let all = Tensor::cat(vec![products, column(q.square()), column(k.square()), column(v)], 2);
    all.mul_scalar(1.0 / positions as f64).reshape([n, 1, c, c + 3])
}

/// From [`statistics`] and the temperature of every head, `[heads, 1, 1]`: how much every channel takes of every other one,
/// `[N, C, C]`, and the means of what comes of it, `[N, 1, 1, C]`.
pub(super) fn shares(statistics: Tensor<4>, temperature: Tensor<3>) -> (Tensor<3>, Tensor<4>) {
    let ([n, _, c, wide], heads) = (statistics.dims(), temperature.dims()[0]);
    let all = statistics.reshape([n, c, wide]);
    let root = |x: Tensor<3>| x.add_scalar(LEAST).sqrt();
    let q = root(all.clone().slice(s![.., .., c..c + 1]));
    let k = root(all.clone().slice(s![.., .., c + 1..c + 2])).swap_dims(1, 2);
    let means = all.clone().slice(s![.., .., c + 2..c + 3]);
    let likeness = all.slice(s![.., .., 0..c]) / (q * k);
    let depth = c / heads;
    let temperature = temperature.expand([heads, depth, 1]).reshape([1, c, 1]);
    let apart = (0..c * c).map(|pair| if pair / c / depth == pair % c / depth { 0.0 } else { APART });
    let apart = TensorData::new(apart.collect::<Vec<f32>>(), [1, c, c]);
    let scores = likeness * temperature + Tensor::from_data(apart, &means.device());
    let shares = activation::softmax(scores, 2);
    let mean = shares.clone().matmul(means).reshape([n, 1, 1, c]);
    (shares, mean)
}

/// Every pixel's channels by the matrix `[out, C]` of its image, and `residual` where there is one.
pub(super) fn by_image(x: Tensor<4>, matrices: Tensor<3>, residual: Option<Tensor<4>>) -> Tensor<4> {
    let [n, out, c] = matrices.dims();
    let one = |i: usize| {
        let image = |x: Tensor<4>| x.slice(s![i..=i, .., .., ..]);
        let weight = matrices.clone().slice(s![i..=i, .., ..]).reshape([out, c, 1, 1]);
        conv2d(image(x.clone()), weight, None, residual.clone().map(image), Conv::default())
    };
    match n {
        1 => one(0),
        _ => Tensor::cat((0..n).map(one).collect(), 0),
    }
}
