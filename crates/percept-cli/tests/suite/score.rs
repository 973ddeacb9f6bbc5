//! `percept score` on small folders, through the real binary.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{self, Run, arg, run};
use percept_image::{Image, Photo, Srgb, read_srgb, write_photo};
use percept_judge::Panel;
use percept_nn::weights::WeightStore;
use serde_json::Value;

const ALL: &str = "psnr-y,psnr-rgb,ssim-y,ssim-rgb,ms-ssim-y,ms-ssim-rgb,iw-ssim,vifp,gmsd,ms-gmsd,fsim,fsimc,vsi,haarpsi,mdsi,dss,\
                   nlpd,flip,ssimulacra2,butteraugli,butteraugli-3,ciede2000,ms-swd,luminance-shift,saturation-shift,sharpness-shift,band-energy,grid,lpips-alex,lpips-vgg,\
                   dists,a-dists,vgg,niqe,piqe,brisque,tv,noise";

/// Folders for references and for what is judged against them.
pub struct Sides {
    folder: tempfile::TempDir,
    pub reference: PathBuf,
    pub test: PathBuf,
}

impl Sides {
    /// The photos `names`, and the same ones a little darker.
    pub fn new(names: &[&str], size: (usize, usize)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sides = Self { reference: folder.path().join("gt"), test: folder.path().join("out"), folder };
        fs::create_dir(&sides.reference).unwrap();
        fs::create_dir(&sides.test).unwrap();
        for (seed, name) in names.iter().enumerate() {
            let photo = photo(size, seed);
            write(&sides.reference.join(name), photo.clone());
            write(&sides.test.join(name), photo.map(|v| v * (0.95 - 0.05 * seed as f32)));
        }
        sides
    }

    pub fn score(&self, more: &[&str]) -> Run {
        run(&self.call(more))
    }

    fn call<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let sides = ["score", "--ref", arg(&self.reference), "--test", arg(&self.test)];
        [&sides[..], more].concat()
    }
}

/// A smooth picture with detail; another `seed`, another picture.
pub fn photo((width, height): (usize, usize), seed: usize) -> Image<Srgb> {
    Image::from_fn(width, height, |x, y, c| {
        let (x, y, k) = (x as f32, y as f32, (seed * 3 + c) as f32);
        0.5 + 0.2 * (x / (3.0 + k % 5.0) + k).sin() + 0.2 * (y / (2.0 + k % 7.0) - x / 11.0).cos()
    })
}

pub fn write(path: &Path, pixels: Image<Srgb>) {
    write_photo(path, &Photo::new(pixels)).unwrap();
}

pub fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap()
}

pub fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

/// The formula of a challenge: what is there of it, and what is not.
#[test]
fn a_preset_says_which_parts_are_missing() {
    let sides = Sides::new(&["a.png", "b.png"], (208, 112));
    let found = json(&sides.score(&["--preset", "ntire2025", "--json"]).exits(0));
    assert_eq!(keys(&found["metrics"]), ["dists", "lpips-alex", "niqe"]);
    let (mean, preset) = (&found["mean"], &found["preset"]);
    let number = |value: &Value| value.as_f64().unwrap();
    let expected = [
        1.0 - number(&mean["lpips-alex"]),
        1.0 - number(&mean["dists"]),
        (1.0 - number(&mean["niqe"]) / 10.0).max(0.0),
    ];
    for (part, expected) in preset["parts"].as_array().unwrap().iter().zip(expected) {
        assert!((number(&part[1]) - expected).abs() < 1e-12, "{part}: {expected}");
    }
    assert!((number(&preset["sum"]) - expected.iter().sum::<f64>()).abs() < 1e-12);
    assert_eq!(
        (&preset["value"], &preset["missing"]),
        (&Value::Null, &serde_json::json!(["CLIP-IQA", "MANIQA", "MUSIQ / 100"]))
    );
    let prints = [
        "1 - LPIPS",
        "sum of these parts",
        "not complete: percept has no CLIP-IQA, MANIQA, MUSIQ / 100 here",
    ];
    sides.score(&["--preset", "ntire2025"]).exits(0).prints(&prints);
    let csv = sides.score(&["--preset", "ntire2025", "--csv"]).exits(0).out;
    assert!(
        csv.contains("\npreset,part,value\nntire2025,1 - LPIPS,0.") && csv.contains("\nntire2025,all,\n"),
        "{csv}"
    );
    sides.score(&["--preset", "ntire2020"]).exits(2).says(&["ntire2025"]);
    sides.score(&["--preset", "ntire2025", "--metric", "tv"]).exits(2);
}

/// All of them, on real photos: the bundled ones against themselves with less contrast.
#[test]
fn json_has_the_promised_shape_and_the_library_s_numbers() {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets");
    let sides = Sides::new(&[], (0, 0));
    for name in ["coffee", "spices"] {
        let photo = read_srgb(assets.join(format!("photos/val/{name}.jpg"))).unwrap();
        let part = photo.crop(40, 40, 200, 176);
        write(&sides.reference.join(format!("{name}.png")), part.clone());
        write(&sides.test.join(format!("{name}.png")), part.map(|v| 0.1 + 0.8 * v));
    }
    let scored = json(&sides.score(&["--metric", ALL, "--crop", "2", "--json"]).exits(0));

    assert_eq!(keys(&scored), ["images", "mean", "metrics"]);
    let names: Vec<_> = ALL.split(',').map(String::from).collect();
    let mut sorted: Vec<_> = names.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    assert_eq!(keys(&scored["metrics"]), sorted);
    assert_eq!(keys(&scored["mean"]), sorted);
    let store = WeightStore::new().with_dir(assets.join("weights"));
    let panel = Panel::new(&names, 2, &store, &percept_conv::device("cpu").unwrap()).unwrap();
    let images = scored["images"].as_array().unwrap();
    assert_eq!(images.len(), 2);
    for (image, name) in images.iter().zip(["coffee", "spices"]) {
        assert_eq!(keys(image), ["name", "scores"]);
        assert_eq!((image["name"].as_str(), keys(&image["scores"])), (Some(name), sorted.clone()));
        let read = |side: &Path| read_srgb(side.join(format!("{name}.png"))).unwrap();
        let expected = panel.score(name, &read(&sides.reference), &read(&sides.test)).unwrap();
        for (metric, expected) in expected.scores {
            let got = image["scores"][&metric].as_f64().unwrap();
            assert!((got - expected).abs() < 1e-6 * expected.abs().max(1.0), "{metric}: {got}, {expected}");
        }
    }
    for metric in panel.metrics() {
        let info = &scored["metrics"][metric.name()];
        assert_eq!(keys(info), ["better", "protocol"]);
        assert_eq!(info["protocol"], metric.protocol());
        assert_eq!(info["better"], serde_json::to_value(metric.better()).unwrap());
        let sum: f64 = images.iter().map(|image| image["scores"][metric.name()].as_f64().unwrap()).sum();
        assert!((scored["mean"][metric.name()].as_f64().unwrap() - sum / 2.0).abs() < 1e-9);
    }
}

#[test]
fn a_table_has_every_photo_the_mean_and_the_protocols() {
    let sides = Sides::new(&["a.png", "b.png"], (64, 48));
    let table = sides.score(&["--metric", "ssim-y, psnr-y", "--crop", "4"]).exits(0);
    let values = json(&sides.score(&["--metric", "psnr-y,ssim-y", "--crop", "4", "--json"]).exits(0));
    let lines: Vec<Vec<&str>> = table.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["photo", "ssim-y", "psnr-y"]);
    for (line, (label, scores)) in lines[1..].iter().zip([
        (vec!["a"], &values["images"][0]["scores"]),
        (vec!["b"], &values["images"][1]["scores"]),
        (vec!["mean", "of", "2", "photos"], &values["mean"]),
    ]) {
        let number = |metric: &str| format!("{:.4}", scores[metric].as_f64().unwrap());
        let (ssim, psnr) = (number("ssim-y"), number("psnr-y"));
        assert_eq!(*line, [&label[..], &[ssim.as_str(), psnr.as_str()]].concat());
    }
    for metric in ["psnr-y", "ssim-y"] {
        let protocol = values["metrics"][metric]["protocol"].as_str().unwrap();
        assert!(protocol.ends_with("crop 4"));
        let said =
            |line: &str| line.starts_with(metric) && line.contains("higher") && line.ends_with(protocol);
        assert!(table.out.lines().any(said), "{}", table.out);
    }
}

#[test]
fn csv_has_a_line_for_each_photo_and_its_protocols() {
    let sides = Sides::new(&["a.png", "b, \"2\".png"], (64, 48));
    let values = json(&sides.score(&["--metric", "psnr-rgb", "--json"]).exits(0));
    let number = |image: usize| values["images"][image]["scores"]["psnr-rgb"].as_f64().unwrap();
    let protocol = values["metrics"]["psnr-rgb"]["protocol"].as_str().unwrap();
    let expected = format!(
        "name,psnr-rgb,psnr-rgb protocol\na,{},\"{protocol}; higher is better\"\n\"b, \"\"2\"\"\",{},\"{protocol}; higher is better\"\n",
        number(0),
        number(1)
    );
    assert_eq!(sides.score(&["--metric", "psnr-rgb", "--csv"]).exits(0).out, expected);

    let file = sides.folder.path().join("scores.csv");
    sides.score(&["--metric", "psnr-rgb", "-o", arg(&file)]).exits(0).prints(&["scores.csv"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), expected);
    let file = sides.folder.path().join("scores.json");
    sides.score(&["--metric", "psnr-rgb", "-o", arg(&file)]).exits(0);
    assert_eq!(serde_json::from_str::<Value>(&fs::read_to_string(&file).unwrap()).unwrap(), values);
}

/// Standard output, devices and links as `-o`.
#[cfg(unix)]
#[test]
fn results_go_where_a_link_or_a_device_leads() {
    use std::os::unix::fs::{FileTypeExt, symlink};

    let sides = Sides::new(&["a.png"], (64, 48));
    let score = |out: &str| sides.score(&["--metric", "psnr-y", "--json", "-o", out]).exits(0);
    let plain = sides.score(&["--metric", "psnr-y", "--json"]).exits(0);
    for out in ["-", "/dev/stdout", "/dev/fd/1"] {
        assert_eq!(score(out).out, plain.out, "{out}");
    }
    let at = |name: &str| sides.folder.path().join(name);
    symlink("real.json", at("link.json")).unwrap();
    score(arg(&at("link.json")));
    assert!(fs::symlink_metadata(at("link.json")).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(at("real.json")).unwrap(), plain.out);
    score("/dev/null");
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    if fs::metadata("/dev/full").is_ok() {
        let full =
            sides.score(&["--metric", "psnr-y", "-o", "/dev/full"]).exits(1).says(&["/dev/full", "space"]);
        assert!(!full.err.contains(".percept-"), "{full:#?}");
    }
    sides.score(&["--metric", "psnr-y", "-o", arg(sides.folder.path())]).exits(2).says(&["is a folder"]);
}

/// The reader has gone before a result was written: as other programs, the command ends with 141.
#[cfg(unix)]
#[test]
fn a_result_that_nobody_reads_is_no_success() {
    let sides = Sides::new(&["a.png"], (64, 48));
    for call in [
        vec!["metrics"],
        vec!["weights", "list", "--json"],
        vec!["score", "--test", arg(&sides.test), "--metric", "tv"],
    ] {
        // Closed before the call begins: one that is fast would have written all by the time it is.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ended = common::percept(&call).stdout(writer).stderr(std::process::Stdio::piped()).spawn();
        let ended = ended.unwrap().wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(141), "{call:?}: {}", String::from_utf8_lossy(&ended.stderr));
    }
}

/// `~` inside of quotes is the user's folder.
#[test]
fn a_tilde_in_quotes_is_the_users_folder() {
    let sides = Sides::new(&["a.png"], (64, 48));
    let home = sides.folder.path();
    let name = |path: &std::path::Path| format!("~/{}", path.strip_prefix(home).unwrap().display());
    let (gt, test) = (name(&sides.reference), name(&sides.test));
    let call = ["score", "--ref", &gt, "--test", &test, "--metric", "psnr-y", "-o", "~/scores.json"];
    let done = common::percept(&call).env("HOME", home).env("USERPROFILE", home).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(home.join("scores.json").exists());
}

#[test]
fn pictures_that_cannot_be_read_are_named() {
    let sides = Sides::new(&["a.png"], (64, 48));
    fs::write(sides.test.join("b.heic"), b"\0\0\0\x18ftypheic").unwrap();
    fs::create_dir(sides.test.join("deeper")).unwrap();
    sides.score(&["--metric", "psnr-y"]).exits(0).says(&["b.heic", "deeper"]);
    run(&["score", "--test", arg(&sides.test), "--metric", "tv"]).exits(0).says(&["b.heic"]);
}

/// The names of the scores stand in one table.
#[test]
fn help_lists_every_score() {
    let help = run(&["score", "--help"]).exits(0);
    let words: Vec<_> = help.out.split([' ', ',', '.', '\n']).collect();
    assert!(Panel::names().iter().all(|name| words.contains(name)), "{}", help.out);
}

#[test]
fn a_wrong_call_says_what_would_be_right() {
    let sides = Sides::new(&["a.png"], (64, 48));
    sides.score(&["--metric", "lpips-alx"]).exits(2).says(&["`lpips-alx`", "did you mean `lpips-alex`?"]);
    sides.score(&["--metric", "psnr-y,psnr-y"]).exits(2).says(&["twice"]);
    sides.score(&["--device", "toaster"]).exits(2).says(&["toaster", "cpu"]);
    sides.score(&["--json", "--csv"]).exits(2);
    sides.score(&["-o", "no-such-folder/scores.csv"]).exits(2).says(&["no-such-folder"]);
    let (gt, empty) = (arg(&sides.reference), sides.folder.path().join("empty"));
    fs::create_dir(&empty).unwrap();
    run(&["score", "--ref", "nowhere", "--test", gt]).exits(2).says(&["nowhere", "no such file or folder"]);
    run(&["score", "--ref", gt, "--test", arg(&empty)]).exits(2).says(&["empty: no photo in this folder"]);
    write(&sides.test.join("a.jpg"), photo((64, 48), 0));
    sides.score(&[]).exits(2).says(&["a.jpg", "a.png", "same name"]);
    fs::remove_file(sides.test.join("a.jpg")).unwrap();
    fs::rename(sides.test.join("a.png"), sides.test.join("other.png")).unwrap();
    sides.score(&[]).exits(2).says(&["there are a.png and other.png"]);
}

#[test]
fn two_files_are_a_pair_whatever_they_are_called() {
    let sides = Sides::new(&["a.png", "b.png"], (64, 48));
    let (a, b) = (sides.reference.join("a.png"), sides.test.join("b.png"));
    let scored = json(&run(&["score", "--ref", arg(&a), "--test", arg(&b), "--json"]).exits(0));
    assert_eq!(scored["images"][0]["name"], "a");
    assert_eq!(keys(&scored["mean"]), ["dists", "lpips-alex", "psnr-y", "ssim-y"]);
}

#[test]
fn equal_photos_are_infinitely_good_and_json_stays_json() {
    let sides = Sides::new(&["a.png"], (64, 48));
    let gt = arg(&sides.reference);
    let score = |format: &[&str]| {
        run(&[&["score", "--ref", gt, "--test", gt, "--metric", "psnr-y,ssim-y"], format].concat()).exits(0)
    };
    let scored = json(&score(&["--json"]));
    assert_eq!(scored["images"][0]["scores"]["psnr-y"].as_f64(), Some(f64::MAX));
    assert_eq!(scored["mean"]["psnr-y"].as_f64(), Some(f64::MAX));
    assert!((scored["mean"]["ssim-y"].as_f64().unwrap() - 1.0).abs() < 1e-12);
    score(&["--csv"]).prints(&["\na,inf,1"]);
    score(&[]).prints(&["inf"]);
}

#[test]
fn scores_without_reference_need_none() {
    let sides = Sides::new(&["a.png", "b.png"], (200, 100));
    let (gt, test) = (arg(&sides.reference), arg(&sides.test));
    let names = ["--metric", "niqe,tv,noise"];
    let alone = run(&[&["score", "--test", test, "--json"], &names[..]].concat()).exits(0);
    let alone = json(&alone);
    assert_eq!(keys(&alone["mean"]), ["niqe", "noise", "tv"]);
    // A reference makes no difference, not even one of another size.
    write(&sides.reference.join("b.png"), photo((30, 40), 7));
    assert_eq!(json(&sides.score(&["--json", names[0], names[1]]).exits(0)), alone);
    run(&[&["score", "--test", arg(&sides.test.join("a.png"))], &names[..]].concat())
        .exits(0)
        .prints(&["mean of 1 photo", "no reference"]);

    let call = |metric: &str| run(&["score", "--test", test, "--metric", metric]);
    call("tv,gmsd,psnr-y").exits(2).says(&["gmsd, psnr-y", "--ref", "percept metrics"]);
    run(&["score", "--test", gt]).exits(2).says(&["psnr-y, ssim-y, lpips-alex, dists", "--ref"]);
    run(&["score", "--test", "nowhere", "--metric", "tv"]).exits(2).says(&["nowhere"]);
    fs::copy(sides.test.join("a.png"), sides.test.join("c.bmp")).unwrap();
    write(&sides.test.join("d.png"), Image::from_fn(200, 100, |_, _, _| 0.5));
    let failed = run(&["score", "--test", test, "--metric", "niqe", "--json"]).exits(1).says(&[
        "skipped d: ",
        "d.png: niqe is not defined here: it needs two blocks",
        "1 of 4 photos skipped, 3 scored",
    ]);
    assert_eq!(json(&failed)["images"].as_array().unwrap().len(), 3);
}

/// Whatever is done first, photos and what is said of them keep their order.
#[test]
fn many_photos_keep_their_order() {
    let names: Vec<_> = (0..24).map(|at| format!("{at:02}.png")).collect();
    let sides = Sides::new(&[], (0, 0));
    for (at, name) in names.iter().enumerate() {
        // The first ones are the largest, and every fifth one does not fit.
        let size = (16 + 8 * (24 - at), 40);
        write(&sides.reference.join(name), photo(size, at));
        write(&sides.test.join(name), photo((size.0 + usize::from(at % 5 == 3), size.1), at + 1));
    }
    let scored = sides.score(&["--metric", "haarpsi,psnr-y", "--json"]).exits(1);
    let images = json(&scored)["images"].as_array().unwrap().clone();
    let got: Vec<_> = images.iter().map(|image| image["name"].as_str().unwrap().to_string()).collect();
    let stem = |at: usize| format!("{at:02}");
    assert_eq!(got, (0..24).filter(|at| at % 5 != 3).map(stem).collect::<Vec<_>>());
    let skipped: Vec<_> =
        scored.err.lines().filter_map(|line| line.strip_prefix("skipped ")?.get(..2)).collect();
    assert_eq!(skipped, ["03", "08", "13", "18", "23"]);
}

#[test]
fn maps_are_drawn_for_the_scores_that_have_them() {
    let sides = Sides::new(&["a.png", "b.jpg"], (64, 48));
    let maps = sides.folder.path().join("deep/maps");
    let names = "ssim-y,psnr-y,gmsd,lpips-alex,vgg";
    let scored = sides.score(&["--metric", names, "--crop", "2", "--maps", arg(&maps)]).exits(0);
    scored.says(&["no maps of psnr-y,"]);
    let mut drawn: Vec<_> =
        fs::read_dir(&maps).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    drawn.sort();
    let expected = ["a", "b"]
        .map(|photo| ["gmsd", "lpips-alex", "ssim-y", "vgg"].map(|score| format!("{photo}.{score}.png")));
    assert_eq!(drawn, expected.concat());
    assert_eq!(read_srgb(maps.join("a.ssim-y.png")).unwrap().size(), (60, 44));
    let map = read_srgb(maps.join("b.lpips-alex.png")).unwrap();
    assert_eq!(map.size(), (64, 48));
    assert!(map.data().iter().any(|v| *v != map.data()[0]), "a map of one colour says nothing");

    sides
        .score(&["--metric", "psnr-y,dists", "--maps", arg(&maps)])
        .exits(2)
        .says(&["none of these", "ssim-y"]);
    sides.score(&["--metric", "ssim-y", "--maps", arg(&sides.test)]).exits(2).says(&["among the pictures"]);
    let file = arg(&sides.test.join("a.png")).to_string();
    sides.score(&["--metric", "ssim-y", "--maps", &file]).exits(1).says(&["a.png"]);
}

#[test]
fn two_folders_have_one_distance() {
    let sides = Sides::new(&["a.png", "b.png", "c.png"], (48, 40));
    // Names and sizes need not match, nor need the number.
    write(&sides.test.join("else.png"), photo((40, 32), 9));
    let scored =
        sides.score(&["--metric", "vgg-fd", "--json"]).exits(0).says(&["3 photos are fewer than its 512"]);
    let scored = json(&scored);
    assert_eq!(scored["images"], serde_json::json!([]));
    let distance = scored["sets"]["vgg-fd"].as_f64().unwrap();
    assert!(distance > 0.0);
    assert!(scored["metrics"]["vgg-fd"]["protocol"].as_str().unwrap().contains("VGG16 relu5_3"));
    let both = sides.score(&["--metric", "psnr-y,vgg-fd", "--json"]).exits(0);
    let both = json(&both);
    assert_eq!(both["sets"], scored["sets"]);
    assert_eq!((keys(&both["mean"]), both["images"].as_array().unwrap().len()), (vec!["psnr-y"], 3));
    let table = sides.score(&["--metric", "psnr-y,vgg-fd"]).exits(0);
    table.prints(&["mean of 3 photos", "of all photos", &format!("vgg-fd         {distance:.4}")]);
    sides
        .score(&["--metric", "vgg-fd", "--csv"])
        .exits(0)
        .prints(&["set score,value,protocol\nvgg-fd,", "lower is better"]);
    let same = run(&[
        "score",
        "--ref",
        arg(&sides.test),
        "--test",
        arg(&sides.test),
        "--metric",
        "vgg-fd",
        "--json",
    ]);
    assert!(json(&same.exits(0))["sets"]["vgg-fd"].as_f64().unwrap() < 1e-6 * distance);

    run(&["score", "--test", arg(&sides.test), "--metric", "vgg-fd"]).exits(2).says(&["vgg-fd", "--ref"]);
    let one = sides.reference.join("a.png");
    run(&["score", "--ref", arg(&one), "--test", arg(&sides.test), "--metric", "vgg-fd"])
        .exits(1)
        .says(&["at least 2 photos", "one has 1 photo"]);
    fs::write(sides.test.join("else.png"), "no photo").unwrap();
    let broken =
        sides.score(&["--metric", "vgg-fd", "--json"]).exits(1).says(&["else.png", "1 of 7 photos skipped"]);
    assert!(json(&broken)["sets"]["vgg-fd"].is_number());
}

/// Ctrl-C at the first word of progress: what is scored is printed, and how much that is.
#[cfg(unix)]
#[test]
fn ctrl_c_says_how_many_are_scored() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let sides = Sides::new(&[], (0, 0));
    for i in 0..40 {
        write(&sides.reference.join(format!("{i:02}.png")), photo((256, 256), i));
        write(&sides.test.join(format!("{i:02}.png")), photo((256, 256), i + 1));
    }
    let mut child = common::percept(&sides.call(&["--metric", "lpips-vgg", "--no-cache", "--json"]))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let first = said.next().unwrap();
    // How many photos the first line counts depends on the machine's speed.
    let (before, _) = first.split_once("/40 ").expect("a line of progress");
    let before: usize = before.trim_start_matches("score").trim().parse().unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let rest: Vec<_> = said.collect();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{rest:?}");
    let scored: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let scored = scored["images"].as_array().unwrap().len();
    assert!((before..40).contains(&scored), "{before} at Ctrl-C, {scored} scored");
    assert!(
        rest.iter().any(|line| line.contains(&format!("stopped: {scored} of 40 photos scored"))),
        "{rest:?}"
    );
}

/// The second call takes what the first one kept: numbers that the test puts there, so that they are told from computed ones.
#[test]
fn scores_are_kept_by_the_content_of_the_pictures() {
    let sides = Sides::new(&["a.png", "b.png"], (40, 40));
    let data = sides.folder.path().join("data");
    let score = |more: &[&str]| {
        let call = sides.call(&[&["--metric", "psnr-y", "--json"], more].concat());
        let ended = common::percept(&call).env("XDG_DATA_HOME", &data).output().unwrap();
        let scored: Value = serde_json::from_slice(&ended.stdout).unwrap();
        let of = |at: usize| scored["images"][at]["scores"]["psnr-y"].as_f64().unwrap();
        [of(0), of(1)]
    };
    let computed = score(&[]);
    let file = data.join("percept/scores.txt");
    let kept: Vec<_> =
        fs::read_to_string(&file).unwrap().lines().map(|line| line[..64].to_string()).collect();
    assert_eq!(kept.len(), 2);
    let lines: Vec<_> = kept.iter().map(|key| format!("{key} {:016x}", 7.0f64.to_bits())).collect();
    // A kill cut the last line off.
    fs::write(&file, format!("{}\n{}", lines.join("\n"), &lines[0][..70])).unwrap();
    assert_eq!(score(&[]), [7.0, 7.0]);
    assert_eq!(score(&["--no-cache"]), computed);
    write(&sides.test.join("a.png"), photo((40, 40), 5));
    let [changed, same] = score(&[]);
    assert!(changed != 7.0 && changed != computed[0], "{changed}");
    assert_eq!(same, 7.0);
}
