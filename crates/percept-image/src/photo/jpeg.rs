//! JPEG files: what their markers say, and the kinds that the usual decoder gets wrong.

use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};
use jpeg_decoder::{ColorTransform, Decoder, Error, PixelFormat};

use super::read::{Decoded, MAX_BYTES, check_size};
use super::{ReadError, jpeg_segments};

/// What the markers of a JPEG say (ITU-T T.81, annex B).
#[derive(Default)]
pub(super) struct Markers {
    frame: Option<Frame>,
    /// Colours in the first scan; 0 before one was seen.
    first_scan: u8,
    jfif: bool,
    /// What Adobe's marker says of the colours: 0 as they are, 1 YCbCr, 2 YCCK.
    adobe: Option<u8>,
    /// Whether the data of the last scan is followed by an end-of-image marker.
    ended: bool,
}

/// A start-of-frame segment.
struct Frame {
    /// The second byte of its marker, which names the process.
    process: u8,
    bits: u8,
    height: u16,
    /// Identifier and sampling factors, horizontal and vertical, of each colour.
    colours: Vec<[u8; 3]>,
}

impl Markers {
    /// Follows the marker segments to the end of the file, so that a thumbnail inside one is not mistaken for the image.
    /// Bytes that are no markers where one must be are left for the decoder to judge.
    pub(super) fn read(jpeg: &[u8]) -> Self {
        let mut markers = Self::default();
        let mut at = 2;
        while let Some(&[mark, code]) = jpeg.get(at..at + 2) {
            match (mark, code) {
                (0xff, 0xd9) => {
                    markers.ended = true;
                    break;
                }
                (0xff, 0xff) => at += 1,
                // Markers without a length: TEM and the restart markers.
                (0xff, 0x01 | 0xd0..=0xd7) => at += 2,
                (0xff, _) => {
                    let Some(&[high, low]) = jpeg.get(at + 2..at + 4) else { break };
                    let next = at + 2 + usize::from(u16::from_be_bytes([high, low]));
                    markers.segment(code, jpeg.get(at + 4..next.max(at + 4)).unwrap_or_default());
                    at = next;
                    if code == 0xda {
                        at += scan_length(jpeg.get(at..).unwrap_or_default());
                    }
                }
                _ => {
                    markers.ended = true;
                    break;
                }
            }
        }
        markers
    }

    fn segment(&mut self, code: u8, body: &[u8]) {
        match (code, body) {
            // The frame; 0xc4, 0xc8 and 0xcc are tables, 0xf7 is JPEG-LS.
            (
                0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf | 0xf7,
                &[bits, high, low, _, _, _, ref rest @ ..],
            ) if self.frame.is_none() => {
                let colours = rest.chunks_exact(3).map(|c| [c[0], c[1] >> 4, c[1] & 15]).collect();
                self.frame =
                    Some(Frame { process: code, bits, height: u16::from_be_bytes([high, low]), colours });
            }
            (0xda, &[colours, ..]) if self.first_scan == 0 => self.first_scan = colours,
            (0xe0, [b'J', b'F', b'I', b'F', 0, ..]) => self.jfif = true,
            (0xee, [b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, transform, ..]) => {
                self.adobe = Some(*transform)
            }
            _ => {}
        }
    }

    /// Refuses what is cut off, and by its name what no decoder here reads.
    pub(super) fn check(&self, path: &Path) -> Result<(), ReadError> {
        let refused = |what: &str| Err(ReadError::foreign(path, what));
        if let Some(frame) = &self.frame {
            match frame.process {
                0xc3 => return refused("a lossless JPEG"),
                0xc5..=0xc7 => return refused("a hierarchical JPEG"),
                0xc9..=0xcf => return refused("a JPEG with arithmetic coding"),
                0xf7 => return refused("a JPEG-LS picture"),
                _ => {}
            }
            if frame.bits != 8 {
                return refused(&format!("a JPEG with {} bits a colour", frame.bits));
            }
            if frame.height == 0 {
                return refused("a JPEG that states its height only after the pixels");
            }
            if !matches!(frame.colours.len(), 1 | 3 | 4) {
                return refused(&format!("a JPEG of {} colours", frame.colours.len()));
            }
            let most = |place: usize| frame.colours.iter().map(|colour| colour[place]).max().unwrap_or(1);
            let whole =
                |place: usize| frame.colours.iter().all(|c| c[place] == 0 || most(place) % c[place] == 0);
            if !whole(1) || !whole(2) {
                return refused("a JPEG whose colours are not sampled in whole ratios");
            }
        }
        if !self.ended {
            let reason = "the JPEG has no end-of-image marker".into();
            return Err(ReadError::Truncated { path: path.into(), reason });
        }
        Ok(())
    }

    /// Whether it is of a kind that the usual decoder refuses, or shows wrongly without a word: colours in scans of their
    /// own that are not refined later, sampling in thirds, colours with more samples than the first one, marks at odds.
    pub(super) fn unusual(&self) -> bool {
        self.frame.as_ref().is_some_and(|frame| {
            let progressive = frame.process == 0xc2;
            let [_, width, height] = frame.colours.first().copied().unwrap_or_default();
            let factors = |[_, h, v]: &[u8; 3]| {
                [*h, *v].iter().all(|f| matches!(f, 1 | 2 | 4)) && *h <= width && *v <= height
            };
            // Where both marks stand, JFIF's decides, as libjpeg has it.
            let two_marks = self.jfif && self.adobe == Some(0) && frame.colours.len() == 3;
            two_marks
                || !progressive && usize::from(self.first_scan) < frame.colours.len()
                || !frame.colours.iter().all(factors)
        })
    }

    /// What the colours are: by the rules of libjpeg, which everybody follows.
    fn transform(&self) -> ColorTransform {
        let letters = self.frame.iter().flat_map(|frame| &frame.colours).map(|[letter, ..]| letter);
        match (self.frame.as_ref().map_or(0, |frame| frame.colours.len()), self.adobe) {
            (0 | 1, _) => ColorTransform::Grayscale,
            (4, None | Some(0)) => ColorTransform::CMYK,
            (4, Some(_)) => ColorTransform::YCCK,
            _ if self.jfif => ColorTransform::YCbCr,
            (_, Some(0)) => ColorTransform::RGB,
            (_, None) if letters.eq(b"RGB") => ColorTransform::RGB,
            _ => ColorTransform::YCbCr,
        }
    }
}

/// Bytes of entropy-coded data: up to a marker that is neither a stuffed zero nor a restart.
fn scan_length(data: &[u8]) -> usize {
    let marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7 | 0xff);
    data.windows(2).position(marker).unwrap_or(data.len())
}

/// Decodes an [unusual](Markers::unusual) one.
pub(super) fn decode(path: &Path, jpeg: &[u8], markers: &Markers) -> Result<Decoded, ReadError> {
    let malformed = |reason: String| ReadError::Malformed { path: path.into(), reason };
    let failed = |error| match error {
        Error::Unsupported(feature) => {
            ReadError::foreign(path, &format!("a JPEG of this kind ({feature:?})"))
        }
        error => malformed(error.to_string()),
    };
    let mut decoder = Decoder::new(jpeg);
    decoder.set_max_decoding_buffer_size(usize::try_from(MAX_BYTES).unwrap_or(usize::MAX));
    decoder.set_color_transform(markers.transform());
    decoder.read_info().map_err(failed)?;
    let no_frame = || malformed("it holds no picture".to_string());
    let info = decoder.info().ok_or_else(no_frame)?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    check_size(path, width, height)?;
    let pixels = decoder.decode().map_err(failed)?;
    let image = match info.pixel_format {
        PixelFormat::L8 => GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
        PixelFormat::RGB24 => RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
        PixelFormat::CMYK32 => {
            let paper = |ink: u8| 255 - u32::from(ink);
            let colours = |ink: &[u8]| [0, 1, 2].map(|c| ((paper(ink[c]) * paper(ink[3]) + 127) / 255) as u8);
            let rgb = pixels.chunks_exact(4).flat_map(colours).collect();
            RgbImage::from_raw(width, height, rgb).map(DynamicImage::from)
        }
        PixelFormat::L16 => None,
    };
    Ok(Decoded {
        image: image.ok_or_else(no_frame)?,
        icc: decoder.icc_profile(),
        orientation: decoder
            .exif_data()
            .and_then(Orientation::from_exif_chunk)
            .unwrap_or(Orientation::NoTransforms),
        premultiplied: false,
        metadata: jpeg_segments::metadata(jpeg),
    })
}
