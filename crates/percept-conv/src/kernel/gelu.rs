//! The Gaussian error linear unit.

use std::f32::consts::{FRAC_1_SQRT_2, PI};
use std::mem::MaybeUninit;

use super::Level;
use super::exp::exp;
use super::fill::filled_by;
use super::level::Kernel;
use super::simd::Simd;

/// Numbers of one task.
const CHUNK: usize = 1 << 14;

/// `x · Φ(x)`, where `Φ` is the share of a normal distribution that lies below.
pub(crate) fn gelu(level: Level, x: &[f32]) -> Vec<f32> {
    let task = |(index, out): (usize, &mut [_])| {
        let x = &x[index * CHUNK..][..out.len()];
        // SAFETY: a level exists only where it is available.
        unsafe { level.run(Forward { x, out }) }
    };
    // SAFETY: all of every chunk is written.
    unsafe { filled_by(Vec::new(), x.len(), CHUNK, task).0 }
}

/// The gradient of [`gelu`] to `x`.
pub(crate) fn gelu_gradient(level: Level, x: &[f32], gradient: &[f32]) -> Vec<f32> {
    assert!(gradient.len() == x.len(), "wrong gradient");
    let task = |(index, out): (usize, &mut [_])| {
        let [x, gradient] = [x, gradient].map(|all| &all[index * CHUNK..][..out.len()]);
        // SAFETY: a level exists only where it is available.
        unsafe { level.run(Gradient { x, gradient, out }) }
    };
    // SAFETY: all of every chunk is written.
    unsafe { filled_by(Vec::new(), x.len(), CHUNK, task).0 }
}

/// Plain loops, which are compiled with the instructions of the level.
struct Forward<'a> {
    x: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Forward<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for (out, x) in self.out.iter_mut().zip(self.x) {
            out.write(x * below(*x, exp(-0.5 * x * x)));
        }
    }
}

struct Gradient<'a> {
    x: &'a [f32],
    gradient: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Gradient<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let height = 1.0 / (2.0 * PI).sqrt();
        for ((out, x), gradient) in self.out.iter_mut().zip(self.x).zip(self.gradient) {
            let bell = exp(-0.5 * x * x);
            out.write(gradient * (below(*x, bell) + x * bell * height));
        }
    }
}

/// `Φ(x)` within 1e-7; `bell` is `exp(−x²/2)`.
#[inline(always)]
fn below(x: f32, bell: f32) -> f32 {
    // erfc(z) = exp(−z²) · t · p(t) for z ≥ 0 and t = 1 / (1 + 0.28 z); p by least squares, within 1e-8.
    let t = 1.0 / (1.0 + 0.28 * FRAC_1_SQRT_2 * x.abs());
    let mut value = 0.419_802_65;
    for factor in [0.098_016_14, -1.057_144_8, 1.949_390_4, -1.087_042_7, 0.575_526_1, 0.101_452_22] {
        value = value * t + factor;
    }
    let beyond = 0.5 * value * t * bell;
    if x > 0.0 { 1.0 - beyond } else { beyond }
}
