//! Sizes of one convolution, and which source position each result position reads.

use std::ops::Range;

use crate::conv::Conv;
use crate::precision::Precision;

/// All sizes of a convolution over `[n, h, w, input]` with `kernel` elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) batch: usize,
    /// Height and width of what the convolution reads.
    pub(crate) source: [usize; 2],
    pub(crate) input: usize,
    pub(crate) output: usize,
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) dilation: usize,
    /// What is asked for, of sums over taps and of minimal filtering; the kernels use it where it gains.
    pub(crate) precision: Precision,
    pub(crate) filtering: Precision,
}

impl Geometry {
    /// From the dimensions of `x` (`[n, h, w, in]`) and of the weights (`[out, in, kh, kw]`).
    pub(crate) fn new(x: [usize; 4], weight: [usize; 4], conv: &Conv) -> Self {
        Self {
            batch: x[0],
            source: [x[1], x[2]],
            input: weight[1],
            output: weight[0],
            kernel: [weight[2], weight[3]],
            stride: conv.stride,
            padding: conv.padding,
            dilation: conv.dilation,
            precision: conv.precision,
            filtering: conv.filtering,
        }
    }

    /// Height and width of the result.
    pub(crate) fn result(&self) -> [usize; 2] {
        [0, 1].map(|axis| {
            let reach = self.dilation * (self.kernel[axis] - 1) + 1;
            (self.source[axis] + 2 * self.padding).checked_sub(reach).map_or(0, |room| room / self.stride + 1)
        })
    }

    /// Whether minimal filtering computes a result of the given height and width faster than the definition
    /// (measured by the example `micro`): with few channels or pixels the transforms cost what they save.
    pub(crate) fn winograd(&self, [height, width]: [usize; 2]) -> bool {
        let fits = self.kernel == [3; 2] && self.stride == 1 && self.dilation == 1 && self.padding <= 2;
        let pays = self.input.max(self.output) >= 16 && self.batch * height * width >= 256;
        fits && pays
    }

    /// What the products of `asked` are made of on this processor.
    ///
    /// Between an image and features there is little to multiply and much to lose: differences of neighbours are what these
    /// layers see.
    pub(crate) fn products(&self, asked: Precision) -> Precision {
        match self.input.min(self.output) >= 16 {
            true => asked.on_cpu(),
            false => Precision::F32,
        }
    }

    pub(crate) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// The map of the forward pass along `axis`: result position → source positions.
    pub(crate) fn forward(&self, axis: usize) -> Axis {
        let (length, source) = (self.result()[axis], self.source[axis]);
        Axis::new(length, source, self.kernel[axis], |at, tap| {
            (at * self.stride + tap * self.dilation).checked_sub(self.padding)
        })
    }

    /// The map of the gradient along `axis`: source position → result positions that read it.
    pub(crate) fn gradient(&self, axis: usize) -> Axis {
        let (length, result) = (self.source[axis], self.result()[axis]);
        let mut map = Axis::new(length, result, self.kernel[axis], |at, tap| {
            let offset = (at + self.padding).checked_sub(tap * self.dilation)?;
            offset.is_multiple_of(self.stride).then_some(offset / self.stride)
        });
        map.dense = self.stride == 1;
        // Positions that are read by the same taps stand together, so that a tile skips the others.
        map.order.sort_by_key(|at| (at + self.padding) % self.stride);
        map
    }
}

/// For every position along one axis, the position that each tap reads.
#[derive(Debug)]
pub(crate) struct Axis {
    map: Vec<Option<usize>>,
    pub(crate) taps: usize,
    /// Whether neighbouring positions are read by the same taps, but for the padding.
    pub(crate) dense: bool,
    /// Positions in the order in which they are computed.
    pub(crate) order: Vec<usize>,
    /// Number of positions that can be read.
    pub(crate) source: usize,
}

impl Axis {
    fn new(length: usize, source: usize, taps: usize, read: impl Fn(usize, usize) -> Option<usize>) -> Self {
        let position = |i: usize| read(i / taps, i % taps).filter(|at| *at < source);
        Self {
            map: (0..length * taps).map(position).collect(),
            taps,
            dense: true,
            order: (0..length).collect(),
            source,
        }
    }

    /// Number of positions that are computed.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// The first run of positions that read with every tap, and how far what they read is from neighbour to neighbour.
    pub(crate) fn steady(&self) -> (Range<usize>, usize) {
        let whole = |at: usize| -> Option<Vec<usize>> { self.reads(at).iter().copied().collect() };
        let Some(from) = (0..self.len()).find(|at| whole(*at).is_some()) else { return (0..0, 0) };
        // From position to position, the same step for every tap.
        let step = |at: usize| -> Option<usize> {
            let (one, next) = (whole(at)?, whole(at + 1)?);
            let mut steps = one.iter().zip(&next).map(|(one, next)| next.checked_sub(*one));
            let first = steps.next()??;
            steps.all(|step| step == Some(first)).then_some(first)
        };
        let last = self.len() - 1;
        let Some(first) = (from < last).then(|| step(from)).flatten() else { return (from..from + 1, 0) };
        let to = (from + 1..last).find(|at| step(*at) != Some(first)).unwrap_or(last);
        (from..to + 1, first)
    }

    /// Whether every position reads itself and nothing else.
    pub(crate) fn is_identity(&self) -> bool {
        let itself = |(at, read): (usize, &Option<usize>)| *read == Some(at);
        self.taps == 1 && self.len() == self.source && self.map.iter().enumerate().all(itself)
    }

    /// What each tap reads, position by position.
    pub(crate) fn reads_all(&self) -> &[Option<usize>] {
        &self.map
    }

    /// What each tap reads for the position `at`; `None` where that is padding.
    pub(crate) fn reads(&self, at: usize) -> &[Option<usize>] {
        &self.map[at * self.taps..(at + 1) * self.taps]
    }
}
