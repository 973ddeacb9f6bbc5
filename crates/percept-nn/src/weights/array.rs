//! One named tensor of a weight file, as plain numbers.

/// A tensor as plain `f32` in row-major order; `data` holds the product of `shape` values.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Extents, outermost first; empty for a scalar.
    pub shape: Vec<usize>,
    /// The values.
    pub data: Vec<f32>,
}

impl Array {
    /// Whether `data` is as long as `shape` says.
    pub fn is_consistent(&self) -> bool {
        let len = self.shape.iter().try_fold(1usize, |len, extent| len.checked_mul(*extent));
        len == Some(self.data.len())
    }
}
