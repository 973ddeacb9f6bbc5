//! How an image is cut into windows.

/// Windows of an image whose pixels look at each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Windows {
    /// Height and width of a window; the image's sides are multiples of them.
    pub size: [usize; 2],
    /// By how many pixels windows are moved down and to the right; smaller than a window. What leaves the image enters it at
    /// the opposite edge.
    pub shift: [usize; 2],
    /// What is added to the similarity of two pixels that such a move has brought together: a large negative number.
    pub apart: f64,
}

impl Windows {
    /// Pixels of a window.
    pub fn pixels(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Whether windows at the lower and at the right edge of the image have pixels of both sides of it.
    pub(crate) fn joins(&self, lower: bool, right: bool) -> [bool; 2] {
        [lower && self.shift[0] > 0, right && self.shift[1] > 0]
    }

    /// For every pixel of a window, whether it entered the image again: at the upper and at the left edge.
    pub fn sides(&self, joins: [bool; 2]) -> Vec<[bool; 2]> {
        let [height, width] = self.size;
        let side = |pixel: usize| {
            let (y, x) = (pixel / width, pixel % width);
            [joins[0] && y >= height - self.shift[0], joins[1] && x >= width - self.shift[1]]
        };
        (0..self.pixels()).map(side).collect()
    }

    /// What is added for pixels that are apart in an image of this height and width: `[windows, pixels, pixels]`.
    pub fn mask(&self, image: [usize; 2]) -> Vec<f32> {
        let [down, across] = [image[0] / self.size[0], image[1] / self.size[1]];
        let window = |index: usize| {
            let sides = self.sides(self.joins(index / across + 1 == down, index % across + 1 == across));
            let pairs = sides.iter().flat_map(|a| sides.iter().map(move |b| a == b));
            pairs.map(|together| if together { 0.0 } else { self.apart as f32 }).collect::<Vec<_>>()
        };
        (0..down * across).flat_map(window).collect()
    }
}
