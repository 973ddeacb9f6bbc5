//! What an architecture knows of itself.

use std::collections::BTreeSet;

use burn::tensor::Tensor;

use super::border::{Border, Edges};
use super::init::Init;
use crate::onnx::{Graph, Value};
use crate::weights::StateDict;

/// The settings of an architecture, and all that is known of networks of its kind. It stands in one file, `network/NAME.rs`;
/// a line of the table in `table.rs` makes it known to configs, to the command line and to model files.
pub(crate) trait Architecture: Clone + Default {
    /// The network that these settings make.
    type Network: Transform;

    /// What it is, in a line of a listing.
    const ABOUT: &'static str;
    /// How many times it can enlarge.
    const SCALES: &'static [usize];

    /// Whether these numbers make a network.
    fn check(&self) -> Result<(), Unfit>;

    /// Whether such a network can enlarge so many times, which is one of `SCALES`.
    fn check_scale(&self, scale: usize) -> Result<(), Unfit> {
        let _ = scale;
        Ok(())
    }

    /// The network with initial weights. It reads `in_channels` channels and writes 3, or 1 where it reads 1, `scale` times
    /// larger.
    fn init(&self, scale: usize, in_channels: usize, init: &Init) -> Self::Network;

    /// What cutting an image into tiles has to know.
    fn extent(&self, scale: usize) -> Extent;

    /// Tiles that start at multiples of it are computed as the whole image is, where that is more than what
    /// [`extent`](Self::extent) says.
    fn alignment(&self) -> usize {
        1
    }

    /// Published weights under the names that percept's network has; what it does not know stays as it is.
    fn with_our_names(state: StateDict) -> StateDict {
        state
    }

    /// These settings with the sizes that `state` has, which are under our names. What weights do not show stays, and so
    /// does what they should show and do not: applying them to the network will say what is missing.
    fn fitted(&self, state: &StateDict) -> Self;

    /// How many times a network of these weights, which are under our names, enlarges; `None` where they do not show it.
    /// Only of networks that read photos.
    fn scale(&self, state: &StateDict) -> Option<usize>;

    /// Channels that a network of these weights, which are under our names, reads of a photo: 3, or 1 where it knows no
    /// colour.
    fn in_channels(&self, state: &StateDict) -> usize {
        let _ = state;
        3
    }

    /// How a photo whose sides do not fit is continued: to multiples of `multiple`, which is that of
    /// [`extent`](Self::extent).
    fn border(&self, multiple: usize) -> Border {
        Border::to_multiple(multiple, Edges::Mirrored)
    }

    /// These settings with all defaults written out.
    fn completed(&self) -> Self {
        self.clone()
    }

    /// The settings of what [`Transform::saved`] writes.
    fn as_saved(&self) -> Self {
        self.clone()
    }

    /// What these settings, [`fitted`](Self::fitted) from `asked`, take for granted though results depend on it and weights
    /// do not show it, and what to do if that is wrong.
    fn assumption(&self, asked: &Self) -> Option<String> {
        let _ = asked;
        None
    }
}

/// A network in use.
pub(crate) trait Transform {
    /// `[N, H, W, in]` → `[N, H·scale, W·scale, 3]`, or 1 channel where `in` is 1.
    fn forward(&self, x: Tensor<4>) -> Tensor<4>;

    /// [`forward`](Self::forward) where means over the image come from `pool`; `None` when it stops. For networks that take
    /// such means.
    fn forward_pooled(&self, x: Tensor<4>, pool: &mut Pool<'_>) -> Option<Tensor<4>> {
        let _ = pool;
        Some(self.forward(x))
    }

    /// [`forward`](Self::forward) as a graph that other tools run, from `x`, `[N, in, H, W]` with sides that are multiples of
    /// [`Extent::multiple`], to what [`forward`](Self::forward) gives.
    fn draw(&self, graph: &mut Graph, x: &Value) -> Value;

    /// The parameters, `state`, as they are saved so that other tools open them: with what follows from them and stands beside
    /// them in the authors' files, under the names that are read there. [`Architecture::with_our_names`] takes it back.
    fn saved(&self, state: StateDict) -> StateDict {
        state
    }
}

/// Channels that a network writes which reads so many.
pub(super) fn made(in_channels: usize) -> usize {
    if in_channels == 1 { 1 } else { 3 }
}

/// 1 where the tensor `name` reads one channel, 3 elsewhere.
pub(super) fn read_by(state: &StateDict, name: &str) -> usize {
    let reads = state.get(name).and_then(|array| array.shape.get(1).copied());
    if reads == Some(1) { 1 } else { 3 }
}

/// What is taken for the mean over the image of what stands at every position; `None` stops the computation.
pub(crate) type Pool<'a> = dyn FnMut(Tensor<4>, &Mean) -> Option<Tensor<4>> + 'a;

/// A mean over all positions of something that is computed at each: `[N, H, W, C]` → `[N, 1, …]`. Means over parts of an image
/// add up by their shares.
pub(crate) type Mean = dyn Fn(Tensor<4>) -> Tensor<4>;

/// The mean over all positions itself: `[N, H, W, C]` → `[N, 1, 1, C]`.
pub(crate) fn mean(x: Tensor<4>) -> Tensor<4> {
    x.mean_dim(1).mean_dim(2)
}

/// A key whose value makes no network, and why.
pub(crate) type Unfit = (&'static str, String);

/// What cutting an image into tiles has to know about a network. Lengths are in pixels of the network's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Sides that are multiples of it need no padding, and tiles that start at multiples of it are computed as the
    /// whole image is.
    pub multiple: usize,
    /// What a tile has to read around itself so that its result is that of the whole image within half a level of 8
    /// bits: as far as the network sees, global pooling left aside, or as far as was measured to be enough.
    pub overlap: usize,
    /// Floats that are alive at the peak, for every pixel.
    pub floats: usize,
}

/// Deep residual networks see hundreds of pixels far on paper and a dozen in effect. Measured with initial weights, and
/// with weights grown up to four times until most of the result was cut off at 0 or 1: plain convolutions differ by 0.3 of a
/// level or less from this overlap on. Only networks that do nothing but amplify (every value cut off) differ more.
pub(super) const ENOUGH: usize = 32;

/// Refuses a number outside of `least..=most`.
pub(crate) fn within(key: &'static str, value: usize, least: usize, most: usize) -> Result<(), Unfit> {
    match (least..=most).contains(&value) {
        true => Ok(()),
        false => Err((key, format!("must be from {least} to {most}; it is {value}"))),
    }
}

/// Channels of features that a network may have: far more than anyone trains, far less than what exhausts memory.
pub(crate) const MOST_CHANNELS: usize = 4096;
/// Blocks of a kind that a network may have.
pub(super) const MOST_BLOCKS: usize = 1024;

/// What the tensor `name` has for each of its results, or `default` where there is none.
pub(super) fn results(state: &StateDict, name: &str, default: usize) -> usize {
    state.get(name).and_then(|array| array.shape.first().copied()).unwrap_or(default)
}

/// How many different places there are below `prefix`.
pub(super) fn places(state: &StateDict, prefix: &str) -> usize {
    let below = state.iter().filter_map(|(name, _)| name.strip_prefix(prefix)?.split('.').next());
    below.collect::<BTreeSet<_>>().len()
}

/// The highest number of a place below `prefix`, 0 where there is none.
pub(super) fn last_place(state: &StateDict, prefix: &str) -> usize {
    let number = |name: &str| name.strip_prefix(prefix)?.split('.').next()?.parse().ok();
    state.iter().filter_map(|(name, _)| number(name)).max().unwrap_or(0)
}

/// How many times a convolution and the pixel shuffle behind it enlarge, from so many channels to `channels`.
pub(super) fn shuffled(state: &StateDict, name: &str, channels: usize) -> Option<usize> {
    let all = *state.get(name)?.shape.first()?;
    let scale = all.checked_div(channels)?.isqrt();
    // Other numbers are those of another architecture.
    (scale > 0 && Some(all) == channels.checked_mul(scale * scale)).then_some(scale)
}
