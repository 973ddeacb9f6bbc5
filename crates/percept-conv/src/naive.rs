//! The convolution by its definition, in `f64`: what the tests compare with.

use crate::geometry::Geometry;

/// Calls `visit(result, source, weight)` with the positions of the three factors of every product.
fn products(g: &Geometry, mut visit: impl FnMut(usize, usize, usize)) {
    let [height, width] = g.result();
    for n in 0..g.batch {
        for (y, x) in (0..height * width).map(|i| (i / width, i % width)) {
            for (ky, kx) in (0..g.taps()).map(|i| (i / g.kernel[1], i % g.kernel[1])) {
                let at = |position: usize, tap: usize, axis: usize| {
                    (position * g.stride + tap * g.dilation)
                        .checked_sub(g.padding)
                        .filter(|at| *at < g.source[axis])
                };
                let (Some(sy), Some(sx)) = (at(y, ky, 0), at(x, kx, 1)) else { continue };
                for (o, i) in (0..g.output * g.input).map(|j| (j / g.input, j % g.input)) {
                    visit(
                        ((n * height + y) * width + x) * g.output + o,
                        ((n * g.source[0] + sy) * g.source[1] + sx) * g.input + i,
                        ((o * g.input + i) * g.kernel[0] + ky) * g.kernel[1] + kx,
                    );
                }
            }
        }
    }
}

/// The result without bias, and for each number the sum of the absolute products.
pub(crate) fn forward(g: &Geometry, x: &[f32], weight: &[f32]) -> (Vec<f64>, Vec<f64>) {
    let size = g.batch * g.result()[0] * g.result()[1] * g.output;
    let (mut y, mut magnitude) = (vec![0.0; size], vec![0.0; size]);
    products(g, |r, s, w| {
        let product = f64::from(x[s]) * f64::from(weight[w]);
        y[r] += product;
        magnitude[r] += product.abs();
    });
    (y, magnitude)
}

/// The gradient to the input, likewise.
pub(crate) fn input_gradient(g: &Geometry, gradient: &[f32], weight: &[f32]) -> (Vec<f64>, Vec<f64>) {
    let size = g.batch * g.source[0] * g.source[1] * g.input;
    let (mut x, mut magnitude) = (vec![0.0; size], vec![0.0; size]);
    products(g, |r, s, w| {
        let product = f64::from(gradient[r]) * f64::from(weight[w]);
        x[s] += product;
        magnitude[s] += product.abs();
    });
    (x, magnitude)
}

/// The gradient to the weights, likewise.
pub(crate) fn weight_gradient(g: &Geometry, x: &[f32], gradient: &[f32]) -> (Vec<f64>, Vec<f64>) {
    let size = g.output * g.input * g.taps();
    let (mut weight, mut magnitude) = (vec![0.0; size], vec![0.0; size]);
    products(g, |r, s, w| {
        let product = f64::from(gradient[r]) * f64::from(x[s]);
        weight[w] += product;
        magnitude[w] += product.abs();
    });
    (weight, magnitude)
}
