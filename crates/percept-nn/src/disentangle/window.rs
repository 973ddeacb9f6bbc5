//! Distances after averaging over windows.

use burn::tensor::Tensor;

/// `δ̄` by image and channel, `[N, C]`: the squared difference of two `[N, H, W, C]` after both are averaged over windows of
/// `[h, w]` positions that do not overlap, its mean over all positions.
///
/// Windows at the right and lower edge are as large as there is room, and count for as much. So `δ̄ ≤ δ`, with equality
/// where the difference is even in every window.
pub(super) fn averaged_distance(a: Tensor<4>, b: Tensor<4>, window: [usize; 2]) -> Tensor<2> {
    let [n, h, w, c] = a.dims();
    let [tall, wide] = [window[0].clamp(1, h.max(1)), window[1].clamp(1, w.max(1))];
    let [rows, columns] = [h.div_ceil(tall), w.div_ceil(wide)];
    let difference = a.detach() - b.detach();
    // Zeros beyond the edges add nothing to the sum over a window. [N, rows, tall, columns, wide, C]
    let windows =
        padded(difference, columns * wide - w, rows * tall - h).reshape([n, rows, tall, columns, wide, c]);
    let sums = windows.sum_dim(2).sum_dim(4).reshape([n, rows * columns, c]);
    let within = |at: usize, side: usize, whole: usize| side.min(whole - at * side);
    let areas: Vec<f32> = (0..rows)
        .flat_map(|row| (0..columns).map(move |column| within(row, tall, h) * within(column, wide, w)))
        .map(|area| area as f32)
        .collect();
    let areas = Tensor::<1>::from_floats(areas.as_slice(), &sums.device()).reshape([1, rows * columns, 1]);
    (sums.square() / areas).sum_dim(1).div_scalar((h * w).max(1) as f64).reshape([n, c])
}

/// With so many zeros to the right and below.
fn padded(x: Tensor<4>, right: usize, below: usize) -> Tensor<4> {
    let [n, h, w, c] = x.dims();
    let device = x.device();
    let x = if right > 0 { Tensor::cat(vec![x, Tensor::zeros([n, h, right, c], &device)], 2) } else { x };
    if below > 0 { Tensor::cat(vec![x, Tensor::zeros([n, below, w + right, c], &device)], 1) } else { x }
}

/// Positions of a map of `positions` in a window of `window` pixels of an image of `pixels`, at least 1.
pub(super) fn positions(window: usize, positions: usize, pixels: usize) -> usize {
    let exact = window as f64 * positions as f64 / pixels.max(1) as f64;
    (exact.round() as usize).max(1)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution, TensorData};
    use percept_conv::channel_distance;

    use super::*;

    fn numbers(tensor: Tensor<2>) -> Vec<f32> {
        tensor.into_data().try_to_vec().unwrap()
    }

    /// Means over windows, one position after the other.
    fn by_hand(difference: &[f32], [h, w]: [usize; 2], [tall, wide]: [usize; 2]) -> f32 {
        let mean = |y: usize, x: usize| {
            let rows = (y / tall * tall)..(y / tall * tall + tall).min(h);
            let columns = (x / wide * wide)..(x / wide * wide + wide).min(w);
            let all: Vec<f32> =
                rows.flat_map(|y| columns.clone().map(move |x| difference[y * w + x])).collect();
            all.iter().sum::<f32>() / all.len() as f32
        };
        let squares = (0..h).flat_map(|y| (0..w).map(move |x| (y, x))).map(|(y, x)| mean(y, x).powi(2));
        squares.sum::<f32>() / (h * w) as f32
    }

    #[test]
    fn every_position_counts_in_its_window_also_at_odd_edges() {
        let device = Device::flex();
        device.seed(1);
        for (shape, window) in [([6, 4], [2, 2]), ([5, 7], [2, 3]), ([3, 3], [8, 8]), ([1, 9], [4, 4])] {
            let [h, w] = shape;
            let random = || Tensor::<4>::random([2, h, w, 3], Distribution::Normal(0.0, 1.0), &device);
            let (a, b) = (random(), random());
            let found = numbers(averaged_distance(a.clone(), b.clone(), window));
            let difference: Vec<f32> = (a - b).into_data().try_to_vec().unwrap();
            for (at, found) in found.iter().enumerate() {
                let (image, channel) = (at / 3, at % 3);
                let map: Vec<f32> =
                    (0..h * w).map(|position| difference[(image * h * w + position) * 3 + channel]).collect();
                let expected = by_hand(&map, shape, window);
                assert!((found - expected).abs() < 1e-5, "{shape:?} {window:?}: {found}, {expected}");
            }
        }
    }

    #[test]
    fn one_position_is_the_plain_distance_and_more_is_less() {
        let device = Device::flex();
        let map = |values: Vec<f32>| Tensor::<4>::from_data(TensorData::new(values, [1, 2, 2, 1]), &device);
        let (a, zero) = (map(vec![1.0, -1.0, 3.0, 1.0]), map(vec![0.0; 4]));
        let averaged = |window| numbers(averaged_distance(a.clone(), zero.clone(), window))[0];
        assert_eq!(averaged([1, 1]), numbers(channel_distance(a.clone(), zero.clone()))[0]);
        assert_eq!((averaged([1, 1]), averaged([2, 1]), averaged([2, 2])), (3.0, 2.0, 1.0));
    }

    #[test]
    fn a_window_is_as_many_positions_as_fit_its_pixels() {
        assert_eq!([1, 2, 4, 8, 16, 32].map(|stride| positions(16, 96 / stride, 96)), [16, 8, 4, 2, 1, 1]);
        // AlexNet's first convolution loses the edge.
        assert_eq!((positions(16, 15, 64), positions(16, 7, 32)), (4, 4));
    }
}
