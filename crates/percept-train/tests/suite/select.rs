//! A selection from photos alone.

use std::path::Path;

use percept_conv::Device;
use percept_image::{Image, Photo, Srgb, write_photo};
use percept_nn::backbone::{BackboneConfig, WeightSource};
use percept_nn::metric::ChannelDistance;
use percept_nn::weights::WeightStore;
use percept_train::select::{Distortion, Learned, SelectError, SelectOptions, select};

fn options() -> SelectOptions {
    SelectOptions {
        backbone: BackboneConfig { weights: WeightSource::Random, ..BackboneConfig::default() },
        taps: vec!["relu1_2".to_string(), "relu2_1".to_string()],
        distance: ChannelDistance::Structure,
        kinds: Distortion::ALL.to_vec(),
        photos: 8,
        side: 48,
        steps: 150,
        seed: 1,
    }
}

/// Photos of very different contents: waves of all lengths, contrasts and directions.
fn photos(folder: &Path, count: usize) {
    for n in 0..count {
        let (length, contrast) = (2.0 + 3.0 * n as f32, 0.45 / (1.0 + n as f32 / 2.0));
        let photo = Image::<Srgb>::from_fn(64, 56, |x, y, c| {
            let along = (x * (n + 1)) as f32 / length + (y * (c + 1)) as f32 / 3.0;
            0.5 + contrast * along.sin() * (y as f32 / (n + 2) as f32).cos()
        });
        write_photo(folder.join(format!("{n}.png")), &Photo::new(photo)).unwrap();
    }
}

fn run(folder: &Path, options: &SelectOptions) -> Result<Learned, SelectError> {
    select(folder, options, &WeightStore::new(), &Device::flex(), &mut |_, _| true)
}

#[test]
fn a_selection_is_learned_and_the_same_one_every_time() {
    let folder = tempfile::tempdir().unwrap();
    photos(folder.path(), 9);
    std::fs::write(folder.path().join("9.png"), b"broken").unwrap();
    for distance in [ChannelDistance::Structure, ChannelDistance::Squared, ChannelDistance::Unit] {
        let options = SelectOptions { distance, photos: 10, ..options() };
        let found = run(folder.path(), &options).unwrap();
        assert_eq!((found.photos, found.skipped.len()), (9, 1));
        assert_eq!(found.file, run(folder.path(), &options).unwrap().file);
        let names: Vec<_> =
            found.file.taps.iter().map(|tap| (tap.name.as_str(), tap.weights.len())).collect();
        assert_eq!(names, [("relu1_2", 64), ("relu2_1", 128)]);
        for tap in &found.file.taps {
            let mean = tap.weights.iter().sum::<f32>() / tap.weights.len() as f32;
            assert!((mean - 1.0).abs() < 1e-3, "{mean}");
            assert!(tap.weights.iter().any(|w| (w - 1.0).abs() > 0.05), "nothing was learned");
            assert!(tap.response.iter().chain(&tap.variance).all(|v| v.is_finite() && *v >= 0.0));
        }
        let [uniform, selected] = found.ordered.unwrap();
        assert!((0.0..=1.0).contains(&uniform) && (0.0..=1.0).contains(&selected));
        let kinds = vec![Distortion::Blur, Distortion::Contrast];
        let few = run(folder.path(), &SelectOptions { kinds, ..options.clone() }).unwrap().file;
        assert!(few.learned.starts_with("across contents over blur, contrast; 7 photos"), "{}", few.learned);
        assert_ne!(few.taps, found.file.taps);
        let none = run(folder.path(), &SelectOptions { steps: 0, ..options.clone() }).unwrap();
        assert!(none.file.taps.iter().flat_map(|tap| &tap.weights).all(|weight| (weight - 1.0).abs() < 1e-5));
        let other = run(folder.path(), &SelectOptions { seed: 2, ..options }).unwrap();
        assert_ne!(found.file, other.file);
    }
}

/// On the photos that it learned from, a selection orders pairs at least as well as uniform weights do.
#[test]
fn what_is_learned_is_the_order_across_contents() {
    let folder = tempfile::tempdir().unwrap();
    // Of eight photos two are held out, which are copies of two that are learned from.
    photos(folder.path(), 6);
    let copy =
        |from: &str, to: &str| std::fs::copy(folder.path().join(from), folder.path().join(to)).unwrap();
    copy("5.png", "7.png");
    copy("4.png", "6.png");
    copy("0.png", "3.png");
    let options = SelectOptions { distance: ChannelDistance::Squared, steps: 300, ..options() };
    let [uniform, selected] = run(folder.path(), &options).unwrap().ordered.unwrap();
    assert!(selected > uniform, "{uniform} by uniform weights, {selected} by the selection");
}

#[test]
fn bad_folders_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(run(folder.path(), &options()), Err(SelectError::TooFew { found: 0, .. })));
    photos(folder.path(), 1);
    let error = run(folder.path(), &options()).unwrap_err();
    assert!(error.to_string().contains("48×48"), "{error}");
    assert!(matches!(run(&folder.path().join("none"), &options()), Err(SelectError::Read(_))));
    photos(folder.path(), 3);
    let tap = SelectOptions { taps: vec!["relu9_9".to_string()], ..options() };
    assert!(matches!(run(folder.path(), &tap), Err(SelectError::Backbone(_))));
    let none = SelectOptions { kinds: Vec::new(), ..options() };
    assert!(matches!(run(folder.path(), &none), Err(SelectError::NoKind)));
    let stopped = select(folder.path(), &options(), &WeightStore::new(), &Device::flex(), &mut |_, _| false);
    assert!(matches!(stopped, Err(SelectError::Stopped { done: 1, all: 3 })));
}
