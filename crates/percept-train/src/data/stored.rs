//! Photos in memory, as small as their files' levels allow.

use percept_image::{Depth, Image, Photo, Srgb};

/// A decoded photo. 8-bit files are kept in bytes, which loses nothing.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    width: usize,
    height: usize,
    levels: Levels,
}

#[derive(Clone, Debug)]
enum Levels {
    Eight(Vec<u8>),
    Deep(Vec<f32>),
}

impl Stored {
    pub fn new(photo: Photo) -> Self {
        let (width, height) = photo.pixels.size();
        let levels = match photo.depth {
            Depth::Eight => {
                Levels::Eight(photo.pixels.data().iter().map(|v| (v * 255.0).round() as u8).collect())
            }
            Depth::Sixteen => Levels::Deep(photo.pixels.into_vec()),
        };
        Self { width, height, levels }
    }

    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        match &self.levels {
            Levels::Eight(levels) => levels.len(),
            Levels::Deep(levels) => size_of::<f32>() * levels.len(),
        }
    }

    /// The rectangle that starts at (`x`, `y`) and lies inside the photo.
    pub fn crop(&self, x: usize, y: usize, width: usize, height: usize) -> Image<Srgb> {
        let at = |i: usize, j: usize, c: usize| ((y + j) * self.width + x + i) * 3 + c;
        match &self.levels {
            Levels::Eight(levels) => Image::from_fn(width, height, |i, j, c| {
                levels.get(at(i, j, c)).map_or(0.0, |v| f32::from(*v) / 255.0)
            }),
            Levels::Deep(levels) => {
                Image::from_fn(width, height, |i, j, c| levels.get(at(i, j, c)).copied().unwrap_or(0.0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crops_are_those_of_the_image_at_either_depth() {
        let pixels =
            Image::<Srgb>::from_fn(7, 5, |x, y, c| ((x * 31 + y * 57 + c * 11) % 256) as f32 / 255.0);
        for depth in [Depth::Eight, Depth::Sixteen] {
            let stored = Stored::new(Photo { depth, ..Photo::new(pixels.clone()) });
            assert_eq!(stored.size(), (7, 5));
            assert_eq!(stored.crop(0, 0, 7, 5), pixels);
            assert_eq!(stored.crop(2, 1, 3, 4), pixels.crop(2, 1, 3, 4));
        }
        let deep = pixels.map(|v| v * 0.9 + 0.0001);
        let stored = Stored::new(Photo { depth: Depth::Sixteen, ..Photo::new(deep.clone()) });
        assert_eq!(stored.crop(0, 0, 7, 5), deep);
        assert_eq!(stored.bytes(), 7 * 5 * 3 * 4);
    }
}
