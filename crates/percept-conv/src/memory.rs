//! Keeping freed memory for the next tensor.

/// Tells the C library's allocator to keep freed memory instead of giving it back to the system.
///
/// A training step allocates and frees the same large tensors again and again; returned pages must be
/// faulted in and zeroed by the system each time, which costs as much as the arithmetic. Call it once,
/// at the start of the program. It does something on Linux with glibc only.
pub fn keep_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::keep_memory();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod glibc {
    use std::ffi::c_int;

    // `malloc.h`.
    const M_TRIM_THRESHOLD: c_int = -1;
    const M_MMAP_MAX: c_int = -4;

    unsafe extern "C" {
        fn mallopt(parameter: c_int, value: c_int) -> c_int;
    }

    pub(super) fn keep_memory() {
        // SAFETY: `mallopt` takes any values and may be called at any time; it answers 0 where it does
        // not know a parameter, and then nothing changes.
        unsafe {
            // No block by `mmap`, which is unmapped when freed, …
            mallopt(M_MMAP_MAX, 0);
            // … and the heap never shrinks.
            mallopt(M_TRIM_THRESHOLD, c_int::MAX);
        }
    }
}
