//! A pixel's channels, vector by vector.

use super::simd::{MOST_LANES, Simd};

/// `channels` numbers that stand side by side.
#[derive(Clone, Copy)]
pub(super) struct Lanes<S: Simd> {
    channels: usize,
    /// Chooses the channels behind the last whole vector.
    rest: S::M,
}

impl<S: Simd> Lanes<S> {
    /// # Safety
    /// `S` must be available.
    #[inline(always)]
    pub(super) unsafe fn new(channels: usize) -> Self {
        // SAFETY: passed on from the caller.
        Self { channels, rest: unsafe { S::mask(channels % S::LANES) } }
    }

    /// The first channel of every vector.
    #[inline(always)]
    pub(super) fn starts(self) -> impl Iterator<Item = usize> {
        (0..self.channels).step_by(S::LANES)
    }

    /// The vector from channel `at` on of the pixel at `from`; 0 behind the last channel.
    ///
    /// # Safety
    /// `S` must be available, and the pixel must be readable.
    #[inline(always)]
    pub(super) unsafe fn load(self, from: *const f32, at: usize) -> S::V {
        // SAFETY: the lanes that are read are channels of the pixel.
        unsafe {
            match at + S::LANES <= self.channels {
                true => S::load(from.add(at)),
                false => S::load_masked(from.add(at), self.rest),
            }
        }
    }

    /// Writes the vector from channel `at` on of the pixel at `to`.
    ///
    /// # Safety
    /// `S` must be available, and the pixel must be writable.
    #[inline(always)]
    pub(super) unsafe fn store(self, to: *mut f32, at: usize, value: S::V) {
        // SAFETY: the lanes that are written are channels of the pixel.
        unsafe {
            match at + S::LANES <= self.channels {
                true => S::store(to.add(at), value),
                false => S::store_masked(to.add(at), value, self.rest),
            }
        }
    }

    /// `value` with 0 behind the last channel, where `value` is the vector from channel `at` on.
    ///
    /// # Safety
    /// `S` must be available.
    #[inline(always)]
    pub(super) unsafe fn only(self, at: usize, value: S::V) -> S::V {
        // SAFETY: the array has as many numbers as the widest vector.
        unsafe {
            match at + S::LANES <= self.channels {
                true => value,
                false => S::mul(value, S::load_masked([1.0; MOST_LANES].as_ptr(), self.rest)),
            }
        }
    }
}
