//! Products of small matrices.

use super::Level;
use super::level::Tiled;
use super::simd::Simd;

/// Rows of all matrices that vectors run along are multiples of it: the lanes of the widest vectors.
pub(super) const WIDE: usize = super::simd::MOST_LANES;

/// `Σ_t a(m, t) · b(t, n)` for `rows` m, `depth` t and `width` n.
#[derive(Clone, Copy)]
pub(super) struct Product<'a> {
    pub(super) a: &'a [f32],
    /// How far apart two m, and two t, are in `a`.
    pub(super) steps: [usize; 2],
    /// Rows of `width` numbers.
    pub(super) b: &'a [f32],
    pub(super) rows: usize,
    pub(super) depth: usize,
    /// A multiple of [`WIDE`].
    pub(super) width: usize,
}

impl Product<'_> {
    /// Writes the product to `out`, or the sum of it and of `onto`, all in rows of `width` numbers.
    pub(super) fn write(self, level: Level, onto: Option<&[f32]>, out: &mut [f32]) {
        let Self { a, steps, b, rows, depth, width } = self;
        let last = (rows.max(1) - 1) * steps[0] + (depth.max(1) - 1) * steps[1];
        assert!(width.is_multiple_of(WIDE) && last < a.len().max(1), "wrong factor");
        assert!(b.len() >= depth * width && out.len() >= rows * width, "wrong size");
        assert!(onto.is_none_or(|onto| onto.len() >= rows * width), "wrong sum");
        if rows == 0 {
            return;
        }
        let vectors = width / level.lanes();
        let mut first = 0;
        while first < vectors {
            let count = level.widest().min(vectors - first);
            let at = first * level.lanes();
            let columns = Columns {
                product: self,
                b: b.as_ptr().wrapping_add(at),
                onto: onto.map(|onto| onto.as_ptr().wrapping_add(at)),
                out: out.as_mut_ptr().wrapping_add(at),
            };
            // SAFETY: a level exists only where it is available; the assertions bound what is read and written.
            unsafe { level.tile(count, columns) }
            first += count;
        }
    }
}

/// Some columns of a product; the pointers are to their first number of the first row.
struct Columns<'a> {
    product: Product<'a>,
    b: *const f32,
    onto: Option<*const f32>,
    out: *mut f32,
}

impl Tiled for Columns<'_> {
    #[expect(clippy::needless_range_loop, reason = "constant indices keep the arrays in registers")]
    #[inline(always)]
    unsafe fn run<S: Simd, const MR: usize, const NV: usize>(self) {
        let Product { a, steps, rows, depth, width, .. } = self.product;
        // SAFETY: in bounds by the description of the product; the last tile reads its last row more than once.
        unsafe {
            for start in (0..rows).step_by(MR) {
                let places: [usize; MR] = std::array::from_fn(|i| (start + i).min(rows - 1));
                let mut sources: [*const f32; MR] =
                    std::array::from_fn(|i| a.as_ptr().add(places[i] * steps[0]));
                let mut sums = [[S::splat(0.0); NV]; MR];
                let mut b = self.b;
                for _ in 0..depth {
                    let mut row = [S::splat(0.0); NV];
                    for j in 0..NV {
                        row[j] = S::load(b.add(j * S::LANES));
                    }
                    for i in 0..MR {
                        let value = S::splat(*sources[i]);
                        for j in 0..NV {
                            sums[i][j] = S::mul_add(value, row[j], sums[i][j]);
                        }
                        sources[i] = sources[i].wrapping_add(steps[1]);
                    }
                    b = b.wrapping_add(width);
                }
                for i in 0..MR {
                    if start + i >= rows {
                        continue;
                    }
                    for j in 0..NV {
                        let at = (start + i) * width + j * S::LANES;
                        let value = match self.onto {
                            Some(onto) => S::add(sums[i][j], S::load(onto.add(at))),
                            None => sums[i][j],
                        };
                        S::store(self.out.add(at), value);
                    }
                }
            }
        }
    }
}
