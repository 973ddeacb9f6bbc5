//! Folders of photos, good and bad, and the batches made from them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use percept_image::{Image, Photo, Srgb, read_srgb, write_photo};
use percept_run::config::{TrainSetConfig, ValSetConfig};
use percept_run::{Config, Lq, Task};
use percept_train::data::{DataError, Loader, TrainSource, ValSource};
use tempfile::TempDir;

/// A photo that no other `kind` equals.
pub(crate) fn photo(kind: usize, width: usize, height: usize) -> Image<Srgb> {
    Image::from_fn(width, height, |x, y, c| ((x * 5 + y * 3 + c * 40 + kind * 23) % 256) as f32 / 255.0)
}

pub(crate) fn write(path: impl AsRef<Path>, image: Image<Srgb>) {
    write_photo(path, &Photo::new(image)).unwrap();
}

/// A folder with photos `0.png` … of 48×40 pixels.
pub(crate) fn folder(photos: usize) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for kind in 0..photos {
        write(dir.path().join(format!("{kind}.png")), photo(kind, 48, 40));
    }
    dir
}

pub(crate) fn config(task: Task, dir: &Path) -> Config {
    let train = TrainSetConfig { gt_size: 32, batch_size: 2, ..TrainSetConfig::new(dir) };
    let mut config = Config::for_task(task);
    config.datasets.train = train;
    config.datasets.val = Some(ValSetConfig::new(dir));
    config
}

pub(crate) fn message<T>(result: Result<T, DataError>) -> String {
    result.err().expect("this must fail").to_string()
}

#[test]
fn a_batch_depends_on_seed_and_step_alone() {
    let dir = folder(5);
    let mut config = config(Task::Denoise, dir.path());
    let source = TrainSource::open(&config).unwrap();
    let seventh = source.batch(7).unwrap();
    source.batch(3).unwrap();
    assert_eq!(source.batch(7).unwrap(), seventh);
    assert_eq!(TrainSource::open(&config).unwrap().batch(7).unwrap(), seventh);
    assert_ne!(source.batch(8).unwrap().gt, seventh.gt);
    config.datasets.train.cache_mib = 0;
    assert_eq!(TrainSource::open(&config).unwrap().batch(7).unwrap(), seventh, "read from files again");
    config.seed = 1;
    assert_ne!(TrainSource::open(&config).unwrap().batch(7).unwrap().gt, seventh.gt);
}

#[test]
fn every_epoch_shows_every_photo_once_in_a_new_order() {
    let dir = folder(6);
    let source = TrainSource::open(&config(Task::Jpeg, dir.path())).unwrap();
    let epoch = |epoch: u64| -> Vec<String> {
        (1..=3).flat_map(|i| source.batch(3 * epoch + i).unwrap().names).collect()
    };
    let orders: Vec<_> = (0..4).map(epoch).collect();
    for order in &orders {
        let mut sorted = order.clone();
        sorted.sort();
        assert_eq!(sorted, ["0", "1", "2", "3", "4", "5"]);
    }
    assert!(orders.iter().any(|order| *order != orders[0]));
}

#[test]
fn a_loader_started_anywhere_gives_the_same_batches() {
    let dir = folder(3);
    let source = Arc::new(TrainSource::open(&config(Task::Sr, dir.path())).unwrap());
    for (first, prefetch) in [(1, 1), (4, 3)] {
        let mut loader = Loader::start(Arc::clone(&source), first, [prefetch, 3]).unwrap();
        for iter in first..first + 5 {
            assert_eq!(loader.next_batch().unwrap(), source.batch(iter).unwrap());
        }
    }
}

#[test]
fn every_task_gives_its_input_and_the_distorted_image() {
    let dir = folder(2);
    for task in Task::ALL {
        let config = config(task, dir.path());
        let batch = TrainSource::open(&config).unwrap().batch(1).unwrap();
        let expected = match task {
            Task::Sr => [2, 8, 8, 3],
            Task::Raw2rgb => [2, 16, 16, 4],
            _ => [2, 32, 32, 3],
        };
        assert_eq!((batch.gt_dims, batch.lq_dims), ([2, 32, 32, 3], expected), "{task}");
        assert_eq!(expected[3], task.in_channels());
        assert_eq!(expected[1] * task.network_scale(config.scale), 32);
        for values in [&batch.gt, &batch.lq, &batch.distorted] {
            assert!(values.iter().all(|v| (0.0..=1.0).contains(v)), "{task}");
        }
        assert_ne!(batch.distorted, batch.gt, "{task}");
        let tensors = batch.to_tensors(&Device::flex());
        assert_eq!((tensors.gt.dims(), tensors.lq.dims()), (batch.gt_dims, batch.lq_dims));
        assert_eq!(tensors.distorted.into_data().try_into_vec_as::<f32>().unwrap(), batch.distorted);
    }
}

#[test]
fn a_raw_at_scale_two_has_a_quarter_of_the_side() {
    let dir = folder(1);
    let mut config = config(Task::Raw2rgb, dir.path());
    config.scale = 2;
    let batch = TrainSource::open(&config).unwrap().batch(1).unwrap();
    assert_eq!(batch.lq_dims, [2, 8, 8, 4]);
}

#[test]
fn crops_come_from_all_over_the_photo_unless_it_is_just_as_large() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path().join("a.png"), photo(0, 33, 34));
    let mut config = config(Task::Denoise, dir.path());
    (config.datasets.train.use_hflip, config.datasets.train.use_rot) = (false, false);
    let source = TrainSource::open(&config).unwrap();
    let whole = read_srgb(dir.path().join("a.png")).unwrap();
    let mut found = std::collections::BTreeSet::new();
    for iter in 1..60 {
        let batch = source.batch(iter).unwrap();
        let place = (0..6).find(|i| whole.crop(i % 2, i / 2, 32, 32).data() == &batch.gt[..32 * 32 * 3]);
        found.insert(place.expect("a crop of the photo"));
    }
    assert_eq!(found.len(), 6);
}

#[test]
fn one_broken_photo_among_good_ones_is_left_out_by_name() {
    let dir = folder(2);
    let whole = fs::read(dir.path().join("0.png")).unwrap();
    fs::write(dir.path().join("cut.png"), &whole[..whole.len() / 2]).unwrap();
    fs::write(dir.path().join("lying.jpg"), b"this is no picture").unwrap();
    write(dir.path().join("tiny.png"), photo(9, 31, 60));
    fs::write(dir.path().join("notes.txt"), b"not a photo at all").unwrap();
    let source = TrainSource::open(&config(Task::Sr, dir.path())).unwrap();
    assert_eq!(source.photos(), 2);
    let skipped: Vec<_> = source.skipped().iter().map(ToString::to_string).collect();
    assert_eq!(skipped.len(), 3, "{skipped:?}");
    for (line, (name, part)) in skipped.iter().zip([
        ("cut.png", "; copy"),
        ("lying.jpg", "; convert"),
        ("tiny.png", "31×60 pixels are too few, 32×32 are needed; use a larger photo"),
    ]) {
        assert!(line.contains(name) && line.contains(part), "{line}");
        assert_eq!(line.matches(name).count(), 1, "the name once: {line}");
    }
    source.batch(9).unwrap();
}

#[test]
fn nothing_usable_is_an_error_that_says_what_was_there() {
    let empty = tempfile::tempdir().unwrap();
    let error = message(TrainSource::open(&config(Task::Sr, empty.path())));
    assert!(error.contains("holds no photos; put"), "{error}");
    write(empty.path().join("a.png"), photo(0, 20, 20));
    let error = message(TrainSource::open(&config(Task::Sr, empty.path())));
    assert!(
        error.contains("none of the 1 photos can be used, the first is") && error.contains("a.png: 20×20"),
        "{error}"
    );
    let error = message(TrainSource::open(&config(Task::Sr, &empty.path().join("gone"))));
    assert!(error.contains("gone: no such file or folder"), "{error}");
}

/// Targets that are their counterparts, every pixel four times as wide and high.
fn paired(photos: usize) -> (TempDir, TempDir) {
    let (gt, lq) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for kind in 0..photos {
        let small = photo(kind, 12, 10);
        write(
            gt.path().join(format!("{kind}.png")),
            Image::from_fn(48, 40, |x, y, c| small.pixel(x / 4, y / 4)[c]),
        );
        write(lq.path().join(format!("{kind}.png")), small);
    }
    (gt, lq)
}

#[test]
fn paired_crops_lie_on_each_other_in_every_pose() {
    let (gt, lq) = paired(3);
    fs::rename(lq.path().join("2.png"), lq.path().join("2x4.png")).unwrap();
    let mut config = config(Task::Sr, gt.path());
    config.datasets.train.dataroot_lq = Some(lq.path().into());
    let source = TrainSource::open(&config).unwrap();
    assert_eq!((source.photos(), source.skipped().len()), (3, 0));
    for iter in 1..20 {
        let batch = source.batch(iter).unwrap();
        let (gt, lq) = (&batch.gt[..32 * 32 * 3], &batch.lq[..8 * 8 * 3]);
        for (x, y, c) in (0..32 * 32 * 3).map(|i| (i / 3 % 32, i / 96, i % 3)) {
            assert_eq!(gt[(y * 32 + x) * 3 + c], lq[(y / 4 * 8 + x / 4) * 3 + c]);
        }
    }
}

#[test]
fn pairs_that_do_not_match_are_listed() {
    let (gt, lq) = paired(4);
    fs::remove_file(lq.path().join("0.png")).unwrap();
    fs::remove_file(gt.path().join("1.png")).unwrap();
    write(lq.path().join("2.png"), photo(2, 13, 10));
    let mut config = config(Task::Sr, gt.path());
    config.datasets.train.dataroot_lq = Some(lq.path().into());
    config.datasets.val.as_mut().unwrap().dataroot_lq = Some(lq.path().into());
    let source = TrainSource::open(&config).unwrap();
    assert_eq!(source.photos(), 1);
    let skipped: Vec<_> = source.skipped().iter().map(ToString::to_string).collect();
    let has = |name: &Path, what: &str| {
        assert!(
            skipped.iter().any(|line| line.contains(&name.display().to_string()) && line.contains(what)),
            "{skipped:?}"
        );
    };
    assert_eq!(skipped.len(), 3);
    has(&gt.path().join("0.png"), "no photo of this name in");
    has(&lq.path().join("1.png"), "no target of this name");
    has(&lq.path().join("2.png"), "13×10 pixels do not fit the 48×40 of its target at scale 4");
    assert_eq!(ValSource::open(&config).unwrap().unwrap().photos(), 1);
    fs::remove_file(gt.path().join("3.png")).unwrap();
    assert!(message(TrainSource::open(&config)).contains("none of the 2 photos can be used"));
}

/// Which of two files belongs to a target is not for chance to say.
#[test]
fn two_counterparts_of_one_target_are_named_and_none_is_taken() {
    let (gt, lq) = paired(2);
    fs::copy(lq.path().join("0.png"), lq.path().join("0.tif")).unwrap();
    fs::copy(lq.path().join("1.png"), lq.path().join("1x4.png")).unwrap();
    let mut config = config(Task::Sr, gt.path());
    config.datasets.train.dataroot_lq = Some(lq.path().into());
    let error = message(TrainSource::open(&config));
    assert!(
        error.contains("none of the 2 photos") && error.contains("two photos may be its counterpart"),
        "{error}"
    );
    fs::remove_file(lq.path().join("1x4.png")).unwrap();
    let source = TrainSource::open(&config).unwrap();
    assert_eq!(source.photos(), 1);
    let said = source.skipped()[0].to_string();
    assert!(said.contains("0.png") && said.contains("0.tif"), "{said}");
}

#[test]
fn a_counterpart_that_was_replaced_by_one_of_another_size_ends_the_run() {
    let (gt, lq) = paired(1);
    let mut config = config(Task::Sr, gt.path());
    config.datasets.train.dataroot_lq = Some(lq.path().into());
    config.datasets.train.cache_mib = 0;
    let source = TrainSource::open(&config).unwrap();
    source.batch(1).unwrap();
    write(lq.path().join("0.png"), photo(0, 6, 5));
    let error = message(source.batch(2));
    assert!(
        error.contains(&lq.path().join("0.png").display().to_string()) && error.contains("another size"),
        "{error}"
    );
}

#[test]
fn a_photo_that_goes_away_ends_the_run_by_name() {
    let dir = folder(1);
    let mut config = config(Task::Sr, dir.path());
    config.datasets.train.cache_mib = 0;
    let source = Arc::new(TrainSource::open(&config).unwrap());
    fs::remove_file(dir.path().join("0.png")).unwrap();
    let mut loader = Loader::start(Arc::clone(&source), 1, [2, 1]).unwrap();
    let error = message(loader.next_batch());
    assert!(error.contains("0.png: no such file"), "{error}");
    assert!(matches!(loader.next_batch(), Err(DataError::ThreadEnded)));
    write(dir.path().join("0.png"), photo(0, 20, 20));
    assert!(matches!(source.batch(1), Err(DataError::Changed { .. })));
}

#[test]
fn colours_change_places_in_target_and_input_alike() {
    // Red, green and blue lie a tenth apart, and the input is as far from the target in each of them.
    let grey = |at: f32| Image::from_fn(40, 40, move |_, _, c| at + 0.1 * c as f32);
    let [gt, lq] = [0.3, 0.1].map(|at| {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path().join("a.png"), grey(at));
        dir
    });
    let mut config = config(Task::Denoise, gt.path());
    config.datasets.train.use_rgb_perm = true;
    let orders = |config: &Config| {
        let source = TrainSource::open(config).unwrap();
        let orders = (1..40).map(|iter| {
            let batch = source.batch(iter).unwrap();
            let order: Vec<i32> = batch.gt[..3].iter().map(|v| ((v - 0.3) * 10.0).round() as i32).collect();
            let apart = batch.gt.iter().zip(&batch.lq).map(|(gt, lq)| ((gt - lq) * 10.0).round() as i32);
            let apart: std::collections::BTreeSet<i32> = apart.collect();
            (order, apart)
        });
        orders.collect::<std::collections::BTreeSet<_>>()
    };
    config.datasets.train.degradation = Some(Vec::new());
    let alone = orders(&config);
    assert_eq!(alone.len(), 6);
    assert!(alone.iter().all(|(_, apart)| apart.iter().eq(&[0])));
    config.datasets.train.degradation = None;
    config.datasets.train.dataroot_lq = Some(lq.path().into());
    let pairs = orders(&config);
    assert_eq!(pairs.len(), 6);
    assert!(pairs.iter().all(|(_, apart)| apart.iter().eq(&[2])));
    config.datasets.train.use_rgb_perm = false;
    assert_eq!(orders(&config).len(), 1);
}

#[test]
fn validation_photos_are_whole_and_the_same_every_time() {
    let dir = folder(3);
    write(dir.path().join("odd.png"), photo(4, 51, 49));
    write(dir.path().join("2.bmp"), photo(5, 48, 40));
    let mut config = config(Task::Raw2rgb, dir.path());
    let source = ValSource::open(&config).unwrap().unwrap();
    let names: Vec<_> = (0..source.photos()).map(|at| source.sample(at).unwrap().name).collect();
    assert_eq!(names, ["0", "1", "2.bmp", "2.png", "odd"]);
    let odd = source.sample(4).unwrap();
    assert_eq!((odd.gt.size(), odd.lq.size(), odd.distorted.size()), ((50, 48), (25, 24), (50, 48)));
    assert!(matches!(odd.lq, Lq::Bayer(_)));
    assert_eq!(ValSource::open(&config).unwrap().unwrap().sample(4).unwrap(), odd);
    assert_ne!(source.sample(0).unwrap().lq, source.sample(1).unwrap().lq);
    config.datasets.val.as_mut().unwrap().max_images = Some(2);
    assert_eq!(ValSource::open(&config).unwrap().unwrap().photos(), 2);
    config.datasets.val = None;
    assert!(ValSource::open(&config).unwrap().is_none());
}
