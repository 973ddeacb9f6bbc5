//! Large features, a few rows at a time.

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
    let sum = strips(rows(a), a, b, &part).reduce(|sum, strip| sum + strip);
    sum.unwrap_or_else(|| part(a.clone(), b.clone()))
}

/// `part` of strips of rows of `a` and `b`, whose rows it keeps, put together again.
pub(super) fn cat_over_rows(
    a: &Tensor<4>,
    b: &Tensor<4>,
    part: impl Fn(Tensor<4>, Tensor<4>) -> Tensor<4>,
) -> Tensor<4> {
    Tensor::cat(strips(rows(a), a, b, &part).collect(), 1)
}

/// Rows of a strip.
fn rows(a: &Tensor<4>) -> usize {
    let [n, _, width, channels] = a.dims();
    (STRIP / (n * width * channels).max(1)).max(1)
}

fn strips<const D: usize>(
    rows: usize,
    a: &Tensor<4>,
    b: &Tensor<4>,
    part: impl Fn(Tensor<4>, Tensor<4>) -> Tensor<D>,
) -> impl Iterator<Item = Tensor<D>> {
    let height = a.dims()[1];
    (0..height).step_by(rows).map(move |start| {
        if rows >= height {
            return part(a.clone(), b.clone());
        }
        let len = rows.min(height - start);
        part(a.clone().narrow(1, start, len), b.clone().narrow(1, start, len))
    })
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
            let part = |a: Tensor<4>, b: Tensor<4>| (a - b).sum_dim(1).sum_dim(2);
            let sum = strips(rows, &a, &b, part).reduce(|sum, strip| sum + strip).unwrap();
            sum.into_data().try_into_vec::<f32>().unwrap()
        };
        let whole = sums(7);
        for rows in [1, 2, 3, 6] {
            let kept = Tensor::cat(strips(rows, &a, &b, |a, b| a - b).collect(), 1);
            assert_eq!(kept.into_data(), (a.clone() - b.clone()).into_data());
            for (strips, whole) in sums(rows).iter().zip(&whole) {
                assert!((strips - whole).abs() < 1e-4, "{rows} rows: {strips} {whole}");
            }
        }
    }
}
