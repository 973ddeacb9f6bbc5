//! Numbers that need no fixture: `fixtures/seeded.py` makes the same ones, bit for bit.

use burn::tensor::Device;
use percept_nn::network::NetworkConfig;
use percept_nn::weights::{Array, StateDict};

/// From -1 to 1, of 24 bits each, by a name and their place below it.
fn numbers(name: &str, count: usize) -> impl Iterator<Item = f32> {
    let seed =
        name.bytes().fold(2_166_136_261_u32, |seed, byte| (seed ^ u32::from(byte)).wrapping_mul(16_777_619));
    (0..count as u32).map(move |at| {
        let x = seed.wrapping_add(at.wrapping_mul(2_654_435_761));
        let x = [(16, 0x85EB_CA6B), (13, 0xC2B2_AE35_u32)]
            .into_iter()
            .fold(x, |x, (shift, factor)| (x ^ (x >> shift)).wrapping_mul(factor));
        ((x ^ (x >> 16)) >> 8) as f32 / (1 << 23) as f32 - 1.0
    })
}

/// `[H, W, C]`, 0 to 1.
pub fn photo(height: usize, width: usize, channels: usize) -> Vec<f32> {
    numbers("photo", height * width * channels).map(|value| (value + 1.0) * 0.5).collect()
}

/// The weights of such a network; what is no weight stays.
pub fn weights(network_g: &NetworkConfig, scale: usize, in_channels: usize, gain: f64) -> StateDict {
    let network = network_g.init(scale, in_channels, 0, &Device::flex()).unwrap();
    let mut state = StateDict::new();
    for (name, array) in StateDict::of(&network).iter() {
        let last = name.rsplit('.').next().unwrap();
        let (middle, spread) = match last {
            "rpe_biases" | "no_norm" => {
                state.insert(name, array.clone());
                continue;
            }
            "running_var" => (1.25, 0.25),
            last if last.contains("temperature") => (1.0, 0.5),
            last if last.contains("relative_position") => (0.0, 1.5),
            last if array.shape.len() == 1 => (f32::from(last == "weight"), 0.3),
            _ => {
                let inputs = array.shape[1..].iter().product::<usize>();
                (0.0, (gain * (3.0 / inputs as f64).sqrt()) as f32)
            }
        };
        let data = numbers(name, array.data.len()).map(|value| middle + spread * value).collect();
        state.insert(name, Array { shape: array.shape.clone(), data });
    }
    state
}
