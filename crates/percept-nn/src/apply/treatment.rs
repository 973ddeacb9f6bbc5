//! What becomes of a picture, row by row: the network, then the size that is asked for, then the file.

use std::collections::VecDeque;
use std::path::Path;

use percept_image::resize::RowResizer;
use percept_image::{Capacity, Depth, Head, Luma, Metadata, RowReader, Srgb};

use super::memory;
use super::{Fault, Misfit};
use crate::model::{Ensemble, Model, Rows, Tiling};

/// What is done to every picture.
#[derive(Clone, Copy, Debug)]
pub struct Treatment<'a> {
    /// The network.
    pub model: &'a Model,
    /// How pictures are cut for it.
    pub tiling: Tiling,
    /// How often it looks.
    pub ensemble: Ensemble,
    /// How many times as large results are, where not as large as the network makes them.
    pub times: Option<f64>,
    /// Without what files say of photos.
    pub strip: bool,
}

/// Width and height: of a picture, of what the network makes, and of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Of the picture.
    pub picture: (usize, usize),
    made: (usize, usize),
    /// Of the result.
    pub result: (usize, usize),
}

impl Treatment<'_> {
    /// How many times as large as its picture a result is.
    pub fn times(&self) -> f64 {
        self.times.unwrap_or(self.model.card().scale as f64)
    }

    /// The sizes of a picture on its way.
    pub fn size(&self, picture: (usize, usize)) -> Size {
        let scale = self.model.card().scale;
        let made = (picture.0.saturating_mul(scale), picture.1.saturating_mul(scale));
        let side = |side: usize, times: f64| ((side as f64 * times).round() as usize).max(1);
        let result = self.times.map_or(made, |times| (side(picture.0, times), side(picture.1, times)));
        Size { picture, made, result }
    }

    /// The head of a picture's result.
    pub fn head(&self, picture: &Head) -> Head {
        let metadata = Metadata { notes: Vec::new(), ..picture.metadata.clone() };
        let metadata = if self.strip { metadata.stripped() } else { metadata };
        Head { size: self.size(picture.size).result, metadata, ..picture.clone() }
    }

    /// About how many bytes a picture needs on its way, and in memory itself if it is there as a `whole`.
    pub fn memory(&self, size: Size, head: &Head, whole: bool) -> u64 {
        let (width, height) = size.picture;
        let own = match (whole, head.alpha) {
            (false, _) => 0,
            (true, false) => 12,
            // Twice while its colours are bled, and the opacity.
            (true, true) => 28,
        };
        let pixels = (width as u64).saturating_mul(height as u64);
        self.model.memory_of_rows(width, height, self.tiling).saturating_add(pixels.saturating_mul(own))
    }

    /// Refuses a result that its format or this machine cannot hold, before the work. `name` says the format; `whole` says whether
    /// the picture is in memory; `kept` is whether the file of the result stays there too.
    ///
    /// # Errors
    /// When the result is too large for one of the two.
    pub fn fits(&self, size: Size, head: &Head, whole: bool, name: &Path, kept: bool) -> Result<(), Misfit> {
        let (width, height) = (size.result.0 as u64, size.result.1 as u64);
        let bytes = if head.depth == Depth::Sixteen { 2 } else { 1 };
        let values = width.saturating_mul(height).saturating_mul(head.channels() as u64);
        let capacity = Capacity::of(name);
        if let Some(capacity) = capacity
            && (width.max(height) > capacity.side || values.saturating_mul(bytes) > capacity.bytes)
        {
            return Err(Misfit::Format { width, height, format: capacity.format });
        }
        let levels = match capacity {
            // A format of rows needs none of it; the others all levels and the file that they become.
            Some(capacity) if capacity.rows && !kept => 0,
            Some(capacity) if capacity.rows => values.saturating_mul(bytes),
            _ => values.saturating_mul(2),
        };
        let need = self.memory(size, head, whole).saturating_add(levels);
        match memory::available() {
            Some(free) if need > free => Err(Misfit::Memory { width, height, need, free }),
            _ => Ok(()),
        }
    }

    /// The least that a result's head may turn out to be, by the size that a picture states before it is read: what does not
    /// [`fit`](Self::fits) with it need not be read.
    pub fn least_head(&self, picture: (usize, usize)) -> Head {
        Head {
            size: self.size(picture).result,
            alpha: false,
            depth: Depth::Eight,
            grey: true,
            icc: None,
            metadata: Metadata::default(),
        }
    }

    /// Gives the rows of the result to `take`, from the top: colours, and the opacity of each pixel where there is any.
    ///
    /// # Errors
    /// What goes wrong with the network or with reading, and what `take` returns.
    pub fn rows(
        &self,
        reader: &mut RowReader,
        size: Size,
        mut take: impl FnMut(&[f32], &[f32]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut opacity = reader.take_alpha().map(|alpha| Opacity::new(alpha, size));
        let write = |row: &[f32]| {
            let alpha = opacity.as_mut().map(Opacity::next).unwrap_or_default();
            take(row, &alpha)
        };
        self.colours(&mut Source { size: size.picture, reader }, size, write)
    }

    /// Gives the rows of the result's colours to `take`.
    ///
    /// # Errors
    /// What goes wrong with the network or the rows, and what `take` returns.
    pub fn colours<R: Rows>(
        &self,
        source: &mut R,
        size: Size,
        mut take: impl FnMut(&[f32]) -> Result<(), R::Error>,
    ) -> Result<(), R::Error> {
        if size.made == size.result {
            return self.model.restore_rows(source, self.tiling, self.ensemble, take);
        }
        let mut resizer = RowResizer::new::<Srgb>(size.made, size.result);
        self.model.restore_rows(source, self.tiling, self.ensemble, |row| resizer.push(row, &mut take))
    }
}

/// The rows of a file for a network.
struct Source<'a> {
    size: (usize, usize),
    reader: &'a mut RowReader,
}

impl Rows for Source<'_> {
    type Error = Fault;

    fn size(&self) -> (usize, usize) {
        self.size
    }

    fn rewind(&mut self) -> Result<(), Fault> {
        self.reader.rewind().map_err(Fault::from)
    }

    fn read(&mut self, row: &mut [f32]) -> Result<(), Fault> {
        self.reader.read(row).map_err(Fault::from)
    }
}

/// The opacity of a picture in the size of its result, row by row.
struct Opacity {
    alpha: Vec<f32>,
    width: usize,
    at: usize,
    resizer: RowResizer,
    ready: VecDeque<Vec<f32>>,
}

impl Opacity {
    fn new(alpha: Vec<f32>, size: Size) -> Self {
        let resizer = RowResizer::new::<Luma>(size.picture, size.result);
        Self { alpha, width: size.picture.0, at: 0, resizer, ready: VecDeque::new() }
    }

    fn next(&mut self) -> Vec<f32> {
        while self.ready.is_empty() {
            let from = self.at * self.width;
            let Some(row) = self.alpha.get(from..from + self.width) else { break };
            let ready = &mut self.ready;
            let kept = self.resizer.push(row, |row| {
                ready.push_back(row.iter().map(|value| value.clamp(0.0, 1.0)).collect());
                Ok::<_, std::convert::Infallible>(())
            });
            let Ok(()) = kept;
            self.at += 1;
        }
        self.ready.pop_front().unwrap_or_default()
    }
}
