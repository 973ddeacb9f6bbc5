//! What single channels of the frozen network answer to one photo.

use burn::tensor::{Tensor, TensorData};
use percept_conv::Device;
use percept_image::{Image, Srgb};
use percept_nn::weights::WeightStore;

use super::folder::Selected;
use crate::page::picture;

/// Channels that are shown at each end.
const SHOWN: usize = 4;
/// Longest side of a map on the page.
const SIDE: usize = 96;

/// A photo, or a part of it, as target and as input.
pub(super) struct Part {
    pub(super) name: String,
    pub(super) target: Image<Srgb>,
    pub(super) input: Image<Srgb>,
}

/// The channels at both ends of one tap's selection.
pub(super) struct TapResponses {
    /// Most selected first.
    pub(super) most: Vec<Response>,
    /// Least selected first.
    pub(super) least: Vec<Response>,
}

/// One channel.
pub(super) struct Response {
    pub(super) channel: usize,
    pub(super) weight: f64,
    /// Pictures of its response to the target and to the input; `None` where it answers to neither.
    pub(super) maps: Option<[String; 2]>,
}

/// Channels by weight, the largest first.
pub(super) fn ranked(weights: &[f32]) -> Vec<usize> {
    let weight = |channel: usize| weights.get(channel).copied().unwrap_or(0.0);
    let mut channels: Vec<usize> = (0..weights.len()).collect();
    channels.sort_by(|a, b| weight(*b).total_cmp(&weight(*a)));
    channels
}

/// The responses of every tap of the selection as it stands, in its order; otherwise why there are none.
pub(super) fn responses(
    selected: &Selected,
    part: &Part,
    store: &WeightStore,
    device: &Device,
) -> Result<Vec<TapResponses>, String> {
    let moment = &selected.last;
    let taps: Vec<String> = moment.taps.iter().map(|tap| tap.name.clone()).collect();
    let backbone = selected.backbone.init(&taps, store, device).map_err(|error| error.to_string())?;
    let (width, height) = part.target.size();
    if width.min(height) < backbone.min_side() {
        return Err(format!("the photo {} is too small for {}", part.name, backbone.name()));
    }
    let features = |image: &Image<Srgb>| {
        let data = TensorData::new(image.data().to_vec(), [1, height, width, 3]);
        backbone.features(Tensor::from_data(data, device)).into_iter().map(Maps::new).collect::<Vec<_>>()
    };
    let (targets, inputs) = (features(&part.target), features(&part.input));
    let taps = moment.taps.iter().zip(targets.iter().zip(&inputs)).map(|(tap, (target, input))| {
        if tap.weights.len() != target.channels {
            let (weights, channels) = (tap.weights.len(), target.channels);
            return Err(format!("{} has {channels} channels, the log {weights} weights", tap.name));
        }
        let response = |channel: usize| Response {
            channel,
            weight: f64::from(tap.weights.get(channel).copied().unwrap_or(0.0)),
            maps: pictures(target, input, channel),
        };
        let ranked = ranked(&tap.weights);
        Ok(TapResponses {
            most: ranked.iter().take(SHOWN).map(|channel| response(*channel)).collect(),
            least: ranked.iter().rev().take(SHOWN).map(|channel| response(*channel)).collect(),
        })
    });
    taps.collect()
}

/// Features of one image at one tap, `[height, width, channels]`.
struct Maps {
    values: Vec<f32>,
    width: usize,
    channels: usize,
}

impl Maps {
    fn new(features: Tensor<4>) -> Self {
        let [_, _, width, channels] = features.dims();
        Self { values: features.into_data().iter::<f32>().collect(), width, channels }
    }

    fn channel(&self, channel: usize) -> Vec<f32> {
        self.values.iter().skip(channel).step_by(self.channels.max(1)).copied().collect()
    }
}

/// Both maps of a channel in the same shades: black is the smallest value of the two, white nearly the largest.
fn pictures(target: &Maps, input: &Maps, channel: usize) -> Option<[String; 2]> {
    let (a, b) = (target.channel(channel), input.channel(channel));
    let mut all: Vec<f32> = a.iter().chain(&b).copied().filter(|value| value.is_finite()).collect();
    all.sort_by(f32::total_cmp);
    // A single peak must not leave the rest black.
    let white = all.get((all.len() as f64 * 0.995) as usize).copied()?.max(all.last().copied()? * 0.2);
    let black = all.first().copied()?;
    let range = white - black;
    if range.is_nan() || range <= 1e-6 {
        return None;
    }
    let draw = |map: Vec<f32>| {
        let map: Vec<f32> = map.into_iter().map(|value| (value - black) / range).collect();
        let (map, size) = shrunk(&map, target.width);
        picture::grey(&map, size)
    };
    Some([draw(a), draw(b)])
}

/// Means of blocks, so that no side is longer than [`SIDE`].
fn shrunk(map: &[f32], width: usize) -> (Vec<f32>, (usize, usize)) {
    let height = map.len() / width.max(1);
    let block = width.max(height).div_ceil(SIDE).max(1);
    let (w, h) = ((width / block).max(1), (height / block).max(1));
    let mean = |x: usize, y: usize| {
        let pixels =
            (0..block).flat_map(|dy| (0..block).map(move |dx| (y * block + dy) * width + x * block + dx));
        let (sum, count) = pixels
            .filter_map(|at| map.get(at))
            .fold((0.0, 0.0f32), |(sum, count), value| (sum + value.clamp(0.0, 1.0), count + 1.0));
        sum / count.max(1.0)
    };
    let means = (0..h).flat_map(|y| (0..w).map(move |x| (x, y))).map(|(x, y)| mean(x, y)).collect();
    (means, (w, h))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_maps_become_means_of_blocks() {
        let map: Vec<f32> = (0..200 * 100).map(|at| if at % 200 < 100 { 0.0 } else { 1.0 }).collect();
        let (small, size) = shrunk(&map, 200);
        assert_eq!(size, (66, 33));
        assert_eq!((small[0], small[65], small.len()), (0.0, 1.0, 66 * 33));
    }

    #[test]
    fn channels_are_ranked_by_weight() {
        assert_eq!(ranked(&[0.5, 2.0, 1.0]), [1, 2, 0]);
    }

    #[test]
    fn a_channel_that_never_answers_has_no_picture() {
        let maps = |values: Vec<f32>| Maps { values, width: 2, channels: 2 };
        let (target, input) = (maps(vec![0.0, 1.0, 0.0, 2.0]), maps(vec![0.0; 4]));
        assert!(pictures(&target, &input, 0).is_none());
        assert!(pictures(&target, &input, 1).is_some());
    }
}
