//! Sums over large features, a few rows at a time.

use burn::tensor::Tensor;

/// Features larger than this (in values) are worked on in strips of rows, so that the intermediate results
/// of a 1080p pair do not fill the memory. Training crops are smaller and stay whole, because a slice's
/// gradient is as large as what it was cut from.
const STRIP: usize = 1 << 24;

/// The sum of `part` over strips of rows of `a` and `b` (both `[N, H, W, C]`).
pub(super) fn sum_over_rows<const D: usize>(
    a: &Tensor<4>,
    b: &Tensor<4>,
    part: impl Fn(Tensor<4>, Tensor<4>) -> Tensor<D>,
) -> Tensor<D> {
    let [n, _, width, channels] = a.dims();
    let rows = (STRIP / (n * width * channels).max(1)).max(1);
    sum_by_rows(rows, a, b, part)
}

fn sum_by_rows<const D: usize>(
    rows: usize,
    a: &Tensor<4>,
    b: &Tensor<4>,
    part: impl Fn(Tensor<4>, Tensor<4>) -> Tensor<D>,
) -> Tensor<D> {
    let height = a.dims()[1];
    if rows >= height {
        return part(a.clone(), b.clone());
    }
    let strip = |start: usize| {
        let len = rows.min(height - start);
        part(a.clone().narrow(1, start, len), b.clone().narrow(1, start, len))
    };
    (rows..height).step_by(rows).fold(strip(0), |sum, start| sum + strip(start))
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Int};

    use super::*;

    #[test]
    fn strips_add_up_to_the_whole() {
        let device = Device::flex();
        let a = Tensor::<1, Int>::arange(0..2 * 7 * 3 * 2, &device).float().reshape([2, 7, 3, 2]);
        let b = a.clone().square().mul_scalar(0.01);
        let sums = |rows| {
            let sum = sum_by_rows(rows, &a, &b, |a, b| (a - b).sum_dim(1).sum_dim(2));
            sum.into_data().try_into_vec::<f32>().unwrap()
        };
        let whole = sums(7);
        for rows in [1, 2, 3, 6] {
            for (strips, whole) in sums(rows).iter().zip(&whole) {
                assert!((strips - whole).abs() < 1e-4, "{rows} rows: {strips} {whole}");
            }
        }
    }
}
