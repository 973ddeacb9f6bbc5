//! A model as an ONNX file, for other tools.

use super::brightness::Seeing;
use super::{Model, ModelError};
use crate::onnx::Graph;

impl Model {
    /// The bytes of an ONNX file that does what [`restore`](Self::restore) does with the whole image: `input` `[N, C, H, W]`,
    /// `output` `[N, 3, H·s, W·s]`, RGB in `[0, 1]` as 32-bit floats. Batch, height and width are open: sides that the
    /// network cannot halve as often as it has to are continued and cut in the graph. A model of RAWs reads packed Bayer
    /// images of four channels.
    ///
    /// With `half`, weights take 16 bits in the file; inputs, outputs and all computations stay 32-bit floats. The file's
    /// metadata say what the model is, and `about`, keys and values.
    ///
    /// # Errors
    /// When the file would be larger than the 2 GiB that the format allows.
    pub fn to_onnx(&self, half: bool, about: &[(String, String)]) -> Result<Vec<u8>, ModelError> {
        let card = &self.card;
        let name = card.network_g.name();
        let scale = card.network_scale();
        let border = card.network_g.border(scale);
        let mut graph = Graph::new(half);
        let input = graph.input();
        let x = graph.continued(&input, border);
        let network = Seeing { network: &self.network, brightness: card.in_channels == 1, scale };
        let mut y = network.draw(&mut graph, &x);
        if border.reach() > 1 {
            y = graph.cut_to(&y, &input, scale);
        }
        let [black, white] = [0.0, 1.0].map(|value| graph.float(value));
        let y = graph.op("Clip", &[&y, &black, &white]);
        let own = [
            ("architecture", name.to_string()),
            ("scale", scale.to_string()),
            ("settings", card.network_g.to_string()),
            ("task", card.task.clone()),
        ];
        let own = own.map(|(key, value)| (key.to_string(), value));
        let about = own.into_iter().chain(about.iter().cloned()).collect();
        graph
            .file(&y, [card.image_channels(), 3], scale, about)
            .ok_or_else(|| ModelError::TooLarge { model: self.name.clone() })
    }
}
