//! Where a selection starts, and the baselines that never leave their start.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::concentration::{concentrated, least_share};
use super::{Start, TripletConfig};
use crate::backbone::Tap;
use crate::weights::{StateDict, WeightError, WeightStore};

/// Why a selection cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// LPIPS has no weights for this tap.
    #[error(
        "LPIPS has no channel weights for tap {tap} of {backbone}: `start = \"lpips\"` works with vgg16 \
         (relu1_2, relu2_2, relu3_3, relu4_3, relu5_3) and alexnet (relu1 … relu5)"
    )]
    NoLpipsHead {
        /// The backbone.
        backbone: String,
        /// The tap.
        tap: String,
    },
    /// A file's weights do not fit a tap.
    #[error("{origin}: tap {tap} needs {expected} weights, all at least 0 and not all 0: {problem}")]
    DoesNotFit {
        /// The file, the known weights, or `LPIPS`.
        origin: String,
        /// The tap.
        tap: String,
        /// Its channels.
        expected: usize,
        /// What is there instead.
        problem: String,
    },
    /// Weights cannot be as concentrated as they should be.
    #[error(
        "`{key}` {wanted} cannot be reached at tap {tap}: with `floor` {floor} its {channels} weights count for {least:.3} \
         of all channels at the least; raise `{key}` or lower `floor`"
    )]
    Concentration {
        /// The key that asks for it.
        key: &'static str,
        /// The tap.
        tap: String,
        /// Its channels.
        channels: usize,
        /// The share of channels that was asked for.
        wanted: f64,
        /// The floor that forbids it.
        floor: f64,
        /// The least share.
        least: f64,
    },
    /// A weight file could not be read.
    #[error(transparent)]
    Weights(#[from] WeightError),
}

/// Starting weights by tap, mean 1 each, before the floor is added.
pub(super) fn start_weights(
    config: &TripletConfig,
    backbone: &str,
    taps: &[Tap],
    store: &WeightStore,
) -> Result<Vec<Vec<f32>>, StartError> {
    let uniform = |tap: &Tap| vec![1.0; tap.channels];
    match &config.start {
        Start::Photos => {
            let Some(name) = learned_from_photos(backbone) else {
                return Ok(taps.iter().map(uniform).collect());
            };
            let file = store.load(name)?;
            let weights = |tap: &Tap| match file.get(&tap.name) {
                Some(_) => named(&file, &tap.name, name, tap),
                None => Ok(uniform(tap)),
            };
            taps.iter().map(weights).collect()
        }
        Start::Uniform => Ok(taps.iter().map(uniform).collect()),
        Start::Random => {
            let mut rng = ChaCha8Rng::seed_from_u64(config.start_seed);
            taps.iter().map(|tap| random(tap, config, &mut rng)).collect()
        }
        Start::Lpips => {
            let Some((file, family)) = lpips_family(backbone) else {
                let tap = taps.first().map(|tap| tap.name.clone()).unwrap_or_default();
                return Err(StartError::NoLpipsHead { backbone: backbone.to_string(), tap });
            };
            let heads = store.load(file)?;
            let weights = |tap: &Tap| {
                let head = family.iter().position(|name| *name == tap.name).ok_or_else(|| {
                    StartError::NoLpipsHead { backbone: backbone.to_string(), tap: tap.name.clone() }
                })?;
                named(&heads, &format!("lin{head}.model.1.weight"), "LPIPS", tap)
            };
            taps.iter().map(weights).collect()
        }
        Start::File(path) => {
            let file = StateDict::load(std::path::Path::new(path))?;
            taps.iter().map(|tap| named(&file, &tap.name, path, tap)).collect()
        }
    }
}

/// The known weights that `percept select` learned for a backbone.
fn learned_from_photos(backbone: &str) -> Option<&'static str> {
    match backbone {
        "vgg16" => Some("selected-vgg16"),
        "alexnet" => Some("selected-alexnet"),
        _ => None,
    }
}

fn lpips_family(backbone: &str) -> Option<(&'static str, [&'static str; 5])> {
    match backbone {
        "vgg16" => Some(("lpips-vgg16", ["relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"])),
        "alexnet" => Some(("lpips-alexnet", ["relu1", "relu2", "relu3", "relu4", "relu5"])),
        _ => None,
    }
}

fn named(file: &StateDict, key: &str, origin: &str, tap: &Tap) -> Result<Vec<f32>, StartError> {
    let misfit = |problem: String| StartError::DoesNotFit {
        origin: origin.to_string(),
        tap: tap.name.clone(),
        expected: tap.channels,
        problem,
    };
    let array = file.get(key).ok_or_else(|| misfit(format!("there is no array `{key}`")))?;
    let sum: f32 = array.data.iter().sum();
    if array.data.len() != tap.channels {
        return Err(misfit(format!("there are {}", array.data.len())));
    }
    if !(sum.is_finite() && sum > 0.0) || array.data.iter().any(|w| *w < 0.0) {
        return Err(misfit("some are negative or not numbers, or all are 0".to_string()));
    }
    let mean = sum / tap.channels as f32;
    Ok(array.data.iter().map(|w| w / mean).collect())
}

/// `softmax(k · gaussian)` with the `k` at which the weights, floor included, have the wanted
/// concentration.
fn random(tap: &Tap, config: &TripletConfig, rng: &mut ChaCha8Rng) -> Result<Vec<f32>, StartError> {
    let (channels, wanted, floor) = (tap.channels, config.concentration, config.floor);
    let noise: Vec<f64> = (0..channels).map(|_| StandardNormal.sample(rng)).collect();
    let least = least_share(channels, floor);
    if least > wanted {
        let (key, tap) = ("concentration", tap.name.clone());
        return Err(StartError::Concentration { key, tap, channels, wanted, floor, least });
    }
    Ok(concentrated(&noise, floor, wanted))
}
