//! Which instruction set the kernels run with.

use std::sync::OnceLock;

#[cfg(target_arch = "aarch64")]
use super::simd::Neon;
#[cfg(target_arch = "x86_64")]
use super::simd::{Avx2, Avx512};
use super::simd::{Portable, Simd};

/// A computation that is written once for all instruction sets.
pub(super) trait Kernel {
    /// Computes with the vectors `S`. It must be inlined, so that its instructions are those of `S`.
    ///
    /// # Safety
    /// `S` must be available, and what the kernel holds must be as it says.
    unsafe fn run<S: Simd>(self);
}

/// A computation on a register tile, `MR` rows of `NV` vectors.
pub(super) trait Tiled {
    /// Computes with the vectors `S`. It must be inlined, so that its instructions are those of `S`.
    ///
    /// # Safety
    /// `S` must be available, and what the kernel holds must be as it says.
    unsafe fn run<S: Simd, const MR: usize, const NV: usize>(self);
}

/// Runs `kernel` on tiles `vectors` wide, as high as the registers of `S` allow: [`Level::rows`].
///
/// # Safety
/// As [`Tiled::run`].
#[inline(always)]
pub(super) unsafe fn tiled<S: Simd>(vectors: usize, kernel: impl Tiled) {
    // SAFETY: passed on from the caller.
    unsafe {
        match (S::WIDEST, vectors) {
            (4, 4) => kernel.run::<S, 6, 4>(),
            (4, 3) => kernel.run::<S, 8, 3>(),
            (4, 2) => kernel.run::<S, 8, 2>(),
            (4, _) => kernel.run::<S, 8, 1>(),
            (_, 2) => kernel.run::<S, 6, 2>(),
            _ => kernel.run::<S, 6, 1>(),
        }
    }
}

/// [`tiled`] as a kernel.
struct Tiles<T> {
    vectors: usize,
    kernel: T,
}

impl<T: Tiled> Kernel for Tiles<T> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: passed on from the caller.
        unsafe { tiled::<S>(self.vectors, self.kernel) }
    }
}

/// # Safety
/// As [`Kernel::run`], on a processor with AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(kernel: impl Kernel) {
    // SAFETY: passed on from the caller.
    unsafe { kernel.run::<Avx2>() }
}

/// # Safety
/// As [`Kernel::run`], on a processor with AVX-512F.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(kernel: impl Kernel) {
    // SAFETY: passed on from the caller.
    unsafe { kernel.run::<Avx512<false>>() }
}

/// # Safety
/// As [`Kernel::run`], on a processor with AVX-512F and AVX512-BF16.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn avx512_bf16(kernel: impl Kernel) {
    // SAFETY: passed on from the caller.
    unsafe { kernel.run::<Avx512<true>>() }
}

/// An instruction set that the kernels are built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Plain Rust, four lanes.
    Portable,
    /// NEON, four lanes.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// AVX2 with FMA, eight lanes.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512F, sixteen lanes.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// The same with AVX512-BF16.
    #[cfg(target_arch = "x86_64")]
    Avx512Bf16,
}

impl Level {
    /// Those that this processor can run, plainest first.
    pub(crate) fn available() -> Vec<Self> {
        let mut levels = vec![Self::Portable];
        // Every processor of the family has it.
        #[cfg(target_arch = "aarch64")]
        levels.push(Self::Neon);
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                levels.push(Self::Avx2);
            }
            if is_x86_feature_detected!("avx512f") {
                levels.push(Self::Avx512);
                if is_x86_feature_detected!("avx512bf16") {
                    levels.push(Self::Avx512Bf16);
                }
            }
        }
        levels
    }

    /// The best available one, or the one that `PERCEPT_SIMD` (`avx512-bf16`, `avx512`, `avx2`, `neon`,
    /// `scalar`) names if it is available. Looked up once.
    pub(crate) fn current() -> Self {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(|| {
            let available = Self::available();
            let best = available.last().copied().unwrap_or(Self::Portable);
            let Ok(wanted) = std::env::var("PERCEPT_SIMD") else { return best };
            available.into_iter().find(|level| level.name() == wanted).unwrap_or(best)
        })
    }

    /// Runs `kernel` with the vectors of this level.
    ///
    /// # Safety
    /// The level must be an [available](Self::available) one, and what the kernel holds as it says.
    pub(super) unsafe fn run(self, kernel: impl Kernel) {
        // SAFETY: passed on from the caller.
        unsafe {
            match self {
                Self::Portable => kernel.run::<Portable>(),
                #[cfg(target_arch = "aarch64")]
                Self::Neon => kernel.run::<Neon>(),
                #[cfg(target_arch = "x86_64")]
                Self::Avx2 => avx2(kernel),
                #[cfg(target_arch = "x86_64")]
                Self::Avx512 => avx512(kernel),
                #[cfg(target_arch = "x86_64")]
                Self::Avx512Bf16 => avx512_bf16(kernel),
            }
        }
    }

    /// Runs `kernel` on tiles `vectors` wide and [`rows`](Self::rows) high.
    ///
    /// # Safety
    /// As [`run`](Self::run).
    pub(super) unsafe fn tile(self, vectors: usize, kernel: impl Tiled) {
        // SAFETY: passed on from the caller.
        unsafe { self.run(Tiles { vectors, kernel }) }
    }

    /// As in `PERCEPT_SIMD`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Portable => "scalar",
            #[cfg(target_arch = "aarch64")]
            Self::Neon => "neon",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Bf16 => "avx512-bf16",
        }
    }

    /// Whether two products of bf16 are one instruction. The other levels can do without, for comparison.
    pub(crate) fn multiplies_bf16(self) -> bool {
        self.name() == "avx512-bf16"
    }

    /// Numbers in a vector.
    pub(crate) fn lanes(self) -> usize {
        self.sizes()[0]
    }

    /// Most vectors that a register tile is wide.
    pub(crate) fn widest(self) -> usize {
        self.sizes()[1]
    }

    /// Rows of the register tile that is `vectors` wide.
    pub(crate) fn rows(self, vectors: usize) -> usize {
        match (self.widest(), vectors) {
            (4, 4) => 6,
            (4, _) => 8,
            _ => 6,
        }
    }

    fn sizes(self) -> [usize; 2] {
        fn of<S: Simd>() -> [usize; 2] {
            [S::LANES, S::WIDEST]
        }
        match self {
            Self::Portable => of::<Portable>(),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => of::<Neon>(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => of::<Avx2>(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => of::<Avx512<false>>(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Bf16 => of::<Avx512<true>>(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `.ci/run` reads the list, and runs all tests with each of them.
    #[test]
    fn levels_are_listed_and_the_wanted_one_is_taken() {
        let names: Vec<&str> = Level::available().into_iter().map(Level::name).collect();
        println!("levels: {}", names.join(" "));
        let wanted = std::env::var("PERCEPT_SIMD").ok();
        let wanted = wanted.as_deref().filter(|wanted| names.contains(wanted));
        assert_eq!(Some(Level::current().name()), wanted.or(names.last().copied()));
    }
}
