//! VGG (Simonyan and Zisserman, ICLR 2015), configurations D (16) and E (19), without batch
//! normalisation.

use super::layers::{Architecture, ConvLayer, Layer};

/// 13 convolutions.
pub(super) fn vgg16() -> Architecture {
    Architecture { name: "vgg16", layers: layers([2, 2, 3, 3, 3]) }
}

/// 16 convolutions.
pub(super) fn vgg19() -> Architecture {
    Architecture { name: "vgg19", layers: layers([2, 2, 4, 4, 4]) }
}

/// Five blocks of 3×3 convolutions, with a pooling between blocks.
fn layers(depths: [usize; 5]) -> Vec<Layer> {
    let mut layers = Vec::new();
    let mut index = 0;
    let mut input = 3;
    for (block, (depth, output)) in depths.into_iter().zip([64, 128, 256, 512, 512]).enumerate() {
        if block > 0 {
            layers.push(Layer::Pool { kernel: 2, stride: 2 });
            index += 1;
        }
        for place in 1..=depth {
            layers.push(Layer::Conv(ConvLayer {
                place: format!("{}_{place}", block + 1),
                index,
                channels: [input, output],
                kernel: 3,
                stride: 1,
                padding: 1,
            }));
            // The convolution and its ReLU.
            index += 2;
            input = output;
        }
    }
    layers
}
