//! Pipelines of degradations: how often, which, in what order and how large; and the published ones.

use percept_image::degrade::{Published, Sequence};
use percept_image::{ConfigError, Degradation, DegradationConfig, Image, Pipeline, Srgb, Step, rng_for};
use proptest::prelude::*;

fn picture(width: usize, height: usize) -> Image<Srgb> {
    Image::from_fn(width, height, |x, y, c| ((x * 37 + y * 59 + c * 71) % 256) as f32 / 255.0)
}

fn steps(json: &str) -> Vec<Step> {
    serde_json::from_str(json).unwrap()
}

fn pipeline(json: &str) -> Pipeline {
    Pipeline::new(&steps(json)).unwrap()
}

fn refused(json: &str) -> String {
    Pipeline::new(&steps(json)).map_err(|error: ConfigError| error.to_string()).unwrap_err()
}

/// How often a pipeline gives pictures of each of these widths, of `n`.
fn widths<const N: usize>(pipeline: &Pipeline, from: usize, expected: [usize; N], n: u64) -> [f64; N] {
    let mut counts = [0.0; N];
    for i in 0..n {
        let width = pipeline.apply(picture(from, 4), &mut rng_for(5, i, 0)).width();
        let at = expected.iter().position(|expected| *expected == width);
        counts[at.unwrap_or_else(|| panic!("a width of {width}"))] += 1.0;
    }
    counts.map(|count| count / n as f64)
}

#[test]
fn a_step_happens_as_often_as_its_probability_says() {
    let half = pipeline(r#"[{"type": "resize", "scale": 0.5, "prob": 0.3}]"#);
    let [happened, _] = widths(&half, 16, [8, 16], 4000);
    assert!((happened - 0.3).abs() < 0.03, "{happened}");
    for (prob, width) in [(0.0, 16), (1.0, 8)] {
        let sure = pipeline(&format!(r#"[{{"type": "resize", "scale": 0.5, "prob": {prob}}}]"#));
        assert_eq!(widths(&sure, 16, [width], 50), [1.0]);
    }
}

#[test]
fn a_choice_follows_its_weights() {
    let choice = pipeline(
        r#"[{"type": "one_of", "steps": [{"type": "resize", "scale": 2, "weight": 0.2}, {"type": "resize", "scale": 0.5, "weight": 0.7},
             {"type": "resize", "scale": 1, "weight": 0.1}, {"type": "resize", "scale": 3, "weight": 0}]}]"#,
    );
    let shares = widths(&choice, 16, [32, 8, 16], 6000);
    for (share, expected) in shares.iter().zip([0.2, 0.7, 0.1]) {
        assert!((share - expected).abs() < 0.02, "{shares:?}");
    }
}

#[test]
fn repetition_draws_anew_and_an_order_matters() {
    let twice = pipeline(
        r#"[{"type": "repeat", "times": 2, "steps": [{"type": "one_of", "steps":
             [{"type": "resize", "scale": 0.5}, {"type": "resize", "scale": 1}]}]}]"#,
    );
    let shares = widths(&twice, 16, [4, 8, 16], 4000);
    for (share, expected) in shares.iter().zip([0.25, 0.5, 0.25]) {
        assert!((share - expected).abs() < 0.03, "{shares:?}");
    }
    // To a width of 3 and then half of it, or the other way round.
    let shuffled = r#"[{"type": "shuffle", "steps": [{"type": "resize", "scale": 0.1875, "of": "photo"},
                       {"type": "resize", "scale": 0.5}]}]"#;
    let [one, other] = widths(&pipeline(shuffled), 16, [2, 3], 4000);
    assert!((one - 0.5).abs() < 0.03 && (other - 0.5).abs() < 0.03, "{one} {other}");
    let ordered = shuffled.replace("\"shuffle\",", "\"shuffle\", \"in_order\": [2, 1],");
    assert_eq!(widths(&pipeline(&ordered), 16, [3], 100), [1.0]);
}

#[test]
fn a_sequence_is_its_steps() {
    let list =
        steps(r#"[{"type": "kernel_blur"}, {"type": "gaussian_noise", "prob": 0.5}, {"type": "jpeg"}]"#);
    let sequence = DegradationConfig::Sequence(Sequence { steps: list.clone() });
    for i in 0..8 {
        let plain = Pipeline::new(&list).unwrap().apply(picture(40, 30), &mut rng_for(1, i, 0));
        let inside = Pipeline::new(std::slice::from_ref(&sequence))
            .unwrap()
            .apply(picture(40, 30), &mut rng_for(1, i, 0));
        assert_eq!(plain, inside);
    }
}

#[test]
fn steps_are_written_as_they_were_read_and_a_plain_list_as_before() {
    let plain = r#"[{"type":"jpeg","quality":[30.0,60.0],"subsampling":"4:2:0"}]"#;
    assert_eq!(serde_json::to_string(&steps(plain)).unwrap(), plain);
    for published in Published::ALL {
        for scale in [1, 2, 4] {
            let made = published.steps(scale);
            let text = serde_json::to_string(&made).unwrap();
            assert_eq!(steps(&text), made);
        }
    }
}

#[test]
fn pipelines_that_make_no_sense_are_refused_by_the_key() {
    for (json, part) in [
        (r#"[{"type": "jpeg", "prob": 1.5}]"#, "prob = 1.5: expected a number from 0 to 1"),
        (r#"[{"type": "jpeg", "weight": 2}]"#, "weight = 2: expected none here"),
        (r#"[{"type": "one_of"}]"#, "one_of.steps = []: expected at least one step"),
        (r#"[{"type": "one_of", "steps": [{"type": "jpeg", "weight": 0}]}]"#, "weight = 0 in all steps"),
        (
            r#"[{"type": "one_of", "steps": [{"type": "jpeg", "weight": -1}]}]"#,
            "weight = -1: expected a number",
        ),
        (r#"[{"type": "sequence", "steps": [{"type": "jpeg", "quality": 0}]}]"#, "jpeg.quality = 0"),
        (r#"[{"type": "repeat", "times": 9}]"#, "repeat.times = 9: expected a whole number from 1 to 8"),
        (
            r#"[{"type": "shuffle", "in_order": [1]}]"#,
            "shuffle.in_order = [1]: expected different whole numbers from 1 to 0",
        ),
        (r#"[{"type": "resize", "scale": 0}]"#, "resize.scale = 0: expected"),
        (r#"[{"type": "resize", "filters": []}]"#, "resize.filters = []"),
        (
            r#"[{"type": "repeat", "times": 8, "steps": [{"type": "resize", "scale": 4}]}]"#,
            "at most 16 times longer",
        ),
        (r#"[{"type": "resize", "scale": [0.01, 1], "divide": true}]"#, "resize.scale = 100 times in all"),
        (
            r#"[{"type": "kernel_blur", "size": 8}]"#,
            "kernel_blur.size = 8: expected odd numbers from 3 to 51",
        ),
        (r#"[{"type": "kernel_blur", "size": [7, 99]}]"#, "kernel_blur.size = [7, 99]"),
        (r#"[{"type": "sinc_blur", "cutoff": 0}]"#, "sinc_blur.cutoff = 0"),
        (r#"[{"type": "gaussian_noise", "grey_prob": -0.1}]"#, "gaussian_noise.grey_prob = -0.1"),
        (r#"[{"type": "poisson_noise", "scale": 11}]"#, "poisson_noise.scale = 11"),
        (r#"[{"type": "unsharp_mask", "size": 50}]"#, "unsharp_mask.size = 50: expected odd"),
    ] {
        let message = refused(json);
        assert!(message.contains(part), "{message} has no `{part}`");
    }
    let unknown = serde_json::from_str::<Vec<Step>>(r#"[{"type": "jpeg", "qualty": 10}]"#).unwrap_err();
    assert!(unknown.to_string().contains("qualty"), "{unknown}");
    #[cfg(not(feature = "webp"))]
    assert!(refused(r#"[{"type": "webp"}]"#).contains("build with --features webp"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_published_pipelines_give_the_size_of_the_scale_and_repeat(
        scale in 1_usize..=4, w in 1_usize..14, h in 1_usize..14, seed in 0_u64..1000,
    ) {
        let photo = picture(w * scale, h * scale);
        for published in Published::ALL {
            let pipeline = Pipeline::new(&published.steps(scale)).unwrap();
            let out = pipeline.apply(photo.clone(), &mut rng_for(seed, 1, 2));
            prop_assert_eq!(out.size(), (w, h), "{:?} at {}", published, scale);
            prop_assert!(out.data().iter().all(|v| (0.0..=1.0).contains(v)));
            prop_assert_eq!(out, pipeline.apply(photo.clone(), &mut rng_for(seed, 1, 2)));
        }
    }
}

#[test]
fn no_pipeline_makes_an_empty_picture_or_fails_on_one() {
    let tiny = pipeline(
        r#"[{"type": "repeat", "times": 8, "steps": [{"type": "resize", "scale": 0.01}, {"type": "jpeg"},
                            {"type": "kernel_blur"}, {"type": "sinc_blur"}, {"type": "unsharp_mask"}]}]"#,
    );
    assert_eq!(tiny.apply(picture(30, 20), &mut rng_for(0, 0, 0)).size(), (1, 1));
    for published in Published::ALL {
        let pipeline = Pipeline::new(&published.steps(4)).unwrap();
        assert_eq!(pipeline.apply(picture(1, 1), &mut rng_for(0, 0, 0)).size(), (1, 1));
        assert_eq!(pipeline.apply(picture(0, 7), &mut rng_for(0, 0, 0)).size(), (0, 7));
    }
}
