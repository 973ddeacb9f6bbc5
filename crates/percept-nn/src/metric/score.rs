//! From a pair of image values to a number.

use burn::tensor::{Device, Tensor, TensorData};
use percept_image::{Image, MetricError, Srgb};

/// Hands both images as `[1, H, W, 3]` on a plain `device` to `distance`, once they are checked.
pub(super) fn score(
    metric: &str,
    min_side: usize,
    device: &Device,
    reference: &Image<Srgb>,
    test: &Image<Srgb>,
    distance: impl FnOnce(Tensor<4>, Tensor<4>) -> Tensor<1>,
) -> Result<f64, MetricError> {
    let [reference, test] = checked(metric, min_side, device, reference, test)?;
    let value = distance(reference, test).into_data().iter::<f32>().next();
    finite(metric, value.map(f64::from))
}

/// The value of `metric`, if it is a number.
pub(super) fn finite(metric: &str, value: Option<f64>) -> Result<f64, MetricError> {
    match value {
        Some(value) if value.is_finite() => Ok(value),
        value => Err(MetricError::NotFinite { metric: metric.to_string(), value: value.unwrap_or(f64::NAN) }),
    }
}

/// Both images as `[1, H, W, 3]`: of one size, of at least `min_side` pixels, and of numbers alone.
pub(super) fn checked(
    metric: &str,
    min_side: usize,
    device: &Device,
    reference: &Image<Srgb>,
    test: &Image<Srgb>,
) -> Result<[Tensor<4>; 2], MetricError> {
    if reference.size() != test.size() {
        return Err(MetricError::SizeMismatch { reference: reference.size(), test: test.size() });
    }
    Ok([checked_one(metric, min_side, device, reference)?, checked_one(metric, min_side, device, test)?])
}

/// An image as `[1, H, W, 3]`: of at least `min_side` pixels, and of numbers alone.
pub(super) fn checked_one(
    metric: &str,
    min_side: usize,
    device: &Device,
    image: &Image<Srgb>,
) -> Result<Tensor<4>, MetricError> {
    let (width, height) = image.size();
    let got = width.min(height);
    if got < min_side {
        return Err(MetricError::TooSmall { metric: metric.to_string(), min: min_side, got, crop: 0 });
    }
    // Checked here because a rectifier on the way may turn NaN into 0.
    if let Some(value) = image.data().iter().find(|value| !value.is_finite()) {
        return Err(MetricError::NotFinite { metric: metric.to_string(), value: f64::from(*value) });
    }
    Ok(Tensor::from_data(TensorData::new(image.data().to_vec(), [1, height, width, 3]), device))
}
