//! Statistics against scipy and statsmodels; `fixtures/make_stats.py` made the values.

use percept_judge::stats::{Concordance, Curve, Logistic, Ranked, holm, pearson};
use proptest::prelude::*;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("../fixtures/stats.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

#[track_caller]
fn close(got: f64, expected: &Value, tolerance: f64) {
    let expected = expected.as_f64().unwrap();
    assert!((got - expected).abs() <= tolerance, "{got}, {expected}");
}

#[test]
fn correlations_are_scipy_s_with_ties_and_weights() {
    for case in golden()["cases"].as_array().unwrap() {
        let (x, y, weights) = (numbers(&case["x"]), numbers(&case["y"]), numbers(&case["weights"]));
        let ranked = Ranked::new(&x, &y).unwrap();
        for (weights, expected) in [(vec![1.0; x.len()], case), (weights, &case["weighted"])] {
            close(ranked.spearman(&weights).unwrap(), &expected["srocc"], 1e-12);
            close(ranked.kendall(&weights).unwrap(), &expected["krocc"], 1e-12);
            close(pearson(&x, &y, &weights).unwrap(), &expected["plcc"], 1e-12);
        }
    }
}

#[test]
fn fits_are_scipy_s() {
    for case in golden()["cases"].as_array().unwrap() {
        let (x, y) = (numbers(&case["x"]), numbers(&case["y"]));
        let ones = vec![1.0; x.len()];
        for (key, curve) in [("four", Curve::Four), ("five", Curve::Five)] {
            let fit = Logistic::fit(curve, &x, &y, &ones, None).unwrap();
            let fitted: Vec<f64> = x.iter().map(|x| fit.at(*x)).collect();
            let square: f64 = fitted.iter().zip(&y).map(|(a, b)| (a - b).powi(2)).sum();
            let rmse = (square / x.len() as f64).sqrt();
            let expected = &case[key];
            if case["name"] == "unrelated" {
                // Noise has many minima, steps between two points among them: no worse than a line, no better than the
                // best.
                let line = (1.0 - pearson(&x, &y, &ones).unwrap().powi(2)).sqrt();
                let mean = y.iter().sum::<f64>() / y.len() as f64;
                let deviation = (y.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / y.len() as f64).sqrt();
                assert!(rmse <= line * deviation + 1e-9, "{key}: {rmse}");
                continue;
            }
            close(rmse, &expected["rmse"], 2e-6 * rmse);
            close(pearson(&fitted, &y, &ones).unwrap(), &expected["plcc"], 1e-6);
            for (x, y) in numbers(&expected["x"]).into_iter().zip(expected["at"].as_array().unwrap()) {
                close(fit.at(x), y, 2e-3 * rmse);
            }
        }
    }
}

/// Rows that count three times are three rows, and a fit that starts at another's end gets there too.
#[test]
fn weights_of_a_fit_are_copies_of_its_rows() {
    let cases = golden();
    let case = &cases["cases"][0];
    let (x, y, weights) = (numbers(&case["x"]), numbers(&case["y"]), numbers(&case["weights"]));
    let copies = |column: &[f64]| -> Vec<f64> {
        column.iter().zip(&weights).flat_map(|(value, times)| vec![*value; *times as usize]).collect()
    };
    let (many_x, many_y) = (copies(&x), copies(&y));
    let ones = vec![1.0; many_x.len()];
    for curve in [Curve::Four, Curve::Five] {
        let copied = Logistic::fit(curve, &many_x, &many_y, &ones, None).unwrap();
        let whole = Logistic::fit(curve, &x, &y, &vec![1.0; x.len()], None).unwrap();
        let near = Logistic::fit(curve, &x, &y, &weights, Some(&whole)).unwrap();
        for value in [22.0, 30.0, 36.0, 44.0] {
            assert!((copied.at(value) - near.at(value)).abs() < 0.05, "{curve:?} at {value}");
        }
    }
}

#[test]
fn what_has_no_order_has_no_correlation() {
    assert!(Ranked::new(&[1.0, f64::NAN], &[1.0, 2.0]).is_none());
    assert!(Ranked::new(&[1.0], &[1.0, 2.0]).is_none());
    let constant = Ranked::new(&[2.0, 2.0, 2.0], &[1.0, 2.0, 3.0]).unwrap();
    assert_eq!((constant.spearman(&[1.0; 3]), constant.kendall(&[1.0; 3])), (None, None));
    assert_eq!(pearson(&[0.1; 3], &[1.0, 2.0, 3.0], &[1.0; 3]), None);
    assert_eq!(Ranked::new(&[], &[]).unwrap().spearman(&[]), None);
    // The PSNR of equal pictures is infinite, and the best rank.
    let infinite = Ranked::new(&[30.0, f64::INFINITY, 20.0], &[2.0, 3.0, 1.0]).unwrap();
    assert_eq!(infinite.spearman(&[1.0; 3]), Some(1.0));
    for bad in [[1.0, f64::INFINITY, 2.0, 3.0, 4.0, 5.0], [1.0; 6]] {
        let y = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        assert_eq!(Logistic::fit(Curve::Five, &bad, &y, &[1.0; 6], None), None);
    }
    // Four parameters meet four points whatever these are.
    let four = [1.0, 2.0, 3.0, 4.0];
    assert_eq!(Logistic::fit(Curve::Four, &four, &[1.0, 2.0, 4.0, 5.0], &[1.0; 4], None), None);
}

#[test]
fn corrections_are_those_of_statsmodels() {
    let golden = golden();
    let got = holm(&numbers(&golden["holm"]["p"]));
    for (got, expected) in got.into_iter().zip(golden["holm"]["adjusted"].as_array().unwrap()) {
        close(got, expected, 1e-12);
    }
    assert!(holm(&[]).is_empty());
}

/// Every pair, looked at one by one.
fn slow(x: &[f64], y: &[f64]) -> Concordance {
    let mut counts = Concordance::default();
    for i in 0..x.len() {
        for j in 0..i {
            match ((x[i] - x[j]) * (y[i] - y[j]), x[i] == x[j], y[i] == y[j]) {
                (product, ..) if product > 0.0 => counts.concordant += 1.0,
                (product, ..) if product < 0.0 => counts.discordant += 1.0,
                (_, true, false) => counts.tied_x += 1.0,
                (_, false, true) => counts.tied_y += 1.0,
                _ => {}
            }
        }
    }
    counts
}

proptest! {
    #[test]
    fn pairs_are_counted_as_one_by_one(rows in prop::collection::vec((0u8..6, 0u8..6, 0u8..3), 0..40)) {
        let x: Vec<f64> = rows.iter().map(|row| f64::from(row.0)).collect();
        let y: Vec<f64> = rows.iter().map(|row| f64::from(row.1)).collect();
        let weights: Vec<f64> = rows.iter().map(|row| f64::from(row.2)).collect();
        let copies = |column: &[f64]| -> Vec<f64> {
            column.iter().zip(&weights).flat_map(|(value, times)| vec![*value; *times as usize]).collect()
        };
        let expected = slow(&copies(&x), &copies(&y));
        let got = Ranked::new(&x, &y).unwrap().concordance(&weights);
        prop_assert_eq!(got, expected);
    }
}
