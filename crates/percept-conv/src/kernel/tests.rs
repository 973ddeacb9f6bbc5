//! Every kernel at every available level, against the definition in `f64`.

use proptest::prelude::*;

use super::bf16::bf16;
use super::{
    Derivative, Epilogue, Level, Packed, Pixels, Transformed, convolve_to, weight_gradient, winograd_to,
    winograd_weight_gradient,
};
use crate::conv::{Activation, Conv};
use crate::{
    geometry::Geometry,
    naive,
    precision::Precision::{self, Bf16, F32},
};

/// Numbers in `[−1, 1)` without order, the same for the same `seed`.
pub(super) fn noise(length: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..length).map(|_| next()).collect()
}

/// Each number within 1e-5 of the sum of the absolute products that make it up.
fn assert_close(values: &[f32], expected: &(Vec<f64>, Vec<f64>), what: &str) {
    assert_within(1e-5, values, expected, what);
}

fn assert_within(share: f64, values: &[f32], (expected, magnitude): &(Vec<f64>, Vec<f64>), what: &str) {
    assert_eq!(values.len(), expected.len(), "{what}");
    for (i, value) in values.iter().enumerate() {
        let error = (f64::from(*value) - expected[i]).abs();
        assert!(error <= share * magnitude[i].max(1e-3), "{what}: {i}: {value} for {}", expected[i]);
    }
}

/// Minimal filtering with bf16: all numbers together within a share of what as many products without order add up to
/// (`counts`: of how many each is the sum). Fewer numbers are further from their mean by chance.
///
/// The bar held in 20 000 cases of the test below instead of its 100.
fn assert_near(values: &[f32], (expected, magnitude): (&[f64], &[f64]), counts: &[f64], what: &str) {
    assert_eq!(values.len(), expected.len(), "{what}");
    let errors: f64 = values.iter().zip(expected).map(|(v, e)| (f64::from(*v) - e).powi(2)).sum();
    let size: f64 = magnitude.iter().zip(counts).map(|(m, count)| m * m / count.max(1.0)).sum();
    let share = 0.03 * (1.0 + 10.0 / (values.len().max(1) as f64).sqrt());
    assert!(errors <= share * share * size, "{what}: {} apart", (errors / size).sqrt());
}

fn sizes(g: &Geometry) -> [usize; 3] {
    [g.output, g.input, g.taps()]
}

fn run_forward(
    (level, precision): (Level, Precision),
    g: &Geometry,
    x: &[f32],
    weight: &[f32],
    epilogue: Epilogue<'_>,
) -> Vec<f32> {
    let packed = Packed::forward(level, precision, weight, sizes(g));
    convolve_to(Vec::new(), x, g.batch, [&g.forward(0), &g.forward(1)], &packed, epilogue, None)
}

fn run_input_gradient(
    (level, precision): (Level, Precision),
    g: &Geometry,
    gradient: &[f32],
    weight: &[f32],
) -> Vec<f32> {
    let packed = Packed::gradient(level, precision, weight, sizes(g));
    let axes = [&g.gradient(0), &g.gradient(1)];
    convolve_to(Vec::new(), gradient, g.batch, axes, &packed, Epilogue::default(), None)
}

/// All three kernels of one convolution at all levels.
fn check(g: &Geometry) {
    check_with(F32, g);
    check_with(Bf16, g);
}

/// What products of `precision` are made of.
fn rounded(precision: Precision, values: Vec<f32>) -> Vec<f32> {
    match precision {
        F32 => values,
        Bf16 => values.into_iter().map(|value| f32::from_bits(u32::from(bf16(value)) << 16)).collect(),
    }
}

/// Results are sums of products of what was rounded, whatever it was before.
fn check_with(precision: Precision, g: &Geometry) {
    let [height, width] = g.result();
    let x = noise(g.batch * g.source[0] * g.source[1] * g.input, 1);
    let weight = noise(g.output * g.input * g.taps(), 2);
    let gradient = noise(g.batch * height * width * g.output, 3);
    let bias = noise(g.output, 4);
    let residual = noise(gradient.len(), 5);
    let slopes = noise(g.output, 6);
    let round = |values: &[f32]| rounded(precision, values.to_vec());
    let (mut y, mut magnitude) = naive::forward(g, &round(&x), &round(&weight));
    for (i, y) in y.iter_mut().enumerate() {
        let added = [f64::from(bias[i % g.output]), f64::from(residual[i])];
        *y += added[0] + added[1];
        magnitude[i] += added[0].abs() + added[1].abs();
    }
    let x_gradient = naive::input_gradient(g, &round(&gradient), &round(&weight));
    let w_gradient = naive::weight_gradient(g, &x, &gradient);
    for level in Level::available() {
        let name = format!("{} {precision:?}", level.name());
        for (epilogue, slopes) in epilogues(&bias, &residual, &slopes) {
            let values = run_forward((level, precision), g, &x, &weight, epilogue);
            let expected = sloped(&y, &slopes);
            assert_close(&values, &(expected, magnitude.clone()), &format!("{name} forward {g:?}"));
        }
        let values = run_input_gradient((level, precision), g, &gradient, &weight);
        assert_close(&values, &x_gradient, &format!("{name} gradient to the input {g:?}"));
        let values = weight_gradient(level, &x, &gradient, g);
        assert_close(&values, &w_gradient, &format!("{name} gradient to the weights {g:?}"));
    }
}

/// Every activation after a bias and a residual, with what it multiplies each channel by where it is not positive.
fn epilogues<'a>(bias: &'a [f32], residual: &'a [f32], slopes: &'a [f32]) -> [(Epilogue<'a>, Vec<f32>); 4] {
    let [none, relu, leaky] = [Activation::None, Activation::Relu, Activation::LeakyRelu(0.1)]
        .map(|activation| Epilogue { bias, residual: Some(residual), slope: None, activation });
    let all = |slope| vec![slope; bias.len()];
    let prelu = Epilogue { slope: Some(slopes), ..none };
    [(none, all(1.0)), (relu, all(0.0)), (leaky, all(0.1)), (prelu, slopes.to_vec())]
}

/// `y` where positive, times its channel's slope elsewhere.
fn sloped(y: &[f64], slopes: &[f32]) -> Vec<f64> {
    let value = |(i, y): (usize, &f64)| if *y > 0.0 { *y } else { f64::from(slopes[i % slopes.len()]) * y };
    y.iter().enumerate().map(value).collect()
}

fn geometry(x: [usize; 4], output: usize, kernel: [usize; 2], moves: [usize; 3]) -> Geometry {
    let conv = Conv {
        stride: moves[0],
        padding: moves[1],
        dilation: moves[2],
        activation: Activation::None,
        precision: F32,
        filtering: F32,
    };
    Geometry::new(x, [output, x[3], kernel[0], kernel[1]], &conv)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn kernels_equal_the_definition(
        batch in 0usize..3,
        size in [1usize..12, 1usize..12],
        input in 1usize..37,
        output in 1usize..75,
        kernel in [1usize..5, 1usize..5],
        stride in 1usize..4,
        padding in 0usize..4,
        dilation in 1usize..3,
    ) {
        check(&geometry([batch, size[0], size[1], input], output, kernel, [stride, padding, dilation]));
    }
}

#[test]
fn kernels_of_real_layers_equal_the_definition() {
    for (x, output, kernel, moves) in [
        ([1, 23, 21, 3], 64, 11, [4, 2, 1]),
        ([2, 25, 23, 3], 64, 3, [1, 1, 1]),
        ([2, 20, 21, 64], 1, 4, [1, 1, 1]),
        ([2, 9, 7, 64], 192, 5, [1, 2, 1]),
        ([1, 13, 30, 48], 48, 3, [1, 1, 1]),
        ([1, 8, 8, 48], 3, 3, [1, 1, 1]),
        ([1, 6, 5, 130], 67, 7, [1, 3, 1]),
        ([1, 1, 1, 5], 64, 3, [1, 1, 1]),
        ([2, 5, 4, 16], 16, 1, [1, 0, 1]),
        ([1, 3, 2, 0], 5, 1, [1, 0, 1]),
    ] {
        check(&geometry(x, output, [kernel; 2], moves));
    }
}

#[test]
fn gradients_by_definition_equal_finite_differences() {
    let g = geometry([2, 5, 4, 3], 2, [3, 2], [2, 1, 2]);
    let x = noise(2 * 5 * 4 * 3, 1);
    let weight = noise(2 * 3 * 6, 2);
    let (y, _) = naive::forward(&g, &x, &weight);
    let outer = noise(y.len(), 3);
    let loss = |x: &[f32], weight: &[f32]| -> f64 {
        naive::forward(&g, x, weight).0.iter().zip(&outer).map(|(y, o)| y * f64::from(*o)).sum()
    };
    // The steps are powers of two, so that the arguments are exact; the loss is linear in each.
    let step = 1.0 / 64.0;
    let exact =
        |values: &[f32]| -> Vec<f32> { values.iter().map(|v| (v * 4096.0).round() / 4096.0).collect() };
    let (x, weight) = (exact(&x), exact(&weight));
    let moved = |values: &[f32], i: usize, by: f32| {
        let mut values = values.to_vec();
        values[i] += by;
        values
    };
    let (x_gradient, _) = naive::input_gradient(&g, &outer, &weight);
    for (i, gradient) in x_gradient.iter().enumerate() {
        let difference = loss(&moved(&x, i, step), &weight) - loss(&moved(&x, i, -step), &weight);
        assert!((difference / (2.0 * f64::from(step)) - gradient).abs() < 1e-9, "input {i}");
    }
    let (w_gradient, _) = naive::weight_gradient(&g, &x, &outer);
    for (i, gradient) in w_gradient.iter().enumerate() {
        let difference = loss(&x, &moved(&weight, i, step)) - loss(&x, &moved(&weight, i, -step));
        assert!((difference / (2.0 * f64::from(step)) - gradient).abs() < 1e-9, "weight {i}");
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let g = geometry([2, 40, 33, 19], 70, [3, 3], [1, 1, 1]);
    let x = noise(2 * 40 * 33 * 19, 1);
    let weight = noise(70 * 19 * 9, 2);
    let gradient = noise(2 * 40 * 33 * 70, 3);
    for level in Level::available() {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                [
                    run_forward((level, F32), &g, &x, &weight, Epilogue::default()),
                    run_input_gradient((level, F32), &g, &gradient, &weight),
                    run_forward((level, Bf16), &g, &x, &weight, Epilogue::default()),
                    weight_gradient(level, &x, &gradient, &g),
                ]
            })
        };
        let one = run(1);
        assert_eq!(one, run(1), "the same again");
        assert_eq!(one, run(2), "two threads");
        assert_eq!(one, run(5), "five threads");
    }
}

#[test]
fn not_a_number_comes_through_the_activation() {
    let g = geometry([1, 1, 1, 1], 1, [1, 1], [1, 0, 1]);
    for level in Level::available() {
        for activation in [Activation::Relu, Activation::LeakyRelu(0.1)] {
            let epilogue = Epilogue { activation, ..Epilogue::default() };
            assert!(run_forward((level, F32), &g, &[f32::NAN], &[1.0], epilogue)[0].is_nan(), "{level:?}");
        }
    }
}

/// Sums over taps and over channels give what IEEE gives for the rounded factors; a number beyond bf16's range is infinite.
#[test]
fn not_a_number_and_infinities_come_through_products_of_bf16() {
    let (nan, infinity) = (f32::NAN, f32::INFINITY);
    for kernel in [1, 3] {
        let g = geometry([1, 5, 5, 18], 17, [kernel; 2], [1, kernel / 2, 1]);
        let weight = noise(17 * 18 * kernel * kernel, 1);
        for (values, expected) in [
            ([nan, 1.0], nan),
            ([infinity, 1.0], infinity),
            ([-infinity, 1.0], -infinity),
            ([infinity, -infinity], nan),
            ([f32::MAX, 1.0], infinity),
        ] {
            let mut x = vec![0.0; 5 * 5 * 18];
            x[12 * 18..][..2].copy_from_slice(&values);
            let ones: Vec<f32> = weight.iter().map(|weight| weight.abs().max(0.5)).collect();
            for level in Level::available() {
                let y = run_forward((level, Bf16), &g, &x, &ones, Epilogue::default());
                for (pixel, y) in y.chunks_exact(17).enumerate() {
                    let near = [pixel / 5, pixel % 5].iter().all(|at| at.abs_diff(2) <= kernel / 2);
                    for y in y {
                        let same = if expected.is_nan() { y.is_nan() } else { *y == expected };
                        assert!(if near { same } else { *y == 0.0 }, "{level:?} {kernel}: {y} at {pixel}");
                    }
                }
            }
        }
    }
}

/// A transform has differences, in which an infinity can become no number: what it reaches is not finite, as in `f32`.
#[test]
fn what_is_not_finite_stays_so_through_minimal_filtering() {
    let weight = noise(16 * 16 * 9, 1);
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut x = noise(8 * 8 * 16, 2);
        x[(3 * 8 + 3) * 16 + 5] = value;
        let pixels = Pixels { values: &x, size: [1, 8, 8, 16], padding: 1, derivative: None };
        for level in Level::available() {
            for precision in [F32, Bf16] {
                let transformed = Transformed::forward(level, precision, &weight, [16, 16]);
                let y = winograd_to(Vec::new(), pixels, &transformed, Epilogue::default(), None);
                for (pixel, y) in y.chunks_exact(16).enumerate() {
                    let reads = [pixel / 8, pixel % 8].iter().all(|at| at.abs_diff(3) <= 1);
                    assert!(!reads || y.iter().all(|y| !y.is_finite()), "{level:?} {precision:?}: {pixel}");
                }
            }
        }
    }
}

/// Minimal filtering at all levels, forward and gradient to the input.
fn check_winograd(g: &Geometry) {
    let [height, width] = g.result();
    let x = noise(g.batch * g.source[0] * g.source[1] * g.input, 1);
    let weight = noise(g.output * g.input * 9, 2);
    let gradient = noise(g.batch * height * width * g.output, 3);
    let bias = noise(g.output, 4);
    let residual = noise(gradient.len(), 5);
    let slopes = noise(g.output, 6);
    let results = noise(gradient.len(), 6);
    let (mut y, magnitude) = naive::forward(g, &x, &weight);
    for (i, y) in y.iter_mut().enumerate() {
        *y += f64::from(bias[i % g.output]) + f64::from(residual[i]);
    }
    // Sums of several products are what comes back for each number, so the largest of all counts.
    let largest = |magnitude: &[f64]| vec![magnitude.iter().copied().fold(1.0, f64::max); magnitude.len()];
    let gated: Vec<f32> =
        gradient.iter().zip(&results).map(|(g, result)| if *result > 0.0 { *g } else { 0.25 * g }).collect();
    let (x_gradient, x_magnitude) = naive::input_gradient(g, &gated, &weight);
    let (w_gradient, w_magnitude) = naive::weight_gradient(g, &x, &gradient);
    let [ones_x, ones_weight, ones_gradient] =
        [x.len(), weight.len(), gradient.len()].map(|length| vec![1.0; length]);
    let (counts, _) = naive::forward(g, &ones_x, &ones_weight);
    let (x_counts, _) = naive::input_gradient(g, &ones_gradient, &ones_weight);
    let (w_counts, _) = naive::weight_gradient(g, &ones_x, &ones_gradient);
    let size = [g.batch, g.source[0], g.source[1], g.input];
    let source = Pixels { values: &x, size, padding: g.padding, derivative: None };
    let size = [g.batch, height, width, g.output];
    let outer = Pixels { values: &gradient, size, padding: 0, derivative: None };
    for level in Level::available() {
        let name = level.name();
        for precision in [Precision::F32, Precision::Bf16] {
            let transformed = Transformed::forward(level, precision, &weight, [g.output, g.input]);
            for (epilogue, slopes) in epilogues(&bias, &residual, &slopes) {
                let values = winograd_to(Vec::new(), source, &transformed, epilogue, None);
                let expected = sloped(&y, &slopes);
                let what = format!("{name} {precision:?} forward {g:?}");
                match precision {
                    Precision::F32 => {
                        assert_within(WINOGRAD, &values, &(expected, largest(&magnitude)), &what);
                    }
                    Precision::Bf16 => {
                        assert_near(&values, (&expected, &magnitude), &counts, &what);
                    }
                }
            }
            let transformed = Transformed::gradient(level, precision, &weight, [g.output, g.input]);
            let derivative = Some(Derivative::Results(&results, 0.25));
            let gated = Pixels { padding: 2 - g.padding, derivative, ..outer };
            let values = winograd_to(Vec::new(), gated, &transformed, Epilogue::default(), None);
            let what = format!("{name} {precision:?} gradient to the input {g:?}");
            match precision {
                Precision::F32 => {
                    assert_within(WINOGRAD, &values, &(x_gradient.clone(), largest(&x_magnitude)), &what);
                }
                Precision::Bf16 => {
                    assert_near(&values, (&x_gradient, &x_magnitude), &x_counts, &what);
                }
            }
        }
        let values = winograd_weight_gradient(level, F32, source, outer);
        let what = format!("{name} gradient to the weights {g:?}");
        assert_within(WINOGRAD, &values, &(w_gradient.clone(), largest(&w_magnitude)), &what);
        let values = winograd_weight_gradient(level, Bf16, source, outer);
        assert_near(&values, (&w_gradient, &w_magnitude), &w_counts, &format!("{what}, bf16"));
    }
}

/// Error of minimal filtering, relative to the largest sum of absolute products.
const WINOGRAD: f64 = 1e-5;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn minimal_filtering_equals_the_definition(
        batch in 0usize..3,
        size in [1usize..14, 1usize..14],
        input in 1usize..37,
        output in 1usize..75,
        padding in 0usize..3,
    ) {
        prop_assume!(size.iter().all(|side| side + 2 * padding >= 3));
        check_winograd(&geometry([batch, size[0], size[1], input], output, [3; 2], [1, padding, 1]));
    }
}

#[test]
fn minimal_filtering_of_real_layers_equals_the_definition() {
    for (x, output) in [([1, 25, 23, 64], 64), ([2, 12, 12, 130], 67), ([1, 4, 40, 48], 48)] {
        check_winograd(&geometry(x, output, [3; 2], [1, 1, 1]));
    }
}

/// Sums of few channels are made by tiles, those of many by points; both in memory that held something else before.
#[test]
fn minimal_filtering_depends_neither_on_the_number_of_threads_nor_on_what_was_before() {
    for [batch, side, input, output] in [[2, 37, 19, 70], [1, 9, 150, 151]] {
        let size = [batch, side, side, input];
        let x = noise(size.iter().product(), 1);
        let gradient = noise(batch * side * side * output, 2);
        let weight = noise(output * input * 9, 3);
        let source = Pixels { values: &x, size, padding: 1, derivative: None };
        let outer =
            Pixels { values: &gradient, size: [batch, side, side, output], padding: 0, derivative: None };
        let broken = vec![f32::NAN; gradient.len()];
        for (level, precision) in
            Level::available().into_iter().flat_map(|level| [(level, F32), (level, Bf16)])
        {
            let run = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let transformed = Transformed::forward(level, precision, &weight, [output, input]);
                    let forward = winograd_to(Vec::new(), source, &transformed, Epilogue::default(), None);
                    winograd_weight_gradient(level, precision, source, Pixels { values: &broken, ..outer });
                    [forward, winograd_weight_gradient(level, precision, source, outer)]
                })
            };
            let one = run(1);
            assert!(one.iter().flatten().all(|value| value.is_finite()), "{level:?}");
            assert_eq!(one, run(2), "two threads");
            assert_eq!(one, run(5), "five threads");
        }
    }
}

#[test]
fn bf16_means_the_same_at_all_levels() {
    for [input, output] in [[33, 40], [64, 64]] {
        let size = [1, 18, 17, input];
        let x = noise(size.iter().product(), 1);
        let weight = noise(output * input * 9, 2);
        let pixels = Pixels { values: &x, size, padding: 1, derivative: None };
        let run = |level, precision| {
            let transformed = Transformed::forward(level, precision, &weight, [output, input]);
            winograd_to(Vec::new(), pixels, &transformed, Epilogue::default(), None)
        };
        let apart = |a: &[f32], b: &[f32]| {
            let squares =
                |values: &mut dyn Iterator<Item = f32>| values.map(|v| f64::from(v * v)).sum::<f64>();
            let difference = squares(&mut a.iter().zip(b).map(|(a, b)| a - b));
            (difference / squares(&mut b.iter().copied())).sqrt()
        };
        let exact = run(Level::Portable, Precision::F32);
        let expected = run(Level::Portable, Precision::Bf16);
        let rounding = apart(&expected, &exact);
        for level in Level::available() {
            let values = run(level, Precision::Bf16);
            // In the middle of two bf16, fused multiply-adds may turn a transformed number to the other one.
            assert!(apart(&values, &expected) < 0.01 * rounding, "{level:?}");
            #[cfg(target_arch = "x86_64")]
            if level == Level::Avx512Bf16 {
                assert!(apart(&values, &run(Level::Avx512, Precision::Bf16)) < 1e-6);
            }
        }
    }
}
