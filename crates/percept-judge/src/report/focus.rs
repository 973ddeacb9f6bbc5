//! Where to look first: the square in which the runs differ most.

use percept_image::{Image, Srgb};

use super::photos::Versions;

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Window {
    /// What an image shows there.
    pub(super) fn of(self, image: &Image<Srgb>) -> Image<Srgb> {
        image.crop(self.x, self.y, self.width, self.height)
    }

    /// A window of at most `side` pixels a side around the middle of this one, inside of `size`.
    pub(super) fn grown(self, side: usize, (width, height): (usize, usize)) -> Self {
        let (w, h) = (side.min(width), side.min(height));
        let start = |middle: usize, length: usize, whole: usize| {
            middle.saturating_sub(length / 2).min(whole.saturating_sub(length))
        };
        let x = start(self.x + self.width / 2, w, width);
        let y = start(self.y + self.height / 2, h, height);
        Self { x, y, width: w, height: h }
    }
}

/// The square of `side` pixels in which the results differ most from each other; of a single result, from the input.
pub(super) fn focus(versions: &Versions, side: usize) -> Window {
    let (width, height) = versions.target.size();
    let (w, h) = (side.min(width), side.min(height));
    let sums = Sums::new(width, height, &disagreement(versions));
    const STRIDE: usize = 4;
    let places = |length: usize, whole: usize| (0..=whole.saturating_sub(length)).step_by(STRIDE);
    let windows =
        places(h, height).flat_map(|y| places(w, width).map(move |x| Window { x, y, width: w, height: h }));
    let first = Window { x: 0, y: 0, width: w, height: h };
    let best = windows.max_by(|a, b| sums.over(*a).total_cmp(&sums.over(*b)));
    best.unwrap_or(first)
}

/// Mean distance of the results from their own mean, pixel by pixel.
fn disagreement(versions: &Versions) -> Vec<f64> {
    let compared: Vec<&Image<Srgb>> = match versions.runs.as_slice() {
        [single] => vec![single, &versions.input],
        several => several.iter().collect(),
    };
    let pixels = versions.target.width() * versions.target.height();
    let count = compared.len().max(1) as f32;
    let spread = |at: usize| -> f64 {
        let values = compared.iter().filter_map(|image| image.data().get(at).copied());
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
        let versions =
            |spot| Versions { input: grey(None), runs: vec![grey(None), grey(spot)], target: grey(None) };
        let found = focus(&versions(Some((48, 30))), 16);
        assert!(found.x <= 42 && found.x + 16 >= 54 && found.y <= 24 && found.y + 16 >= 36, "{found:?}");
        assert_eq!(focus(&versions(None), 100), Window { x: 0, y: 0, width: 60, height: 40 });
        let window = found.grown(32, (60, 40));
        assert_eq!((window.width, window.height), (32, 32));
        assert!(window.x + 32 <= 60 && window.y + 32 <= 40);
        let single = Versions { input: grey(None), runs: vec![grey(Some((10, 10)))], target: grey(None) };
        let found = focus(&single, 16);
        assert!(found.x <= 4 && found.y <= 4, "{found:?}");
    }
}
