//! AlexNet in the single-tower form of Krizhevsky, "One weird trick for parallelizing convolutional
//! neural networks" (arXiv 1404.5997), as torchvision has it.

use super::layers::{Architecture, ConvLayer, Layer};

/// 5 convolutions.
pub(super) fn alexnet() -> Architecture {
    let conv = |place: usize, index, channels, kernel, stride, padding| {
        Layer::Conv(ConvLayer { place: place.to_string(), index, channels, kernel, stride, padding })
    };
    let pool = || Layer::Pool { kernel: 3, stride: 2 };
    let layers = vec![
        conv(1, 0, [3, 64], 11, 4, 2),
        pool(),
        conv(2, 3, [64, 192], 5, 1, 2),
        pool(),
        conv(3, 6, [192, 384], 3, 1, 1),
        conv(4, 8, [384, 256], 3, 1, 1),
        conv(5, 10, [256, 256], 3, 1, 1),
    ];
    Architecture { name: "alexnet", layers }
}
