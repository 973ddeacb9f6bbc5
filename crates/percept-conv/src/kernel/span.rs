//! Places in slices that are not checked in release builds, and are where debug assertions are on.

/// Where `length` numbers from `at` on stand; checked in builds with debug assertions.
///
/// # Safety
/// They must lie in `values`.
#[inline(always)]
pub(super) unsafe fn span(values: &[f32], at: usize, length: usize) -> *const f32 {
    debug_assert!(at + length <= values.len(), "{length} numbers at {at} of {}", values.len());
    // SAFETY: in bounds by this function's contract.
    unsafe { values.as_ptr().add(at) }
}

/// The same for writing.
///
/// # Safety
/// They must lie in `values`.
#[inline(always)]
pub(super) unsafe fn span_mut(values: &mut [f32], at: usize, length: usize) -> *mut f32 {
    debug_assert!(at + length <= values.len(), "{length} numbers at {at} of {}", values.len());
    // SAFETY: in bounds by this function's contract.
    unsafe { values.as_mut_ptr().add(at) }
}
