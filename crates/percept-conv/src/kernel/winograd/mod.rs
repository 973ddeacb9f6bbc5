//! 3×3 convolutions by minimal filtering: F(4×4, 3×3) of Lavin and Gray, *Fast Algorithms for Convolutional
//! Neural Networks*, 2015.
//!
//! A tile of 6×6 source pixels and the 3×3 weights are transformed to 36 points, where the convolution is a
//! product for each point; what comes back are 4×4 results. That takes 36 multiplications instead of 144.
//! The transforms run over vectors of channels, the products are 36 small matrix products. Results and source
//! exchanged, the same steps backwards are the gradient to the weights.
//!
//! Points can be kept as bf16, which makes two products of one instruction: [`slot`](super::slot) has both forms. Tiles of 2×2
//! results would lose less by it, but take 4 products a result instead of 2.25, and nothing would be won.
#![expect(clippy::needless_range_loop, reason = "constant indices keep the arrays in registers")]

mod convolve;
mod tile;
mod weight_gradient;
mod weights;

pub(crate) use convolve::winograd_to;
pub(crate) use tile::Pixels;
pub(crate) use weight_gradient::winograd_weight_gradient;
pub(crate) use weights::Transformed;

/// Side of the results of a tile.
const OUT: usize = 4;
/// Side of the source pixels of a tile.
const IN: usize = 6;
/// Numbers of a transformed tile.
const POINTS: usize = IN * IN;
/// Tiles in a buffer: a common multiple of the rows of all register tiles, such that what they become stays
/// in the second cache.
const TILES: usize = 48;
/// Numbers between the points of a buffer beyond what is needed, so that they fall into different sets of
/// the first cache.
const SHIFT: usize = 16;

/// Numbers from one point of a buffer of `channels` to the next.
fn stride(channels: usize) -> usize {
    TILES * channels + SHIFT
}
