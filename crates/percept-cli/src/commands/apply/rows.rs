//! What becomes of a picture, row by row: the network, then the size that is asked for, then the file.

use std::collections::VecDeque;

use percept_image::resize::RowResizer;
use percept_image::{Head, Luma, Metadata, ReadError, RowReader, RowWriter, Srgb, WriteError};
use percept_nn::model::{Ensemble, Model, ModelError, Rows, Tiling};

use crate::args::ApplyArgs;

/// What is done to every picture.
pub(super) struct Treatment<'a> {
    pub model: &'a Model,
    pub tiling: Tiling,
    pub ensemble: Ensemble,
    /// How many times as large results are, where not as large as the network makes them.
    pub times: Option<f64>,
    /// Without what files say of photos.
    pub strip: bool,
}

/// Width and height: of a picture, of what the network makes, and of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub picture: (usize, usize),
    made: (usize, usize),
    pub result: (usize, usize),
}

impl<'a> Treatment<'a> {
    /// As the call has it.
    pub(super) fn of(model: &'a Model, args: &ApplyArgs) -> Self {
        Self {
            model,
            tiling: Tiling { size: args.tile, overlap: args.overlap },
            ensemble: if args.results.tta { Ensemble::Eight } else { Ensemble::One },
            times: args.results.outscale,
            strip: args.results.strip,
        }
    }

    /// The sizes of a picture on its way.
    pub(super) fn size(&self, picture: (usize, usize)) -> Size {
        let scale = self.model.card().scale;
        let made = (picture.0.saturating_mul(scale), picture.1.saturating_mul(scale));
        let side = |side: usize, times: f64| ((side as f64 * times).round() as usize).max(1);
        let result = self.times.map_or(made, |times| (side(picture.0, times), side(picture.1, times)));
        Size { picture, made, result }
    }

    /// The head of a picture's result.
    pub(super) fn head(&self, picture: &Head) -> Head {
        let metadata = Metadata { notes: Vec::new(), ..picture.metadata.clone() };
        let metadata = if self.strip { metadata.stripped() } else { metadata };
        Head { size: self.size(picture.size).result, metadata, ..picture.clone() }
    }

    /// About how many bytes a picture needs on its way, and in memory itself if it is there as a `whole`.
    pub(super) fn memory(&self, size: Size, head: &Head, whole: bool) -> u64 {
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

    /// Puts the rows of the result into `writer`; `step` hears how many of how many are done.
    pub(super) fn rows(
        &self,
        reader: &mut RowReader,
        size: Size,
        writer: &mut RowWriter<'_>,
        mut step: impl FnMut(usize, usize),
    ) -> Result<(), Fault> {
        let mut opacity = reader.take_alpha().map(|alpha| Opacity::new(alpha, size));
        let mut done = 0;
        let write = |row: &[f32]| -> Result<(), Fault> {
            let alpha = opacity.as_mut().map(Opacity::next).unwrap_or_default();
            writer.push(row, &alpha)?;
            done += 1;
            step(done, size.result.1);
            Ok(())
        };
        self.colours(&mut Source { size: size.picture, reader }, size, write)
    }

    /// Gives the rows of the result's colours to `take`.
    pub(super) fn colours<R: Rows>(
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

/// What went wrong on the way: of the network, whose messages do not name the picture, or of a file.
pub(super) enum Fault {
    /// The network.
    Model(ModelError),
    /// The picture.
    Read(ReadError),
    /// The result.
    Write(WriteError),
}

impl From<ModelError> for Fault {
    fn from(error: ModelError) -> Self {
        Self::Model(error)
    }
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<WriteError> for Fault {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}
