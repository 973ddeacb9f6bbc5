//! The passes over pixels and the depthwise kernels at every available level, against the definitions in `f64`.

use super::tests::noise;
use super::{
    Depthwise, Level, Norm, channel_sums, gated, gated_gradient, prelu, prelu_gradient, scaled, scaled_onto,
};
use crate::{conv::Conv, geometry::Geometry};

/// Fewer channels than any vector has lanes, as many, more, and in between.
const CHANNELS: [usize; 8] = [1, 3, 4, 8, 16, 21, 50, 64];
const PIXELS: usize = 300;

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

fn assert_close(values: &[f32], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(values.len(), expected.len(), "{what}");
    for (i, (value, expected)) in values.iter().zip(expected).enumerate() {
        let error = (f64::from(*value) - expected).abs();
        assert!(error <= tolerance * expected.abs().max(1.0), "{what} at {i}: {value} for {expected}");
    }
}

/// Every level with every number of channels.
fn cases() -> impl Iterator<Item = (Level, usize)> {
    Level::available().into_iter().flat_map(|level| CHANNELS.map(|channels| (level, channels)))
}

const EPSILON: f64 = 1e-3;

#[test]
fn prelu_and_its_gradients_are_what_they_say() {
    for (level, c) in cases() {
        let [mut x, gradient, slope] =
            [(PIXELS * c, 1), (PIXELS * c, 2), (c, 3)].map(|(length, seed)| noise(length, seed));
        // What is exactly 0 counts as not positive.
        x[c / 2] = 0.0;
        let (mut y, mut to_x, mut to_slope) = (Vec::new(), Vec::new(), vec![0.0; c]);
        for (i, (x, gradient)) in wide(&x).into_iter().zip(wide(&gradient)).enumerate() {
            let factor = if x > 0.0 { 1.0 } else { f64::from(slope[i % c]) };
            y.push(factor * x);
            to_x.push(factor * gradient);
            to_slope[i % c] += x.min(0.0) * gradient;
        }
        let what = format!("{level:?} {c}");
        assert_close(&prelu(level, &x, &slope), &y, 1e-6, &what);
        let [x_values, slope_values] = prelu_gradient(level, &x, &gradient, &slope);
        assert_close(&x_values, &to_x, 1e-6, &what);
        assert_close(&slope_values, &to_slope, 1e-5, &what);
    }
}

/// `Σ outer · norm(x)` in double precision.
fn norm_loss(x: &[f64], weight: &[f64], bias: &[f64], outer: &[f64]) -> f64 {
    let c = weight.len();
    let pixel = |(x, outer): (&[f64], &[f64])| -> f64 {
        let mean = x.iter().sum::<f64>() / c as f64;
        let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / c as f64;
        let unit = |x: f64| (x - mean) / (variance + EPSILON).sqrt();
        (0..c).map(|i| outer[i] * (unit(x[i]) * weight[i] + bias[i])).sum()
    };
    x.chunks(c).zip(outer.chunks(c)).map(pixel).sum()
}

#[test]
fn the_gradients_of_the_norm_are_finite_differences() {
    for (level, c) in cases() {
        let [x, weight, bias, outer] =
            [(PIXELS * c, 1), (c, 2), (c, 3), (PIXELS * c, 4)].map(|(length, seed)| noise(length, seed));
        let norm = Norm { x: &x, weight: &weight, epsilon: EPSILON as f32 };
        let [x64, weight64, bias64, outer64] = [&x, &weight, &bias, &outer].map(|values| wide(values));
        let y = norm.forward(level, &bias);
        let loss: f64 = wide(&y).iter().zip(&outer64).map(|(y, outer)| y * outer).sum();
        let expected = norm_loss(&x64, &weight64, &bias64, &outer64);
        assert!((loss - expected).abs() < 1e-4 * (PIXELS * c) as f64, "{level:?} {c}: {loss} for {expected}");

        let [to_x, to_weight, to_bias] = norm.gradient(level, &outer);
        let step = 1e-5;
        // The loss of the pixels from `at` on, as a value is moved.
        let difference = |values: &[f64], i: usize, loss: &dyn Fn(&[f64]) -> f64| {
            let mut moved = values.to_vec();
            moved[i] += step;
            let above = loss(&moved);
            moved[i] -= 2.0 * step;
            (above - loss(&moved)) / (2.0 * step)
        };
        let what = format!("{level:?} {c}");
        // Pixels are independent: of each, one number.
        let numbers: Vec<usize> = (0..PIXELS).map(|pixel| pixel * c + pixel % c).collect();
        let one = |i: &usize| {
            let pixel = i / c * c;
            let outer = &outer64[pixel..][..c];
            difference(&x64[pixel..][..c], i - pixel, &|x| norm_loss(x, &weight64, &bias64, outer))
        };
        let expected: Vec<f64> = numbers.iter().map(one).collect();
        let values: Vec<f32> = numbers.iter().map(|i| to_x[*i]).collect();
        assert_close(&values, &expected, 1e-3, &format!("{what} x"));
        let to = |values: &[f64], loss: &dyn Fn(&[f64]) -> f64| -> Vec<f64> {
            (0..c).map(|i| difference(values, i, loss)).collect()
        };
        let expected = to(&weight64, &|weight| norm_loss(&x64, weight, &bias64, &outer64));
        assert_close(&to_weight, &expected, 1e-3, &format!("{what} weight"));
        let expected = to(&bias64, &|bias| norm_loss(&x64, &weight64, bias, &outer64));
        assert_close(&to_bias, &expected, 1e-3, &format!("{what} bias"));
    }
}

#[test]
fn gates_and_their_gradients_are_products() {
    for (level, c) in cases() {
        let (x, gradient) = (noise(PIXELS * 2 * c, 1), noise(PIXELS * c, 2));
        let at = |i: usize, half: usize| x[i / c * 2 * c + half * c + i % c];
        let expected: Vec<f32> = (0..PIXELS * c).map(|i| at(i, 0) * at(i, 1)).collect();
        assert_eq!(gated(level, &x, c), expected, "{level:?} {c}");
        let expected: Vec<f32> = (0..PIXELS * 2 * c)
            .map(|i| {
                let (pixel, half, channel) = (i / (2 * c), i / c % 2, i % c);
                gradient[pixel * c + channel] * x[(2 * pixel + 1 - half) * c + channel]
            })
            .collect();
        assert_eq!(gated_gradient(level, &x, &gradient, c), expected, "{level:?} {c}");
    }
}

#[test]
fn images_are_scaled_and_summed_by_channel() {
    for (level, c) in cases() {
        // Two images of 10 by 15.
        let (a, b) = (noise(PIXELS * c, 1), noise(PIXELS * c, 2));
        let (factor, shift) = (noise(2 * c, 3), noise(2 * c, 4));
        let (a64, b64, factor64, shift64) = (wide(&a), wide(&b), wide(&factor), wide(&shift));
        let at = |i: usize| i / (PIXELS / 2 * c) * c + i % c;
        let expected: Vec<f64> = (0..PIXELS * c).map(|i| a64[i] * factor64[at(i)] + shift64[at(i)]).collect();
        let values = scaled(level, &a, [10, 15 * c, c], &factor, &shift);
        assert_close(&values, &expected, 1e-6, &format!("{level:?} {c}"));
        let expected: Vec<f64> = (0..PIXELS * c).map(|i| a64[i] * factor64[i % c] + b64[i]).collect();
        let values = scaled_onto(level, &a, &factor[..c], &b);
        assert_close(&values, &expected, 1e-6, &format!("{level:?} {c} onto"));
        let sums = |value: &dyn Fn(usize) -> f64| -> Vec<f64> {
            (0..c).map(|channel| (0..PIXELS).map(|pixel| value(pixel * c + channel)).sum()).collect()
        };
        let expected = sums(&|i| a64[i]);
        assert_close(&channel_sums(level, &a, None, c), &expected, 1e-5, &format!("{level:?} {c}"));
        let expected = sums(&|i| a64[i] * b64[i]);
        assert_close(&channel_sums(level, &a, Some(&b), c), &expected, 1e-5, &format!("{level:?} {c}"));
    }
}

#[test]
fn depthwise_kernels_equal_the_definition() {
    for (level, c) in cases() {
        for (size, kernel, [stride, padding, dilation]) in [
            ([2, 9, 7], [3, 3], [1, 1, 1]),
            ([1, 1, 1], [3, 3], [1, 1, 1]),
            ([1, 8, 9], [2, 5], [2, 2, 1]),
            ([0, 4, 4], [3, 3], [1, 1, 1]),
            ([1, 9, 8], [3, 3], [1, 2, 2]),
        ] {
            let conv = Conv { stride, padding, dilation, ..Conv::default() };
            let [n, h, w] = size;
            let g = Geometry::new([n, h, w, c], [c, 1, kernel[0], kernel[1]], &conv);
            let [height, width] = g.result();
            let (x, weight) = (noise(n * h * w * c, 1), noise(g.taps() * c, 2));
            let (bias, gradient) = (noise(c, 3), noise(n * height * width * c, 4));
            let mut y: Vec<f64> = (0..gradient.len()).map(|i| f64::from(bias[i % c])).collect();
            let (mut to_x, mut to_weight) = (vec![0.0; x.len()], vec![0.0; weight.len()]);
            for i in 0..y.len() {
                let (image, row, column) = (i / c / width / height, i / c / width % height, i / c % width);
                for tap in 0..g.taps() {
                    let source = |at: usize, tap: usize, side: usize| {
                        (at * stride + tap * dilation).checked_sub(padding).filter(|at| *at < side)
                    };
                    let (down, along) = (tap / kernel[1], tap % kernel[1]);
                    let place = source(row, down, h).zip(source(column, along, w));
                    let Some((down, along)) = place else { continue };
                    let (from, tap) = (((image * h + down) * w + along) * c + i % c, tap * c + i % c);
                    y[i] += f64::from(x[from]) * f64::from(weight[tap]);
                    to_x[from] += f64::from(gradient[i]) * f64::from(weight[tap]);
                    to_weight[tap] += f64::from(gradient[i]) * f64::from(x[from]);
                }
            }
            let what = format!("{level:?} {c} {g:?}");
            let forward = Depthwise::of_source(&x, &g);
            assert_close(&forward.convolved(level, &weight, &bias), &y, 1e-5, &what);
            assert_close(&forward.products(level, &gradient), &to_weight, 1e-5, &what);
            let back = Depthwise::of_gradient(&gradient, &g);
            assert_close(&back.convolved(level, &weight, &vec![0.0; c]), &to_x, 1e-5, &what);
        }
    }
}
