//! What `percept score` says of photos that it cannot score.

use std::fs;

use crate::score::{Sides, json, keys, photo, write};

#[test]
fn photos_without_a_partner_are_listed_and_the_rest_is_scored() {
    let sides = Sides::new(&["a.png", "b.png", "c.png"], (64, 48));
    fs::rename(sides.test.join("b.png"), sides.test.join("d.png")).unwrap();
    fs::rename(sides.test.join("c.png"), sides.test.join("e.png")).unwrap();
    write(&sides.test.join("a.bmp"), photo((64, 48), 0));
    fs::remove_file(sides.test.join("a.png")).unwrap();
    let scored = sides.score(&["--metric", "psnr-y", "--json"]).exits(0).says(&[
        "only in --ref, not scored: 2 photos\n  b.png\n  c.png\n",
        "only in --test, not scored: 2 photos\n  d.png\n  e.png\n",
    ]);
    assert_eq!(json(&scored)["images"].as_array().unwrap().len(), 1);
}

#[test]
fn a_common_ending_is_passed_over_aloud() {
    let sides = Sides::new(&["a.png", "b.png"], (64, 48));
    for name in ["a", "b"] {
        fs::rename(sides.test.join(format!("{name}.png")), sides.test.join(format!("{name}x4.png"))).unwrap();
    }
    sides.score(&["--metric", "psnr-y"]).exits(0).says(&["`x4`"]).prints(&["mean of 2 photos"]);
}

#[test]
fn a_broken_photo_and_one_of_another_size_are_named_and_the_rest_is_scored() {
    let sides = Sides::new(&["a.png", "b.png", "c.png", "d.png"], (64, 48));
    let whole = fs::read(sides.test.join("b.png")).unwrap();
    fs::write(sides.test.join("b.png"), &whole[..whole.len() / 2]).unwrap();
    write(&sides.test.join("c.png"), photo((32, 40), 1));
    let scored = sides.score(&["--metric", "psnr-y", "--json"]).exits(1).says(&[
        "skipped b: ",
        "b.png: the file is cut off",
        "skipped c: ",
        "(64, 48)",
        "(32, 40)",
        "2 of 4 photos skipped, 2 scored",
    ]);
    let names: Vec<_> =
        json(&scored)["images"].as_array().unwrap().iter().map(|image| image["name"].clone()).collect();
    assert_eq!(names, ["a", "d"]);
}

#[test]
fn photos_too_small_for_a_score_are_named() {
    let sides = Sides::new(&["a.png"], (64, 48));
    let failed = sides.score(&["--metric", "psnr-y,ms-ssim-y"]).exits(1);
    // The other score is taken all the same.
    let failed = failed.says(&[
        "missing of a: ",
        "ms-ssim-y needs at least 161 pixels",
        "1 of 1 photo scored, 1 of them",
    ]);
    let lines: Vec<_> = failed.out.lines().collect();
    let cells: Vec<_> = lines[1].split_whitespace().collect();
    assert!(cells[1].parse::<f64>().is_ok() && cells[2] == "–", "{failed:#?}");
    let scored = json(&sides.score(&["--metric", "psnr-y,ms-ssim-y", "--json"]).exits(1));
    assert_eq!(
        (keys(&scored["images"][0]["scores"]), keys(&scored["mean"])),
        (vec!["psnr-y"], vec!["psnr-y"])
    );
    assert!(scored["images"][0]["missing"]["ms-ssim-y"].as_str().unwrap().contains("161"));
    let csv = sides.score(&["--metric", "ms-ssim-y,psnr-y", "--csv"]).exits(1);
    assert!(csv.out.lines().nth(1).unwrap().starts_with("a,,"), "{csv:#?}");
    // Where no score is left, the photo is skipped.
    let failed = sides.score(&["--metric", "ms-ssim-y"]).exits(1).says(&[
        "skipped a: ",
        "leave this photo out",
        "1 of 1 photo skipped",
    ]);
    assert_eq!(failed.out, "");
}

#[test]
fn a_mean_says_of_how_many_photos_it_is() {
    let sides = Sides::new(&["a.png"], (64, 48));
    write(&sides.reference.join("b.png"), photo((200, 180), 1));
    write(&sides.test.join("b.png"), photo((200, 180), 2));
    let scored = sides.score(&["--metric", "psnr-y,ms-ssim-y"]).exits(1);
    scored
        .prints(&["mean of 2 photos", "ms-ssim-y: mean of 1 photo\n"])
        .says(&["2 photos scored, 1 of them"]);
}

/// A learned score looks at whole pictures, so no border was cut off.
#[test]
fn too_small_says_what_was_cut_off_and_only_then() {
    let sides = Sides::new(&["a.png"], (20, 20));
    let learned = sides
        .score(&["--metric", "lpips-alex", "--crop", "4"])
        .exits(1)
        .says(&["at least 31 pixels", "has 20"]);
    assert!(!learned.err.contains("cut off"), "{learned:#?}");
    sides
        .score(&["--metric", "ms-ssim-y", "--crop", "4"])
        .exits(1)
        .says(&["has 12 (4 are cut off at each border)"]);
}
