//! The edges of JPEG's blocks.

use super::luma;
use crate::{Image, Srgb};

/// Pixels of a block a side.
const BLOCK: usize = 8;
/// Steps beyond this are edges of what is shown.
const STEP: f32 = 12.0 / 255.0;
/// Fewer pixels a side than this say nothing.
const LEAST: usize = 64;

/// How much larger the steps between neighbouring pixels are at the edges of 8×8 blocks than within them, relative to those
/// within: below 0.03 for photos without compression, and for most 0.05 to 0.2 at quality 80 and 0.1 to 0.4 at quality 50;
/// where all is texture, it does not show. The idea is that of Wang, Sheikh and Bovik (*No-reference perceptual quality
/// assessment of JPEG compressed images*, ICIP 2002); here the grid may begin anywhere, as it does in a cropped picture,
/// strong edges are left out, and it has to show both along rows and along columns. `None` below 64 pixels a side, and where
/// the picture is flat.
pub fn blockiness(image: &Image<Srgb>) -> Option<f64> {
    let (width, height) = image.size();
    if width.min(height) < LEAST {
        return None;
    }
    let luma = luma(image);
    let across = steps(width, height, |x, y| (luma[y * width + x] - luma[y * width + x - 1]).abs());
    let down = steps(height, width, |y, x| (luma[y * width + x] - luma[(y - 1) * width + x]).abs());
    Some(excess(across)?.min(excess(down)?))
}

/// Mean step by its place in a block, `at` from 1 to below `length` along lines of which there are `lines`.
fn steps(length: usize, lines: usize, step: impl Fn(usize, usize) -> f32) -> [f64; BLOCK] {
    let (mut sums, mut counts) = ([0.0; BLOCK], [0_u64; BLOCK]);
    for line in 0..lines {
        for at in 1..length {
            let step = step(at, line);
            if step < STEP {
                sums[at % BLOCK] += f64::from(step);
                counts[at % BLOCK] += 1;
            }
        }
    }
    std::array::from_fn(|at| sums[at] / counts[at].max(1) as f64)
}

/// How far the largest mean is above the others, less what the second one is: in a picture without a grid any place may be a
/// little above.
fn excess(means: [f64; BLOCK]) -> Option<f64> {
    let mut sorted = means;
    sorted.sort_by(f64::total_cmp);
    let [rest @ .., second, first] = sorted;
    let mean = (rest.iter().sum::<f64>() + second) / (BLOCK - 1) as f64;
    // Less than a thirtieth of a level is rounding.
    (mean > 1e-4).then(|| ((first - mean) - (second - mean).max(0.0)) / mean)
}
