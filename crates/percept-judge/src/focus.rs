//! Where to look first: the square in which results differ most.

use percept_image::{Image, Srgb};

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) x: usize,
    pub(crate) y: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Window {
    /// What an image shows there.
    pub(crate) fn of(self, image: &Image<Srgb>) -> Image<Srgb> {
        image.crop(self.x, self.y, self.width, self.height)
    }

    /// A window of at most `side` pixels a side around the middle of this one, inside of `size`.
    pub(crate) fn grown(self, side: usize, (width, height): (usize, usize)) -> Self {
        let (w, h) = (side.min(width), side.min(height));
        let start = |middle: usize, length: usize, whole: usize| {
            middle.saturating_sub(length / 2).min(whole.saturating_sub(length))
        };
        let x = start(self.x + self.width / 2, w, width);
        let y = start(self.y + self.height / 2, h, height);
        Self { x, y, width: w, height: h }
    }
}

/// The square of `side` pixels in which images of one size differ most from each other, and how much they do: the mean
/// distance of a value from the mean of all images there.
pub(crate) fn focus(images: &[&Image<Srgb>], side: usize) -> (Window, f64) {
    let (width, height) = images.first().map_or((0, 0), |image| image.size());
    let (w, h) = (side.min(width), side.min(height));
    let sums = Sums::new(width, height, &disagreement(images));
    const STRIDE: usize = 4;
    let places = |length: usize, whole: usize| (0..=whole.saturating_sub(length)).step_by(STRIDE);
    let windows =
        places(h, height).flat_map(|y| places(w, width).map(move |x| Window { x, y, width: w, height: h }));
    let first = Window { x: 0, y: 0, width: w, height: h };
    let best = windows.max_by(|a, b| sums.over(*a).total_cmp(&sums.over(*b))).unwrap_or(first);
    let values = (3 * w * h * images.len()).max(1) as f64;
    (best, sums.over(best) / values)
}

/// How far the images lie from their own mean, summed up for every pixel.
fn disagreement(images: &[&Image<Srgb>]) -> Vec<f64> {
    let pixels = images.first().map_or(0, |image| image.width() * image.height());
    let count = images.len().max(1) as f32;
    let spread = |at: usize| -> f64 {
        let values = images.iter().filter_map(|image| image.data().get(at).copied());
        let mean = values.clone().sum::<f32>() / count;
        f64::from(values.map(|value| (value - mean).abs()).sum::<f32>())
    };
    (0..pixels).map(|pixel| (0..3).map(|c| spread(3 * pixel + c)).sum()).collect()
}

/// Sums over all rectangles that start at the upper left corner.
struct Sums {
    stride: usize,
    sums: Vec<f64>,
}

impl Sums {
    fn new(width: usize, height: usize, values: &[f64]) -> Self {
        let stride = width + 1;
        let mut sums = vec![0.0; stride * (height + 1)];
        for (y, row) in values.chunks(width.max(1)).enumerate() {
            let mut line = 0.0;
            for (x, value) in row.iter().enumerate() {
                line += value;
                sums[(y + 1) * stride + x + 1] = sums[y * stride + x + 1] + line;
            }
        }
        Self { stride, sums }
    }

    fn over(&self, window: Window) -> f64 {
        let at = |x: usize, y: usize| self.sums[y * self.stride + x];
        let (x0, y0) = (window.x, window.y);
        let (x1, y1) = (x0 + window.width, y0 + window.height);
        at(x1, y1) - at(x0, y1) - at(x1, y0) + at(x0, y0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_square_with_the_difference_is_found_and_stays_inside() {
        let grey = |at: Option<(usize, usize)>| {
            Image::<Srgb>::from_fn(60, 40, |x, y, _| match at {
                Some((cx, cy)) if x.abs_diff(cx) < 6 && y.abs_diff(cy) < 6 => 0.9,
                _ => 0.5,
            })
        };
        let focused = |spot, side| focus(&[&grey(None), &grey(spot)], side);
        let (found, differ) = focused(Some((48, 30)), 16);
        assert!(found.x <= 42 && found.x + 16 >= 54 && found.y <= 24 && found.y + 16 >= 36, "{found:?}");
        // 121 of 256 pixels are 0.4 apart, each 0.2 from the mean.
        assert!((differ - 0.2 * 121.0 / 256.0).abs() < 1e-4, "{differ}");
        assert_eq!(focused(None, 100), (Window { x: 0, y: 0, width: 60, height: 40 }, 0.0));
        let window = found.grown(32, (60, 40));
        assert_eq!((window.width, window.height), (32, 32));
        assert!(window.x + 32 <= 60 && window.y + 32 <= 40);
    }
}
