//! Tables of human opinions as people write them: with a header, in CSV.

use std::fs;
use std::path::{Path, PathBuf};

use percept_image::Better;
use percept_judge::agree::{Layout, Table};
use tempfile::TempDir;

use crate::agree::{choices, picture, ratings, save, write};

/// A table in a folder with six pictures of two references.
pub fn table(text: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    for seed in 1..=2 {
        save(&folder.path().join(format!("r{seed}.png")), picture(seed, 0));
        for level in 1..=3 {
            save(&folder.path().join(format!("d{seed}_{level}.png")), picture(seed, level));
        }
    }
    let path = folder.path().join("table.csv");
    write(&path, text);
    (folder, path)
}

#[test]
fn columns_are_found_by_name_and_paths_start_at_the_table() {
    let (folder, path) = table(
        "\u{feff}Distortion, score ,note,reference,distorted,SPREAD\n\"a, b\",3.5,x,r1.png,d1_1.png,0.5\n\n,2,,r1.png,d1_2.png,\n",
    );
    let found = Table::read(&path, None, None).unwrap();
    let [first, second] = ratings(&found) else { panic!("{found:?}") };
    assert_eq!(first.reference, Some(folder.path().join("r1.png")));
    assert_eq!((first.score, first.spread, first.distortion.as_deref()), (3.5, Some(0.5), Some("a, b")));
    assert_eq!((second.spread, second.distortion.as_deref()), (None, None));
    // The folder of a single table, and pictures elsewhere.
    assert_eq!(Table::read(folder.path(), None, None).unwrap().rows, found.rows);
    let elsewhere = Table::read(&path, None, Some(Path::new("/pictures"))).unwrap();
    assert_eq!(ratings(&elsewhere)[0].distorted, Path::new("/pictures/d1_1.png"));
    // `~` is the user's folder, as in a shell.
    let (_folder, of_home) = table("reference,distorted,score\n~/r1.png,d1_1.png,3\n");
    let of_home = Table::read(&of_home, None, Some(Path::new("/pictures"))).unwrap();
    assert_eq!(ratings(&of_home)[0].reference, Some(percept_image::expand_home("~/r1.png")));
    assert_eq!(found.better, Better::Higher);
    let (_folder, path) = table("reference,distorted,dmos\nr1.png,d1_1.png,3\n");
    assert_eq!(Table::read(&path, None, None).unwrap().better, Better::Lower);
}

/// Spreadsheets put semicolons or tabs between cells where a comma is part of a number.
#[test]
fn semicolons_and_tabs_separate_cells_too() {
    for mark in [",", ";", "\t"] {
        let lines = [
            "\u{feff}reference,distorted,score,distortion",
            "r1.png,d1_1.png,3.5,\"a, b; c\"",
            "r1.png,d1_2.png,2,",
        ];
        let quoted = |line: &str| match line.split_once('"') {
            Some((cells, text)) => format!("{}\"{text}", cells.replace(',', mark)),
            None => line.replace(',', mark),
        };
        let (_folder, path) = table(&lines.map(quoted).join("\r\n"));
        let found = Table::read(&path, None, None).unwrap();
        let [first, second] = ratings(&found) else { panic!("{mark:?}: {found:?}") };
        assert_eq!((first.score, first.distortion.as_deref()), (3.5, Some("a, b; c")), "{mark:?}");
        assert_eq!((second.score, second.distortion.as_deref()), (2.0, None), "{mark:?}");
    }
}

#[test]
fn votes_are_shares_or_counts() {
    for (columns, votes) in
        [("votes", "0.25"), ("votes,voters", "3,12"), ("votes_a,votes_b", "9,3"), ("votes,voters", "0.25,")]
    {
        let (_folder, path) = table(&format!("reference,a,b,{columns}\nr1.png,d1_1.png,d1_2.png,{votes}\n"));
        assert_eq!(choices(&Table::read(&path, None, None).unwrap())[0].share_b, 0.25);
    }
    for (columns, votes) in
        [("votes", "7"), ("votes,voters", "7,5"), ("votes_a,votes_b", "0,0"), ("votes_a,votes_b", "-1,2")]
    {
        let (_folder, path) = table(&format!("reference,a,b,{columns}\nr1.png,d1_1.png,d1_2.png,{votes}\n"));
        let error = Table::read(&path, None, None).unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("no share"), "{error}");
    }
}

#[test]
fn what_is_wrong_with_a_table_is_said_with_its_line() {
    let head = "reference,distorted,score\n";
    let good = "r1.png,d1_1.png,3\n";
    for (text, parts) in [
        (String::new(), vec!["no rows"]),
        (head.to_string(), vec!["no rows"]),
        (
            "reference,picture,score\na,b,1\n".to_string(),
            vec!["no column distorted", "reference, picture, score"],
        ),
        ("reference,a,b\nx,y,z\n".to_string(), vec!["no column votes"]),
        (format!("{head}{good}r1.png,d1_2.png,NaN\n"), vec!["line 3", "`NaN`"]),
        (format!("{head}{good}r1.png,d1_2.png,\n"), vec!["line 3", "nothing in the column score"]),
        (format!("{head}{good}r1.png,d1_2.png\n"), vec!["line 3", "2 cells under a header of 3", "cut off"]),
        (
            format!("{head}{good}r1.png,d1_2.png,3,\n"),
            vec!["line 3", "4 cells under a header of 3", "commas"],
        ),
        (format!("{head}{good}\n{good}"), vec!["line 4", "rated on line 2 already"]),
        ("reference,distorted,score,spread\nr1.png,d1_1.png,3,-1\n".to_string(), vec!["line 2", "below 0"]),
        // A spreadsheet of a country with decimal commas.
        (
            "reference;distorted;score\nr1.png;d1_1.png;3,5\n".to_string(),
            vec!["line 2", "`3,5` has a decimal comma", "a point, 3.5"],
        ),
        (format!("{head}{good}r1.png,d1_2.png,3,5\n"), vec!["line 3", "decimals with a point"]),
    ] {
        let (_folder, path) = table(&text);
        let error = Table::read(&path, Some(Layout::Csv), None).unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{parts:?} in {error}");
        assert!(error.contains("table.csv"), "{error}");
    }
    let folder = TempDir::new().unwrap();
    let message = |path: &Path, layout| Table::read(path, layout, None).unwrap_err().to_string();
    assert!(message(folder.path(), None).contains("no table of human opinions"));
    assert!(message(folder.path(), Some(Layout::Pipal)).contains("Train_Label"));
    assert!(message(&folder.path().join("nowhere.csv"), None).contains("nowhere.csv"));
    fs::write(folder.path().join("x.csv"), b"reference,distorted,score\n\xff\xfe,b,1\n").unwrap();
    assert!(message(folder.path(), None).contains("not UTF-8"));
    for broken in ["dmos.mat", "csiq.DMOS.xlsx"] {
        let folder = TempDir::new().unwrap();
        write(&folder.path().join(broken), "neither nor");
        assert!(message(folder.path(), None).contains(broken));
    }
}
