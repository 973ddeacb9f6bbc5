//! Rain between the camera and the scene.

use rand::RngExt;
use rand_distr::{Distribution, Poisson, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, Degradation, Strength};
use crate::{Image, Rng, Srgb};

/// Draws streaks of rain over the photo, and the pale veil of the rain that is too far away to be seen in streaks.
///
/// Streaks of opacity `S` are composited with the photo `B`, and what accumulates in the distance blends the whole towards
/// the light `A` of the sky: `O = (1 − v)·(B + S·(A − B)) + v·A`, on the encoded values. With `A = 1` and `v = 0` this is
/// the screen blend `B + S − B·S` (Luo et al., *Removing rain from a single image via discriminative sparse coding*, 2015),
/// which keeps the additive `O = B + S` (Yang et al., *Deep Joint Rain Detection and Removal from a Single Image*, 2017) in
/// range; the veil is that of Li et al., *Heavy Rain Image Restoration: Integrating Physics Model and Conditional
/// Adversarial Learning*, 2019. What is brighter than `A` becomes darker under a streak.
///
/// Every streak has a distance, drawn evenly from one to three times that of the nearest: length, width and opacity shrink
/// with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rain {
    /// Streaks in 10 000 pixels on average, 0 to 1000: a number or `[lowest, highest]`. Default `[15, 80]`.
    pub amount: Strength,
    /// Length of the nearest streaks in pixels, 1 to 300: a number or `[lowest, highest]`. Default `[20, 70]`.
    pub length: Strength,
    /// Width of the nearest streaks at half their opacity in pixels, 0.1 to 20: a number or `[lowest, highest]`. Default
    /// `[1, 2.5]`.
    pub width: Strength,
    /// Where the rain falls to, in degrees, counted clockwise on the screen from "to the right" (90 is straight down),
    /// −360 to 360: a number or `[lowest, highest]`. Default `[60, 120]`.
    pub angle: Strength,
    /// Standard deviation of the streaks' directions within one photo in degrees, 0 to 45: a number or `[lowest, highest]`.
    /// Default `[0.5, 3]`.
    pub spread: Strength,
    /// Opacity of the nearest streaks in their middle, 0 to 1: a number or `[lowest, highest]`. Default `[0.3, 0.8]`.
    pub opacity: Strength,
    /// Grey level of the streaks and of the veil, 0 (black) to 1 (white): a number or `[lowest, highest]`. Default
    /// `[0.75, 0.95]`.
    pub brightness: Strength,
    /// Share of the veil in every pixel, 0 to 1: a number or `[lowest, highest]`. Default `[0, 0.2]`.
    pub veil: Strength,
}

impl Default for Rain {
    fn default() -> Self {
        Self {
            amount: [15.0, 80.0].into(),
            length: [20.0, 70.0].into(),
            width: [1.0, 2.5].into(),
            angle: [60.0, 120.0].into(),
            spread: [0.5, 3.0].into(),
            opacity: [0.3, 0.8].into(),
            brightness: [0.75, 0.95].into(),
            veil: [0.0, 0.2].into(),
        }
    }
}

impl Rain {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        self.amount.check("rain.amount", 0.0, 1000.0)?;
        self.length.check("rain.length", 1.0, 300.0)?;
        self.width.check("rain.width", 0.1, 20.0)?;
        self.angle.check("rain.angle", -360.0, 360.0)?;
        self.spread.check("rain.spread", 0.0, 45.0)?;
        self.opacity.check("rain.opacity", 0.0, 1.0)?;
        self.brightness.check("rain.brightness", 0.0, 1.0)?;
        self.veil.check("rain.veil", 0.0, 1.0)
    }
}

impl Degradation for Rain {
    fn apply(&self, mut image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        let amount = self.amount.sample(rng);
        let length = self.length.sample(rng);
        let width = self.width.sample(rng);
        let angle = self.angle.sample(rng);
        let spread = self.spread.sample(rng);
        let opacity = self.opacity.sample(rng);
        let brightness = self.brightness.sample(rng) as f32;
        let veil = self.veil.sample(rng) as f32;
        if image.data().is_empty() {
            return image;
        }
        // Streaks from beyond the border reach in, so that a crop is as rainy as the photo it is from.
        let (margin, _) = Streak { x: 0.0, y: 0.0, length, width, angle, opacity }.reach();
        let sides = (image.width() as f64 + 2.0 * margin, image.height() as f64 + 2.0 * margin);
        // An error is a mean of zero.
        let count = Poisson::new(amount / 1e4 * sides.0 * sides.1).map_or(0.0, |count| count.sample(rng));
        for _ in 0..count as usize {
            let x = rng.random::<f64>() * sides.0 - margin;
            let y = rng.random::<f64>() * sides.1 - margin;
            let size = 1.0 / (1.0 + 2.0 * rng.random::<f64>());
            let turn: f64 = StandardNormal.sample(rng);
            let angle = angle + spread * turn;
            let streak =
                Streak { x, y, length: size * length, width: size * width, angle, opacity: size * opacity };
            streak.draw(&mut image, brightness);
        }
        image.map(|v| (v + veil * (brightness - v)).clamp(0.0, 1.0))
    }
}

/// One streak: strongest in its middle, fading towards its sides and its ends.
struct Streak {
    /// Its middle in pixels from the photo's upper left corner.
    x: f64,
    y: f64,
    length: f64,
    width: f64,
    /// In degrees.
    angle: f64,
    opacity: f64,
}

impl Streak {
    /// From the middle line to where the profile `(1 − t²)²` ends; half of it is left at `width / 2`.
    fn half_width(&self) -> f64 {
        self.width / (2.0 * (1.0 - 0.5_f64.sqrt()).sqrt())
    }

    /// Half sides of what is drawn, along and across.
    fn reach(&self) -> (f64, f64) {
        // A narrower profile falls between the pixels.
        let across = self.half_width().max(1.25);
        (across.max(self.length / 2.0), across)
    }

    /// Blends the pixels under the streak towards `grey`.
    fn draw(&self, image: &mut Image<Srgb>, grey: f32) {
        let (along, across) = self.reach();
        // What is drawn too wide is drawn fainter: the light is that of the width asked for.
        let opacity = self.opacity * self.half_width() / across;
        let (sin, cos) = self.angle.to_radians().sin_cos();
        let columns = image.width();
        let tall = along * sin.abs() + across * cos.abs();
        for row in centres(self.y - tall, self.y + tall, image.height()) {
            let dy = row as f64 + 0.5 - self.y;
            let (a, b) = (between(cos, dy * sin, along), between(-sin, dy * cos, across));
            for column in centres(self.x + a.0.max(b.0), self.x + a.1.min(b.1), columns) {
                let dx = column as f64 + 0.5 - self.x;
                let (u, v) = ((dx * cos + dy * sin) / along, (dy * cos - dx * sin) / across);
                let profile = (1.0 - u.powi(4)) * (1.0 - v * v).powi(2);
                let alpha = (opacity * profile.max(0.0)) as f32;
                let at = (row * columns + column) * 3;
                image.data_mut()[at..at + 3].iter_mut().for_each(|value| *value += alpha * (grey - *value));
            }
        }
    }
}

/// The pixels of a side of `count` whose middles lie from `low` to `high`.
fn centres(low: f64, high: f64, count: usize) -> std::ops::Range<usize> {
    // A cast of a float stops at the integer's ends, so what is left of the photo is 0.
    (low - 0.5).ceil() as usize..((high + 0.5).floor() as usize).min(count)
}

/// The `t` with `|slope · t + offset| ≤ limit`, from lowest to highest; none is an interval whose ends are swapped.
fn between(slope: f64, offset: f64, limit: f64) -> (f64, f64) {
    if slope.abs() < 1e-9 {
        let t = if offset.abs() <= limit { f64::INFINITY } else { f64::NEG_INFINITY };
        return (-t, t);
    }
    let (a, b) = ((-limit - offset) / slope, (limit - offset) / slope);
    (a.min(b), a.max(b))
}
