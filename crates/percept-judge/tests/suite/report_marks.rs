//! Numbers of the page, and which of them are called better or worse.

use std::fs;
use std::path::Path;

use percept_image::read_srgb;
use percept_judge::report::ReportOptions;
use percept_judge::{Panel, Scores, stats};

use crate::report::{has, page, page_with, restored, run, run_on, save, store, target};

#[test]
fn the_numbers_are_those_of_the_panel() {
    let folder = tempfile::tempdir().unwrap();
    let photos =
        ["coffee", "coffee-1", "coffee-2", "raccoon", "raccoon-1", "raccoon-2", "spices", "spices-1"];
    let runs =
        [("a", 0.3), ("b", 0.7)].map(|(name, share)| run_on(&photos, folder.path().join(name), name, share));
    let options =
        ReportOptions { metrics: vec!["lpips-alex".into(), "psnr-y".into()], ..ReportOptions::default() };
    let (page, summary) = page_with(&folder, &runs, &options, &store()).unwrap();
    let device = percept_conv::device("cpu").unwrap();
    let panel = Panel::new(&options.metrics, 4, &store(), &device).unwrap();
    let scores = |file: &str, run: &Path| {
        let read = |kind: &str, photo: &str| read_srgb(run.join(format!("val/{kind}/{photo}.png"))).unwrap();
        let score = |photo| panel.score(photo, &read("gt", photo), &read(file, photo)).unwrap();
        Scores::new(&panel, photos.map(score).to_vec())
    };
    let rows = [scores("lq", &runs[0]), scores("iter_00000020", &runs[0]), scores("iter_00000020", &runs[1])];
    assert_eq!(summary.header, ["", "lpips-alex ↓", "", "psnr-y ↑", ""]);
    for (row, scores) in summary.rows.iter().zip(&rows) {
        let (lpips, psnr) =
            (format!("{:.4}", scores.mean["lpips-alex"]), format!("{:.2}", scores.mean["psnr-y"]));
        assert_eq!((&row[1], &row[3]), (&lpips, &psnr));
        has(&page, &[&format!(">{lpips}</b>"), &format!(">{psnr}</b>")]);
    }
    let columns = [&rows[2], &rows[1]].map(|row| row.column("psnr-y"));
    let less: Vec<f64> = columns[0].iter().zip(&columns[1]).map(|(a, b)| a - b).collect();
    let gain = stats::crossed_bootstrap(&[less], stats::RESAMPLES, 0).unwrap();
    assert_eq!(summary.rows[2][4], format!("+{:.2}*", gain.mean));
    has(&page, &[&format!("▲ +{:.2} <span>[+{:.2}, +{:.2}]</span>", gain.mean, gain.low, gain.high)]);
    assert_eq!(summary.rows[1][4], "");
    // The last row is better than both others on every photo, so it is marked, in each of the three tables.
    assert_eq!(page.matches("<b class=\"best\">").count(), 1 + 3 * 2);
    assert!(summary.notes[0].contains("8 photos") && summary.notes[0].contains("differences to a"));
    // What was corrected for what: two scores of three pairs of rows.
    has(&page, &["for all 6 differences between two rows of this page", "Student's t"]);
    assert!(summary.notes[0].contains("corrected for the 6 differences"), "{}", summary.notes[0]);
}

/// Three photos of which one tells another story: means differ, and nothing is called better.
#[test]
fn what_chance_may_have_done_has_no_mark() {
    let folder = tempfile::tempdir().unwrap();
    let runs = [("a", 0.5), ("b", 0.6)].map(|(name, share)| run(folder.path().join(name), name, share));
    let spices = target("spices");
    save(&runs[1].join("val/iter_00000020/spices.png"), &restored(&spices, 0.45));
    let (page, summary) = page(&folder, &runs).unwrap();
    // Of b against a: a difference with its interval, and neither arrow nor star.
    assert!(
        page.contains("title=\"no clear difference\">+")
            && !page.contains("<td data-metric=\"psnr-y ↑\"><b class=\"best\""),
        "{page}"
    );
    assert!(summary.rows[2][2].starts_with('+') && summary.rows[2][2].ends_with(' '), "{:?}", summary.rows);
}

#[test]
fn one_photo_has_no_interval_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let runs = [("a", 0.3), ("b", 0.7)].map(|(name, share)| run(folder.path().join(name), name, share));
    for photo in ["coffee", "spices"] {
        fs::remove_file(runs[0].join(format!("val/iter_00000020/{photo}.png"))).unwrap();
    }
    let (page, summary) = page(&folder, &runs).unwrap();
    has(&page, &["Scores of 1 photo. So few allow no interval", "At least 3 are needed"]);
    assert!(!page.contains("class=\"best\"") && summary.rows[2][2].is_empty());
    assert!(summary.notes[0].starts_with("1 photo: too few"), "{:?}", summary.notes);
}
