//! New memory: filled in parallel, a chunk a task, and sums of what the tasks found.

use std::mem::MaybeUninit;

use rayon::prelude::*;

/// `length` numbers written in parallel, `chunk` at a time; `write` gets the index of its chunk.
pub(crate) fn filled(
    length: usize,
    chunk: usize,
    write: impl Fn(usize, &mut [f32]) + Sync + Send,
) -> Vec<f32> {
    filled_in(Vec::new(), length, chunk, write)
}

/// The same in the memory of `spare`.
pub(crate) fn filled_in(
    spare: Vec<f32>,
    length: usize,
    chunk: usize,
    write: impl Fn(usize, &mut [f32]) + Sync + Send,
) -> Vec<f32> {
    let task = |(index, out): (usize, &mut [MaybeUninit<f32>])| {
        out.fill(MaybeUninit::new(0.0));
        // SAFETY: just initialised.
        write(index, unsafe { out.assume_init_mut() });
    };
    // SAFETY: every chunk is filled above.
    unsafe { filled_by(spare, length, chunk, task).0 }
}

/// The same in memory that nothing was written to yet, with what `write` returns for every chunk.
///
/// # Safety
/// `write` must initialise all of every chunk that it is given.
pub(super) unsafe fn filled_by<T: Send>(
    spare: Vec<f32>,
    length: usize,
    chunk: usize,
    write: impl Fn((usize, &mut [MaybeUninit<f32>])) -> T + Sync + Send,
) -> (Vec<f32>, Vec<T>) {
    let mut values = spare;
    values.clear();
    values.reserve_exact(length);
    let chunks = values.spare_capacity_mut()[..length].par_chunks_mut(chunk.max(1));
    let results = chunks.enumerate().map(write).collect();
    // SAFETY: the capacity is there, and the caller's `write` has initialised all of it.
    unsafe { values.set_len(length) }
    (values, results)
}

/// Number by number, the sum of `parts`, `length` numbers each, in their order: so it is the same for any number of threads.
pub(super) fn added(length: usize, parts: impl IntoIterator<Item = Vec<f32>>) -> Vec<f32> {
    let mut total = vec![0.0; length];
    for part in parts {
        total.iter_mut().zip(part).for_each(|(total, sum)| *total += sum);
    }
    total
}
