//! `percept demo`, with steps enough to see that everything is wired.

use std::fs;
use std::time::{Duration, Instant};

use percept_image::{Image, Photo, read_photo, write_photo};

use crate::common::{arg, percept, run};

#[test]
fn the_demo_survives_a_kill_and_ends_with_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("demo");
    let call = ["demo", "--steps", "2", "--out", arg(&out)];
    let mut child = percept(&call).spawn().unwrap();
    let started = Instant::now();
    while !out.join("perceptual/log.jsonl").exists() {
        assert!(started.elapsed() < Duration::from_secs(300), "the demo does not come to its second loss");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();

    let page = out.join("report.html");
    assert!(!page.exists());
    let done = run(&call).exits(0).prints(&[arg(&page)]).says(&["2/3 perceptual", "3/3 disentangled"]);
    assert_eq!(done.out.lines().last(), Some(arg(&page)), "the last line is the page");
    let html = fs::read_to_string(&page).unwrap();
    for part in ["l1", "perceptual", "disentangled", "relu3_3", "psnr-y", "lpips-alex", "tea-garden"] {
        assert!(html.contains(part), "no `{part}` on the page");
    }
    for run in ["l1", "perceptual", "disentangled"] {
        assert!(out.join(run).join("model.safetensors").is_file(), "no model of {run}");
    }
    let size = fs::metadata(&page).unwrap().len();
    assert!(size < 30_000_000, "the page has {size} bytes");

    // The first photo of the page is the one in which the runs differ most, as the page says.
    assert!(html.contains("results lie farthest apart"), "the rule is said");
    assert!(html.find("class=\"first\"").unwrap() < html.find("id=\"photos\"").unwrap());

    // A photo of the user's comes beside the others, though all is done.
    let mine = folder.path().join("mine.png");
    let wave = |x: usize, y: usize, c: usize| 0.5 + 0.4 * ((x * y + 31 * c) as f32 / 900.0).sin();
    write_photo(&mine, &Photo::new(Image::from_fn(900, 700, wave))).unwrap();
    run(&["demo", "--steps", "2", "--out", arg(&out), "--photo", arg(&mine)]).exits(0);
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains("mine (yours)") && html.contains("tea-garden"));
    let shown = read_photo(out.join("l1/val/gt/mine (yours).png")).unwrap().pixels;
    assert_eq!(shown.size(), (640, 496), "shrunk, and cut to what the scale divides");
    write_photo(&mine, &Photo::new(Image::from_fn(90, 700, wave))).unwrap();
    run(&["demo", "--out", arg(&out), "--photo", arg(&mine)]).exits(2).says(&["90×700", "192"]);
    run(&["demo", "--out", arg(&out), "--photo", "nowhere.jpg"]).exits(2).says(&["nowhere.jpg"]);

    // Other settings in the same folder would compare what cannot be compared.
    run(&["demo", "--steps", "3", "--out", arg(&out)]).exits(2).says(&["other settings", "total_iter = 2"]);
}

#[test]
fn wrong_calls_of_the_demo_are_refused() {
    run(&["demo", "--steps", "0"]).exits(2);
    run(&["demo", "--steps", "2", "--quick"]).exits(2);
    let file = tempfile::NamedTempFile::new().unwrap();
    run(&["demo", "--out", arg(file.path())]).exits(1).says(&["--out"]);
}
