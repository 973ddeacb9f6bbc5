//! Tables of human opinions in every layout, on small files of the same names and places.

use std::fs;
use std::path::Path;

use percept_image::{Better, Image, Photo, Srgb, write_photo};
use percept_judge::agree::{AgreeError, AgreeOptions, Agreements, Choice, Layout, Rating, Rows, Table};
use percept_judge::{Kept, Panel};
use percept_nn::weights::WeightStore;
use tempfile::TempDir;

use crate::agree_tables::table;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

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

fn measure(table: &Table) -> Result<Agreements, AgreeError> {
    let options = AgreeOptions { resamples: 50, ..AgreeOptions::default() };
    Agreements::measure(table, &panel(&["psnr-y", "ssim-y"]), &options, None, &|_, _| true)
}

/// Detected and named, folder and file: always the same table, whose pictures all exist.
#[track_caller]
fn same_every_way(folder: &Path, label: &str, layout: Layout) -> Table {
    let table = Table::read(folder, None, None).unwrap();
    assert_eq!(table.layout, layout);
    assert_eq!(table.rows, Table::read(folder, Some(layout), None).unwrap().rows);
    if !label.is_empty() {
        let of_file = Table::read(&folder.join(label), None, None).unwrap();
        assert_eq!((of_file.layout, &of_file.rows), (layout, &table.rows));
    }
    let found = measure(&table).unwrap();
    assert_eq!((found.n, found.skipped.len()), (table.len(), 0), "{:?}", found.skipped);
    table
}

/// Names as in the archive: most in lower case, the table's with a capital, one reference in lower case.
#[test]
fn tid2013() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    save(&root.join("reference_images/I01.BMP"), picture(1, 0));
    save(&root.join("reference_images/i25.bmp"), picture(2, 0));
    let mut lines = String::new();
    for (name, seed) in [("I01", 1), ("i25", 2)] {
        for (kind, level) in [(1, 1), (1, 3), (8, 2), (24, 5)] {
            save(
                &root.join(format!("distorted_images/{}_{kind:02}_{level}.bmp", name.to_lowercase())),
                picture(seed, level),
            );
            lines += &format!("{}.51429 {name}_{kind:02}_{level}.bmp\n", 9 - level);
        }
    }
    write(&root.join("mos_with_names.txt"), &lines);
    write(&root.join("mos_std.txt"), &"0.25\n".repeat(8));
    let table = same_every_way(root, "mos_with_names.txt", Layout::Tid2013);
    assert_eq!(table.better, Better::Higher);
    let rows = ratings(&table);
    assert_eq!((rows.len(), rows[0].score, rows[0].spread), (8, 8.51429, Some(0.25)));
    let kinds: Vec<_> = rows.iter().take(4).map(|row| row.distortion.as_deref().unwrap()).collect();
    assert_eq!(kinds, ["01 Gaussian noise", "01 Gaussian noise", "08 Gaussian blur", "24 sparse sampling"]);
    assert!(rows[7].reference.as_ref().unwrap().ends_with("reference_images/i25.bmp"));
    let found = measure(&table).unwrap();
    assert!(found.metrics["psnr-y"].overall.srocc.unwrap().value > 0.9);
    assert_eq!(found.references, 2);

    write(&root.join("mos_std.txt"), "0.25\n");
    let error = Table::read(root, None, None).unwrap_err().to_string();
    assert!(error.contains("mos_std.txt") && error.contains("1 deviations for 8 scores"), "{error}");
    write(&root.join("mos_with_names.txt"), "5.5 I01_01_1.bmp\nfive I01_01_2.bmp\n");
    fs::remove_file(root.join("mos_std.txt")).unwrap();
    let error = Table::read(root, None, None).unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("`five`"), "{error}");
}

/// The column is called `dmos` and rises with quality.
#[test]
fn kadid10k() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    save(&root.join("images/I01.png"), picture(1, 0));
    let mut lines = "dist_img,ref_img,dmos,var\n".to_string();
    for level in 1..=5 {
        let name = format!("I01_10_{level:02}.png");
        save(&root.join("images").join(&name), picture(1, level));
        lines += &format!("{name},I01.png,{}.57,0.25\n", 5 - level);
    }
    write(&root.join("dmos.csv"), &lines);
    let table = same_every_way(root, "dmos.csv", Layout::Kadid10k);
    let rows = ratings(&table);
    assert_eq!((table.better, rows[0].score, rows[0].spread), (Better::Higher, 4.57, Some(0.5)));
    assert_eq!(rows[0].distortion.as_deref(), Some("10 JPEG"));
    let srocc = measure(&table).unwrap().metrics["psnr-y"].overall.srocc.unwrap();
    assert_eq!((srocc.value, srocc.low), (1.0, None));
}

#[test]
fn live() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    for name in ["refnames_all.mat", "dmos.mat"] {
        fs::copy(Path::new(FIXTURES).join("live").join(name), root.join(name)).unwrap();
    }
    save(&root.join("refimgs/bikes.bmp"), picture(1, 0));
    save(&root.join("refimgs/ocean.bmp"), picture(2, 0));
    for (at, kind) in ["jp2k", "jpeg", "wn", "gblur", "fastfading"].into_iter().enumerate() {
        write(&root.join(kind).join("info.txt"), "bikes.bmp img1.bmp 0.1");
        for number in 1..=2 {
            save(&root.join(kind).join(format!("img{number}.bmp")), picture(number, at + 1));
        }
    }
    let table = same_every_way(root, "dmos.mat", Layout::Live);
    let rows = ratings(&table);
    // The fourth picture, the second of jpeg, is a reference.
    assert_eq!((rows.len(), table.better), (9, Better::Lower));
    assert_eq!(
        rows.iter().map(|row| row.score).collect::<Vec<_>>(),
        [20.0, 60.0, 30.0, 25.0, 50.0, 35.0, 70.0, 40.0, 65.0]
    );
    assert_eq!(rows[2].distorted, root.join("jpeg/img1.bmp"));
    assert_eq!((rows[2].reference.clone(), rows[2].spread), (Some(root.join("refimgs/bikes.bmp")), None));
    assert_eq!(rows[3].distortion.as_deref(), Some("wn"));

    // The realigned scores replace them, with their deviations; the file's name says which ones are meant.
    fs::copy(Path::new(FIXTURES).join("live/dmos_realigned.mat"), root.join("dmos_realigned.mat")).unwrap();
    let realigned = same_every_way(root, "dmos_realigned.mat", Layout::Live);
    assert_eq!((ratings(&realigned)[0].score, ratings(&realigned)[0].spread), (21.0, Some(2.0)));
    assert_eq!(Table::read(&root.join("dmos.mat"), None, None).unwrap().rows, table.rows);

    fs::remove_file(root.join("wn/img2.bmp")).unwrap();
    let error = Table::read(root, None, None).unwrap_err().to_string();
    assert!(error.contains("9 pictures do not fit"), "{error}");
    fs::remove_file(root.join("refnames_all.mat")).unwrap();
    let error = Table::read(root, None, None).unwrap_err().to_string();
    assert!(error.contains("refnames_all.mat"), "{error}");
}

/// A file of scores for every photo; the originals are rated as well.
#[test]
fn sriqa_bench() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    let algorithms = [("BSRGAN", 3), ("SeeSR", 1), ("Real_x", 2)];
    for (photo, seed) in [("001", 1), ("b_2", 2)] {
        save(&root.join(format!("images/Original/{photo}_Original.png")), picture(seed, 0));
        let mut lines = format!("{photo}_Original.png,0.9\n");
        for (algorithm, level) in algorithms {
            save(&root.join(format!("images/{algorithm}/{photo}_{algorithm}.png")), picture(seed, level));
            lines += &format!("{photo}_{algorithm}.png, {}\n", 0.8 - 0.2 * level as f64);
        }
        write(&root.join(format!("MOS/{photo}.txt")), &lines);
    }
    let table = same_every_way(root, "MOS", Layout::SriqaBench);
    let rows = ratings(&table);
    assert_eq!((rows.len(), table.better), (8, Better::Higher));
    assert_eq!((rows[0].score, rows[0].distortion.as_deref()), (0.9, Some("Original")));
    assert_eq!(rows[0].reference.as_ref(), Some(&rows[0].distorted));
    assert_eq!(rows[7].distorted, root.join("images/Real_x/b_2_Real_x.png"));
    assert_eq!(rows[7].reference, Some(root.join("images/Original/b_2_Original.png")));
    assert!(measure(&table).unwrap().metrics["ssim-y"].overall.srocc.unwrap().value > 0.9);
    // One photo's file by itself.
    let one = Table::read(&root.join("MOS/001.txt"), None, None).unwrap();
    assert_eq!((one.layout, ratings(&one).len()), (Layout::SriqaBench, 4));
    write(&root.join("MOS/001.txt"), "002_SeeSR.png,0.5\n");
    let error = Table::read(root, None, None).unwrap_err().to_string();
    assert!(error.contains("001_ALGORITHM.png,0.7") && error.contains("line 1"), "{error}");
}

/// The authors' sheet, the same as CSV, and the list of training codes.
#[test]
fn csiq() {
    let names = [
        ("awgn", "1600.AWGN.1.png", 1),
        ("jpeg", "1600.JPEG.2.png", 2),
        ("jpeg2000", "1600.jpeg2000.3.png", 3),
        ("fnoise", "foxy.fnoise.4.png", 4),
        ("blur", "foxy.BLUR.5.png", 5),
        ("contrast", "foxy.contrast.1.png", 1),
    ];
    let scores = [0.062, 0.21, 0.4, 0.7, 0.9, 0.1];
    let rows = ["1600,1,noise,1,0.05", "1600,2,jpeg,2,0.06", "1600,3,jpeg 2000,3,0.07"];
    let rows = [&rows[..], &["foxy,4,fnoise,4,0.08", "foxy,5,blur,5,0.09", "foxy,6,contrast,1,0.1"]].concat();
    let csv: String = rows.iter().zip(scores).map(|(row, score)| format!("{row},{score}\n")).collect();
    let list: String =
        names.iter().zip(scores).map(|((_, name, _), score)| format!("{name} {score}\n")).collect();
    let mut tables = Vec::new();
    for label in ["csiq.DMOS.xlsx", "csiq.csv", "csiq_label.txt"] {
        let folder = TempDir::new().unwrap();
        let root = folder.path();
        save(&root.join("src_imgs/1600.png"), picture(1, 0));
        save(&root.join("src_imgs/foxy.png"), picture(2, 0));
        for (kind, name, level) in names {
            let place = if label == "csiq_label.txt" {
                "dst_imgs_all".to_string()
            } else {
                format!("dst_imgs/{kind}")
            };
            save(&root.join(place).join(name), picture(usize::from(name.starts_with("foxy")) + 1, level));
        }
        match label {
            "csiq.csv" => {
                write(&root.join(label), &format!("image,dst_idx,dst_type,dst_lev,dmos_std,dmos\n{csv}"))
            }
            "csiq_label.txt" => write(&root.join(label), &list),
            sheet => drop(fs::copy(Path::new(FIXTURES).join(sheet), root.join(sheet)).unwrap()),
        }
        let table = same_every_way(root, label, Layout::Csiq);
        assert_eq!(table.better, Better::Lower);
        assert_eq!(ratings(&table).iter().map(|row| row.score).collect::<Vec<_>>(), scores);
        let spread = ratings(&table)[0].spread;
        assert_eq!(spread, (label != "csiq_label.txt").then_some(0.05));
        tables.push(ratings(&table).iter().map(|row| row.distortion.clone()).collect::<Vec<_>>());
    }
    assert!(tables.iter().all(|kinds| *kinds == tables[0]));
    let folder = TempDir::new().unwrap();
    write(&folder.path().join("c.csv"), "image,dst_type,dst_lev,dmos\n1600,smell,1,0.2\n");
    let error = Table::read(folder.path(), None, None).unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("`smell`"), "{error}");
}

#[test]
fn pipal() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    for (picture_name, seed) in [("A0001", 1), ("A0002", 2)] {
        save(&root.join(format!("Train_Ref/{picture_name}.bmp")), picture(seed, 0));
        let mut lines = String::new();
        for (part, kind) in [(1, "00"), (2, "01"), (4, "06")] {
            let name = format!("{picture_name}_{kind}_0{part}.bmp");
            save(&root.join(format!("Distortion_{part}")).join(&name), picture(seed, part));
            lines += &format!("{name},{}.9623\n", 1600 - 50 * part);
        }
        write(&root.join(format!("Train_Label/{picture_name}.txt")), &lines);
    }
    let table = same_every_way(root, "Train_Label", Layout::Pipal);
    let rows = ratings(&table);
    assert_eq!((rows.len(), table.better, rows[0].score), (6, Better::Higher, 1550.9623));
    assert_eq!(rows[2].distorted, root.join("Distortion_4/A0001_06_04.bmp"));
    assert_eq!(rows[2].distortion.as_deref(), Some("06"));
    let part = Table::read(&root.join("Train_Label/A0002.txt"), None, None).unwrap();
    assert_eq!(ratings(&part), &rows[3..]);
}

fn npy(share: f32) -> Vec<u8> {
    let header = format!("{:117}\n", "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), &share.to_le_bytes()].concat()
}

#[test]
fn bapps() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    for (seed, subset) in ["cnn", "superres"].into_iter().enumerate() {
        for number in 0..3 {
            let place =
                |part: &str| root.join("val").join(subset).join(part).join(format!("{number:06}.png"));
            save(&place("ref"), picture(seed, 0));
            save(&place("p0"), picture(seed, 1 + number));
            save(&place("p1"), picture(seed, 2));
            let judge = root.join("val").join(subset).join(format!("judge/{number:06}.npy"));
            fs::create_dir_all(judge.parent().unwrap()).unwrap();
            fs::write(judge, npy([0.2, 0.4, 1.0][number])).unwrap();
        }
    }
    let table = same_every_way(root, "", Layout::Bapps);
    assert_eq!(same_every_way(&root.join("val"), "", Layout::Bapps).rows, table.rows);
    let rows = choices(&table);
    assert_eq!((rows.len(), rows[0].distortion.as_deref()), (6, Some("cnn")));
    assert_eq!((rows[0].share_b, rows[0].a.clone()), (f64::from(0.2f32), root.join("val/cnn/p0/000000.png")));
    let one = Table::read(&root.join("val/superres"), None, None).unwrap();
    assert_eq!(choices(&one), &rows[3..]);
    // p0 is better, equal and worse: the metric agrees with 0.8, one half and all of the people.
    let found = measure(&table).unwrap();
    for agreement in [&found.metrics["psnr-y"].overall, &found.metrics["ssim-y"].distortions["cnn"]] {
        assert!((agreement.two_afc.unwrap().value - (0.8 + 0.5 + 1.0) / 3.0).abs() < 1e-7);
        assert!(agreement.srocc.is_none() && agreement.logistic.is_none());
    }
    fs::write(root.join("val/cnn/judge/000001.npy"), npy(1.5)).unwrap();
    let error = Table::read(root, None, None).unwrap_err().to_string();
    assert!(error.contains("000001.npy") && error.contains("1.5"), "{error}");
}

/// A sheet of five kilobytes that claims 17 billion cells.
#[test]
fn a_sheet_with_a_cell_in_the_farthest_corner_is_read() {
    let folder = TempDir::new().unwrap();
    let read = |file: &str| {
        let path = folder.path().join("csiq.DMOS.xlsx");
        fs::copy(Path::new(FIXTURES).join(file), &path).unwrap();
        Table::read(&path, None, None).unwrap()
    };
    assert_eq!(read("csiq_far.xlsx").rows, read("csiq.DMOS.xlsx").rows);
}

/// Half a copy of a data set's own file.
#[test]
fn files_that_are_cut_off_are_named() {
    let folder = TempDir::new().unwrap();
    for (file, name) in [
        ("csiq.DMOS.xlsx", "csiq.DMOS.xlsx"),
        ("live/dmos.mat", "dmos.mat"),
        ("plain.mat", "dmos_realigned.mat"),
    ] {
        let bytes = fs::read(Path::new(FIXTURES).join(file)).unwrap();
        let path = folder.path().join(name);
        for end in (0..bytes.len() - 1).step_by(7) {
            fs::write(&path, &bytes[..end]).unwrap();
            let error = Table::read(&path, None, None).unwrap_err().to_string();
            assert!(error.contains(name) || error.contains("refnames_all.mat"), "{end} of {file}: {error}");
        }
    }
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
