//! Places in slices that are not checked in release builds, and are where debug assertions are on.
//!
//! Every kernel comes to its memory through these, so that the tests of a debug build check its arithmetic.

/// Where `length` items from `at` on stand; checked in builds with debug assertions.
///
/// # Safety
/// They must lie in `values`.
#[inline(always)]
pub(super) unsafe fn span<T>(values: &[T], at: usize, length: usize) -> *const T {
    debug_assert!(at + length <= values.len(), "{length} items at {at} of {}", values.len());
    // SAFETY: in bounds by this function's contract.
    unsafe { values.as_ptr().add(at) }
}

/// The same for writing.
///
/// # Safety
/// They must lie in `values`.
#[inline(always)]
pub(super) unsafe fn span_mut<T>(values: &mut [T], at: usize, length: usize) -> *mut T {
    debug_assert!(at + length <= values.len(), "{length} items at {at} of {}", values.len());
    // SAFETY: in bounds by this function's contract.
    unsafe { values.as_mut_ptr().add(at) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_inside_are_found() {
        let mut values = [1.0, 2.0, 3.0];
        // SAFETY: inside.
        unsafe {
            *span_mut(&mut values, 2, 1) = 4.0;
            assert_eq!(*span(&values, 1, 2), 2.0);
            assert_eq!(*span(&values, 1, 2).add(1), 4.0);
            // The end of a slice is a place for nothing.
            span(&values, 3, 0);
        }
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "2 items at 2 of 3")]
    fn reading_past_the_end_is_caught() {
        // SAFETY: the check comes before the pointer is made.
        unsafe { span(&[1.0, 2.0, 3.0], 2, 2) };
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "1 items at 3 of 3")]
    fn writing_past_the_end_is_caught() {
        // SAFETY: as above.
        unsafe { span_mut(&mut [1.0, 2.0, 3.0], 3, 1) };
    }
}
