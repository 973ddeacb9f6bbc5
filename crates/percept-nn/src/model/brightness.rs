//! Networks that read one channel, on photos.

use burn::tensor::{Device, Tensor, TensorData};
use percept_conv::Conv;

use crate::network::{Network, Pool, enlarge_bilinear};
use crate::onnx::{Graph, Value};

/// Shares of red, green and blue in the brightness (ITU-R BT.601). That of grey is itself.
const SHARES: [f32; 3] = [0.299, 0.587, 0.114];

/// A network that is given images. One that reads a single channel sees the brightness of a photo, and is given its colours
/// back: they are enlarged bilinearly.
#[derive(Clone, Copy)]
pub(super) struct Seeing<'a> {
    pub network: &'a Network,
    /// Whether it reads a single channel.
    pub brightness: bool,
    /// How many times it enlarges.
    pub scale: usize,
}

impl Seeing<'_> {
    /// `[N, H, W, C]` → `[N, H·scale, W·scale, 3]`.
    pub fn forward(self, x: Tensor<4>) -> Tensor<4> {
        if !self.brightness {
            return self.network.forward(x);
        }
        let [brightness, colour] = parts(x);
        self.coloured(self.network.forward(brightness), colour)
    }

    /// The same where means over the image come from `pool`; `None` when it stops.
    pub fn forward_pooled(self, x: Tensor<4>, pool: &mut Pool<'_>) -> Option<Tensor<4>> {
        if !self.brightness {
            return self.network.forward_pooled(x, pool);
        }
        let [brightness, colour] = parts(x);
        let made = self.network.forward_pooled(brightness, pool)?;
        Some(self.coloured(made, colour))
    }

    fn coloured(self, made: Tensor<4>, colour: Tensor<4>) -> Tensor<4> {
        match self.scale {
            1 => colour + made,
            scale => enlarge_bilinear(colour, scale) + made,
        }
    }

    /// The same in a graph.
    pub fn draw(self, graph: &mut Graph, x: &Value) -> Value {
        if !self.brightness {
            return self.network.draw(graph, x);
        }
        let shares = Tensor::from_data(TensorData::new(SHARES.to_vec(), [1, 3, 1, 1]), &Device::flex());
        let brightness = graph.conv(x, shares, None, Conv::default(), 1);
        let colour = graph.op("Sub", &[x, &brightness]);
        let made = self.network.draw(graph, &brightness);
        let colour = graph.enlarge_bilinear(&colour, self.scale);
        graph.add(&colour, &made)
    }
}

/// Brightness, `[N, H, W, 1]`, and what colours differ from it.
fn parts(x: Tensor<4>) -> [Tensor<4>; 2] {
    let shares = Tensor::<1>::from_floats(SHARES, &x.device()).reshape([1, 1, 1, 3]);
    let brightness = (x.clone() * shares).sum_dim(3);
    [brightness.clone(), x - brightness]
}
