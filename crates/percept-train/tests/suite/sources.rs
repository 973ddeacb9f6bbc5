//! Photos wherever they lie: nested folders, lists, LMDBs, several roots with shares.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use percept_image::degrade::Downscale;
use percept_image::{DegradationConfig, Image, Photo, Srgb, encode_photo, read_photo, write_photo};
use percept_run::config::{RootConfig, TrainSetConfig, ValSetConfig};
use percept_run::{Config, RunFiles, Task};
use percept_train::data::{DataError, TrainSource, ValSource};
use percept_train::{Event, Resume, Trainer};
use tempfile::TempDir;

use crate::trainer::{config as small_run, create, finish, weights};

/// The environment that `make_lmdb.py` made: four photos in it, at least 33 pixels a side.
fn lmdb() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../percept-image/tests/fixtures/lmdb/photos")
}

/// As `make_lmdb.py` makes them.
fn photo(kind: usize, width: usize, height: usize) -> Image<Srgb> {
    Image::from_fn(width, height, |x, y, c| ((x * 5 + y * 3 + c * 40 + kind * 23) % 256) as f32 / 255.0)
}

fn write(path: &Path, kind: usize, (width, height): (usize, usize)) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    write_photo(path, &Photo::new(photo(kind, width, height))).unwrap();
}

/// The photos of the LMDB in files, below folders.
fn tree() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let photos =
        [("baboon", (48, 40)), ("town/bridge", (52, 48)), ("town/comic", (64, 33)), ("zebra", (40, 40))];
    for (kind, (name, size)) in photos.into_iter().enumerate() {
        write(&dir.path().join(format!("{name}.png")), kind, size);
    }
    dir
}

fn config(dir: &Path) -> Config {
    let mut config = Config::for_task(Task::Sr);
    config.datasets.train = TrainSetConfig { gt_size: 32, batch_size: 2, ..TrainSetConfig::new(dir) };
    config.datasets.val = Some(ValSetConfig::new(dir));
    config
}

fn message<T>(result: Result<T, DataError>) -> String {
    result.err().expect("this must fail").to_string()
}

#[test]
fn a_folder_a_list_and_an_lmdb_of_the_same_photos_give_the_same_batches() {
    let dir = tree();
    let mut nested = config(dir.path());
    nested.datasets.train.recursive = true;
    let mut listed = config(dir.path());
    let list = dir.path().join("meta.txt");
    fs::copy(lmdb().join("meta_info.txt"), &list).unwrap();
    listed.datasets.train.meta_info_file = Some(list.clone());
    let [nested, listed, stored] =
        [nested, listed, config(&lmdb())].map(|config| TrainSource::open(&config).unwrap());
    for iter in 1..9 {
        let batch = nested.batch(iter).unwrap();
        assert_eq!(batch, listed.batch(iter).unwrap());
        assert_eq!(batch, stored.batch(iter).unwrap());
    }
    assert_eq!(nested.list().difference(listed.list()), None);
    // A PNG of percept has other bytes than one of Pillow.
    assert!(nested.list().difference(stored.list()).unwrap().starts_with("4 replaced"));
    // The order of a list is that of the run.
    let text = fs::read_to_string(&list).unwrap();
    fs::write(&list, text.lines().rev().collect::<Vec<_>>().join("\n")).unwrap();
    let mut turned = config(dir.path());
    turned.datasets.train.meta_info_file = Some(list);
    let turned = TrainSource::open(&turned).unwrap();
    assert_eq!(nested.list().difference(turned.list()).unwrap(), "they come in another order");
}

#[test]
fn folders_inside_are_entered_only_where_the_config_says_so() {
    let dir = tree();
    let mut config = config(dir.path());
    let source = TrainSource::open(&config).unwrap();
    assert_eq!(source.photos(), 2);
    assert!(source.skipped()[0].to_string().contains("set `recursive`"), "{:?}", source.skipped());
    let train = &mut config.datasets.train;
    train.dataroot_gt = dir.path().join("town");
    fs::create_dir(dir.path().join("town/inner")).unwrap();
    ["bridge.png", "comic.png"].iter().for_each(|name| {
        fs::rename(dir.path().join("town").join(name), dir.path().join("town/inner").join(name)).unwrap();
    });
    let error = message(TrainSource::open(&config));
    assert!(error.contains("holds no photos") && error.contains("`recursive`"), "{error}");
    config.datasets.train.recursive = true;
    assert_eq!(TrainSource::open(&config).unwrap().photos(), 2);
}

#[test]
fn names_of_validation_photos_are_files_of_one_folder() {
    let dir = tree();
    write(&dir.path().join("town/zebra.png"), 7, (40, 40));
    let mut config = config(dir.path());
    config.datasets.val.as_mut().unwrap().recursive = true;
    let source = ValSource::open(&config).unwrap().unwrap();
    let names: Vec<_> = (0..source.photos()).map(|at| source.sample(at).unwrap().name).collect();
    assert_eq!(names, ["baboon", "bridge", "comic", "town_zebra.png", "zebra.png"]);
}

/// Roots, lists and databases, as in training.
#[test]
fn validation_photos_may_lie_in_several_places() {
    let (dir, other) = (tree(), tempfile::tempdir().unwrap());
    write(&other.path().join("zebra.png"), 7, (40, 40));
    write(&other.path().join("unlisted.png"), 8, (40, 40));
    let list = other.path().join("list.txt");
    fs::write(&list, "zebra.png\n").unwrap();
    let mut config = config(dir.path());
    let val = config.datasets.val.as_mut().unwrap();
    val.roots = vec![
        RootConfig { meta_info_file: Some(list), ..RootConfig::new(other.path()) },
        RootConfig::new(lmdb()),
    ];
    config.validate().unwrap();
    let names = |config: &Config| {
        let source = ValSource::open(config).unwrap().unwrap();
        (0..source.photos()).map(|at| source.sample(at).unwrap().name).collect::<Vec<_>>()
    };
    let all = names(&config);
    assert_eq!(all.len(), BTreeSet::from_iter(&all).len(), "{all:?}");
    assert_eq!(all.iter().filter(|name| name.contains("zebra")).count(), 3, "{all:?}");
    assert!(!all.iter().any(|name| name.contains("unlisted")), "{all:?}");
    config.datasets.val.as_mut().unwrap().max_images = Some(1);
    assert_eq!(names(&config).len(), 3);
    config.datasets.val.as_mut().unwrap().roots[1].share = Some(1.0);
    let error = config.validate().unwrap_err().to_string();
    assert!(error.contains("datasets.val.roots.1.share"), "{error}");
    let roots = &mut config.datasets.val.as_mut().unwrap().roots;
    (roots[1].share, roots[0].dataroot_lq) = (None, Some(dir.path().to_path_buf()));
    let error = config.validate().unwrap_err().to_string();
    assert!(error.contains("datasets.val.roots.0.dataroot_lq"), "{error}");
}

#[test]
fn pairs_are_found_in_trees_in_lists_and_in_lmdbs() {
    let (gt, lq) = (tree(), tempfile::tempdir().unwrap());
    for (at, name) in ["baboon", "town/bridge", "town/comicx4", "zebra"].iter().enumerate() {
        let size = [(12, 10), (13, 12), (16, 9), (10, 10)][at];
        write(&lq.path().join(format!("{name}.png")), at, size);
    }
    let mut config = config(gt.path());
    let train = &mut config.datasets.train;
    (train.degradation, train.recursive) = (None, true);
    train.dataroot_lq = Some(lq.path().to_path_buf());
    let source = TrainSource::open(&config).unwrap();
    // 33 rows are not four times 9.
    assert_eq!(source.photos(), 3);
    assert!(source.skipped()[0].to_string().contains("do not fit the 64×33"), "{:?}", source.skipped());
    let batch = source.batch(3).unwrap();
    // A database beside files.
    config.datasets.train.dataroot_gt = lmdb();
    assert_eq!(TrainSource::open(&config).unwrap().batch(3).unwrap(), batch);
    // A list that names both sides, though they are called otherwise.
    fs::rename(lq.path().join("zebra.png"), lq.path().join("horse.png")).unwrap();
    let list = lq.path().join("pairs.txt");
    fs::write(&list, "baboon.png, baboon.png\nzebra.png, horse.png\nzebra.png, baboon.png\n").unwrap();
    let train = &mut config.datasets.train;
    (train.dataroot_gt, train.recursive) = (gt.path().to_path_buf(), false);
    train.meta_info_file = Some(list);
    let source = TrainSource::open(&config).unwrap();
    assert_eq!(source.photos(), 2);
    assert!(source.skipped()[0].to_string().contains("twice, again in line 3"), "{:?}", source.skipped());
}

#[test]
fn roots_have_their_shares_of_the_crops() {
    let (one, other) = (tree(), tempfile::tempdir().unwrap());
    write(&other.path().join("rare.png"), 9, (40, 44));
    let mut config = config(one.path());
    config.datasets.train.roots = vec![RootConfig { recursive: true, ..RootConfig::new(other.path()) }];
    let count = |config: &Config| {
        let source = TrainSource::open(config).unwrap();
        let mut count = BTreeMap::<String, usize>::new();
        (1..=150).flat_map(|iter| source.batch(iter).unwrap().names).for_each(|name| {
            *count.entry(name).or_default() += 1;
        });
        count
    };
    let equal = count(&config);
    assert_eq!([equal["baboon"], equal["zebra"], equal["rare"]], [100, 100, 100]);
    config.datasets.train.share = Some(1.0);
    config.datasets.train.roots[0].share = Some(3.0);
    let shared = count(&config);
    assert!(
        (200..250).contains(&shared["rare"]) && shared["baboon"].abs_diff(shared["zebra"]) <= 1,
        "{shared:?}"
    );
    let source = TrainSource::open(&config).unwrap();
    assert_eq!(source.batch(700).unwrap(), source.batch(700).unwrap());
    assert_eq!(TrainSource::open(&config).unwrap().batch(700).unwrap(), source.batch(700).unwrap());
}

/// The same run, stopped and resumed, and whole: from a list, an LMDB and two roots with shares.
#[test]
fn a_run_on_any_kind_of_source_resumes_bit_for_bit() {
    let dir = tree();
    let list = dir.path().join("list.txt");
    fs::write(&list, "zebra.png\ntown/bridge.png\n").unwrap();
    let train = |dataroot_gt: &Path| TrainSetConfig {
        gt_size: 32,
        batch_size: 2,
        degradation: Some(vec![DegradationConfig::Downscale(Downscale::default()).into()]),
        ..TrainSetConfig::new(dataroot_gt)
    };
    let more = RootConfig { share: Some(0.3), ..RootConfig::new(lmdb()) };
    let kinds = [
        ("list", TrainSetConfig { meta_info_file: Some(list), ..train(dir.path()) }),
        ("lmdb", train(&lmdb())),
        ("roots", TrainSetConfig { share: Some(1.0), roots: vec![more], cache_mib: 0, ..train(dir.path()) }),
    ];
    for (name, train) in kinds {
        let run = |run: &str| {
            let mut config = small_run(dir.path(), &format!("{name}-{run}"), Task::Sr);
            config.datasets.train = train.clone();
            config.datasets.val = None;
            config.train.total_iter = 6;
            config
        };
        finish(create(&run("whole")));
        let stop = AtomicBool::new(false);
        let halves = run("halves");
        create(&halves)
            .run(&stop, |event| {
                if matches!(event, Event::Step(report) if report.iter == 2) {
                    stop.store(true, Ordering::SeqCst);
                }
            })
            .unwrap();
        finish(Trainer::resume(&halves.run_dir(), &Resume::default(), &weights()).unwrap());
        let model = |config: &Config| fs::read(RunFiles::new(config.run_dir()).model()).unwrap();
        assert!(model(&run("whole")) == model(&halves), "{name}");
    }
}

#[test]
fn photos_beyond_the_cache_are_decoded_when_their_turn_comes() {
    let dir = tempfile::tempdir().unwrap();
    (0..3).for_each(|kind| write(&dir.path().join(format!("{kind}.png")), kind, (48, 40)));
    // Turned by its mark: what its header says is not how it is seen. Big-endian EXIF of one entry, orientation 6.
    let exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let jpeg = encode_photo("turned.jpg", &Photo::new(photo(5, 64, 33))).unwrap();
    let segment = [b"\xff\xe1".as_slice(), &(exif.len() as u16 + 2).to_be_bytes(), exif].concat();
    fs::write(dir.path().join("turned.jpg"), [&jpeg[..2], &segment, &jpeg[2..]].concat()).unwrap();
    assert_eq!(read_photo(dir.path().join("turned.jpg")).unwrap().pixels.size(), (33, 64));
    let mut config = config(dir.path());
    let whole = TrainSource::open(&config).unwrap();
    config.datasets.train.cache_mib = 0;
    let lazy = TrainSource::open(&config).unwrap();
    assert_eq!(whole.list().difference(lazy.list()), None);
    for iter in 1..5 {
        assert_eq!(whole.batch(iter).unwrap(), lazy.batch(iter).unwrap());
    }
    // One whose head is sound is found out by its turn, and named.
    let file = dir.path().join("0.png");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let lazy = TrainSource::open(&config).unwrap();
    assert_eq!(lazy.photos(), 4);
    let error = message((1..5).map(|iter| lazy.batch(iter)).find(Result::is_err).unwrap());
    assert!(error.contains("0.png: the file is"), "{error}");
}

#[test]
fn what_cannot_be_used_is_said_with_what_to_do() {
    let dir = tree();
    let said = |change: &dyn Fn(&mut TrainSetConfig)| {
        let mut config = config(dir.path());
        change(&mut config.datasets.train);
        message(TrainSource::open(&config))
    };
    let list = |text: &str| {
        let path = dir.path().join("list.txt");
        fs::write(&path, text).unwrap();
        Some(path)
    };
    assert!(said(&|train| train.meta_info_file = Some("gone.txt".into())).contains("gone.txt: "));
    assert!(said(&|train| train.meta_info_file = list("\n \n")).contains("list.txt: it names no photo"));
    let missing = said(&|train| train.meta_info_file = list("no.png\nneither.png"));
    assert!(missing.contains("none of the 2 photos") && missing.contains("no such file"), "{missing}");
    let both = said(&|train| {
        (train.dataroot_gt, train.meta_info_file) = (lmdb(), list("baboon.png"));
    });
    assert!(both.contains("an LMDB, which has a list of its own; leave out meta_info_file"), "{both}");

    // An LMDB cut in half, one without its list, one whose list names what it has not.
    let copy = dir.path().join("copy.lmdb");
    fs::create_dir(&copy).unwrap();
    let (data, info) = (fs::read(lmdb().join("data.mdb")).unwrap(), lmdb().join("meta_info.txt"));
    fs::write(copy.join("data.mdb"), &data).unwrap();
    let at_copy = |train: &mut TrainSetConfig| train.dataroot_gt.clone_from(&copy);
    assert!(said(&at_copy).contains("meta_info.txt: an LMDB of photos has this list"));
    fs::write(copy.join("meta_info.txt"), "lena.png (1,1,3) 1\n").unwrap();
    let other = said(&at_copy);
    assert!(other.contains("lena.png: the list names it and data.mdb does not have it"), "{other}");
    fs::copy(info, copy.join("meta_info.txt")).unwrap();
    fs::write(copy.join("data.mdb"), &data[..data.len() / 2]).unwrap();
    let cut = said(&at_copy);
    assert!(cut.contains("data.mdb: the file is cut off"), "{cut}");
}

#[test]
fn contradictions_between_roots_are_refused() {
    let base = "name = 'x'\ntask = 'sr'\nnetwork_g.type = 'compact'\n[[train.losses]]\ntype = 'l1'\n[datasets.train]\ndataroot_gt = 'a'\n";
    for (train, says) in [
        (
            "share = 2.0\nroots = [{ dataroot_gt = 'b' }]",
            "`datasets.train.roots.0.share` is given for some roots",
        ),
        ("roots = [{ dataroot_gt = 'b', share = 1.0 }]", "`datasets.train.share` is given for some"),
        ("share = 0.0", "`datasets.train.share` must be from"),
        (
            "roots = [{ dataroot_gt = 'b', dataroot_lq = 'c' }]",
            "`datasets.train.roots.0.dataroot_lq` is given for some",
        ),
        ("recursive = true\nmeta_info_file = 'x.txt'", "`datasets.train.recursive` and `meta_info_file`"),
        ("roots = [{ dataroot = 'b' }]", "dataroot_gt"),
        ("num_workers = 0", "`datasets.train.num_workers` must be 1 to 256"),
    ] {
        let error = Config::from_toml(&format!("{base}{train}\n"), "x.toml").unwrap_err().to_string();
        assert!(error.contains(says), "{train}: {error}");
    }
    let config =
        Config::from_toml(&format!("{base}roots = [{{ dataroot_gt = '~/b' }}]\n"), "x.toml").unwrap();
    assert!(!config.datasets.train.roots[0].dataroot_gt.starts_with("~"));
    let again = Config::from_toml(&config.to_toml().unwrap(), "again.toml").unwrap();
    assert_eq!(again, config);
}
