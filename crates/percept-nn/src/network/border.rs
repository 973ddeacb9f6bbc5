//! How a photo is continued, below and to the right of itself, until a network takes it.

/// What a photo shows there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edges {
    /// Its mirror image, and behind that the last pixel of it again and again.
    Mirrored,
    /// Its last pixels again and again.
    Repeated,
    /// Zeros.
    Black,
}

/// How far it is continued, and by what. The same as the authors' code does, or as `spandrel` does, the library by which other
/// tools apply their weights, where that differs or the authors leave it to whoever applies the network: the doc comment of
/// an architecture's `border` says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Border {
    /// Shorter sides are first continued to it.
    pub least: usize,
    /// Then all are continued to a multiple of it.
    pub multiple: usize,
    /// By what.
    pub edges: Edges,
}

impl Border {
    /// Of every photo, to multiples of `multiple`.
    pub fn to_multiple(multiple: usize, edges: Edges) -> Self {
        Self { least: 0, multiple, edges }
    }

    /// How long a side of so many pixels becomes.
    pub fn continued(self, length: usize) -> usize {
        match length {
            0 => 0,
            length => length.max(self.least).next_multiple_of(self.multiple),
        }
    }

    /// Which of `length` pixels stands at a place of the longer side; none where it is black.
    pub fn pixel(self, at: usize, length: usize) -> Option<usize> {
        match self.edges {
            Edges::Mirrored => Some(mirrored(mirrored(at, length.max(self.least)), length)),
            Edges::Repeated => Some(at.min(length.saturating_sub(1))),
            Edges::Black => (at < length).then_some(at),
        }
    }

    /// How many of the last pixels of a side may be seen again.
    pub fn reach(self) -> usize {
        self.least.max(self.multiple)
    }
}

/// The pixel that stands at a place where `length` of them are followed by their mirror image, and that by its last pixel.
pub(super) fn mirrored(at: usize, length: usize) -> usize {
    at.min((2 * length.saturating_sub(1)).saturating_sub(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_is_continued_by_what_it_shows() {
        let shown = |border: Border, length| -> Vec<_> {
            (0..border.continued(length)).map(|at| border.pixel(at, length)).collect()
        };
        let all = |pixels: &[usize]| pixels.iter().map(|at| Some(*at)).collect::<Vec<_>>();
        let border = |edges| Border::to_multiple(4, edges);
        assert_eq!(shown(border(Edges::Mirrored), 6), all(&[0, 1, 2, 3, 4, 5, 4, 3]));
        assert_eq!(shown(border(Edges::Mirrored), 2), all(&[0, 1, 0, 0]));
        assert_eq!(shown(border(Edges::Mirrored), 1), all(&[0; 4]));
        assert_eq!(shown(border(Edges::Repeated), 2), all(&[0, 1, 1, 1]));
        assert_eq!(shown(border(Edges::Black), 3), [Some(0), Some(1), Some(2), None]);
        // First to the least side, then from there.
        let both = Border { least: 5, ..border(Edges::Mirrored) };
        assert_eq!(shown(both, 3), all(&[0, 1, 2, 1, 0, 1, 2, 1]));
        assert_eq!(shown(both, 8), all(&[0, 1, 2, 3, 4, 5, 6, 7]));
        assert!([both, border(Edges::Black)].iter().all(|border| shown(*border, 0).is_empty()));
    }
}
