//! Turning and mirroring images, and the mean over all ways to do so.

use burn::tensor::Tensor;

use super::tiling::{Span, Tile};

/// How often a network looks at an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ensemble {
    /// Once.
    #[default]
    One,
    /// Eight times: turned and mirrored in all ways, and the mean of what comes out, turned back. Lim et al., *Enhanced Deep
    /// Residual Networks for Single Image Super-Resolution*, 2017, call it self-ensemble; it takes eight times as long.
    Eight,
}

/// A way to turn an image: its axes exchanged or not, then each mirrored or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    exchanged: bool,
    upside_down: bool,
    mirrored: bool,
}

impl Ensemble {
    /// The ways, the image as it is first.
    pub(super) fn turns(self) -> Vec<Turn> {
        let count = match self {
            Self::One => 1,
            Self::Eight => 8,
        };
        let turn = |n: u32| Turn { exchanged: n & 4 != 0, upside_down: n & 2 != 0, mirrored: n & 1 != 0 };
        (0..count).map(turn).collect()
    }

    /// How often the network looks.
    pub fn count(self) -> usize {
        self.turns().len()
    }
}

impl Turn {
    /// `[N, H, W, C]`, turned.
    pub(super) fn apply(self, x: Tensor<4>) -> Tensor<4> {
        let x = if self.exchanged { x.swap_dims(1, 2) } else { x };
        self.flipped(x)
    }

    /// What [`apply`](Self::apply) turned, as it was.
    pub(super) fn undo(self, x: Tensor<4>) -> Tensor<4> {
        let x = self.flipped(x);
        if self.exchanged { x.swap_dims(1, 2) } else { x }
    }

    fn flipped(self, x: Tensor<4>) -> Tensor<4> {
        let x = if self.upside_down { x.flip([1]) } else { x };
        if self.mirrored { x.flip([2]) } else { x }
    }

    /// Where a tile's share lies in what it reads, once that is turned.
    pub(super) fn tile(self, tile: Tile) -> Tile {
        let flip = |span: Span, flipped: bool| match flipped {
            true => Span {
                from: span.reads[0] + span.reads[1] - span.to,
                to: span.reads[0] + span.reads[1] - span.from,
                reads: span.reads,
            },
            false => span,
        };
        let Tile { x, y } = if self.exchanged { Tile { x: tile.y, y: tile.x } } else { tile };
        Tile { x: flip(x, self.mirrored), y: flip(y, self.upside_down) }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData, s};

    use super::*;

    #[test]
    fn the_ways_differ_and_are_undone_and_tiles_turn_with_them() {
        let values: Vec<f32> = (0..6 * 4).map(|v| v as f32).collect();
        let x = Tensor::<4>::from_data(TensorData::new(values.clone(), [1, 6, 4, 1]), &Device::flex());
        let list = |x: Tensor<4>| x.into_data().try_into_vec_as::<f32>().unwrap();
        let (across, down) = (Span { from: 1, to: 3, reads: [0, 4] }, Span { from: 2, to: 3, reads: [0, 6] });
        let mut seen = Vec::new();
        for turn in Ensemble::Eight.turns() {
            let turned = turn.apply(x.clone());
            assert_eq!(list(turn.undo(turned.clone())), values);
            let Tile { x, y } = turn.tile(Tile { x: across, y: down });
            let mut share = list(turned.clone().slice(s![.., y.share(), x.share(), ..]));
            share.sort_by(f32::total_cmp);
            assert_eq!(share, [9.0, 10.0], "{turn:?}");
            seen.push((turned.dims(), list(turned)));
        }
        assert!((0..8).all(|i| (0..i).all(|j| seen[i] != seen[j])));
    }
}
