//! Functions of single numbers that need powers of e.

use std::mem::MaybeUninit;

use super::Level;
use super::fill::filled_by;
use super::level::Kernel;
use super::simd::Simd;

/// Numbers of one task.
const CHUNK: usize = 1 << 14;

/// A function of single numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    /// `σ(x) = 1 / (1 + e⁻ˣ)`.
    Sigmoid,
    /// `x · σ(x)`.
    Silu,
    /// `x · tanh(ln(1 + eˣ))`.
    Mish,
}

/// The curve of every number of `x`.
pub(crate) fn curved(level: Level, curve: Curve, x: &[f32]) -> Vec<f32> {
    let each = [x, x];
    // A loop for each curve: a choice inside of it would not become vector instructions.
    match curve {
        Curve::Sigmoid => paired(level, each, |[x, _]| sigmoid(x)),
        Curve::Silu => paired(level, each, |[x, _]| x * sigmoid(x)),
        Curve::Mish => paired(level, each, |[x, _]| x * tanh_softplus(x)),
    }
}

/// `gradient` times the slope of the curve at every number of `x`.
pub(crate) fn curved_gradient(level: Level, curve: Curve, x: &[f32], gradient: &[f32]) -> Vec<f32> {
    let each = [x, gradient];
    match curve {
        Curve::Sigmoid => paired(level, each, |[x, gradient]| gradient * sigmoid(x) * sigmoid(-x)),
        Curve::Silu => paired(level, each, |[x, gradient]| gradient * sigmoid(x) * (1.0 + x * sigmoid(-x))),
        Curve::Mish => paired(level, each, |[x, gradient]| {
            let value = tanh_softplus(x);
            gradient * (value + x * (1.0 - value) * (1.0 + value) * sigmoid(x))
        }),
    }
}

/// `a + share · b` of every pair.
pub(crate) fn summed(level: Level, a: &[f32], b: &[f32], share: f32) -> Vec<f32> {
    paired(level, [a, b], |[a, b]| a + share * b)
}

/// What [`sigmoid_gated`] multiplies: `(x + own · by) · (σ(by) − shift)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SigmoidGate {
    pub(crate) own: f32,
    pub(crate) shift: f32,
}

/// The gate of every pair of `x` and `by`.
pub(crate) fn sigmoid_gated(level: Level, x: &[f32], by: &[f32], gate: SigmoidGate) -> Vec<f32> {
    let SigmoidGate { own, shift } = gate;
    paired(level, [x, by], |[x, by]| (x + own * by) * (sigmoid(by) - shift))
}

/// The gradients of [`sigmoid_gated`] to `x` and to `by`.
pub(crate) fn sigmoid_gated_gradient(
    level: Level,
    [x, by]: [&[f32]; 2],
    gradient: &[f32],
    SigmoidGate { own, shift }: SigmoidGate,
) -> [Vec<f32>; 2] {
    let to_x = sigmoid_gated(level, gradient, by, SigmoidGate { own: 0.0, shift });
    let inner = paired(level, [x, by], |[x, by]| {
        own * (sigmoid(by) - shift) + (x + own * by) * sigmoid(by) * sigmoid(-by)
    });
    [to_x, paired(level, [&inner, gradient], |[inner, gradient]| inner * gradient)]
}

/// A number from every pair of `sources`.
fn paired(level: Level, sources: [&[f32]; 2], of: impl Fn([f32; 2]) -> f32 + Copy + Sync + Send) -> Vec<f32> {
    let [a, b] = sources;
    assert!(a.len() == b.len(), "numbers without a partner");
    let task = |(index, out): (usize, &mut [_])| {
        let [a, b] = [a, b].map(|all| &all[index * CHUNK..][..out.len()]);
        // SAFETY: a level exists only where it is available; the slices are equally long.
        unsafe { level.run(Paired { a, b, of, out }) }
    };
    // SAFETY: all of each chunk is written.
    unsafe { filled_by(Vec::new(), a.len(), CHUNK, task).0 }
}

/// A plain loop, which is compiled with the instructions of the level.
struct Paired<'a, F> {
    a: &'a [f32],
    b: &'a [f32],
    of: F,
    out: &'a mut [MaybeUninit<f32>],
}

impl<F: Fn([f32; 2]) -> f32> Kernel for Paired<'_, F> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for (out, (a, b)) in self.out.iter_mut().zip(self.a.iter().zip(self.b)) {
            out.write((self.of)([*a, *b]));
        }
    }
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    let power = exp(-x.abs());
    (if x > 0.0 { 1.0 } else { power }) / (1.0 + power)
}

/// `tanh(ln(1 + eˣ))`, by powers of e that are at most 1.
#[inline(always)]
fn tanh_softplus(x: f32) -> f32 {
    let power = exp(-x.abs());
    let positive = x > 0.0;
    let above = if positive { 1.0 + 2.0 * power } else { power * (power + 2.0) };
    let square = if positive { power * power } else { 1.0 };
    above / (above + 2.0 * square)
}

/// `eˣ` for `x ≤ 0`, within 2 units of the last place above 1e-37, 0 below; in a form that becomes vector instructions.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // Adding it leaves the nearest whole number in the last bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts, the first with few enough bits that products with small whole numbers are exact.
    const HIGH: f32 = 0.693_359_4;
    const LOW: f32 = -2.121_944_4e-4;
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let whole = rounded - ROUND;
    let rest = x - whole * HIGH - whole * LOW;
    // Taylor's polynomial of degree 7 on [−ln 2 / 2, ln 2 / 2].
    let mut value = 1.0 / 5040.0;
    for factor in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        value = value * rest + factor;
    }
    let power = f32::from_bits((rounded.to_bits() << 23).wrapping_add(1.0f32.to_bits()));
    // What is not a number comes through.
    if x < -85.0 { 0.0 } else { value * power }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_e_are_right_to_the_last_digits() {
        for i in 0..85_000 {
            let x = -(i as f32) / 1000.0;
            let (power, expected) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((power - expected).abs() <= 2.4e-7 * expected, "{x}: {power} for {expected}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-1e9), 0.0);
        assert!(exp(f32::NAN).is_nan());
    }

    /// By the definitions, and slopes by differences, in double precision.
    #[test]
    fn curves_and_slopes_are_those_of_the_definitions_at_all_levels() {
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let curves: [(Curve, &dyn Fn(f64) -> f64); 3] = [
            (Curve::Sigmoid, &sigmoid),
            (Curve::Silu, &|x| x * sigmoid(x)),
            (Curve::Mish, &|x| x * x.exp().ln_1p().tanh()),
        ];
        // More than a chunk, and an end that is no whole vector.
        let x: Vec<f32> = (0..CHUNK as i32 + 77).map(|i| (i - CHUNK as i32 / 2) as f32 / 400.0).collect();
        let gradient: Vec<f32> = x.iter().map(|x| 0.5 + (7.0 * x).sin()).collect();
        for level in Level::available() {
            for (curve, of) in curves {
                let values = curved(level, curve, &x);
                let slopes = curved_gradient(level, curve, &x, &gradient);
                for (i, x) in x.iter().enumerate() {
                    let (x, what) = (f64::from(*x), format!("{level:?} {curve:?} at {x}"));
                    let expected = of(x);
                    assert!(
                        (f64::from(values[i]) - expected).abs() < 1e-6 * expected.abs().max(1.0),
                        "{what}"
                    );
                    let slope = (of(x + 1e-5) - of(x - 1e-5)) / 2e-5 * f64::from(gradient[i]);
                    assert!((f64::from(slopes[i]) - slope).abs() < 2e-6, "{what}: {} for {slope}", slopes[i]);
                }
                let odd = curved(level, curve, &[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 200.0, -200.0]);
                assert!(
                    odd[0].is_nan() && odd[3].is_finite() && odd[4] == 0.0,
                    "{level:?} {curve:?}: {odd:?}"
                );
            }
        }
    }

    #[test]
    fn gates_and_their_gradients_are_those_of_the_definition() {
        let number = |i: usize, of: usize| ((i * 7 + of * 13) % 29) as f32 / 5.0 - 3.0;
        let [x, by, outer]: [Vec<f32>; 3] =
            std::array::from_fn(|of| (0..101).map(|i| number(i, of)).collect());
        let kind = SigmoidGate { own: 0.7, shift: 0.5 };
        let gate = |x: f64, by: f64| (x + 0.7 * by) * (1.0 / (1.0 + (-by).exp()) - 0.5);
        for level in Level::available() {
            let values = sigmoid_gated(level, &x, &by, kind);
            let [to_x, to_by] = sigmoid_gated_gradient(level, [&x, &by], &outer, kind);
            for i in 0..x.len() {
                let [x, by, outer] = [x[i], by[i], outer[i]].map(f64::from);
                let slope_x = (gate(x + 1e-5, by) - gate(x - 1e-5, by)) / 2e-5 * outer;
                let slope_by = (gate(x, by + 1e-5) - gate(x, by - 1e-5)) / 2e-5 * outer;
                for (value, expected) in [(values[i], gate(x, by)), (to_x[i], slope_x), (to_by[i], slope_by)]
                {
                    assert!(
                        (f64::from(value) - expected).abs() < 3e-6,
                        "{level:?} {i}: {value} for {expected}"
                    );
                }
            }
        }
    }
}
