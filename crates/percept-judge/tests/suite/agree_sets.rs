//! Sets of pictures with opinions of people, in the layouts in which they are published.

use std::fs;
use std::path::Path;

use percept_image::Better;
use percept_judge::agree::{Layout, Table};
use tempfile::TempDir;

use crate::agree::{choices, measure, picture, ratings, save, write};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

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
