//! Student's t distribution, as far as intervals need it.

use std::f64::consts::FRAC_PI_2;

/// What a normal interval of 95 % reaches, in standard errors.
pub const NORMAL: f64 = 1.959_963_984_540_054;

/// What an interval of 95 % reaches where the standard error was estimated with `freedom ≥ 1` degrees of freedom
/// (Student, "The probable error of a mean", 1908).
pub fn reach(freedom: f64) -> f64 {
    const SLICES: usize = 2_000;
    let freedom = freedom.clamp(1.0, 1e5);
    // With t = √ν tan θ the density becomes cos θ to the power of ν − 1. All of its mass lies below this angle.
    let last = (20.0 / freedom.sqrt()).min(FRAC_PI_2);
    let width = last / SLICES as f64;
    let mass = |slice: usize| ((slice as f64 + 0.5) * width).cos().powf(freedom - 1.0);
    let mut left = 0.95 * (0..SLICES).map(mass).sum::<f64>();
    for slice in 0..SLICES {
        let mass = mass(slice);
        if mass >= left {
            let angle = (slice as f64 + left / mass) * width;
            return freedom.sqrt() * angle.tan();
        }
        left -= mass;
    }
    NORMAL
}
