//! A network over an image, tile by tile.

use burn::tensor::{Device, Tensor, TensorData, s};
use percept_image::{Image, Space, Srgb};

use super::tiling::Tile;
use crate::network::Network;

/// The image continued to the right and below until both sides are multiples of `multiple`, by its mirror image: zeros
/// would be an edge that the network sharpens.
pub(super) fn padded<S: Space>(image: &Image<S>, multiple: usize) -> Image<S> {
    let (width, height) = image.size();
    let (right, down) = (width.next_multiple_of(multiple), height.next_multiple_of(multiple));
    if (right, down) == (width, height) || width * height == 0 {
        return image.clone();
    }
    Image::from_fn(right, down, |x, y, c| image.pixel(mirrored(x, width), mirrored(y, height))[c])
}

/// The position that `at` shows when `length` pixels are mirrored endlessly about the last and the first one.
fn mirrored(at: usize, length: usize) -> usize {
    if length == 1 {
        return 0;
    }
    let at = at % (2 * (length - 1));
    at.min(2 * (length - 1) - at)
}

/// What `network` makes of `image`, `scale` times larger. Where it pools over the whole image (NAFNet's channel
/// attention), so it does over all tiles: the tiles are gone through as often as there are means to learn, each
/// time up to the next one, and once more with all of them.
pub(super) fn tiled<S: Space>(
    network: &Network,
    image: &Image<S>,
    tiles: &[Tile],
    scale: usize,
    device: &Device,
) -> Image<Srgb> {
    let (width, height) = image.size();
    let mut result = Image::<Srgb>::from_fn(width * scale, height * scale, |_, _, _| 0.0);
    if let [tile] = tiles {
        paste(&mut result, network.forward(read(image, *tile, device)), *tile, scale);
        return result;
    }
    let mut means: Vec<Tensor<4>> = Vec::new();
    loop {
        let mut next: Option<Tensor<4>> = None;
        for tile in tiles {
            let mut known = means.iter();
            let mut pool = |y: Tensor<4>| {
                let mean = known.next().cloned();
                if mean.is_none() {
                    let part = part_of_mean(y, *tile, width * height);
                    next = Some(match next.take() {
                        Some(sum) => sum + part,
                        None => part,
                    });
                }
                mean
            };
            if let Some(y) = network.forward_pooled(read(image, *tile, device), &mut pool) {
                paste(&mut result, y, *tile, scale);
            }
        }
        match next {
            Some(mean) => means.push(mean),
            None => return result,
        }
    }
}

/// `[1, h, w, C]`, what the tile reads.
fn read<S: Space>(image: &Image<S>, tile: Tile, device: &Device) -> Tensor<4> {
    let Tile { x, y } = tile;
    let pixels = image.crop(x.reads[0], y.reads[0], x.length(), y.length());
    Tensor::from_data(TensorData::new(pixels.into_vec(), [1, y.length(), x.length(), S::CHANNELS]), device)
}

/// What the tile's share adds to the mean over the image. `y` may be at a lower level, whose pixels cover several of
/// the image's.
fn part_of_mean(y: Tensor<4>, tile: Tile, pixels: usize) -> Tensor<4> {
    let [_, height, width, _] = y.dims();
    let inside = |span: super::tiling::Span, side: usize| {
        let (share, level) = (span.share(), span.length() / side);
        share.start / level..share.end / level
    };
    let share = tile.x.share().len() * tile.y.share().len();
    let y = y.slice(s![.., inside(tile.y, height), inside(tile.x, width), ..]);
    y.mean_dim(1).mean_dim(2).mul_scalar(share as f64 / pixels as f64)
}

/// Puts the tile's share of `y`, what the network made of all it read, in its place.
fn paste(result: &mut Image<Srgb>, y: Tensor<4>, tile: Tile, scale: usize) {
    let scaled = |range: std::ops::Range<usize>| range.start * scale..range.end * scale;
    let y = y.slice(s![.., scaled(tile.y.share()), scaled(tile.x.share()), ..]);
    let [_, _, columns, channels] = y.dims();
    // Floats always convert to f32; were it ever to fail, the zeros that stay would betray it.
    let values = y.into_data().try_into_vec_as::<f32>().unwrap_or_default();
    let (line, pitch) = (columns * channels, result.width() * channels);
    let first = (tile.y.from * pitch + tile.x.from * channels) * scale;
    for (row, values) in values.chunks_exact(line.max(1)).enumerate() {
        let at = first + row * pitch;
        if let Some(place) = result.data_mut().get_mut(at..at + line) {
            place.copy_from_slice(values);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_mirrored_without_its_edge() {
        let row: Vec<_> = (0..9).map(|at| mirrored(at, 4)).collect();
        assert_eq!(row, [0, 1, 2, 3, 2, 1, 0, 1, 2]);
        let one = padded(&Image::<Srgb>::from_fn(1, 1, |_, _, c| c as f32), 4);
        assert_eq!((one.size(), one.pixel(3, 3)), ((4, 4), &[0.0, 1.0, 2.0][..]));
    }
}
