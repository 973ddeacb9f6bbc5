//! Means over squares of pixels.

use burn::tensor::Tensor;

/// The mean of every square of `side` pixels, `[N, H / side, W / side, C]`. What is left at the edges does not count.
pub(super) fn means(image: Tensor<4>, side: usize) -> Tensor<4> {
    let [n, height, width, channels] = image.dims();
    let [rows, columns] = [height / side, width / side];
    let whole = image.narrow(1, 0, rows * side).narrow(2, 0, columns * side);
    let squares = whole.reshape([n, rows, side, columns, side * channels]).mean_dim(2);
    squares.reshape([n, rows, columns, side, channels]).mean_dim(3).reshape([n, rows, columns, channels])
}
