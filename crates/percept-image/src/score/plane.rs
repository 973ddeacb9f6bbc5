//! One channel of numbers in double precision.

use super::Channels;
use crate::{Image, Srgb};

/// `width × height` values, rows from the top.
#[derive(Clone)]
pub(super) struct Plane {
    pub width: usize,
    pub height: usize,
    pub data: Vec<f64>,
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

    /// Half the size: means of 2×2 blocks; an odd last row or column is its own second one.
    pub fn halved(&self) -> Self {
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        let mut data = Vec::with_capacity(width * height);
        for y in 0..height {
            let (top, bottom) = (self.row(2 * y), self.row((2 * y + 1).min(self.height - 1)));
            for x in 0..width {
                let (left, right) = (2 * x, (2 * x + 1).min(self.width - 1));
                data.push((top[left] + top[right] + bottom[left] + bottom[right]) / 4.0);
            }
        }
        Self { width, height, data }
    }

    pub fn row(&self, y: usize) -> &[f64] {
        &self.data[y * self.width..(y + 1) * self.width]
    }
}
