//! What the samples of a TIFF's pixels mean.

use std::io::{Read, Seek};
use std::path::Path;

use tiff::decoder::Decoder;
use tiff::decoder::ifd::Value;
use tiff::tags::Tag;

use super::ReadError;
use super::tiff::fault;
use super::tiff_directory::Colours;

/// How pixels are found among the samples, and what they are.
#[derive(Clone)]
pub(super) struct Layout {
    colours: Colours,
    /// Samples a pixel, all of them.
    samples: usize,
    /// Which sample is the opacity.
    alpha: Option<usize>,
    premultiplied: bool,
    /// Bits a sample: 1 to 8, or 16.
    bits: u8,
    /// Whether each sample has a picture of its own, behind one another.
    planar: bool,
    size: (usize, usize),
    /// Colours of a [`Colours::Palette`].
    palette: Vec<[u8; 3]>,
}

impl Layout {
    /// From the file's tags; refuses kinds that are not read by their names.
    pub(super) fn read(
        path: &Path,
        tiff: &mut Decoder<impl Read + Seek>,
        colours: Colours,
        size: (usize, usize),
    ) -> Result<Self, ReadError> {
        let mut all = |tag| tiff.find_tag_unsigned_vec::<u16>(tag).map_err(|error| fault(path, error));
        let refused = |what: &str| Err(ReadError::foreign(path, what));
        let format = all(Tag::SampleFormat)?.and_then(|all| all.first().copied());
        match format {
            None | Some(1 | 4) => {}
            Some(2) => return refused("a TIFF of signed numbers"),
            Some(3) => return refused("a TIFF of floating point numbers, whose range is unknown,"),
            Some(_) => return refused("a TIFF of complex numbers"),
        }
        let bits = all(Tag::BitsPerSample)?.and_then(|all| all.first().copied()).unwrap_or(1);
        let bits = match (colours, bits) {
            (Colours::Palette | Colours::YCbCr { .. }, 16) | (_, 0 | 9..=15 | 17..) => {
                return refused(&format!("a {}TIFF with {bits} bits a sample", adjective(colours)));
            }
            (_, bits) => bits as u8,
        };
        let samples = all(Tag::SamplesPerPixel)?.and_then(|all| all.first().copied()).unwrap_or(1).into();
        let own = colours.samples();
        if samples < own {
            let reason = format!("{samples} samples a pixel are too few for its colours");
            return Err(ReadError::Malformed { path: path.into(), reason });
        }
        let extra = all(Tag::ExtraSamples)?.unwrap_or_default();
        // Files of RGB and a fourth sample that say nothing of it mean opacity.
        let untold =
            (extra.is_empty() && colours == Colours::Rgb && samples == own + 1).then_some((own, false));
        let told = extra.iter().position(|kind| matches!(kind, 1 | 2)).map(|at| (own + at, extra[at] == 1));
        let alpha = told.or(untold).filter(|(at, _)| *at < samples);
        if let Colours::YCbCr { jpeg } = colours {
            let spread = all(Tag::ChromaSubsampling)?;
            if !jpeg && spread.as_deref() != Some(&[1, 1]) {
                return refused("a YCbCr TIFF with fewer colours than pixels");
            }
        }
        let planar = all(Tag::PlanarConfiguration)?.is_some_and(|all| all.first() == Some(&2)) && samples > 1;
        if planar && all(Tag::TileWidth)?.is_some() {
            return refused("a TIFF of tiles with a plane for each colour");
        }
        let palette = match colours {
            Colours::Palette => palette(&all(Tag::ColorMap)?.unwrap_or_default(), bits).ok_or_else(|| {
                ReadError::Malformed { path: path.into(), reason: "its palette is too short".into() }
            })?,
            _ => Vec::new(),
        };
        if matches!(colours, Colours::YCbCr { .. }) && !usual_ycbcr(tiff) {
            return refused("a YCbCr TIFF with coefficients of its own");
        }
        let premultiplied = alpha.is_some_and(|(_, premultiplied)| premultiplied);
        Ok(Self {
            colours,
            samples,
            alpha: alpha.map(|(at, _)| at),
            premultiplied,
            bits,
            planar,
            size,
            palette,
        })
    }

    /// Whether samples have 16 bits.
    pub(super) fn is_deep(&self) -> bool {
        self.bits == 16
    }

    /// Of so many rows alone, where they have all samples of their pixels.
    pub(super) fn of_rows(&self, rows: usize) -> Self {
        Self { size: (self.size.0, rows), ..self.clone() }
    }

    /// Whether colours are multiplied by the opacity already.
    pub(super) fn premultiplied(&self) -> bool {
        self.premultiplied
    }

    /// Channels that come out: grey or RGB, and opacity.
    pub(super) fn channels(&self) -> usize {
        let grey = matches!(self.colours, Colours::Grey { .. });
        (if grey { 1 } else { 3 }) + usize::from(self.alpha.is_some())
    }

    /// The pixels of samples of up to 8 bits, packed as in the file.
    pub(super) fn levels8(&self, samples: Vec<u8>) -> Vec<u8> {
        let samples = if self.bits < 8 { self.unpacked(&samples) } else { samples };
        match self.colours {
            Colours::Palette => self.pixels(samples, |place: [u8; 1]| {
                // A place behind the table's end is black, as libtiff has it.
                self.palette.get(usize::from(place[0])).copied().unwrap_or_default()
            }),
            Colours::YCbCr { .. } => self.pixels(samples, rgb_of_ycbcr),
            _ => self.levels(samples, 255, u32::from, |level| level as u8),
        }
    }

    /// The pixels of samples of 16 bits.
    pub(super) fn levels16(&self, samples: Vec<u16>) -> Vec<u16> {
        self.levels(samples, 65_535, u32::from, |level| level as u16)
    }

    /// The kinds whose levels may be of any depth.
    fn levels<T: Copy + Default>(
        &self,
        samples: Vec<T>,
        white: u32,
        wide: fn(T) -> u32,
        narrow: fn(u32) -> T,
    ) -> Vec<T> {
        match self.colours {
            Colours::Grey { white_is_zero: true } => self.pixels(samples, |[v]| [narrow(white - wide(v))]),
            Colours::Grey { .. } => self.pixels(samples, |grey: [T; 1]| grey),
            Colours::Cmyk => self.pixels(samples, |[c, m, y, k]| {
                let paper = |ink| u64::from(white - wide(ink));
                let mixed = |ink| (paper(ink) * paper(k) + u64::from(white / 2)) / u64::from(white);
                [c, m, y].map(|ink| narrow(mixed(ink) as u32))
            }),
            _ => self.pixels(samples, |rgb: [T; 3]| rgb),
        }
    }

    /// Pixel by pixel: the colours as `convert` makes them of the samples, and the opacity.
    fn pixels<T: Copy + Default, const FROM: usize, const TO: usize>(
        &self,
        samples: Vec<T>,
        convert: impl Fn([T; FROM]) -> [T; TO],
    ) -> Vec<T> {
        let count = self.size.0 * self.size.1;
        let (pixel, sample) = if self.planar { (1, count) } else { (self.samples, 1) };
        let at = |p: usize, s: usize| samples.get(p * pixel + s * sample).copied();
        let mut out = Vec::with_capacity(count * self.channels());
        for p in 0..count {
            // Missing samples end the picture; its length then tells.
            if at(p, self.samples - 1).is_none() {
                break;
            }
            out.extend(convert(std::array::from_fn(|s| at(p, s).unwrap_or_default())));
            out.extend(self.alpha.and_then(|alpha| at(p, alpha)));
        }
        out
    }

    /// Samples of fewer than 8 bits, each row of which begins with a byte: places in the palette as they are, levels
    /// spread to 255.
    fn unpacked(&self, packed: &[u8]) -> Vec<u8> {
        let in_row = self.size.0 * if self.planar { 1 } else { self.samples };
        let bits = usize::from(self.bits);
        let white = (1_u32 << bits) - 1;
        let scale = if self.colours == Colours::Palette { white } else { 255 };
        let row_bytes = (in_row * bits).div_ceil(8).max(1);
        let mut out = Vec::with_capacity(packed.len() / row_bytes * in_row);
        for row in packed.chunks_exact(row_bytes) {
            let bit = |at: usize| u32::from(row[at / 8] >> (7 - at % 8) & 1);
            out.extend((0..in_row).map(|i| {
                let value = (i * bits..(i + 1) * bits).fold(0, |value, at| value << 1 | bit(at));
                ((value * scale + white / 2) / white) as u8
            }));
        }
        out
    }
}

impl Colours {
    /// Samples a pixel, those beside the colours not counted.
    fn samples(self) -> usize {
        match self {
            Self::Grey { .. } | Self::Palette => 1,
            Self::Rgb | Self::YCbCr { .. } => 3,
            Self::Cmyk => 4,
        }
    }
}

fn adjective(colours: Colours) -> &'static str {
    match colours {
        Colours::Grey { .. } => "grey ",
        Colours::Rgb => "",
        Colours::Palette => "palette ",
        Colours::Cmyk => "CMYK ",
        Colours::YCbCr { .. } => "YCbCr ",
    }
}

/// The table of colours: all reds, all greens, all blues, of 16 bits each; old files have 8.
fn palette(table: &[u16], bits: u8) -> Option<Vec<[u8; 3]>> {
    let count = 1_usize << bits;
    let table = table.get(..3 * count)?;
    let shift = if table.iter().all(|v| *v < 256) { 0 } else { 8 };
    Some((0..count).map(|i| [0, 1, 2].map(|c| (table[c * count + i] >> shift) as u8)).collect())
}

/// Whether luma and range are what nearly all files have: BT.601's, of all 256 levels.
fn usual_ycbcr(tiff: &mut Decoder<impl Read + Seek>) -> bool {
    let mut near = |tag, usual: &[f64]| match tiff.find_tag(tag) {
        Ok(Some(Value::List(values))) => values.iter().zip(usual).all(|(value, usual)| match value {
            Value::Rational(over, under) => {
                (f64::from(*over) - usual * f64::from(*under)).abs() <= 0.002 * f64::from(*under)
            }
            _ => false,
        }),
        _ => true,
    };
    near(Tag::Unknown(529), &[0.299, 0.587, 0.114])
        && near(Tag::Unknown(532), &[0.0, 255.0, 128.0, 255.0, 128.0, 255.0])
}

/// BT.601 of all 256 levels.
fn rgb_of_ycbcr([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb]
        .map(|v| v.round().clamp(0.0, 255.0) as u8)
}
