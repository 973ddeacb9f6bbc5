//! One named tensor of a weight file, as plain numbers.

use burn::tensor::Tensor;

/// A tensor as plain `f32` in row-major order; `data` holds the product of `shape` values.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Extents, outermost first; empty for a scalar.
    pub shape: Vec<usize>,
    /// The values.
    pub data: Vec<f32>,
}

impl Array {
    /// The values of a tensor.
    pub fn of<const D: usize>(tensor: Tensor<D>) -> Self {
        let shape = tensor.dims().to_vec();
        let data = tensor.into_data().try_into_vec_as::<f32>();
        // Floats always convert to f32. Were it ever to fail, the length would betray it when saved.
        Self { shape, data: data.unwrap_or_default() }
    }

    /// Whether `data` is as long as `shape` says.
    pub fn is_consistent(&self) -> bool {
        let len = self.shape.iter().try_fold(1usize, |len, extent| len.checked_mul(*extent));
        len == Some(self.data.len())
    }
}
