//! A photo through a network, as `percept apply` does it, from bytes to bytes.

use std::io::Cursor;
use std::path::Path;
use std::time::{Duration, Instant};

use percept_image::{
    Capacity, Head, Image, RowReader, RowWriter, Srgb, decode_photo, upright_size, write_rows,
};
use percept_nn::apply::{Fault, Misfit, Treatment, holding_name, mark, result_name};
use percept_nn::model::{Ensemble, Model, Tiling};

use crate::photo::{Done, Photo, State, Wish};
use crate::views::{self, Viewer};

/// The result of a photo whose file has these bytes; `step` hears how many rows of how many are done.
pub(crate) fn restore(
    photo: &Photo,
    model: &Model,
    bytes: &[u8],
    mut step: impl FnMut(usize, usize),
) -> Result<Done, State> {
    let since = Instant::now();
    let Wish { times, format, strip, .. } = &photo.wish;
    let how =
        Treatment { model, tiling: Tiling::default(), ensemble: Ensemble::One, times: *times, strip: *strip };
    let failed = |fault: Fault| match fault {
        Fault::Stopped => State::Cancelled,
        fault => State::Failed(fault.to_string()),
    };
    let misfit = |error: Misfit| State::Failed(error.to_string());
    let wanted = result_name(&photo.name, &mark(how.times()), format.as_deref());
    let named = |head: &Head| holding_name(&wanted, head, format.is_some());
    if let Some(picture) = upright_size(Cursor::new(bytes)) {
        let head = how.least_head(picture);
        how.fits(how.size(picture), &head, false, &named(&head), true).map_err(misfit)?;
    }
    let picture = decode_photo(&photo.name, bytes).map_err(|error| failed(error.into()))?;
    let shown = views::before(&picture).map_err(|error| failed(error.into()))?;
    let mut notes = picture.metadata.notes.clone();
    let mut reader = RowReader::of(&photo.name, picture);
    let (size, head) = (how.size(reader.head().size), how.head(reader.head()));
    let name = named(&head);
    how.fits(size, &head, true, &name, true).map_err(misfit)?;
    notes.extend(lost(&wanted, &name, &head));
    let mut viewer = Viewer::new(&head);
    let mut result = Vec::new();
    let mut done = 0;
    let rows = |writer: &mut RowWriter<'_>| {
        how.rows(&mut reader, size, |row, alpha| {
            if photo.is_cancelled() {
                return Err(Fault::Stopped);
            }
            writer.push(row, alpha)?;
            viewer.push(row, alpha)?;
            done += 1;
            step(done, size.result.1);
            Ok(())
        })
    };
    write_rows(&name, &head, &mut result, rows).map_err(failed)?;
    let views = viewer.finish(shown).map_err(|error| failed(error.into()))?;
    Ok(Done {
        name,
        bytes: result.into(),
        from: size.picture,
        to: size.result,
        took: since.elapsed(),
        notes,
        views,
    })
}

/// What the result's format changes, in words.
fn lost(wanted: &Path, name: &Path, head: &Head) -> Vec<String> {
    let Some(format) = Capacity::of(name) else { return Vec::new() };
    let mut notes: Vec<_> = format
        .left_out(head)
        .iter()
        .map(|lost| format!("{} has no place for {lost}: left out", format.format))
        .collect();
    if let (true, Some(other)) = (name != wanted, Capacity::of(wanted)) {
        notes.push(format!(
            "{} cannot hold all of this photo, so the result is {}",
            other.format, format.format
        ));
    }
    notes
}

/// Seconds that a model takes for a pixel, by a small try.
pub(crate) fn rate(model: &Model) -> Option<f64> {
    const SIDE: usize = 96;
    let small = Image::<Srgb>::from_fn(SIDE, SIDE, |x, y, c| ((x * 3 + y * 5 + c * 40) % 100) as f32 / 100.0);
    let took = || {
        let since = Instant::now();
        model.restore(&small, Tiling::default()).ok().map(|_| since.elapsed())
    };
    // The first one packs weights.
    let took: Duration = took().and_then(|_| took())?;
    Some(took.as_secs_f64() / (SIDE * SIDE) as f64)
}
