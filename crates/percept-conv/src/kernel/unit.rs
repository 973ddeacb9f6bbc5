//! Feature vectors at unit length: themselves, and how far two are apart.

use super::Level;
use super::fill::filled;
use super::level::Kernel;
use super::simd::Simd;

/// Pixels of one task.
const PIXELS: usize = 256;
/// Numbers that the loops work on side by side: the lanes of the widest vectors.
const WIDE: usize = 16;

/// Vectors of `channels` numbers, at least 1; `epsilon` is added to their squared length.
#[derive(Clone, Copy)]
pub(crate) struct Vectors {
    pub(crate) channels: usize,
    pub(crate) epsilon: f32,
}

impl Vectors {
    /// Each divided by its length.
    pub(crate) fn unit(self, level: Level, x: &[f32]) -> Vec<f32> {
        self.by_vector(x.len(), |at, out| {
            // SAFETY: a level exists only where it is available.
            unsafe { level.run(Unit { x: &x[at..][..out.len()], vectors: self, out }) }
        })
    }

    /// The gradient of [`unit`](Self::unit) to `x`.
    pub(crate) fn unit_gradient(self, level: Level, x: &[f32], gradient: &[f32]) -> Vec<f32> {
        assert!(x.len() == gradient.len(), "wrong gradient");
        self.by_vector(x.len(), |at, out| {
            let [x, gradient] = [x, gradient].map(|all| &all[at..][..out.len()]);
            // SAFETY: a level exists only where it is available.
            unsafe { level.run(UnitGradient { x, gradient, vectors: self, out }) }
        })
    }

    /// `Σ_c w_c (â_c − b̂_c)²` of the vectors at unit length.
    pub(crate) fn distance(self, level: Level, [a, b]: [&[f32]; 2], weight: &[f32]) -> Vec<f32> {
        assert!(a.len() == b.len() && weight.len() == self.channels, "vectors of different sizes");
        filled(a.len() / self.channels, PIXELS, |chunk, out| {
            let at = chunk * PIXELS * self.channels;
            let [a, b] = [a, b].map(|all| &all[at..][..out.len() * self.channels]);
            // SAFETY: a level exists only where it is available.
            unsafe { level.run(Distance { a, b, weight, vectors: self, out }) }
        })
    }

    /// The gradient of [`distance`](Self::distance) to `a`; `gradient` has one number for each pair of vectors.
    pub(crate) fn distance_gradient(
        self,
        level: Level,
        [a, b]: [&[f32]; 2],
        weight: &[f32],
        gradient: &[f32],
    ) -> Vec<f32> {
        assert!(a.len() == b.len() && weight.len() == self.channels, "vectors of different sizes");
        assert!(gradient.len() * self.channels == a.len(), "wrong gradient");
        self.by_vector(a.len(), |at, out| {
            let [a, b] = [a, b].map(|all| &all[at..][..out.len()]);
            let gradient = &gradient[at / self.channels..][..out.len() / self.channels];
            // SAFETY: a level exists only where it is available.
            unsafe { level.run(DistanceGradient { a, b, weight, gradient, vectors: self, out }) }
        })
    }

    /// `length` numbers written in parallel, whole vectors at a time; `write` gets the place of the first.
    fn by_vector(self, length: usize, write: impl Fn(usize, &mut [f32]) + Sync + Send) -> Vec<f32> {
        let chunk = PIXELS * self.channels;
        filled(length, chunk, |index, out| write(index * chunk, out))
    }

    /// `1 / √(Σ x² + ε)`.
    #[inline(always)]
    fn inverse(self, x: &[f32]) -> f32 {
        1.0 / (dot(x, x) + self.epsilon).sqrt()
    }
}

/// The loops below are plain; they are compiled with the instructions of the level.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; WIDE];
    for (a, b) in a.chunks(WIDE).zip(b.chunks(WIDE)) {
        if let (Ok(a), Ok(b)) = (<&[f32; WIDE]>::try_from(a), <&[f32; WIDE]>::try_from(b)) {
            for lane in 0..WIDE {
                sums[lane] += a[lane] * b[lane];
            }
        } else {
            sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
        }
    }
    sums.iter().sum()
}

struct Unit<'a> {
    x: &'a [f32],
    vectors: Vectors,
    out: &'a mut [f32],
}

impl Kernel for Unit<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let channels = self.vectors.channels;
        for (out, x) in self.out.chunks_exact_mut(channels).zip(self.x.chunks_exact(channels)) {
            let inverse = self.vectors.inverse(x);
            out.iter_mut().zip(x).for_each(|(out, x)| *out = x * inverse);
        }
    }
}

struct UnitGradient<'a> {
    x: &'a [f32],
    gradient: &'a [f32],
    vectors: Vectors,
    out: &'a mut [f32],
}

impl Kernel for UnitGradient<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let channels = self.vectors.channels;
        let pixels = self.x.chunks_exact(channels).zip(self.gradient.chunks_exact(channels));
        for (out, (x, gradient)) in self.out.chunks_exact_mut(channels).zip(pixels) {
            let inverse = self.vectors.inverse(x);
            let along = dot(x, gradient) * inverse * inverse;
            for (out, (x, gradient)) in out.iter_mut().zip(x.iter().zip(gradient)) {
                *out = inverse * (gradient - x * along);
            }
        }
    }
}

struct Distance<'a> {
    a: &'a [f32],
    b: &'a [f32],
    weight: &'a [f32],
    vectors: Vectors,
    out: &'a mut [f32],
}

impl Kernel for Distance<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let channels = self.vectors.channels;
        let mut terms = vec![0.0; channels];
        let pixels = self.a.chunks_exact(channels).zip(self.b.chunks_exact(channels));
        for (out, (a, b)) in self.out.iter_mut().zip(pixels) {
            let (near, far) = (self.vectors.inverse(a), self.vectors.inverse(b));
            for (term, (a, b)) in terms.iter_mut().zip(a.iter().zip(b)) {
                let apart = a * near - b * far;
                *term = apart * apart;
            }
            *out = dot(&terms, self.weight);
        }
    }
}

struct DistanceGradient<'a> {
    a: &'a [f32],
    b: &'a [f32],
    weight: &'a [f32],
    gradient: &'a [f32],
    vectors: Vectors,
    out: &'a mut [f32],
}

impl Kernel for DistanceGradient<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let channels = self.vectors.channels;
        let pixels = self.a.chunks_exact(channels).zip(self.b.chunks_exact(channels)).zip(self.gradient);
        for (out, ((a, b), gradient)) in self.out.chunks_exact_mut(channels).zip(pixels) {
            let (near, far) = (self.vectors.inverse(a), self.vectors.inverse(b));
            let scale = 2.0 * gradient;
            for (out, ((a, b), weight)) in out.iter_mut().zip(a.iter().zip(b).zip(self.weight)) {
                *out = scale * weight * (a * near - b * far);
            }
            let along = dot(out, a) * near * near;
            out.iter_mut().zip(a).for_each(|(out, a)| *out = near * (*out - a * along));
        }
    }
}
