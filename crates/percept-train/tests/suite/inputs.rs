//! What a network reads: photos degraded as a training does it.

use std::fs;

use percept_image::degrade::{Downscale, GaussianBlur, GaussianNoise, Jpeg, Published, UnsharpMask};
use percept_image::resize::imresize;
use percept_image::{Degradation, DegradationConfig, Image, Srgb, Step, read_srgb, rng_for};
use percept_run::Task;
use percept_train::data::{TrainSource, ValSource};

use crate::data::{config, folder, message, photo, write};

#[test]
fn super_resolution_shrinks_the_crop_and_rounds_it_as_a_file_would() {
    let dir = folder(1);
    let batch = TrainSource::open(&config(Task::Sr, dir.path())).unwrap().batch(5).unwrap();
    let gt = Image::<Srgb>::from_vec(32, 32, batch.gt[..32 * 32 * 3].to_vec()).unwrap();
    let small = imresize(&gt, 8, 8).map(|v| (v.clamp(0.0, 1.0) * 255.0).round() / 255.0);
    assert_eq!(small.data(), &batch.lq[..8 * 8 * 3]);
    let large = imresize(&small, 32, 32).map(|v| v.clamp(0.0, 1.0));
    assert_eq!(large.data(), &batch.distorted[..32 * 32 * 3]);
}

#[test]
fn noise_that_is_not_clipped_reaches_the_network_and_is_shown_as_a_picture() {
    let dir = folder(1);
    let mut config = config(Task::Denoise, dir.path());
    for clip in [true, false] {
        let noise = GaussianNoise { sigma: 90.0.into(), clip, ..GaussianNoise::default() };
        config.datasets.train.degradation = Some(vec![DegradationConfig::GaussianNoise(noise).into()]);
        let batch = TrainSource::open(&config).unwrap().batch(1).unwrap();
        let inside = |values: &[f32]| values.iter().all(|value| (0.0..=1.0).contains(value));
        assert_eq!(inside(&batch.lq), clip);
        assert!(inside(&batch.distorted) && inside(&batch.gt));
        let level = |value: &f32| (value * 255.0 - (value * 255.0).round()).abs() < 1e-3;
        assert_eq!(batch.lq.iter().all(level), clip, "a file has levels");
    }
}

#[test]
fn degradations_must_give_the_size_of_the_scale() {
    let dir = folder(1);
    let mut config = config(Task::Sr, dir.path());
    let downscale = |scale| DegradationConfig::Downscale(Downscale { scale, ..Downscale::default() });
    config.datasets.train.degradation = Some(vec![downscale(2.0).into()]);
    let error = message(TrainSource::open(&config));
    assert!(error.contains("give `downscale` the scale 4"), "{error}");
    config.datasets.train.degradation = Some(vec![downscale(2.0).into(), downscale(2.0).into()]);
    TrainSource::open(&config).unwrap();
    let noise =
        DegradationConfig::GaussianNoise(GaussianNoise { sigma: (-1.0).into(), ..GaussianNoise::default() });
    config.datasets.train.degradation = Some(vec![noise.into()]);
    let error = message(TrainSource::open(&config));
    assert!(error.contains("gaussian_noise.sigma = -1"), "{error}");
}

#[test]
fn published_recipes_fit_every_task_and_are_functions_of_seed_and_step() {
    let dir = folder(3);
    for task in Task::ALL {
        for recipe in Published::ALL {
            let mut config = config(task, dir.path());
            let train = &mut config.datasets.train;
            (train.degradation, train.recipe, train.patch_size) = (None, Some(recipe), Some(46));
            let source = TrainSource::open(&config).unwrap();
            let batches: Vec<_> = (1..6).map(|iter| source.batch(iter).unwrap()).collect();
            let side = 32 / task.network_scale(config.scale);
            assert_eq!(batches[0].lq_dims, [2, side, side, task.in_channels()], "{task}");
            let again = TrainSource::open(&config).unwrap();
            for iter in (1..6).rev() {
                assert_eq!(again.batch(iter).unwrap(), batches[iter as usize - 1], "{task} {recipe:?}");
            }
            let val = ValSource::open(&config).unwrap().unwrap();
            assert_eq!(val.sample(1).unwrap(), val.sample(1).unwrap());
        }
    }
}

#[test]
fn a_patch_is_degraded_whole_and_the_crop_cut_out_of_it() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path().join("a.png"),
        Image::from_fn(160, 128, |x, y, c| {
            0.5 + 0.3 * (x as f32 / 5.0 + c as f32).sin()
                + 0.2 * (y as f32 / 7.0 + (x * y) as f32 / 300.0).cos()
        }),
    );
    let photo = read_srgb(dir.path().join("a.png")).unwrap();
    let blur = GaussianBlur { sigma: 4.0.into(), aspect: 1.0.into(), angle: 0.0.into() };
    let blur = DegradationConfig::GaussianBlur(blur);
    let mut config = config(Task::Deblur, dir.path());
    config.datasets.train.degradation = Some(vec![blur.clone().into()]);
    (config.datasets.train.use_hflip, config.datasets.train.use_rot) = (false, false);
    let whole = blur.apply(photo.clone(), &mut rng_for(0, 0, 0));
    // How far the input is from that of the whole photo, at worst, over some crops.
    let mut apart = |patch_size: Option<usize>| {
        config.datasets.train.patch_size = patch_size;
        let source = TrainSource::open(&config).unwrap();
        let mut worst = 0.0_f32;
        for iter in 1..12 {
            let batch = source.batch(iter).unwrap();
            let places = (0..=128).flat_map(|x| (0..=96).map(move |y| (x, y)));
            let gt = &batch.gt[..32 * 32 * 3];
            let (x, y) = places.clone().find(|(x, y)| photo.crop(*x, *y, 32, 32).data() == gt).unwrap();
            let expected = whole.crop(x, y, 32, 32);
            let apart = expected.data().iter().zip(&batch.lq).map(|(a, b)| (a - b).abs());
            worst = apart.fold(worst, f32::max);
        }
        worst
    };
    assert!(apart(None) > 0.05, "the crop's own border is in the blur");
    // Half of the patch's surplus is 12 pixels at least: the whole reach of the blur, but for the rounding to 8 bits.
    assert!(apart(Some(32 + 4 * 13)) < 0.003, "{}", apart(Some(32 + 4 * 13)));
    assert!(apart(Some(2048)) < 0.003);
}

#[test]
fn patches_put_the_grid_of_a_jpeg_anywhere() {
    let dir = folder(1);
    let mut config = config(Task::Jpeg, dir.path());
    let jpeg = DegradationConfig::Jpeg(Jpeg { quality: 5.0.into(), ..Jpeg::default() });
    config.datasets.train.degradation = Some(vec![jpeg.into()]);
    config.datasets.train.dataroot_gt = dir.path().join("large");
    fs::create_dir(dir.path().join("large")).unwrap();
    write(dir.path().join("large/a.png"), photo(1, 200, 160));
    let mut columns = |patch_size: Option<usize>| {
        config.datasets.train.patch_size = patch_size;
        let source = TrainSource::open(&config).unwrap();
        let mut found = std::collections::BTreeSet::new();
        for iter in 1..60 {
            let batch = source.batch(iter).unwrap();
            let row = |x: usize| (0..32).map(move |y| (y * 32 + x) * 3);
            // Where neighbours differ most on average, a block ends.
            let edge = |x: usize| row(x).map(|i| (batch.lq[i] - batch.lq[i + 3]).abs()).sum::<f32>();
            let offset = (0..8).max_by(|a, b| {
                let sum = |at: usize| {
                    (at..31).step_by(8).map(edge).sum::<f32>() / (at..31).step_by(8).count() as f32
                };
                sum(*a).total_cmp(&sum(*b))
            });
            found.insert(offset.unwrap());
        }
        found.len()
    };
    let (fixed, free) = (columns(None), columns(Some(72)));
    assert!(free > 6 && fixed < free, "{fixed} {free}");
}

#[test]
fn a_size_that_is_a_matter_of_chance_is_refused_before_the_start() {
    let dir = folder(1);
    let mut config = config(Task::Sr, dir.path());
    let chance = |text: &str| Some(serde_json::from_str::<Vec<Step>>(text).unwrap());
    config.datasets.train.degradation =
        chance(r#"[{"type": "downscale"}, {"type": "resize", "scale": 0.5, "prob": 0.1}]"#);
    let error = message(TrainSource::open(&config));
    assert!(error.contains("scale 4 needs") && error.contains("divide = true, scale = 4"), "{error}");
    config.datasets.train.degradation = chance(
        r#"[{"type": "resize", "prob": 0.5}, {"type": "resize", "of": "photo", "divide": true, "scale": 4}]"#,
    );
    TrainSource::open(&config).unwrap();
}

#[test]
fn targets_of_a_training_are_sharpened_and_those_of_a_validation_are_not() {
    let dir = folder(1);
    let mut config = config(Task::Sr, dir.path());
    let plain = TrainSource::open(&config).unwrap().batch(1).unwrap();
    let val = ValSource::open(&config).unwrap().unwrap().sample(0).unwrap();
    config.datasets.train.sharpen_gt = Some(UnsharpMask::default());
    let sharp = TrainSource::open(&config).unwrap().batch(1).unwrap();
    assert_ne!(plain.gt, sharp.gt);
    assert_ne!(plain.lq, sharp.lq, "what is degraded is the sharpened target");
    assert_eq!(ValSource::open(&config).unwrap().unwrap().sample(0).unwrap(), val);
}
