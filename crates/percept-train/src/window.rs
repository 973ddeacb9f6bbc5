//! The part of each crop that the losses compare.

use burn::tensor::Tensor;
use percept_image::rng_for;
use rand::RngExt;

/// The place of this chance beside the samples of a step.
const PLACE: u64 = u64::MAX - 1;

/// A part of the crops, `jitter` pixels smaller than they are, at one of `jitter` × `jitter` places.
///
/// Frozen networks and discriminators see an image on a grid of their own, by their pooling and strides. A network that ends
/// in a pixel shuffle of the same period could learn to draw that grid where a loss is blind to it, and not where the window
/// is elsewhere in each step: the idea is that of jitter in pictures of what a network likes (Mordvintsev et al.,
/// *Inceptionism*, 2015; Odena et al., *Deconvolution and Checkerboard Artifacts*, 2016, on artifacts of gradients).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    smaller: usize,
    corner: [usize; 2],
}

impl Window {
    /// That of step `iter`; all of the crops where `jitter` is 0.
    pub(crate) fn draw(jitter: usize, seed: u64, iter: u64) -> Self {
        let mut rng = rng_for(seed, iter, PLACE);
        Self { smaller: jitter, corner: std::array::from_fn(|_| rng.random_range(0..jitter.max(1))) }
    }

    /// `[N, H, W, C]` → `[N, H − jitter, W − jitter, C]`.
    pub(crate) fn of(self, crops: Tensor<4>) -> Tensor<4> {
        if self.smaller == 0 {
            return crops;
        }
        let [n, height, width, c] = crops.dims();
        let [top, left] = self.corner;
        crops.slice([
            0..n,
            top..top + height.saturating_sub(self.smaller),
            left..left + width.saturating_sub(self.smaller),
            0..c,
        ])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use burn::tensor::{Device, Int};

    use super::*;

    #[test]
    fn all_places_come_and_the_window_is_a_part() {
        let crops = Tensor::<1, Int>::arange(0..64, &Device::flex()).float().reshape([1, 8, 8, 1]);
        let first = |iter| {
            let part = Window::draw(4, 7, iter).of(crops.clone());
            assert_eq!(part.dims(), [1, 4, 4, 1]);
            let values: Vec<f32> = part.into_data().try_into_vec_as().unwrap();
            assert_eq!(values[15] - values[0], 27.0, "three rows and three columns further on");
            values[0] as usize
        };
        let places: BTreeSet<_> = (0..200).map(first).collect();
        let all: BTreeSet<_> = (0..4).flat_map(|y| (0..4).map(move |x| 8 * y + x)).collect();
        assert_eq!(places, all);
        assert_eq!(Window::draw(4, 7, 3), Window::draw(4, 7, 3));
        assert_eq!(Window::draw(0, 7, 3).of(crops.clone()).dims(), [1, 8, 8, 1]);
    }
}
