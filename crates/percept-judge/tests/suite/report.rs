//! The page, from run folders made of parts of the bundled photos.

use std::fs;
use std::path::{Path, PathBuf};

use percept_image::resize::imresize;
use percept_image::{Image, Photo, Srgb, read_srgb, write_photo};
use percept_judge::report::{Report, ReportError, ReportOptions, Summary};
use percept_nn::weights::WeightStore;
use serde_json::json;
use tempfile::TempDir;

const PHOTOS: [&str; 3] = ["coffee", "raccoon", "spices"];

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets")
}

pub fn store() -> WeightStore {
    WeightStore::new().with_dir(assets().join("weights"))
}

/// 96 pixels from the middle of a bundled photo; of `coffee-2`, from another place.
pub fn target(name: &str) -> Image<Srgb> {
    let (photo, place) = name.split_once('-').unwrap_or((name, "0"));
    let right = 80 * place.parse::<usize>().unwrap();
    read_srgb(assets().join(format!("photos/val/{photo}.jpg"))).unwrap().crop(200 + right, 150, 96, 96)
}

fn input(target: &Image<Srgb>) -> Image<Srgb> {
    imresize(&imresize(target, 24, 24), 96, 96)
}

/// What a network might make of it: so much of what is missing is put back.
pub fn restored(target: &Image<Srgb>, share: f32) -> Image<Srgb> {
    let mut image = input(target);
    image.data_mut().iter_mut().zip(target.data()).for_each(|(a, b)| *a += share * (b - *a));
    image
}

pub fn save(path: &Path, image: &Image<Srgb>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    write_photo(path, &Photo::new(image.clone())).unwrap();
}

/// A run in `folder` that restored the photos with `share` of their detail.
pub fn run(folder: PathBuf, name: &str, share: f32) -> PathBuf {
    run_on(&PHOTOS, folder, name, share)
}

pub fn run_on(photos: &[&str], folder: PathBuf, name: &str, share: f32) -> PathBuf {
    for photo in photos {
        let target = target(photo);
        save(&folder.join(format!("val/gt/{photo}.png")), &target);
        save(&folder.join(format!("val/lq/{photo}.png")), &input(&target));
        save(&folder.join(format!("val/iter_00000020/{photo}.png")), &restored(&target, share));
    }
    let config = format!(
        "name = {}\ntask = \"sr\"\nscale = 4\nmanual_seed = 7\ndatasets.train.dataroot_gt = \"photos\"\n\n[network_g]\ntype = \"srresnet\"\nnum_feat = 48\n\n\
         [train]\ntotal_iter = 20\n\n[[train.losses]]\ntype = \"l1\"\nweight = {share}\n",
        toml::Value::from(name)
    );
    fs::write(folder.join("config.toml"), config).unwrap();
    let line = |iter: u32| json!({"iter": iter, "lr": 1e-4, "l_g_l1": 1.0 / f64::from(iter), "grad_norm": 1.0, "seconds": 0.25});
    let mut log: Vec<String> = (1..=20).map(|iter| line(iter).to_string()).collect();
    log.push(
        json!({"iter": 20, "val": {"psnr-y": 26.5}, "protocol": {"psnr-y": "as it is"}, "photos": 5})
            .to_string(),
    );
    fs::write(folder.join("log.jsonl"), log.join("\n") + "\n").unwrap();
    folder
}

/// Makes the run one that selects channels of VGG16's first taps.
fn selects(folder: &Path) {
    let taps = [("relu1_2", 64), ("relu2_2", 128)];
    let line = |iter: u32| {
        let taps = taps.map(|(name, channels)| {
            // Mean 1: as much is added to one half as the other loses.
            let weight =
                |at: usize| 1.0 + f64::from(iter) * 0.04 * if at < channels / 2 { 1.0 } else { -1.0 };
            let weights: Vec<f64> = (0..channels).map(weight).collect();
            json!({"name": name, "weights": weights, "effective": channels as f64 * 0.8})
        });
        json!({"iter": iter, "backbone": "vgg16", "contrast": "across", "taps": taps, "active": 0.5})
            .to_string()
    };
    let lines: Vec<String> = (1..=20).map(line).collect();
    fs::write(folder.join("selection.jsonl"), lines.join("\n") + "\n").unwrap();
    let config = folder.join("config.toml");
    let more = "\n[[train.losses]]\ntype = \"feature\"\n\n[train.losses.backbone]\ntype = \"vgg16\"\n\n\
                [train.losses.selection]\ncontrast = \"across\"\nstart = \"photos\"\nmatch_uniform = true\n";
    fs::write(&config, fs::read_to_string(&config).unwrap() + more).unwrap();
}

fn classical() -> ReportOptions {
    ReportOptions { metrics: vec!["psnr-y".to_string(), "ssim-y".to_string()], ..ReportOptions::default() }
}

/// The page of the runs and its summary.
pub fn page_with(
    folder: &TempDir,
    runs: &[PathBuf],
    options: &ReportOptions,
    store: &WeightStore,
) -> Result<(String, Summary), ReportError> {
    let path = folder.path().join("page.html");
    let device = percept_conv::device("cpu").unwrap();
    let summary = Report::read(runs)?.write(&path, options, store, &device, &mut |_, _| {})?;
    Ok((fs::read_to_string(path).unwrap(), summary))
}

pub fn page(folder: &TempDir, runs: &[PathBuf]) -> Result<(String, Summary), ReportError> {
    page_with(folder, runs, &classical(), &store())
}

pub fn has(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "the page lacks `{part}`");
    }
}

#[test]
fn the_page_has_all_its_parts_and_asks_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let plain = run(folder.path().join("a"), "plain", 0.3);
    let better = run(folder.path().join("b"), "better", 0.7);
    selects(&better);
    let (page, _) = page(&folder, &[plain, better]).unwrap();
    for id in ["photos", "scores", "training", "selection", "settings"] {
        has(&page, &[&format!("<section id=\"{id}\""), &format!("<a href=\"#{id}\">")]);
    }
    has(
        &page,
        &[
            "4× super-resolution",
            "srresnet (num_block 16, num_feat 48)",
            "<dt>Seed</dt><dd>7</dd>",
            "PSNR-Y, BT.601",
            "crop 4",
        ],
    );
    has(
        &page,
        &["role=\"slider\"", "Content-Security-Policy", "default-src 'none'", "prefers-color-scheme: dark"],
    );
    has(
        &page,
        &["reconstruction from the abstract of arXiv 2006.13511", "percept train ", "percept report "],
    );
    has(
        &page,
        &[
            "l_g_l1",
            "L1 of the pixels",
            "channels selected online (contrast: across, start: photos)",
            "type = &quot;l1&quot;",
        ],
    );
    for address in ["http:", "https:", "//www", "src=\"/", "@import", "url("] {
        assert!(!page.contains(address), "the page asks for {address}");
    }
    // Every photo in four versions, its four small crops, the whole photo in two sizes; the first crops once more, at the top;
    // and what the channels see.
    assert_eq!(page.matches("data-column=\"3\"").count(), PHOTOS.len());
    let pictures = page.matches("data:image/png;base64,").count();
    let channels = 2 + 2 + page.matches("response to the").count();
    assert_eq!(pictures, PHOTOS.len() * (4 + 4 + 2) + 4 + channels);
    assert!(page.find("class=\"first\"").unwrap() < page.find("<section id=\"photos\"").unwrap());
    assert!(page.matches("response to the target").count() >= 8, "channels of two taps were drawn");
    has(&page, &["A selected distance is scaled to the size of the plain one"]);
    has(&page, &["× 1.8", "× 0.2", "Most selected", "Least selected", "channel 127: weight 0.2"]);
}

/// What is drawn of a projection is not all of it, and the page says so.
#[test]
fn a_projection_is_called_one() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(folder.path().join("a"), "mixed", 0.3);
    selects(&run);
    let config = run.join("config.toml");
    let gates = fs::read_to_string(&config).unwrap();
    let (page_of_gates, _) = page(&folder, std::slice::from_ref(&run)).unwrap();
    fs::write(&config, gates + "gate = \"projection\"\n").unwrap();
    let (page, _) = page(&folder, &[run]).unwrap();
    for words in [
        "projection selected online (contrast: across",
        "diagonal of its matrix",
        "directions shared everything",
    ] {
        has(&page, &[words]);
        assert!(!page_of_gates.contains(words), "{words}");
    }
}

/// Each by itself, whatever the others do.
#[test]
fn every_term_that_selects_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(folder.path().join("a"), "two", 0.3);
    selects(&run);
    let (config, log) = (run.join("config.toml"), run.join("selection.jsonl"));
    let second = "\n[[train.losses]]\ntype = \"feature\"\nname = \"second\"\nlayer_weights = { relu3 = 1.0 }\n\
                  backbone = { type = \"alexnet\" }\nselection = { contrast = \"literal\", gate = \"projection\" }\n";
    fs::write(&config, fs::read_to_string(&config).unwrap() + second).unwrap();
    let first = fs::read_to_string(&log).unwrap().replace("{\"active\"", "{\"term\":\"feature\",\"active\"");
    let line = |iter: u32| {
        let tap = json!({"name": "relu3", "weights": vec![1.0; 384], "effective": 300.0});
        json!({"iter": iter, "term": "second", "backbone": "alexnet", "contrast": "literal", "taps": [tap], "active": 0.5})
            .to_string()
    };
    let lines: String =
        first.lines().zip(1..).map(|(one, iter)| format!("{one}\n{}\n", line(iter))).collect();
    assert_eq!(lines.matches("\"term\":\"feature\"").count(), 20);
    fs::write(&log, lines).unwrap();
    let (page, _) = page(&folder, &[run]).unwrap();
    has(&page, &["<h3>two, feature</h3>", "<h3>two, second</h3>", "<h4>relu2_2</h4>", "<h4>relu3</h4>"]);
    has(&page, &["whatever the photos show", "Contrast to the letter", "diagonal of its matrix"]);
    assert_eq!(page.matches("diagonal of its matrix").count(), 1);
}

/// Which rule acted, how concentrated it was, how it moved, and whether it acted at all.
#[test]
fn a_selection_in_closed_form_is_explained_and_an_idle_one_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(folder.path().join("a"), "closed", 0.3);
    selects(&run);
    let change = |file: &str, old: &str, new: &str| {
        let path = run.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "{text}");
        fs::write(&path, text.replace(old, new)).unwrap();
    };
    let (of_triplet, _) = page(&folder, std::slice::from_ref(&run)).unwrap();
    has(&of_triplet, &["Share of active triplets", "contrast: across", "Weight that moved"]);
    let rule = "{\"score\":{\"type\":\"systematic\",\"window\":16},\"control\":{\"type\":\"inverted\"}}";
    change("selection.jsonl", "\"contrast\":\"across\"", &format!("\"closed\":{rule}"));
    change(
        "config.toml",
        "contrast = \"across\"\nstart = \"photos\"\nmatch_uniform = true\n",
        "type = \"closed\"\nscore = { type = \"systematic\", window = 16 }\ncontrol = { type = \"inverted\" }\n",
    );
    let (text, _) = page(&folder, std::slice::from_ref(&run)).unwrap();
    has(
        &text,
        &[
            "40 % of the channels selected in closed form (score: systematic over 16 pixels, used as a control, with the other sign)",
            "its error stays when features are averaged over windows",
            "It is used as a control, with the other sign.",
            "Share of scored channels",
            "as concentrated as if 51.2 channels shared everything",
            "A selected distance is scaled to the size of the plain one",
        ],
    );
    assert!(!text.contains("Warning:") && !text.contains("triplets"));
    change("selection.jsonl", "\"iter\":20", "\"idle\":true,\"iter\":20");
    let (text, _) = page(&folder, &[run]).unwrap();
    has(
        &text,
        &["<b>Warning:</b> the selection learns nothing: in 20 selection steps in a row fewer than 5 %"],
    );
}

#[test]
fn names_from_a_run_cannot_become_html() {
    let folder = tempfile::tempdir().unwrap();
    // No name of a run has a slash.
    let evil = "<!--<script>alert(1)<img src=x onerror=\"alert(2)\">";
    let a = run(folder.path().join("a"), evil, 0.3);
    let b = run(folder.path().join("b"), "{{js}} & 'b'", 0.5);
    let (page, _) = page(&folder, &[a, b]).unwrap();
    assert!(!page.contains("<script>alert") && !page.contains("<img src=x"));
    // One in the head, the data of the viewer, one at the end.
    assert_eq!(page.matches("</script>").count(), 3);
    assert_eq!(page.matches("'use strict';").count(), 1);
    has(&page, &["&lt;!--&lt;script&gt;", "{{js}} &amp; &#39;b&#39;"]);
}

#[test]
fn a_single_run_and_equal_names() {
    let folder = tempfile::tempdir().unwrap();
    let a = run(folder.path().join("first"), "sr", 0.3);
    let b = run(folder.path().join("second"), "sr", 0.5);
    let (alone, summary) = page(&folder, std::slice::from_ref(&a)).unwrap();
    has(&alone, &["sr: what one training run learned", "One network learned 4× super-resolution"]);
    assert_eq!(summary.rows.len(), 2);
    assert_eq!(Report::read(&[a.clone(), b.clone()]).unwrap().names(), ["first", "second"]);
    // Named twice, counted once.
    assert_eq!(Report::read(&[a.clone(), b, a]).unwrap().names().len(), 2);
    let deep = ["x/last", "y/last"].map(|path| run(folder.path().join(path), "sr", 0.4));
    assert_eq!(Report::read(&deep).unwrap().names(), ["x/last", "y/last"]);
}

#[test]
fn what_is_no_run_or_not_ready_is_refused_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let message = |runs: &[PathBuf]| page(&folder, runs).unwrap_err().to_string();
    assert!(matches!(Report::read(&[]), Err(ReportError::NoRuns)));
    assert!(message(&[folder.path().join("nowhere")]).contains("holds no run (no config.toml)"));
    let young = folder.path().join("young");
    fs::create_dir_all(&young).unwrap();
    let young_config = fs::read(run(folder.path().join("old"), "young", 0.3).join("config.toml")).unwrap();
    fs::write(young.join("config.toml"), young_config).unwrap();
    let text = message(std::slice::from_ref(&young));
    assert!(text.contains("young") && text.contains("train until the first validation"), "{text}");
    fs::write(young.join("config.toml"), "name = ").unwrap();
    assert!(message(&[young]).contains("config.toml"));
    let a = run(folder.path().join("a"), "a", 0.3);
    let mut options = classical();
    options.metrics.push("beauty".to_string());
    let error = page_with(&folder, std::slice::from_ref(&a), &options, &store()).unwrap_err();
    assert!(error.to_string().contains("no score is called `beauty`"), "{error}");
    let device = percept_conv::device("cpu").unwrap();
    let report = Report::read(&[a]).unwrap();
    let nowhere = folder.path().join("no/such/page.html");
    let error = report.write(&nowhere, &classical(), &store(), &device, &mut |_, _| {}).unwrap_err();
    assert!(matches!(error, ReportError::Write { .. }), "{error}");
}

#[test]
fn runs_on_other_photos_are_compared_on_those_in_common_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let a = run(folder.path().join("a"), "a", 0.3);
    let b = run(folder.path().join("b"), "b", 0.5);
    fs::remove_file(b.join("val/iter_00000020/spices.png")).unwrap();
    let both = [a, b];
    let (page_text, summary) = page(&folder, &both).unwrap();
    has(&page_text, &["not every run has them with input and target: spices", "Scores of 2 photos"]);
    assert!(summary.notes.iter().any(|note| note.contains("spices")));

    save(&both[1].join("val/gt/coffee.png"), &target("raccoon"));
    let error = page(&folder, &both).unwrap_err().to_string();
    assert!(error.contains("`coffee`") && error.contains("in a and another in b"), "{error}");

    for photo in ["coffee", "raccoon"] {
        let path = both[1].join("val/iter_00000020");
        fs::rename(path.join(format!("{photo}.png")), path.join(format!("{photo}2.png"))).unwrap();
    }
    let error = page(&folder, &both).unwrap_err().to_string();
    assert!(error.contains("no photo was restored by all of a, b"), "{error}");
}

#[test]
fn other_inputs_are_said_aloud() {
    let folder = tempfile::tempdir().unwrap();
    let a = run(folder.path().join("a"), "a", 0.3);
    let b = run(folder.path().join("b"), "b", 0.5);
    save(&b.join("val/lq/raccoon.png"), &target("raccoon"));
    let (page, _) = page(&folder, &[a, b]).unwrap();
    has(&page, &["did not all start from the same inputs; shown are those of a. Others: raccoon (b)."]);
}

#[test]
fn a_broken_photo_is_named_and_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let a = run(folder.path().join("a"), "a", 0.3);
    let broken = a.join("val/iter_00000020/raccoon.png");
    let bytes = fs::read(&broken).unwrap();
    fs::write(&broken, &bytes[..bytes.len() / 2]).unwrap();
    let (page_text, summary) = page(&folder, std::slice::from_ref(&a)).unwrap();
    has(&page_text, &["Left out: ", "raccoon.png", "Scores of 2 photos"]);
    assert!(summary.notes.iter().any(|note| note.contains("raccoon.png")), "{:?}", summary.notes);
    save(&a.join("val/iter_00000020/coffee.png"), &target("coffee").crop(0, 0, 90, 90));
    fs::remove_file(a.join("val/iter_00000020/spices.png")).unwrap();
    let error = page(&folder, &[a]).unwrap_err().to_string();
    assert!(error.starts_with("none of the 2 photos can be judged"), "{error}");
}

#[test]
fn logs_that_are_half_written_or_hold_no_numbers_are_read_as_far_as_they_go() {
    let folder = tempfile::tempdir().unwrap();
    let a = run(folder.path().join("a"), "a", 0.3);
    selects(&a);
    let add = |file: &str, text: &str| {
        let path = a.join(file);
        fs::write(&path, fs::read_to_string(&path).unwrap() + text).unwrap();
    };
    add("log.jsonl", "{\"iter\":21,\"l_g_l1\":null}\n{\"iter\":22,\"l_g_l");
    add("selection.jsonl", "{\"iter\":21,\"backbone\":\"vgg16\",\"taps\":[{\"name\":\"relu1_2\",\"weig");
    let (text, _) = page(&folder, std::slice::from_ref(&a)).unwrap();
    has(&text, &["has 1 gap: values or lines that are no numbers", "Every channel at step 20"]);
    // The letters may stand in a picture, which ends at a quotation mark.
    let mut parts = text.split(";base64,");
    let first = parts.next().unwrap();
    let rest = parts.map(|part| part.split_once('"').map_or("", |(_, rest)| rest));
    assert!(std::iter::once(first).chain(rest).all(|part| !part.contains("NaN")));
    add("log.jsonl", "\nno json\n");
    let (text, _) = page(&folder, std::slice::from_ref(&a)).unwrap();
    has(&text, &["has 3 gaps: values or lines that are no numbers"]);
    fs::remove_file(a.join("log.jsonl")).unwrap();
    let (text, _) = page(&folder, &[a]).unwrap();
    assert!(!text.contains("<section id=\"training\"") && !text.contains("href=\"#training\""));
}

#[test]
fn a_validation_that_was_cut_off_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let a = run(folder.path().join("a"), "a", 0.3);
    save(&a.join("val/iter_00000040/coffee.png"), &target("coffee"));
    let (page, _) = page(&folder, &[a]).unwrap();
    has(&page, &["over 3 photos", "photos of step 20"]);
}

#[test]
fn without_the_backbone_the_rest_of_the_page_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let a = run(folder.path().join("a"), "a", 0.3);
    selects(&a);
    let (page, _) = page_with(&folder, &[a], &classical(), &WeightStore::new()).unwrap();
    has(
        &page,
        &[
            "What the channels answer cannot be shown",
            "vgg16",
            "Every channel at step 20",
            "class=\"history\"",
        ],
    );
    assert!(!page.contains("response to the target"));
}

#[test]
fn of_many_photos_some_are_shown_and_all_are_scored() {
    let folder = tempfile::tempdir().unwrap();
    let a = run(folder.path().join("a"), "a", 0.3);
    let options = ReportOptions { photos: 1, title: Some("A & B".to_string()), ..classical() };
    let (page, _) = page_with(&folder, &[a], &options, &store()).unwrap();
    has(&page, &["1 of 3 photos are shown; the scores are of all.", "over 3 photos", "<h1>A &amp; B</h1>"]);
    assert_eq!(page.matches("data-column=\"0\"").count(), 1);
}
