//! From a pair of image values to a number.

use burn::tensor::{Device, Tensor, TensorData};
use percept_image::{Image, MetricError, Srgb};

/// Checks the pair, and hands both images as `[1, H, W, 3]` on a plain `device` to `distance`.
pub(super) fn score(
    metric: &str,
    min_side: usize,
    device: &Device,
    reference: &Image<Srgb>,
    test: &Image<Srgb>,
    distance: impl FnOnce(Tensor<4>, Tensor<4>) -> Tensor<1>,
) -> Result<f64, MetricError> {
    if reference.size() != test.size() {
        return Err(MetricError::SizeMismatch { reference: reference.size(), test: test.size() });
    }
    let (width, height) = reference.size();
    let got = width.min(height);
    if got < min_side {
        return Err(MetricError::TooSmall { metric: metric.to_string(), min: min_side, got });
    }
    // Checked here because a rectifier on the way may turn NaN into 0.
    if let Some(value) = reference.data().iter().chain(test.data()).find(|value| !value.is_finite()) {
        return Err(MetricError::NotFinite { metric: metric.to_string(), value: f64::from(*value) });
    }
    let tensor = |image: &Image<Srgb>| {
        Tensor::from_data(TensorData::new(image.data().to_vec(), [1, height, width, 3]), device)
    };
    let value = distance(tensor(reference), tensor(test)).into_data().iter::<f32>().next();
    match value.map(f64::from) {
        Some(value) if value.is_finite() => Ok(value),
        value => Err(MetricError::NotFinite { metric: metric.to_string(), value: value.unwrap_or(f64::NAN) }),
    }
}
