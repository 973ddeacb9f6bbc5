//! What a browser shows of a photo and of its result: every pixel, in squares that are loaded as they come into sight.

use percept_image::resize::RowResizer;
use percept_image::{Depth, Head, Image, Metadata, Photo, Srgb, WriteError, encode_photo};
use serde_json::{Value, json};

/// Side of a square.
const SIDE: usize = 512;
/// The longest side of the whole at a glance.
const GLANCE: usize = 1400;
/// Up to so many pixels nothing is lost; larger ones would take too much memory that way.
const LOSSLESS: usize = 24_000_000;

/// Pictures for a browser, PNG or JPEG.
pub(crate) struct Views {
    /// The photo itself, upright.
    pub before: Vec<u8>,
    /// The whole result, small.
    pub glance: Vec<u8>,
    /// The result in squares, from the top left.
    pub squares: Vec<Vec<u8>>,
    columns: usize,
}

impl Views {
    pub fn bytes(&self) -> u64 {
        let all = self.squares.iter().chain([&self.before, &self.glance]);
        all.map(|picture| picture.len() as u64).sum()
    }

    /// For the page.
    pub fn told(&self) -> Value {
        json!({"side": SIDE, "columns": self.columns, "squares": self.squares.len()})
    }
}

/// What kind of picture this is.
pub(crate) fn kind(picture: &[u8]) -> &'static str {
    if picture.starts_with(&[0xff, 0xd8]) { "image/jpeg" } else { "image/png" }
}

/// A photo as a browser shows it: its colours and nothing else of the file.
pub(crate) fn before(photo: &Photo) -> Result<Vec<u8>, WriteError> {
    let shown = Photo {
        pixels: photo.pixels.clone(),
        alpha: photo.alpha.clone(),
        depth: Depth::Eight,
        grey: photo.grey,
        icc: photo.icc.clone(),
        metadata: colours_alone(&photo.metadata),
    };
    let (width, height) = photo.pixels.size();
    encode_photo(name(shown.alpha.is_some(), width * height), &shown)
}

fn colours_alone(metadata: &Metadata) -> Metadata {
    Metadata { colour: metadata.colour.clone(), ..Metadata::default() }
}

fn name(alpha: bool, pixels: usize) -> &'static str {
    if alpha || pixels <= LOSSLESS { "view.png" } else { "view.jpg" }
}

/// Makes the views of a result out of its rows.
pub(crate) struct Viewer {
    head: Head,
    columns: usize,
    /// Levels of the rows that have come and are in no square yet, and their opacities.
    colours: Vec<u8>,
    alpha: Vec<u8>,
    squares: Vec<Vec<u8>>,
    small: (usize, usize),
    resizer: RowResizer,
    glance: Vec<f32>,
}

impl Viewer {
    /// Of a result with this head.
    pub fn new(head: &Head) -> Self {
        let (width, height) = head.size;
        let share = (GLANCE as f64 / width.max(height).max(1) as f64).min(1.0);
        let side = |side: usize| ((side as f64 * share).round() as usize).max(1);
        let small = (side(width), side(height));
        Self {
            head: Head { depth: Depth::Eight, metadata: colours_alone(&head.metadata), ..head.clone() },
            columns: width.div_ceil(SIDE),
            colours: Vec::new(),
            alpha: Vec::new(),
            squares: Vec::new(),
            small,
            resizer: RowResizer::new::<Srgb>(head.size, small),
            glance: Vec::new(),
        }
    }

    /// The next row.
    pub fn push(&mut self, colours: &[f32], alpha: &[f32]) -> Result<(), WriteError> {
        let level = |value: &f32| (value.clamp(0.0, 1.0) * 255.0).round() as u8;
        self.colours.extend(colours.iter().map(level));
        self.alpha.extend(alpha.iter().map(level));
        let glance = &mut self.glance;
        self.resizer.push(colours, |row| {
            glance.extend(row.iter().map(|value| value.clamp(0.0, 1.0)));
            Ok::<_, WriteError>(())
        })?;
        match self.colours.len() >= SIDE * self.head.size.0 * 3 {
            true => self.cut(),
            false => Ok(()),
        }
    }

    /// The rows that have come, as squares.
    fn cut(&mut self) -> Result<(), WriteError> {
        let (width, height) = self.head.size;
        let rows = self.colours.len() / (3 * width).max(1);
        let file = name(self.head.alpha, width * height);
        for column in 0..if rows == 0 { 0 } else { self.columns } {
            let (left, wide) = (column * SIDE, SIDE.min(width - column * SIDE));
            let value = |level: Option<&u8>| f32::from(level.copied().unwrap_or_default()) / 255.0;
            let pixels =
                Image::from_fn(wide, rows, |x, y, c| value(self.colours.get(3 * (y * width + left + x) + c)));
            let alpha = |at: usize| value(self.alpha.get(at / wide * width + left + at % wide));
            let alpha = self.head.alpha.then(|| (0..wide * rows).map(alpha).collect());
            let square = encode_photo(file, &self.photo(pixels, alpha))?;
            self.squares.push(square);
        }
        self.colours.clear();
        self.alpha.clear();
        Ok(())
    }

    fn photo(&self, pixels: Image<Srgb>, alpha: Option<Vec<f32>>) -> Photo {
        let Head { grey, icc, metadata, .. } = self.head.clone();
        Photo { pixels, alpha, depth: Depth::Eight, grey, icc, metadata }
    }

    /// All views, once all rows have come.
    pub fn finish(mut self, before: Vec<u8>) -> Result<Views, WriteError> {
        self.cut()?;
        let (width, height) = self.small;
        let glance = std::mem::take(&mut self.glance);
        let glance =
            Image::from_vec(width, height, glance).unwrap_or_else(|_| Image::from_fn(1, 1, |_, _, _| 0.0));
        let glance = encode_photo("view.jpg", &self.photo(glance, None))?;
        Ok(Views { before, glance, squares: self.squares, columns: self.columns })
    }
}

#[cfg(test)]
mod tests {
    use percept_image::decode_photo;

    use super::*;

    #[test]
    fn squares_together_are_the_result() {
        for (width, height, alpha) in [(1100, 700, false), (512, 512, true), (3, 1, false)] {
            let colour = |x: usize, y: usize, c: usize| ((x * 7 + y * 3 + c * 50) % 256) as f32 / 255.0;
            let pixels = Image::<Srgb>::from_fn(width, height, colour);
            let opacity: Vec<f32> = (0..width * height).map(|at| (at % 256) as f32 / 255.0).collect();
            let photo = Photo { alpha: alpha.then_some(opacity), ..Photo::new(pixels) };
            let mut viewer = Viewer::new(&photo.head());
            for y in 0..height {
                let row = &photo.pixels.data()[3 * y * width..3 * (y + 1) * width];
                let alpha = photo.alpha.as_ref().map_or(&[][..], |alpha| &alpha[y * width..(y + 1) * width]);
                viewer.push(row, alpha).unwrap();
            }
            let views = viewer.finish(before(&photo).unwrap()).unwrap();
            assert_eq!(decode_photo("before", &views.before).unwrap().pixels, photo.pixels);
            let columns = width.div_ceil(SIDE);
            assert_eq!(views.squares.len(), columns * height.div_ceil(SIDE));
            for (at, square) in views.squares.iter().enumerate() {
                assert_eq!(kind(square), "image/png");
                let square = decode_photo("square", square).unwrap();
                let (left, top) = (at % columns * SIDE, at / columns * SIDE);
                let (wide, high) = square.pixels.size();
                assert_eq!(square.pixels, photo.pixels.crop(left, top, wide, high));
                assert_eq!(square.alpha.is_some(), alpha);
            }
            let glance = decode_photo("glance", &views.glance).unwrap().pixels;
            assert_eq!(glance.width().max(glance.height()), width.max(height).min(GLANCE));
        }
    }
}
