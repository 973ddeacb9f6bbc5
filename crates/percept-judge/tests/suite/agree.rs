//! Tables of human opinions and what is measured of them, on small files of the same names and places.

use std::fs;
use std::path::Path;

use percept_image::{Image, Photo, Srgb, write_photo};
use percept_judge::agree::{AgreeError, AgreeOptions, Agreements, Choice, Rating, Rows, Table};
use percept_judge::{Kept, Panel};
use percept_nn::weights::WeightStore;

use crate::agree_tables::table;

/// A picture whose noise grows with `level`.
pub fn picture(seed: usize, level: usize) -> Image<Srgb> {
    Image::from_fn(24, 20, |x, y, c| {
        let wave = 0.5 + 0.3 * ((x * (seed + 2) + y * 3 + 5 * c) as f32 / 7.0).sin();
        wave + 0.03 * level as f32 * if (x * 7 + y * 5 + c) % 3 == 0 { 1.0 } else { -0.5 }
    })
}

pub fn save(path: &Path, image: Image<Srgb>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    write_photo(path, &Photo::new(image)).unwrap();
}

pub fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

pub fn ratings(table: &Table) -> &[Rating] {
    match &table.rows {
        Rows::Ratings(rows) => rows,
        _ => panic!("{table:?}"),
    }
}

pub fn choices(table: &Table) -> &[Choice] {
    match &table.rows {
        Rows::Choices(rows) => rows,
        _ => panic!("{table:?}"),
    }
}

fn panel(names: &[&str]) -> Panel {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    Panel::new(&names, 0, &WeightStore::new(), &percept_conv::device("cpu").unwrap()).unwrap()
}

pub fn measure(table: &Table) -> Result<Agreements, AgreeError> {
    let options = AgreeOptions { resamples: 50, ..AgreeOptions::default() };
    Agreements::measure(table, &panel(&["psnr-y", "ssim-y"]), &options, None, &|_, _| true)
}

/// The notes that `measure` finds on a table.
fn notes(text: &str) -> String {
    let (_folder, path) = table(text);
    measure(&Table::read(&path, None, None).unwrap()).unwrap().notes.join(" ")
}

#[test]
fn what_a_table_cannot_say_is_said() {
    let row = |seed: usize, level: usize, score: usize| format!("r{seed}.png,d{seed}_{level}.png,{score}\n");
    let all = |score: &dyn Fn(usize, usize) -> usize| -> String {
        let rows = (1..=2).flat_map(|seed| (1..=3).map(move |level| (seed, level)));
        let rows: String = rows.map(|(seed, level)| row(seed, level, score(seed, level))).collect();
        format!("reference,distorted,score\n{rows}")
    };
    let close = notes(&all(&|_, level| 5 - level));
    assert!(
        close.contains("psnr-y has 6 finite values: a curve with 5 parameters follows so few"),
        "{close}"
    );
    assert_eq!(notes(&all(&|_, _| 3)), "All human scores are equal: nothing can be correlated with them.");
    assert!(
        notes(&all(&|seed, _| seed)).contains("two pictures that people rate differently: there is no 2AFC")
    );
    let one = format!("reference,distorted,score\n{}{}", row(1, 1, 4), row(1, 2, 3));
    let one = notes(&one);
    assert!(one.contains("All pictures have one reference: there are no intervals"), "{one}");
    assert!(one.contains("psnr-y has 2 finite values: a curve with 5 parameters needs more"), "{one}");
    assert!(notes(&format!("reference,distorted,score\n{}", row(1, 1, 4))).contains("A single picture"));
    let same = notes("reference,distorted,score\nr1.png,r1.png,1\nr2.png,r2.png,2\n");
    assert!(same.contains("psnr-y is equal for all pictures: it orders nothing."), "{same}");
    let best = all(&|_, level| 5 - level) + "r1.png,r1.png,9\n";
    let best = notes(&best);
    assert!(
        best.contains(
            "psnr-y is infinite where a picture equals its reference (1 of 7): PLCC and RMSE leave"
        ),
        "{best}"
    );
    let choice = "reference,a,b,votes\nr1.png,d1_1.png,d1_2.png,0.2\n";
    assert_eq!(
        notes(choice),
        "All pictures have one reference: there are no intervals, which need at least two."
    );
}

/// What people chose among three pictures, by letter or by name; a row may have fewer.
#[test]
fn the_best_of_several_pictures() {
    let head = "reference,a,b,c,best\n";
    let (folder, path) = table(&format!(
        "{head}r1.png,d1_1.png,d1_2.png,d1_3.png,a\nr1.png,d1_3.png,d1_1.png,,D1_1.png\nr1.png,d1_3.png,d1_1.png,,d1_1.png\n\
         r2.png,d2_3.png,d2_2.png,d2_1.png,B\n"
    ));
    write(&path, &fs::read_to_string(&path).unwrap().replace("r1.png,d1_3.png,d1_1.png,,D1_1.png\n", ""));
    let read = Table::read(&path, None, None).unwrap();
    let Rows::Best(rows) = &read.rows else { panic!("{read:?}") };
    assert_eq!(
        rows.iter().map(|row| (row.pictures.len(), row.chosen)).collect::<Vec<_>>(),
        [(3, 0), (2, 1), (3, 1)]
    );
    assert_eq!(rows[1].pictures[1], folder.path().join("d1_1.png"));
    let found = measure(&read).unwrap();
    assert_eq!((found.kind, found.statistic, found.n, found.references), ("choices", "best", 3, 2));
    let psnr = &found.metrics["psnr-y"].overall;
    // The least noise is best but for the last row, where it is second.
    assert!((psnr.best.unwrap().value - 2.0 / 3.0).abs() < 1e-12);
    assert!((psnr.two_afc.unwrap().value - 2.5 / 3.0).abs() < 1e-12 && psnr.srocc.is_none());
    assert!(
        found.notes.iter().any(|note| note.contains("Chance alone") && note.contains("0.389")),
        "{:?}",
        found.notes
    );
    assert_eq!(found.rows[0].scores["psnr-y"].len(), 3);
    for (row, problem) in
        [("r1.png,d1_1.png,d1_2.png,,c", "the best one is `c`"), ("r1.png,d1_1.png,,,a", "in a;")]
    {
        write(&path, &format!("{head}{row}\n"));
        let error = Table::read(&path, None, None).unwrap_err().to_string();
        assert!(error.contains(problem) && error.contains("line 2"), "{error}");
    }
}

/// Scores without references, alone; those that compare are refused by name before any work.
#[test]
fn pictures_without_references() {
    let rows: String = (1..=2)
        .flat_map(|seed| (1..=3).map(move |level| format!("d{seed}_{level}.png,{}\n", 9 - level)))
        .collect();
    let (_folder, path) = table(&format!("distorted,score\n{rows}"));
    let read = Table::read(&path, None, None).unwrap();
    assert!(!read.has_references() && ratings(&read)[0].reference.is_none());
    let error = measure(&read).unwrap_err();
    assert!(matches!(error, AgreeError::NoReferences { .. }), "{error}");
    assert!(
        error.to_string().contains("psnr-y, ssim-y") && error.to_string().contains("percept metrics"),
        "{error}"
    );
    let options = AgreeOptions { resamples: 50, ..AgreeOptions::default() };
    let kept_file = path.with_extension("kept");
    let of = || {
        let kept = Kept::open(&kept_file, "one").unwrap();
        Agreements::measure(&read, &panel(&["noise", "tv"]), &options, Some(&kept), &|_, _| true).unwrap()
    };
    let found = of();
    // Noise grows with the level, and scores fall.
    let noise = &found.metrics["noise"].overall;
    assert!(
        noise.srocc.unwrap().value > 0.9 && noise.srocc.unwrap().low.is_some() && noise.two_afc.is_none()
    );
    assert_eq!((found.references, found.rows[0].reference.as_str()), (6, ""));
    assert!(found.notes.iter().any(|note| note.contains("no references")), "{:?}", found.notes);
    assert_eq!(of(), found);
    let (_folder, path) = table("a,b,votes\nd1_1.png,d1_3.png,0.1\nd2_1.png,d2_3.png,0.2\n");
    let read = Table::read(&path, None, None).unwrap();
    let found = Agreements::measure(&read, &panel(&["noise"]), &options, None, &|_, _| true).unwrap();
    assert!((found.metrics["noise"].overall.two_afc.unwrap().value - 0.85).abs() < 1e-12);
}

/// Every pair of scores once, with p-values that Holm corrects.
#[test]
fn scores_are_compared_with_each_other() {
    let (_folder, path) = table(
        "reference,distorted,score\nr1.png,d1_1.png,3\nr1.png,d1_2.png,2\nr2.png,d2_1.png,3\nr2.png,d2_2.png,2\nr2.png,d2_3.png,1\n",
    );
    let read = Table::read(&path, None, None).unwrap();
    let options = AgreeOptions { resamples: 200, ..AgreeOptions::default() };
    let names = ["psnr-y", "tv", "psnr-rgb"];
    let found = Agreements::measure(&read, &panel(&names), &options, None, &|_, _| true).unwrap();
    let pairs: Vec<_> = found.differences.iter().map(|pair| (pair.a.as_str(), pair.b.as_str())).collect();
    assert_eq!(pairs, [("psnr-y", "tv"), ("psnr-y", "psnr-rgb"), ("tv", "psnr-rgb")]);
    for pair in &found.differences {
        let srocc = |name: &str| found.metrics[name].overall.srocc.unwrap().value;
        assert!((pair.difference.value - (srocc(&pair.a) - srocc(&pair.b))).abs() < 1e-12);
        let (p, p_holm) = (pair.p.unwrap(), pair.p_holm.unwrap());
        assert!(p <= p_holm && p_holm <= (3.0 * p).min(1.0) + 1e-12, "{pair:?}");
        assert_eq!(pair.more.is_some(), p_holm < 0.05);
    }
    let html = |found: &Agreements| {
        let page = path.with_extension("html");
        found.write_page(&page).unwrap();
        fs::read_to_string(page).unwrap()
    };
    assert!(html(&found).contains("<th scope=\"row\">psnr-y − tv</th>"));
    let one = Agreements::measure(&read, &panel(&["tv"]), &options, None, &|_, _| true).unwrap();
    assert!(one.differences.is_empty() && !html(&one).contains("differences-title"));
}

#[test]
fn broken_pictures_are_left_out_by_name() {
    let (folder, path) = table(
        "reference,distorted,score\nr1.png,d1_1.png,3\nr1.png,d1_2.png,2\nr1.png,gone.png,2\nr2.png,d2_1.png,3\nr2.png,d2_2.png,2\nr2.png,d2_3.png,1\n",
    );
    let bytes = fs::read(folder.path().join("d2_3.png")).unwrap();
    fs::write(folder.path().join("d2_3.png"), &bytes[..bytes.len() / 2]).unwrap();
    save(&folder.path().join("d1_2.png"), picture(1, 2).crop(0, 0, 20, 20));
    let read = Table::read(&path, None, None).unwrap();
    let found = measure(&read).unwrap();
    let skipped: Vec<_> = found.skipped.iter().map(|row| row.name.as_str()).collect();
    assert_eq!((found.n, skipped), (3, vec!["d1_2.png", "gone.png", "d2_3.png"]));
    assert!(found.skipped[1].reason.contains("no such file"), "{:?}", found.skipped);
    fs::remove_file(folder.path().join("r1.png")).unwrap();
    fs::remove_file(folder.path().join("r2.png")).unwrap();
    let error = measure(&read).unwrap_err().to_string();
    assert!(error.contains("none of the 6 rows") && error.contains("--root"), "{error}");
}

#[test]
fn the_caller_can_stop() {
    let (_folder, path) =
        table("reference,distorted,score\nr1.png,d1_1.png,3\nr1.png,d1_2.png,2\nr2.png,d2_1.png,3\n");
    let read = Table::read(&path, None, None).unwrap();
    let options = AgreeOptions::default();
    let stopped = Agreements::measure(&read, &panel(&["psnr-y"]), &options, None, &|done, _| done == 0);
    assert!(
        matches!(stopped, Err(AgreeError::Stopped { all: 3, done: 1.., kept: false }) | Ok(_)),
        "{stopped:?}"
    );
}

#[test]
fn stopped_work_goes_on_where_it_was() {
    let (folder, path) =
        table("reference,distorted,score\nr1.png,d1_1.png,3\nr1.png,d1_2.png,2\nr2.png,d2_1.png,3\n");
    let read = Table::read(&path, None, None).unwrap();
    let options = AgreeOptions { resamples: 50, ..AgreeOptions::default() };
    let file = folder.path().join("percept/scores.txt");
    let lines = || fs::read_to_string(&file).unwrap().lines().count();
    let measure = |maker: &str, go_on: bool| {
        let kept = Kept::open(&file, maker).unwrap();
        Agreements::measure(&read, &panel(&["psnr-y", "ssim-y"]), &options, Some(&kept), &|done, _| {
            go_on || done == 0
        })
    };
    let whole =
        Agreements::measure(&read, &panel(&["psnr-y", "ssim-y"]), &options, None, &|_, _| true).unwrap();
    // Every thread may finish a picture before all have stopped.
    match measure("one", false) {
        Err(error @ AgreeError::Stopped { .. }) => assert!(error.to_string().contains("goes on"), "{error}"),
        done => assert_eq!(done.unwrap(), whole),
    }
    let before = lines();
    assert!(before >= 2 && before.is_multiple_of(2), "{before}");
    // A kill cuts a line off, and a disk may hold anything.
    let mut text = fs::read_to_string(&file).unwrap();
    text.push_str("no score at all\n00ff");
    write(&file, &text);
    assert_eq!(measure("one", true).unwrap(), whole);
    assert_eq!(lines(), 6 + 2);
    // All of them are known now: no line is added, and a number in the file is what counts.
    assert_eq!(measure("one", true).unwrap(), whole);
    assert_eq!(lines(), 8);
    let known = |text: &str| {
        text.replace(
            &format!("{:016x}", whole.rows[0].scores["psnr-y"][0].to_bits()),
            &format!("{:016x}", 7f64.to_bits()),
        )
    };
    write(&file, &known(&fs::read_to_string(&file).unwrap()));
    assert_eq!(measure("one", true).unwrap().rows[0].scores["psnr-y"], [7.0]);
    // Another program computes by itself, and another picture of the same name is another one.
    assert_eq!(measure("two", true).unwrap(), whole);
    assert_eq!(lines(), 14);
    save(&folder.path().join("d1_1.png"), picture(1, 6));
    let changed = measure("one", true).unwrap();
    assert!(changed.rows[0].scores["psnr-y"] != [7.0] && changed.rows[0] != whole.rows[0]);
    assert_eq!(changed.rows[2], whole.rows[2]);
    assert_eq!(lines(), 16);
}

#[test]
fn the_page_has_plots_and_asks_nobody() {
    let evil = "</script><b>x";
    let mut text = "reference,distorted,score,spread,distortion\n".to_string();
    for seed in 1..=2 {
        for level in 1..=3 {
            let kind = if level == 2 { evil } else { "noise" };
            text += &format!("r{seed}.png,d{seed}_{level}.png,{},0.5,{kind}\n", 6 - level);
        }
    }
    let (folder, path) = table(&text);
    let found = measure(&Table::read(&path, None, None).unwrap()).unwrap();
    let page = folder.path().join("page.html");
    found.write_page(&page).unwrap();
    let html = fs::read_to_string(&page).unwrap();
    for part in
        ["SROCC", "2AFC", "outliers", "psnr-y", "PSNR-Y, BT.601", "class=\"fit\"", "Content-Security-Policy"]
    {
        assert!(html.contains(part), "the page lacks {part}");
    }
    assert!(html.contains("&lt;/script&gt;&lt;b&gt;x") && !html.contains(evil));
    // Six points of two metrics.
    assert_eq!(html.matches("h0").count(), 12);
    for address in ["http:", "https:", "src=\"/", "@import", "url("] {
        assert!(!html.contains(address), "the page asks for {address}");
    }
    let error = found.write_page(&folder.path().join("no/such/page.html")).unwrap_err();
    assert!(matches!(error, AgreeError::Write { .. }));
}
