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

/// The most memory that the process had at once since this was made.
#[derive(Debug)]
pub struct Peak {
    counts: bool,
}

impl Peak {
    /// Gives kept memory back to the system and counts from here on.
    pub fn start() -> Self {
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        glibc::give_back();
        // `proc(5)`: 5 resets the peak of the resident memory.
        Self { counts: std::fs::write("/proc/self/clear_refs", "5").is_ok() }
    }

    /// In MiB; `None` where the system does not tell.
    pub fn mib(&self) -> Option<u64> {
        let status = std::fs::read_to_string("/proc/self/status").ok().filter(|_| self.counts)?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.split_whitespace().next()?.parse::<u64>().ok()? / 1024)
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod glibc {
    use std::ffi::c_int;

    // `malloc.h`.
    const M_TRIM_THRESHOLD: c_int = -1;
    const M_MMAP_MAX: c_int = -4;

    unsafe extern "C" {
        fn mallopt(parameter: c_int, value: c_int) -> c_int;
        fn malloc_trim(pad: usize) -> c_int;
    }

    pub(super) fn give_back() {
        // SAFETY: `malloc_trim` touches free memory alone and may be called at any time.
        unsafe {
            malloc_trim(0);
        }
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_what_was_held_at_once() {
        let peak = Peak::start();
        // Where the system counts nothing there is nothing to see.
        let Some(before) = peak.mib() else { return };
        drop(std::hint::black_box(vec![1u8; 300 << 20]));
        assert!(peak.mib().is_some_and(|after| after >= before + 200), "{before} {:?}", peak.mib());
    }
}
