//! The scores of a set of photos, each with its protocol.

use std::collections::BTreeMap;

use percept_image::Better;
use percept_nn::metric::FrechetVgg;
use serde::{Serialize, Serializer};

use crate::{Panel, Preset, PresetValue};

/// How a score is computed and read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricInfo {
    /// Everything that someone needs to get the same number elsewhere.
    pub protocol: String,
    /// Which direction is the better one.
    pub better: Better,
}

/// All scores of one photo.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImageScores {
    /// The photo.
    pub name: String,
    /// Scores by name. The PSNR of equal images is infinite.
    #[serde(serialize_with = "finite")]
    pub scores: BTreeMap<String, f64>,
    /// Scores that this photo does not allow, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub missing: BTreeMap<String, String>,
}

/// The scores of a set of photos.
///
/// As JSON: `{"metrics": {NAME: {"protocol", "better"}}, "images": [{"name", "scores": {NAME: number}}], "mean":
/// {NAME: number}}`. JSON has no infinity: the PSNR of equal images is `f64::MAX` there (1.7976931348623157e308, the
/// largest number there is), and so is a mean over it. It stays a number, above all others, and no one takes it for
/// a measurement. Scores of whole sets of photos add `"sets": {NAME: number}`, a
/// formula `"preset": {"name", "parts": [[TEXT, number]], "missing": [TEXT], "sum", "value"}`. A photo that does not allow a score has the
/// reason under `"missing": {NAME: text}`, and the mean is that of the others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// Every score by name.
    pub metrics: BTreeMap<String, MetricInfo>,
    /// Photo by photo.
    pub images: Vec<ImageScores>,
    /// The mean of every score over the photos that have it; empty without photos.
    #[serde(serialize_with = "finite")]
    pub mean: BTreeMap<String, f64>,
    /// Scores that compare all photos with all references at once.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sets: BTreeMap<String, f64>,
    /// What a formula makes of the means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<PresetValue>,
}

impl Scores {
    /// What `panel` found on `images`.
    pub fn new(panel: &Panel, images: Vec<ImageScores>) -> Self {
        let metrics = panel.metrics().map(|metric| {
            (metric.name().to_string(), MetricInfo { protocol: metric.protocol(), better: metric.better() })
        });
        let metrics: BTreeMap<_, _> = metrics.collect();
        let mean = metrics.keys().filter_map(|name| Some((name.clone(), mean(&column(&images, name))?)));
        let mean = mean.collect();
        Self { metrics, images, mean, sets: BTreeMap::new(), preset: None }
    }

    /// With `distance` between the whole sets.
    #[must_use]
    pub fn with_distribution(mut self, distribution: &FrechetVgg, distance: f64) -> Self {
        let info = MetricInfo { protocol: distribution.protocol(), better: Better::Lower };
        self.metrics.insert(FrechetVgg::NAME.to_string(), info);
        self.sets.insert(FrechetVgg::NAME.to_string(), distance);
        self
    }

    /// With what `preset` makes of the means.
    #[must_use]
    pub fn with_preset(mut self, preset: &Preset) -> Self {
        self.preset = Some(preset.of(&self));
        self
    }

    /// One score of all photos, in their order.
    pub fn column(&self, metric: &str) -> Vec<f64> {
        column(&self.images, metric)
    }
}

fn column(images: &[ImageScores], metric: &str) -> Vec<f64> {
    images.iter().filter_map(|image| image.scores.get(metric).copied()).collect()
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Numbers that JSON can hold: infinities become the largest number of their sign.
fn finite<S: Serializer>(scores: &BTreeMap<String, f64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(scores.iter().map(|(name, score)| (name, score.clamp(f64::MIN, f64::MAX))))
}

#[cfg(test)]
mod tests {
    use percept_image::{Image, Srgb};
    use percept_nn::weights::WeightStore;

    use super::*;

    fn grey(value: f32) -> Image<Srgb> {
        Image::from_fn(16, 12, |_, _, _| value)
    }

    #[test]
    fn the_json_is_exactly_the_promised_one() {
        let device = percept_conv::device("cpu").unwrap();
        let panel = Panel::new(&["psnr-rgb".to_string()], 2, &WeightStore::new(), &device).unwrap();
        let pair = |name: &str, off: f32| panel.score(name, &grey(0.5), &grey(0.5 + off)).unwrap();
        // 0.125 off everywhere is a mean squared error of 2⁻⁶, 18.06 dB.
        let expected = 60.0 * 2.0f64.log10();
        let scores = Scores::new(&panel, vec![pair("a", 0.125), pair("b", 0.125)]);
        assert!((scores.mean["psnr-rgb"] - expected).abs() < 1e-9);
        let got = serde_json::to_value(&scores).unwrap();
        let number = scores.images[0].scores["psnr-rgb"];
        let protocol = "PSNR-RGB, RGB, peak 255, crop 2";
        assert_eq!(
            got,
            serde_json::json!({
                "metrics": {"psnr-rgb": {"protocol": protocol, "better": "higher"}},
                "images": [
                    {"name": "a", "scores": {"psnr-rgb": number}},
                    {"name": "b", "scores": {"psnr-rgb": number}},
                ],
                "mean": {"psnr-rgb": scores.mean["psnr-rgb"]},
            })
        );

        let equal = Scores::new(&panel, vec![pair("a", 0.125), pair("b", 0.0)]);
        assert_eq!(equal.mean["psnr-rgb"], f64::INFINITY);
        let text = serde_json::to_string(&equal).unwrap();
        let back: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["images"][1]["scores"]["psnr-rgb"], f64::MAX);
        assert_eq!(back["mean"]["psnr-rgb"], f64::MAX);
        assert_eq!(back["images"][0]["scores"]["psnr-rgb"], number);
    }

    #[test]
    fn without_photos_there_is_no_mean() {
        let device = percept_conv::device("cpu").unwrap();
        let panel = Panel::new(&["psnr-y".to_string()], 0, &WeightStore::new(), &device).unwrap();
        let scores = Scores::new(&panel, Vec::new());
        assert!(scores.mean.is_empty() && scores.column("psnr-y").is_empty());
        assert_eq!(scores.metrics["psnr-y"].better, Better::Higher);
    }
}
