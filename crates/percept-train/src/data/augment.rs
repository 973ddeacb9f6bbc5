//! Mirroring and turning crops, and colours that change places.

use percept_image::{Image, Rng, Space, Srgb};
use rand::RngExt;
use rand::seq::SliceRandom;

/// Where red, green and blue of a picture come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ColourOrder([usize; 3]);

impl ColourOrder {
    /// One of the six orders at random, the one that changes nothing among them.
    pub fn draw(rng: &mut Rng) -> Self {
        let mut order = [0, 1, 2];
        order.shuffle(rng);
        Self(order)
    }

    /// The image with its colours in this order.
    pub fn of(self, image: &Image<Srgb>) -> Image<Srgb> {
        let (width, height) = image.size();
        Image::from_fn(width, height, |x, y, c| image.pixel(x, y)[self.0[c]])
    }
}

/// One of the eight ways to lay a picture down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pose {
    mirror: bool,
    flip: bool,
    transpose: bool,
}

impl Pose {
    /// A pose at random: mirrored left to right if `hflip`, turned by a multiple of 90° if `rot`. Always
    /// draws the same amount of chance, so that a switch changes nothing else.
    pub fn draw(hflip: bool, rot: bool, rng: &mut Rng) -> Self {
        let [mirror, flip, transpose] = std::array::from_fn(|_| rng.random::<bool>());
        // Without mirroring, a turn is an even number of the three reflections.
        let mirror = if hflip { mirror } else { rot && flip ^ transpose };
        Self { mirror, flip: rot && flip, transpose: rot && transpose }
    }

    /// The image in this pose.
    pub fn lay<S: Space>(self, image: &Image<S>) -> Image<S> {
        let (width, height) = image.size();
        let place = |reversed: bool, at: usize, side: usize| if reversed { side - 1 - at } else { at };
        let (w, h) = if self.transpose { (height, width) } else { (width, height) };
        Image::from_fn(w, h, |x, y, c| {
            let (x, y) = if self.transpose { (y, x) } else { (x, y) };
            image.pixel(place(self.mirror, x, width), place(self.flip, y, height))[c]
        })
    }

    /// Where a square that lay at (`x`, `y`) of an image of that size lies once the image is in this pose.
    pub fn corner(
        self,
        (x, y): (usize, usize),
        side: usize,
        (width, height): (usize, usize),
    ) -> (usize, usize) {
        let x = if self.mirror { width - side - x } else { x };
        let y = if self.flip { height - side - y } else { y };
        if self.transpose { (y, x) } else { (x, y) }
    }
}

#[cfg(test)]
mod tests {
    use percept_image::rng_for;

    use super::*;

    #[test]
    fn colours_come_in_all_six_orders() {
        let image = Image::<Srgb>::from_fn(2, 1, |x, _, c| (x + 2 * c) as f32);
        let drawn = (0..200).map(|i| ColourOrder::draw(&mut rng_for(3, i, 0)).of(&image).into_vec());
        let mut seen: Vec<Vec<f32>> = drawn.collect();
        seen.sort_by(|a, b| a.partial_cmp(b).unwrap());
        seen.dedup();
        assert_eq!(seen.len(), 6);
        // Both pixels in the same order, and no value lost.
        assert!(seen.iter().all(|v| v[..3].iter().zip(&v[3..]).all(|(a, b)| b - a == 1.0)));
        assert!(seen.iter().all(|v| v[..3].iter().sum::<f32>() == 6.0));
    }

    /// The images that draws with these switches give.
    fn seen(hflip: bool, rot: bool) -> Vec<Vec<f32>> {
        let image = Image::<Srgb>::from_fn(3, 3, |x, y, c| (x + 3 * y + 9 * c) as f32);
        let mut seen: Vec<Vec<f32>> =
            (0..200).map(|i| Pose::draw(hflip, rot, &mut rng_for(1, i, 0)).lay(&image).into_vec()).collect();
        seen.sort_by(|a, b| a.partial_cmp(b).unwrap());
        seen.dedup();
        seen
    }

    #[test]
    fn switches_open_the_poses_that_they_name() {
        assert_eq!(
            [seen(false, false), seen(true, false), seen(false, true), seen(true, true)].map(|s| s.len()),
            [1, 2, 4, 8]
        );
        // A turn never mirrors: the corners keep their order around the square.
        let corners = |v: &[f32]| [v[0], v[6], v[24], v[18]];
        for turned in seen(false, true) {
            let around = corners(&turned);
            let first = around.iter().position(|v| *v == 0.0).unwrap();
            let ordered: Vec<_> = (0..4).map(|i| around[(first + i) % 4]).collect();
            assert_eq!(ordered, [0.0, 2.0, 8.0, 6.0]);
        }
    }

    #[test]
    fn a_crop_of_what_is_laid_down_is_the_crop_laid_down() {
        let image = Image::<Srgb>::from_fn(11, 8, |x, y, c| (x + 11 * y + 88 * c) as f32);
        for i in 0..100 {
            let pose = Pose::draw(true, true, &mut rng_for(2, i, 0));
            let (x, y) = pose.corner((5, 1), 4, image.size());
            assert_eq!(pose.lay(&image).crop(x, y, 4, 4), pose.lay(&image.crop(5, 1, 4, 4)));
        }
    }
}
