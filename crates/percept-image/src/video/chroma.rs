//! Planes of colour with fewer samples than pixels.

/// Where the samples of colour lie among the pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chroma {
    /// One for every pixel.
    Full,
    /// One for four pixels, in their middle (JPEG, MPEG-1).
    Centre,
    /// One for four pixels, between the two on the left (MPEG-2, H.264).
    Left,
    /// One for four pixels, on the upper left one (DV, and H.265 of wide colours).
    TopLeft,
}

impl Chroma {
    /// By its name in a stream, with the bits of a sample.
    pub(super) fn named(name: &str) -> Option<(Self, u32)> {
        Some(match name {
            "420" | "420jpeg" => (Self::Centre, 8),
            "420mpeg2" => (Self::Left, 8),
            "420paldv" => (Self::TopLeft, 8),
            "444" => (Self::Full, 8),
            // Nothing is said of their places; those of H.264 are the rule.
            "420p10" => (Self::Left, 10),
            "444p10" => (Self::Full, 10),
            _ => return None,
        })
    }

    /// Whether samples lie on the first of two pixels: across, and down.
    fn on_pixels(self) -> [bool; 2] {
        [matches!(self, Self::Left | Self::TopLeft), self == Self::TopLeft]
    }

    /// One sample for every one of `width × height` pixels, by cubic interpolation.
    pub(super) fn spread(self, plane: &[f32], (width, height): (usize, usize)) -> Vec<f32> {
        if self == Self::Full {
            return plane.to_vec();
        }
        let [across, down] = self.on_pixels();
        let (few_wide, few_high) = (width.div_ceil(2), height.div_ceil(2));
        let mut wide = Vec::with_capacity(width * few_high);
        for row in plane.chunks_exact(few_wide) {
            wide.extend((0..width).map(|x| at(&|i| row[i], few_wide, x, across)));
        }
        let column = |x: usize, y: usize| at(&|i| wide[i * width + x], few_high, y, down);
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| column(x, y)).collect()
    }

    /// The samples of a plane of `width × height` pixels: means of those around each place.
    pub(super) fn gathered(self, plane: &[f32], (width, height): (usize, usize)) -> Vec<f32> {
        if self == Self::Full {
            return plane.to_vec();
        }
        let [across, down] = self.on_pixels();
        let (few_wide, few_high) = (width.div_ceil(2), height.div_ceil(2));
        let mut narrow = Vec::with_capacity(few_wide * height);
        for row in plane.chunks_exact(width) {
            narrow.extend((0..few_wide).map(|x| mean(&|i| row[i], width, x, across)));
        }
        let column = |x: usize, y: usize| mean(&|i| narrow[i * few_wide + x], height, y, down);
        (0..few_high).flat_map(|y| (0..few_wide).map(move |x| (x, y))).map(|(x, y)| column(x, y)).collect()
    }
}

/// The value at pixel `x` among `count` samples, half as dense (Keys' cubic with `a = −1/2`); the edge goes on.
fn at(sample: &dyn Fn(usize) -> f32, count: usize, x: usize, on_pixels: bool) -> f32 {
    // Eighths between two samples: 0 or 4 on pixels, 6 or 2 beside them.
    let (first, eighths) = match (on_pixels, x % 2) {
        (true, 0) => return sample(x / 2),
        (true, _) => (x as i64 / 2, 4),
        (false, 0) => (x as i64 / 2 - 1, 6),
        (false, _) => (x as i64 / 2, 2),
    };
    let weights = match eighths {
        4 => [-0.0625, 0.5625, 0.5625, -0.0625],
        6 => [-0.023_437_5, 0.226_562_5, 0.867_187_5, -0.070_312_5],
        _ => [-0.070_312_5, 0.867_187_5, 0.226_562_5, -0.023_437_5],
    };
    let last = count as i64 - 1;
    (-1..).zip(weights).map(|(step, weight)| weight * sample((first + step).clamp(0, last) as usize)).sum()
}

/// The sample at place `x` of half as many as there are pixels; the edge goes on.
fn mean(pixel: &dyn Fn(usize) -> f32, count: usize, x: usize, on_pixels: bool) -> f32 {
    let last = count - 1;
    match on_pixels {
        true => 0.25 * (pixel((2 * x).saturating_sub(1)) + 2.0 * pixel(2 * x) + pixel((2 * x + 1).min(last))),
        false => 0.5 * (pixel(2 * x) + pixel((2 * x + 1).min(last))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slope stays the same slope: so no place is off by a part of a pixel.
    #[test]
    fn slopes_stay_where_they_are() {
        for chroma in [Chroma::Full, Chroma::Centre, Chroma::Left, Chroma::TopLeft] {
            for size in [(24, 16), (23, 15)] {
                let slope: Vec<f32> = (0..size.1)
                    .flat_map(|y| (0..size.0).map(move |x| 0.02 * x as f32 - 0.03 * y as f32))
                    .collect();
                let back = chroma.spread(&chroma.gathered(&slope, size), size);
                for y in 5..size.1 - 5 {
                    for x in 5..size.0 - 5 {
                        let (got, right) = (back[y * size.0 + x], slope[y * size.0 + x]);
                        assert!(
                            (got - right).abs() < 1e-5,
                            "{chroma:?} {size:?} at {x}, {y}: {got} for {right}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn small_planes_have_edges_only() {
        for chroma in [Chroma::Centre, Chroma::Left, Chroma::TopLeft] {
            for size in [(1, 1), (2, 1), (1, 3), (3, 2)] {
                let back = chroma.spread(&chroma.gathered(&vec![0.5; size.0 * size.1], size), size);
                assert_eq!(back.len(), size.0 * size.1);
                assert!(back.iter().all(|value| (value - 0.5).abs() < 1e-6));
            }
        }
    }
}
