//! One channel of numbers.

use rayon::prelude::*;

use super::Channels;
use crate::{Image, Srgb};

/// What is beyond the edge of a plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outside {
    /// Zeros.
    Zero,
    /// The nearest value inside.
    Edge,
}

/// From RGB to Y (luma of full range, BT.601), I and Q.
pub(super) const YIQ: [[f64; 3]; 3] =
    [[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]];

/// `width × height` values, rows from the top.
#[derive(Clone)]
pub(super) struct Plane<T = f64> {
    pub width: usize,
    pub height: usize,
    pub data: Vec<T>,
}

impl<T> Plane<T> {
    pub fn row(&self, y: usize) -> &[T] {
        &self.data[y * self.width..(y + 1) * self.width]
    }
}

impl Plane {
    /// The planes that a score compares.
    pub fn of(image: &Image<Srgb>, channels: Channels) -> Vec<Self> {
        let (width, height) = image.size();
        match channels {
            Channels::Y => {
                let data = image.luma().data().iter().map(|&v| f64::from(v)).collect();
                vec![Self { width, height, data }]
            }
            Channels::Rgb => (0..3)
                .map(|c| {
                    let data = image.data().iter().skip(c).step_by(3).map(|&v| f64::from(v)).collect();
                    Self { width, height, data }
                })
                .collect(),
        }
    }

    /// The weighted sum of an image's three channels.
    pub fn mixed(image: &Image<Srgb>, weights: [f64; 3]) -> Self {
        let (width, height) = image.size();
        let mut data = vec![0.0; width * height];
        let rows = image.data().par_chunks_exact(3 * width);
        data.par_chunks_exact_mut(width).zip(rows).for_each(|(row, pixels)| {
            for (value, pixel) in row.iter_mut().zip(pixels.as_chunks::<3>().0) {
                let [r, g, b] = pixel.map(f64::from);
                *value = weights[0] * r + weights[1] * g + weights[2] * b;
            }
        });
        Self { width, height, data }
    }

    /// BT.601 luma of full range, in levels of 255.
    pub fn luma(image: &Image<Srgb>) -> Self {
        Self::mixed(image, YIQ[0].map(|weight| 255.0 * weight))
    }

    /// The weighted sum of three planes of one size.
    pub fn sum([a, b, c]: &[Self; 3], weights: [f64; 3]) -> Self {
        let values = a.data.iter().zip(&b.data).zip(&c.data);
        let data = values.map(|((a, b), c)| weights[0] * a + weights[1] * b + weights[2] * c).collect();
        Self { width: a.width, height: a.height, data }
    }

    /// Three channels of range 255, which red, green and blue of range 1 give by a matrix.
    pub fn levels(planes: &[Self; 3], matrix: [[f64; 3]; 3]) -> [Self; 3] {
        matrix.map(|weights| Self::sum(planes, weights.map(|weight| 255.0 * weight)))
    }

    /// Half the size: means of 2×2 blocks; an odd last row or column has the one `outside` beside it.
    pub fn halved(&self, outside: Outside) -> Self {
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        let zeros = vec![0.0; self.width];
        let mut data = vec![0.0; width * height];
        data.par_chunks_exact_mut(width.max(1)).enumerate().for_each(|(y, out)| {
            let top = self.row(2 * y);
            let bottom = match (2 * y + 1 < self.height, outside) {
                (true, _) => self.row(2 * y + 1),
                (false, Outside::Edge) => top,
                (false, Outside::Zero) => &zeros,
            };
            let blocks = out.iter_mut().zip(top.chunks(2).zip(bottom.chunks(2)));
            for (value, (top, bottom)) in blocks {
                let second = |row: &[f64]| match (row, outside) {
                    ([_, second], _) => *second,
                    ([only], Outside::Edge) => *only,
                    _ => 0.0,
                };
                *value = (top[0] + second(top) + bottom[0] + second(bottom)) / 4.0;
            }
        });
        Self { width, height, data }
    }
}
