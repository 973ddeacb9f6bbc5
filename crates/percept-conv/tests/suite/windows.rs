//! Attention in windows and the Gaussian unit against Burn's own operations.

use burn::tensor::{Device, Tensor, activation, s};
use percept_conv::{Windows, gelu, window_attention};

use crate::layers::{compare, noise};

#[test]
fn gaussian_unit() {
    let wide = || noise([2, 30, 31, 5]).mul_scalar(9.0);
    compare(&[wide()], |x| gelu(x[0].clone()), |x| activation::gelu(x[0].clone()));
    let ends = Tensor::<1>::from_floats([-1e30, -40.0, 0.0, 40.0, 1e30, f32::NAN], &Device::flex());
    let got = gelu(ends.reshape([1, 1, 1, 6])).into_data().try_into_vec::<f32>().unwrap();
    assert_eq!(got[..5], [0.0, 0.0, 0.0, 40.0, 1e30]);
    assert!(got[5].is_nan());
}

/// Pixel by pixel of a window, as the paper has it.
fn defined(qkv: Tensor<4>, bias: Tensor<4>, windows: Windows) -> Tensor<4> {
    let ([n, h, w, c], [_, heads, pixels, _]) = (qkv.dims(), bias.dims());
    let (c, depth) = (c / 3, c / 3 / heads);
    let ([height, width], [down, right]) = (windows.size, windows.shift);
    let roll = |x: Tensor<4>, y: usize, x_: usize| {
        let x = Tensor::cat(vec![x.clone().slice(s![.., y..h, .., ..]), x.slice(s![.., 0..y, .., ..])], 1);
        Tensor::cat(vec![x.clone().slice(s![.., .., x_..w, ..]), x.slice(s![.., .., 0..x_, ..])], 2)
    };
    let moved = if windows.shift == [0, 0] { qkv } else { roll(qkv, down, right) };
    // Which of the image's edges a moved pixel is beyond.
    let side = |y: usize, x: usize| (y >= h - down && down > 0, x >= w - right && right > 0);
    let mut rows = Vec::new();
    for top in (0..h).step_by(height) {
        let mut row = Vec::new();
        for left in (0..w).step_by(width) {
            let window = moved.clone().slice(s![.., top..top + height, left..left + width, ..]);
            let window = window.reshape([n, pixels, 3 * c]);
            let mut mask = Vec::new();
            for a in 0..pixels {
                for b in 0..pixels {
                    let at = |p: usize| side(top + p / width, left + p % width);
                    mask.push(if at(a) == at(b) { 0.0 } else { windows.apart as f32 });
                }
            }
            let mask = Tensor::<1>::from_floats(&mask[..], &window.device()).reshape([1, pixels, pixels]);
            let mut heads_of = Vec::new();
            for head in 0..heads {
                let part = |from: usize| {
                    window.clone().slice(s![.., .., from + head * depth..from + (head + 1) * depth])
                };
                let scores = part(0).matmul(part(c).swap_dims(1, 2)).div_scalar((depth as f64).sqrt());
                let bias = bias.clone().slice(s![.., head..=head, .., ..]).reshape([1, pixels, pixels]);
                let shares = activation::softmax(scores + bias + mask.clone(), 2);
                heads_of.push(shares.matmul(part(2 * c)));
            }
            row.push(Tensor::cat(heads_of, 2).reshape([n, height, width, c]));
        }
        rows.push(Tensor::cat(row, 2));
    }
    let y = Tensor::cat(rows, 1);
    if windows.shift == [0, 0] { y } else { roll(y, h - down, w - right) }
}

#[test]
fn attention_in_windows() {
    for (n, [h, w], size, shift, heads, depth, apart) in [
        (2, [4, 6], [2, 2], [1, 1], 2, 3, -100.0),
        (1, [8, 8], [8, 8], [0, 0], 1, 10, -100.0),
        (1, [16, 24], [8, 8], [4, 4], 3, 10, -100.0),
        (2, [14, 7], [7, 7], [3, 3], 2, 5, f64::NEG_INFINITY),
        (1, [8, 16], [2, 8], [1, 4], 1, 17, -100.0),
        (1, [8, 4], [4, 2], [2, 0], 2, 32, -100.0),
    ] {
        let windows = Windows { size, shift, apart };
        let pixels = windows.pixels();
        let inputs = [noise([n, h, w, 3 * heads * depth]).mul_scalar(2.0), noise([1, heads, pixels, pixels])];
        let bias = |x: &[Tensor<4>]| x[1].clone().reshape([heads, pixels, pixels]);
        let ours = |x: Vec<Tensor<4>>| window_attention(x[0].clone(), bias(&x), windows);
        compare(&inputs, ours, |x| defined(x[0].clone(), x[1].clone(), windows));
    }
}
