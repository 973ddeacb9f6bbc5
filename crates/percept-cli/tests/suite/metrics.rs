//! `percept metrics`, through the real binary.

use crate::common::run;
use percept_judge::Panel;
use serde_json::Value;

#[test]
fn every_score_is_listed_with_what_it_is() {
    let listed: Value = serde_json::from_str(&run(&["metrics", "--json"]).exits(0).out).unwrap();
    let metrics = listed["metrics"].as_array().unwrap();
    let names: Vec<_> = metrics.iter().map(|metric| metric["name"].as_str().unwrap()).collect();
    assert_eq!(names, [Panel::names(), vec!["vgg-fd"]].concat());
    for metric in metrics {
        let mut keys: Vec<_> = metric.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["better", "cost", "name", "protocol", "range", "reference", "source"]);
        assert!(["higher", "lower"].contains(&metric["better"].as_str().unwrap()), "{metric}");
        assert!(["low", "medium", "network"].contains(&metric["cost"].as_str().unwrap()), "{metric}");
        let range = metric["range"].as_array().unwrap();
        assert_eq!(range.len(), 2, "{metric}");
        let endless = ["ssimulacra2", "brisque"].contains(&metric["name"].as_str().unwrap());
        assert_eq!(range[0].is_null(), endless, "{metric}");
        assert!(metric["source"].as_str().unwrap().len() > 20, "{metric}");
    }
    let of = |name: &str| metrics.iter().find(|metric| metric["name"] == name).unwrap();
    let alone: Vec<_> =
        metrics.iter().filter(|metric| metric["reference"] == false).map(|metric| &metric["name"]).collect();
    assert_eq!(alone, ["niqe", "piqe", "brisque", "tv", "noise"]);
    assert_eq!(of("psnr-y")["range"], serde_json::json!([0.0, null]));
    assert_eq!(of("fsim")["range"], serde_json::json!([0.0, 1.0]));
    assert_eq!(of("ssimulacra2")["range"], serde_json::json!([null, 100.0]));
    assert_eq!(of("gmsd")["better"], "lower");
    assert_eq!(of("lpips-vgg")["cost"], "network");
    assert_eq!(of("vgg-fd")["range"], serde_json::json!([0.0, null]));

    let table = run(&["metrics"]).exits(0).prints(&[
        "from 0",
        "0 to 0.5",
        "up to 100",
        "Xue, Zhang, Mou, Bovik",
        "selected:RUN",
    ]);
    for metric in metrics {
        let name = metric["name"].as_str().unwrap();
        let said = |with: &Value| {
            let with = with.as_str().unwrap();
            table.out.lines().any(|line| line.split_whitespace().next() == Some(name) && line.ends_with(with))
        };
        assert!(said(&metric["source"]) && said(&metric["protocol"]), "{name}");
    }
}

/// The names in the help of `score` are those that there are.
#[test]
fn the_help_of_score_has_all_names() {
    let help = run(&["score", "--help"]).exits(0).out.split_whitespace().collect::<Vec<_>>().join(" ");
    let list = help
        .split("Scores: ")
        .nth(1)
        .unwrap()
        .split(". ")
        .next()
        .unwrap()
        .replace("; without references", ",");
    assert_eq!(list.split(", ").collect::<Vec<_>>(), Panel::names());
}

#[test]
fn a_wrong_call_is_refused() {
    run(&["metrics", "psnr-y"]).exits(2);
    run(&["metrics", "--device", "toaster"]).exits(2).says(&["toaster"]);
}
