//! `percept report` as it is called.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{arg, percept, run};
use percept_image::{Image, Photo, Srgb, write_photo};

/// A folder as a training leaves it, with two small photos.
fn trained(folder: PathBuf, name: &str, error: f32) -> PathBuf {
    let image = |photo: usize, error: f32| {
        Image::<Srgb>::from_fn(48, 48, |x, y, c| {
            let wave = ((x * (photo + 1) + y + 9 * c) as f32 / 5.0).sin();
            0.5 + 0.3 * wave + error * if (x + y) % 2 == 0 { 1.0 } else { -1.0 }
        })
    };
    for photo in 0..2 {
        for (kind, error) in [("gt", 0.0), ("lq", 0.1), ("iter_00000010", error)] {
            let path = folder.join(format!("val/{kind}/photo{photo}.png"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            write_photo(path, &Photo::new(image(photo, error))).unwrap();
        }
    }
    let config = format!(
        "name = \"{name}\"\ntask = \"denoise\"\nnetwork_g.type = \"nafnet\"\ndatasets.train.dataroot_gt = \"photos\"\n\
         train.losses = [{{ type = \"l1\" }}]\n"
    );
    fs::write(folder.join("config.toml"), config).unwrap();
    folder
}

fn pixels() -> [&'static str; 2] {
    ["--metric", "psnr-y,ssim-y"]
}

#[test]
fn one_run_has_its_page_in_its_folder_and_several_have_it_here() {
    let folder = tempfile::tempdir().unwrap();
    let a = trained(folder.path().join("a"), "a", 0.05);
    let b = trained(folder.path().join("b"), "b", 0.02);
    let page = a.join("report.html");
    let [metric, names] = pixels();
    let ended = run(&["report", arg(&a), metric, names])
        .exits(0)
        .says(&["psnr-y ↑", "2 photos: too few to say anything about others"]);
    assert_eq!(ended.out.trim_end(), arg(&page));
    assert!(fs::read_to_string(page).unwrap().contains("denoising"));

    let status =
        percept(&["report", arg(&a), arg(&b), metric, names]).current_dir(folder.path()).output().unwrap();
    assert_eq!(String::from_utf8(status.stdout).unwrap().trim_end(), "report.html");
    assert!(fs::read_to_string(folder.path().join("report.html")).unwrap().contains("a and b, compared"));

    let other = folder.path().join("other.html");
    run(&["report", arg(&a), arg(&b), metric, names, "-o", arg(&other)]).exits(0).prints(&[arg(&other)]);
    assert!(other.exists());
}

#[test]
fn what_cannot_be_compared_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    run(&["report", arg(Path::new("no/such/run"))]).exits(2).says(&[
        "no/such/run",
        "no config.toml",
        "check the path",
    ]);
    let a = trained(folder.path().join("a"), "a", 0.05);
    run(&["report", arg(&a), "--metric", "beauty"]).exits(2).says(&["beauty", "psnr-y"]);
    run(&["report", arg(&a), "--metric", "psnr-y,vgg-fd"])
        .exits(2)
        .says(&["`vgg-fd` compares whole folders", "percept score"]);
    fs::remove_dir_all(a.join("val/iter_00000010")).unwrap();
    run(&["report", arg(&a)]).exits(1).says(&["no restored photos", "train until the first validation"]);
    assert!(!a.join("report.html").exists());
}
