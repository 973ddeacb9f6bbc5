//! A network over an image, tile by tile, from the top to the bottom.

use burn::tensor::{Device, Tensor, s};

use super::brightness::Seeing;
use super::rows::Rows;
use super::tiling::{Span, Tile};
use super::turn::{Ensemble, Turn};
use super::window::Window;
use crate::network::{Border, Mean};

/// How a network is applied.
pub(super) struct Pass<'a> {
    pub network: Seeing<'a>,
    /// All tiles, band by band.
    pub tiles: &'a [Tile],
    pub scale: usize,
    pub channels: usize,
    /// How the image is continued.
    pub border: Border,
    pub ensemble: Ensemble,
    pub device: &'a Device,
}

impl Pass<'_> {
    /// Gives the rows of the result, `scale` times wider than the image and as many more, to `take`, from the top. No more of
    /// image and result is in memory than what a band of tiles reads and makes.
    ///
    /// Where the network pools over the whole image (NAFNet's channel attention), so it does over all tiles: the image is gone
    /// through as often as there are means to learn, each time up to the next one, and once more with all of them.
    pub(super) fn rows<R: Rows>(
        &self,
        source: &mut R,
        mut take: impl FnMut(&[f32]) -> Result<(), R::Error>,
    ) -> Result<(), R::Error> {
        let (width, height) = source.size();
        let pixels = self.border.continued(width) * self.border.continued(height);
        let mut means: Vec<Means> =
            self.ensemble.turns().iter().map(|turn| Means::new(*turn, pixels)).collect();
        loop {
            source.rewind()?;
            let mut window = Window::new((width, height), self.channels, self.border);
            for band in self.tiles.chunk_by(|one, next| one.y == next.y) {
                let Some(y) = band.first().map(|tile| tile.y) else { continue };
                window.read(y, source)?;
                let mut result = Band::new(band, self.scale);
                for tile in band {
                    if let Some(made) = self.tile(&window, *tile, &mut means) {
                        result.paste(made, *tile, self.scale);
                    }
                }
                // Of a picture that was continued below its edge, only what it is.
                let rows = (y.to.min(height) - y.from.min(height)) * self.scale;
                result.rows(width * self.scale, rows).try_for_each(&mut take)?;
            }
            // All of them learn, also behind one that has more to do.
            if means.iter_mut().map(Means::learn).filter(|more| *more).count() == 0 {
                return Ok(());
            }
        }
    }

    /// `[1, h·scale, w·scale, 3]`, the mean over all ways to turn the tile; `None` while a mean of the image is missing.
    fn tile(&self, window: &Window, tile: Tile, means: &mut [Means]) -> Option<Tensor<4>> {
        let x = window.tile(tile, self.device);
        let share = 1.0 / means.len() as f64;
        let mut sum: Option<Tensor<4>> = None;
        let mut complete = true;
        for means in means {
            let turned = means.turn.apply(x.clone());
            let made = match self.tiles {
                [_] => Some(self.network.forward(turned)),
                _ => means.forward(self.network, turned, tile),
            };
            let Some(made) = made else {
                complete = false;
                continue;
            };
            let made = means.turn.undo(made);
            sum = Some(match (sum, share) {
                (None, 1.0) => made,
                (None, share) => made.mul_scalar(share),
                (Some(sum), share) => sum + made.mul_scalar(share),
            });
        }
        sum.filter(|_| complete)
    }
}

/// The means over the image that a network takes, as far as they are known, where the image is turned in one way.
struct Means {
    turn: Turn,
    pixels: usize,
    known: Vec<Tensor<4>>,
    /// The next one, as far as the tiles have been gone through.
    next: Option<Tensor<4>>,
}

impl Means {
    fn new(turn: Turn, pixels: usize) -> Self {
        Self { turn, pixels, known: Vec::new(), next: None }
    }

    /// What the network makes of a tile, already turned; `None` where a mean is missing, to which the tile has then added.
    fn forward(&mut self, network: Seeing<'_>, x: Tensor<4>, tile: Tile) -> Option<Tensor<4>> {
        let (turn, next) = (self.turn, &mut self.next);
        let weight = (tile.x.share().len() * tile.y.share().len()) as f64 / self.pixels as f64;
        let mut known = self.known.iter();
        let mut pool = |y: Tensor<4>, of: &Mean| {
            let mean = known.next().cloned();
            if mean.is_none() {
                let part = of(share_of(y, turn.tile(tile))).mul_scalar(weight);
                *next = Some(match next.take() {
                    Some(sum) => sum + part,
                    None => part,
                });
            }
            mean
        };
        network.forward_pooled(x, &mut pool)
    }

    /// All tiles have been gone through: whether there was something to learn.
    fn learn(&mut self) -> bool {
        let mean = self.next.take();
        let learned = mean.is_some();
        self.known.extend(mean);
        learned
    }
}

/// The tile's share of the image. `y` may be at a lower level, whose pixels cover several of the image's.
fn share_of(y: Tensor<4>, tile: Tile) -> Tensor<4> {
    let [_, height, width, _] = y.dims();
    let inside = |span: Span, side: usize| {
        let (share, level) = (span.share(), span.length() / side);
        share.start / level..share.end / level
    };
    y.slice(s![.., inside(tile.y, height), inside(tile.x, width), ..])
}

/// What a band of tiles makes.
struct Band {
    width: usize,
    /// Empty until a tile was made.
    values: Vec<f32>,
    rows: usize,
}

impl Band {
    fn new(band: &[Tile], scale: usize) -> Self {
        let width = band.last().map_or(0, |tile| tile.x.to) * scale;
        let rows = band.first().map_or(0, |tile| tile.y.to - tile.y.from) * scale;
        Self { width, values: Vec::new(), rows }
    }

    /// Puts the tile's share of `y`, what the network made of all it read, in its place.
    fn paste(&mut self, y: Tensor<4>, tile: Tile, scale: usize) {
        let scaled = |range: std::ops::Range<usize>| range.start * scale..range.end * scale;
        let y = y.slice(s![.., scaled(tile.y.share()), scaled(tile.x.share()), ..]);
        let [_, _, columns, channels] = y.dims();
        // Floats always convert to f32; were it ever to fail, what stays empty would betray it.
        let values = y.into_data().try_into_vec_as::<f32>().unwrap_or_default();
        if columns == self.width {
            self.values = values;
            return;
        }
        let (line, pitch) = (columns * channels, self.width * channels);
        self.values.resize(self.rows * pitch, 0.0);
        let first = tile.x.from * channels * scale;
        for (row, values) in values.chunks_exact(line.max(1)).enumerate() {
            let at = first + row * pitch;
            if let Some(place) = self.values.get_mut(at..at + line) {
                place.copy_from_slice(values);
            }
        }
    }

    /// The first rows, as far as something was made, of so many pixels.
    fn rows(&self, width: usize, rows: usize) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact((3 * self.width).max(1)).take(rows).map(move |row| &row[..3 * width])
    }
}
