//! Images that come and go row by row.

use percept_image::{Image, Space};

use super::ModelError;

/// Where the rows of an image come from, from the top. They can be gone through more than once.
pub trait Rows {
    /// What goes wrong with the rows, or with what becomes of them.
    type Error: From<ModelError>;

    /// Width and height.
    fn size(&self) -> (usize, usize);

    /// Begins at the top again.
    ///
    /// # Errors
    /// When the rows cannot be had once more.
    fn rewind(&mut self) -> Result<(), Self::Error>;

    /// Puts the next row, all channels of each pixel, into `row`.
    ///
    /// # Errors
    /// When the row cannot be read.
    fn read(&mut self, row: &mut [f32]) -> Result<(), Self::Error>;
}

/// Rows of an image in memory.
pub struct ImageRows<'a, S: Space> {
    image: &'a Image<S>,
    at: usize,
}

impl<'a, S: Space> ImageRows<'a, S> {
    /// From the top.
    pub fn new(image: &'a Image<S>) -> Self {
        Self { image, at: 0 }
    }
}

impl<S: Space> Rows for ImageRows<'_, S> {
    type Error = ModelError;

    fn size(&self) -> (usize, usize) {
        self.image.size()
    }

    fn rewind(&mut self) -> Result<(), ModelError> {
        self.at = 0;
        Ok(())
    }

    fn read(&mut self, row: &mut [f32]) -> Result<(), ModelError> {
        let from = self.at * row.len();
        if let Some(source) = self.image.data().get(from..from + row.len()) {
            row.copy_from_slice(source);
        }
        self.at += 1;
        Ok(())
    }
}
