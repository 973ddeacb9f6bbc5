//! A selection from photos alone, with no network to train.
//!
//! Every photo goes down a ladder of synthetic distortions. Of two *different* photos distorted the same way, the one that
//! is distorted more must be farther from its original than the other is from its own: channels for which this holds
//! answer to the distortion, the others to what the photo shows. It is the `across` contrast of a training, with rungs of
//! the ladder in the places of result and distorted image, and without a label from anybody.

mod error;
mod ladder;
mod order;

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use percept_image::{Image, Listing, Srgb, list_folder, read_srgb, rng_for};
use percept_nn::backbone::{Backbone, BackboneConfig};
use percept_nn::disentangle::{ResponseScale, Selection, Start, TripletConfig, TripletDistances};
use percept_nn::metric::{ChannelDistance, SelectedTap, SelectionFile};
use percept_nn::weights::WeightStore;
use rand::RngExt;
use rand::seq::index::sample;

pub use error::SelectError;
pub use ladder::Distortion;

use self::ladder::{LEVELS, Rung};
use self::order::ordered;
use crate::data::Skipped;

/// Of so many photos one is held out, to see what was learned.
const HELD_OUT: usize = 4;
/// Photos in one step of the contrast.
const BATCH: usize = 24;

/// What can be chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectOptions {
    /// The network.
    pub backbone: BackboneConfig,
    /// Its taps.
    pub taps: Vec<String>,
    /// What is contrasted.
    pub distance: ChannelDistance,
    /// The kinds of distortion that it is contrasted over, at least one.
    pub kinds: Vec<Distortion>,
    /// At most so many photos, spaced evenly over the folder.
    pub photos: usize,
    /// Side of the middle of each photo that is used, in pixels.
    pub side: usize,
    /// Steps of the contrast.
    pub steps: usize,
    /// The seed of noise and of the order of steps.
    pub seed: u64,
}

/// What was learned.
#[derive(Clone, Debug)]
pub struct Learned {
    /// The selection.
    pub file: SelectionFile,
    /// Effective channels of each tap.
    pub effective: Vec<f64>,
    /// Photos that were used, those held out included.
    pub photos: usize,
    /// Photos that were not.
    pub skipped: Vec<Skipped>,
    /// Of pairs of held-out photos, the share in the right order by uniform weights and by the selection; `None`
    /// where fewer than two are held out.
    pub ordered: Option<[f64; 2]>,
}

/// Per-channel distances of every photo to its distorted self, and the usual variances.
struct Responses {
    /// By rung (kind, then level) and tap: `[photos · C]`.
    distances: Vec<Vec<Vec<f32>>>,
    /// By tap, `[C]`.
    variance: Vec<Vec<f32>>,
}

/// Learns a selection from the photos in the folder `data`. `progress` hears how many photos of how many have
/// been looked at, and says whether to go on.
///
/// # Errors
/// When there is no kind of distortion or fewer than two photos can be used, the network's weights are missing, a tap does not exist, or `progress` says no.
pub fn select(
    data: &Path,
    options: &SelectOptions,
    store: &WeightStore,
    device: &Device,
    progress: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Learned, SelectError> {
    if options.kinds.is_empty() {
        return Err(SelectError::NoKind);
    }
    let device = device.clone().inner();
    let backbone = options.backbone.init(&options.taps, store, &device)?;
    let Listing { photos: files, left_out } = list_folder(data)?;
    let files = spaced(files, options.photos);
    let (photos, mut skipped) = read(&files, options.side.max(backbone.min_side()));
    if photos.len() < 2 {
        return Err(SelectError::TooFew { path: data.to_path_buf(), found: files.len(), side: options.side });
    }
    skipped.extend(left_out.into_iter().map(Skipped::from));
    // The last photos of an evenly spaced list would all be from one end of the folder.
    let held = |photo: &usize| photo % HELD_OUT == HELD_OUT - 1;
    let (test, learn): (Vec<usize>, Vec<usize>) = (0..photos.len()).partition(held);
    let seen = look(&photos, &learn, backbone.as_ref(), options, &device, progress)?;
    let response = response(&seen, &learn);
    let weights = learn_weights(&seen, &response, &learn, backbone.as_ref(), options, store, &device)?;

    let uniform: Vec<Vec<f32>> = weights.iter().map(|tap| vec![1.0; tap.len()]).collect();
    let order = |weights: &[Vec<f32>]| ordered(&seen.distances, weights, &response, &test, LEVELS);
    let ordered = order(&uniform).zip(order(&weights)).map(|(uniform, selected)| [uniform, selected]);
    let effective = weights.iter().map(|tap| percept_nn::disentangle::effective_channels(tap)).collect();
    let parts = weights.into_iter().zip(response).zip(seen.variance).zip(backbone.taps());
    let taps = parts.map(|(((weights, response), variance), tap)| SelectedTap {
        name: tap.name.clone(),
        weights,
        response,
        variance,
    });
    let file = SelectionFile {
        backbone: options.backbone.clone(),
        distance: options.distance,
        taps: taps.collect(),
        learned: format!(
            "across contents over {}; {} photos of {} pixels, {} steps, seed {}",
            options.kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", "),
            learn.len(),
            options.side,
            options.steps,
            options.seed
        ),
    };
    Ok(Learned { file, effective, photos: photos.len(), skipped, ordered })
}

/// At most `count`, evenly spaced.
fn spaced(files: Vec<PathBuf>, count: usize) -> Vec<PathBuf> {
    let (all, count) = (files.len(), count.max(1));
    if all <= count {
        return files;
    }
    (0..count).filter_map(|at| files.get(at * all / count).cloned()).collect()
}

/// The middle of every photo.
fn read(files: &[PathBuf], side: usize) -> (Vec<Image<Srgb>>, Vec<Skipped>) {
    let (mut photos, mut skipped) = (Vec::new(), Vec::new());
    for file in files {
        match read_srgb(file) {
            Ok(photo) if photo.width().min(photo.height()) >= side => {
                let (left, top) = ((photo.width() - side) / 2, (photo.height() - side) / 2);
                photos.push(photo.crop(left, top, side, side));
            }
            Ok(photo) => {
                let (width, height) = photo.size();
                let reason = format!(
                    "{width}×{height} pixels are too few, {side}×{side} are needed; use a larger photo or another --side"
                );
                skipped.push(Skipped { path: file.clone(), reason });
            }
            Err(error) => skipped.push(Skipped::unreadable(&error)),
        }
    }
    (photos, skipped)
}

/// The usual variances are those of the photos to `learn` from: what is held out says nothing yet.
fn look(
    photos: &[Image<Srgb>],
    learn: &[usize],
    backbone: &dyn Backbone,
    options: &SelectOptions,
    device: &Device,
    progress: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Responses, SelectError> {
    let features = |photo: &Image<Srgb>| {
        let (width, height) = photo.size();
        let data = TensorData::new(photo.data().to_vec(), [1, height, width, 3]);
        backbone.features(Tensor::from_data(data, device))
    };
    let rungs = options.kinds.iter().flat_map(|kind| (0..LEVELS).map(|level| Rung::new(*kind, level)));
    let rungs = rungs.collect::<Result<Vec<_>, _>>()?;
    let taps = backbone.taps().len();
    // First the usual variances, which steady every distance.
    let mut variance: Vec<Vec<f32>> = vec![Vec::new(); taps];
    for photo in learn.iter().filter_map(|at| photos.get(*at)) {
        for (sum, map) in variance.iter_mut().zip(features(photo)) {
            let centred = map.clone() - map.mean_dim(1).mean_dim(2);
            add(sum, &numbers(centred.square().mean_dim(1).mean_dim(2)), learn.len());
        }
    }
    let usual = |tap: &Vec<f32>| Tensor::from_data(TensorData::new(tap.clone(), [tap.len()]), device);
    let usual: Vec<Tensor<1>> = variance.iter().map(usual).collect();
    let mut distances = vec![vec![Vec::new(); taps]; rungs.len()];
    for (at, photo) in photos.iter().enumerate() {
        let original = features(photo);
        for (rung, (step, distances)) in rungs.iter().zip(&mut distances).enumerate() {
            let distorted = features(&step.apply(photo, &mut rng_for(options.seed, rung as u64, at as u64)));
            for (tap, ((a, b), usual)) in distorted.into_iter().zip(&original).zip(&usual).enumerate() {
                let distance = numbers(options.distance.of(a, b.clone(), usual));
                if let Some(all) = distances.get_mut(tap) {
                    all.extend(distance);
                }
            }
        }
        if !progress(at + 1, photos.len()) && at + 1 < photos.len() {
            return Err(SelectError::Stopped { done: at + 1, all: photos.len() });
        }
    }
    Ok(Responses { distances, variance })
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// Adds `values / count`.
fn add(sum: &mut Vec<f32>, values: &[f32], count: usize) {
    sum.resize(values.len(), 0.0);
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value / count as f32);
}

/// The mean distance of every channel over photos and rungs: by tap, `[C]`.
fn response(seen: &Responses, photos: &[usize]) -> Vec<Vec<f32>> {
    let channels: Vec<usize> = seen.variance.iter().map(Vec::len).collect();
    let of = |(tap, channels): (usize, &usize)| {
        let mut mean = Vec::new();
        let rows = seen.distances.iter().filter_map(|rung| rung.get(tap));
        let rows = rows.flat_map(|all| photos.iter().filter_map(|photo| row(all, *photo, *channels)));
        rows.for_each(|row| add(&mut mean, row, photos.len() * seen.distances.len()));
        mean
    };
    channels.iter().enumerate().map(of).collect()
}

/// One photo's distances.
fn row(all: &[f32], photo: usize, channels: usize) -> Option<&[f32]> {
    all.get(photo * channels..(photo + 1) * channels)
}

/// The contrast, step by step: a kind, two of its strengths, some photos.
fn learn_weights(
    seen: &Responses,
    response: &[Vec<f32>],
    photos: &[usize],
    backbone: &dyn Backbone,
    options: &SelectOptions,
    store: &WeightStore,
    device: &Device,
) -> Result<Vec<Vec<f32>>, SelectError> {
    let config = TripletConfig {
        lr: 0.03,
        ema: 0.95,
        start: Start::Uniform,
        every: 1,
        until: 0,
        warmup: 0,
        // The distances are divided by their means over all photos already.
        response_scale: ResponseScale::None,
        ..TripletConfig::default()
    };
    let mut selection = Selection::new(config, backbone.name(), backbone.taps(), store, device)?;
    let mut rng = rng_for(options.seed, u64::MAX, 0);
    for _ in 0..options.steps {
        let kind = rng.random_range(0..options.kinds.len());
        let less = rng.random_range(0..LEVELS - 1);
        let more = rng.random_range(less + 1..LEVELS);
        let drawn = sample(&mut rng, photos.len(), photos.len().min(BATCH));
        let drawn: Vec<usize> = drawn.iter().filter_map(|at| photos.get(at).copied()).collect();
        let rows = |level: usize| {
            let rung = seen.distances.get(kind * LEVELS + level);
            let taps = rung.into_iter().flatten().zip(response).map(|(all, response)| {
                let divide = |row: &[f32]| {
                    row.iter().zip(response).map(|(d, r)| d / (r + 1e-12)).collect::<Vec<f32>>()
                };
                let data: Vec<f32> = drawn
                    .iter()
                    .filter_map(|photo| row(all, *photo, response.len()))
                    .flat_map(divide)
                    .collect();
                Tensor::<2>::from_data(TensorData::new(data, [drawn.len(), response.len()]), device)
            });
            taps.collect::<Vec<_>>()
        };
        selection.batch(|_| TripletDistances {
            result_target: rows(less),
            distorted_target: rows(more),
            distorted_result: None,
            averaged: None,
        });
    }
    Ok(selection.weights().into_iter().map(|tap| tap.weights).collect())
}
