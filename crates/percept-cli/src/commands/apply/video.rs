//! Video, from standard input to standard output.

use std::io::{self, BufReader, IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use percept_image::Image;
use percept_image::video::{Matrix, Y4mError, Y4mReader, Y4mWriter};
use percept_nn::apply::{Treatment, available_memory};
use percept_nn::model::ImageRows;

use crate::failure::Failure;
use crate::interrupt;
use crate::output::{refuse_screen, unread};
use crate::screen::say;

/// How often a line says how far it is.
const OFTEN: Duration = Duration::from_secs(10);

/// Every frame of the stream.
pub(super) fn run(how: &Treatment<'_>, matrix: Option<Matrix>) -> Result<(), Failure> {
    if io::stdin().is_terminal() {
        return Err(Failure::call(
            "--y4m reads video from standard input; pipe some into it, as --help shows",
        ));
    }
    refuse_screen(Path::new("-"), "a video")?;
    let stop = interrupt::listen("finishing this frame")?;
    let mut reader = Y4mReader::new(BufReader::with_capacity(1 << 20, io::stdin().lock()), matrix)
        .map_err(Failure::work)?;
    let header = reader.header().clone();
    let size = how.size((header.width, header.height));
    let (wide, high) = size.result;
    let pixels = |size: (usize, usize)| (size.0 as u64).saturating_mul(size.1 as u64);
    // The frame and its planes as floats, those of the result, and their bytes.
    let planes = pixels(size.picture).saturating_add(pixels(size.result)).saturating_mul(32);
    let need = how.model.memory_of_rows(header.width, header.height, how.tiling).saturating_add(planes);
    if available_memory().is_some_and(|available| need > available) {
        return Err(Failure::work(format!(
            "frames would have {wide}×{high} pixels and need about {:.1} GB of memory, more than is free; shrink the video first",
            need as f64 / 1e9
        )));
    }
    let (matrix, range) = (reader.matrix(), if header.full_range { "full" } else { "studio" });
    say(&format!(
        "{}×{} becomes {wide}×{high}; colours are mixed by {} with {range} levels, in and out: tell whatever reads this",
        header.width,
        header.height,
        matrix.name()
    ));
    let write = |out: &mut dyn Write| -> Result<(), Failure> {
        let mut writer = Y4mWriter::new(out, header.with_size(wide, high), matrix).map_err(Failure::work)?;
        let (started, mut said, mut frames) = (Instant::now(), Instant::now(), 0_u64);
        while let Some(frame) = reader.read().map_err(Failure::work)? {
            let mut values = Vec::with_capacity(3 * wide * high);
            let take = |row: &[f32]| {
                values.extend_from_slice(row);
                Ok(())
            };
            how.colours(&mut ImageRows::new(&frame), size, take).map_err(Failure::work)?;
            let result = Image::from_vec(wide, high, values).map_err(Failure::work)?;
            writer.write(&result).map_err(Failure::work)?;
            frames += 1;
            if said.elapsed() >= OFTEN {
                said = Instant::now();
                say(&format!(
                    "apply  {frames} frames, {:.2} a second",
                    frames as f64 / started.elapsed().as_secs_f64()
                ));
            }
            if interrupt::asked(stop) {
                return Err(Failure::work(format!("stopped: {frames} frames are done")));
            }
        }
        match frames {
            0 => Err(Failure::work(Y4mError::Frame { frame: 1, reason: "not there" })),
            _ => Ok(()),
        }
    };
    unread(write, io::stdout().lock())
}
