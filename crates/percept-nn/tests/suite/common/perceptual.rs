//! What `fixtures/make_perceptual.py` computed.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use percept_nn::weights::StateDict;

/// The whole fixture.
pub fn fixture() -> StateDict {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/perceptual.safetensors");
    StateDict::load(&path).unwrap()
}

/// A photo of the fixture, `[1, H, W, 3]` in `[0, 1]`.
pub fn image(fixture: &StateDict, name: &str, device: &Device) -> Tensor<4> {
    let array = fixture.get(&format!("image.{name}")).unwrap();
    let [height, width] = [array.shape[0], array.shape[1]];
    let data = array.data.iter().map(|value| value / 255.0).collect::<Vec<_>>();
    Tensor::from_data(TensorData::new(data, [1, height, width, 3]), device)
}

/// All values of a tensor.
pub fn vector<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec::<f32>().unwrap()
}
