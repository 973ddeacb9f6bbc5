//! What a file says of a photo beside its pixels.

use super::{exif, xmp};

/// What a file says of a photo beside its pixels and its colour profile: right for a photo whose pixels became others. The
/// orientation has been applied and reads as upright; thumbnails and sizes in pixels are gone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// EXIF, beginning as a TIFF does.
    pub exif: Option<Vec<u8>>,
    /// XMP: a text in UTF-8.
    pub xmp: Option<Vec<u8>>,
    /// How densely the pixels are to be printed.
    pub density: Option<Density>,
    /// What PNG says of colours: `cICP`, `mDCV`, `cLLI`, `gAMA`, `cHRM` and `sRGB`.
    pub colour: Vec<Chunk>,
    /// PNG's notes: `tEXt`, `zTXt` and `iTXt`.
    pub texts: Vec<Chunk>,
    /// What of the file is not here though someone may look for it, each in a line: `the EXIF is damaged and is left out`.
    pub notes: Vec<String>,
}

/// Pixels on a length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Density {
    /// Pixels across and down, on one metre.
    pub metre: [f64; 2],
}

/// A chunk of a PNG, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Its four letters.
    pub kind: [u8; 4],
    /// What is in it.
    pub data: Vec<u8>,
}

const INCH: f64 = 0.0254;

impl Density {
    /// Of pixels on an inch or, if it is none, on a centimetre. `None` for what is no density.
    pub(super) fn new(pixels: [f64; 2], inch: bool) -> Option<Self> {
        Self::of_metre(pixels.map(|pixels| pixels / if inch { INCH } else { 0.01 }))
    }

    pub(super) fn of_metre(metre: [f64; 2]) -> Option<Self> {
        metre.iter().all(|pixels| (1.0..1e8).contains(pixels)).then_some(Self { metre })
    }

    /// Pixels on an inch, as fractions.
    pub(super) fn fractions(&self) -> [[u32; 2]; 2] {
        self.inch().map(|pixels| match pixels.round() {
            // PNG counts pixels on a metre, and rounds them.
            whole if (pixels - whole).abs() < 0.02 => [whole as u32, 1],
            _ => [(pixels * 1000.0).round() as u32, 1000],
        })
    }

    /// Pixels on an inch.
    pub fn inch(&self) -> [f64; 2] {
        self.metre.map(|pixels| pixels * INCH)
    }
}

impl Metadata {
    /// Whether a file says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Without anything that is about the photo; what its colours are stays.
    #[must_use]
    pub fn stripped(self) -> Self {
        Self { colour: self.colour, ..Self::default() }
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// EXIF as a file has it.
    pub(super) fn set_exif(&mut self, block: &[u8]) {
        match exif::clean(block) {
            Some(clean) => {
                if clean.damaged {
                    self.note("a part of the EXIF is damaged and is left out");
                }
                self.exif = Some(clean.block);
            }
            None => self.note("the EXIF is damaged and is left out"),
        }
    }

    /// XMP as a file has it.
    pub(super) fn set_xmp(&mut self, packet: &[u8]) {
        match xmp::clean(packet) {
            Some(packet) => self.xmp = Some(packet),
            None => self.note("the XMP is damaged and is left out"),
        }
    }

    /// Says that only the first of several pictures is here.
    pub(super) fn first_of(&mut self, pictures: usize, what: &str) {
        if pictures > 1 {
            self.note(format!("it has {pictures} {what}; only the first one is taken"));
        }
    }

    /// The density: the container's, or that of the EXIF.
    pub(super) fn any_density(&self) -> Option<Density> {
        self.density.or_else(|| {
            let (pixels, inch) = exif::resolution(self.exif.as_deref()?)?;
            Density::new(pixels, inch)
        })
    }
}
