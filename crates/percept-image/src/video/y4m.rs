//! Frames of a YUV4MPEG2 stream, as ffmpeg and mjpegtools write and read it through pipes.

use std::io::{BufRead, Read, Write};

use super::header::LINE;
use super::yuv::Levels;
use super::{Matrix, Y4mError, Y4mHeader};
use crate::{Image, Srgb};

/// Reads frames.
pub struct Y4mReader<R> {
    input: R,
    header: Y4mHeader,
    matrix: Matrix,
    samples: Vec<u8>,
    frames: u64,
}

impl<R: BufRead> Y4mReader<R> {
    /// Reads the first line. Streams do not say their matrix: without one it is [`Matrix::usual`].
    ///
    /// # Errors
    /// When it is no such stream, of a kind that is not read, or ends.
    pub fn new(mut input: R, matrix: Option<Matrix>) -> Result<Self, Y4mError> {
        let not = |reason: &str| Y4mError::NotY4m { reason: reason.to_string() };
        let line = line(&mut input)?
            .ok_or_else(|| not("it holds no bytes"))?
            .ok_or_else(|| not("its first line has no end"))?;
        let header =
            Y4mHeader::read(std::str::from_utf8(&line).map_err(|_| not("its first line is no text"))?)?;
        let matrix = matrix.unwrap_or_else(|| Matrix::usual(header.height));
        Ok(Self { input, header, matrix, samples: Vec::new(), frames: 0 })
    }

    /// What the stream says before its frames.
    pub fn header(&self) -> &Y4mHeader {
        &self.header
    }

    /// How colours are mixed.
    pub fn matrix(&self) -> Matrix {
        self.matrix
    }

    /// The next frame; `None` where the stream ends behind a whole one.
    ///
    /// # Errors
    /// When the stream ends within a frame, or something else stands where a frame must.
    pub fn read(&mut self) -> Result<Option<Image<Srgb>>, Y4mError> {
        let Some(line) = line(&mut self.input)? else { return Ok(None) };
        self.frames += 1;
        let frame = self.frames;
        let line = line.ok_or(Y4mError::Frame { frame, reason: "cut off" })?;
        if line != b"FRAME" && !line.starts_with(b"FRAME ") {
            return Err(Y4mError::Frame { frame, reason: "not where it must be" });
        }
        // As they come: a first line that lies about the size asks for no memory.
        self.samples.clear();
        let bytes = self.header.frame_bytes();
        self.input.by_ref().take(bytes as u64).read_to_end(&mut self.samples)?;
        if self.samples.len() < bytes {
            return Err(Y4mError::Frame { frame, reason: "cut off" });
        }
        Ok(Some(self.image()))
    }

    fn image(&self) -> Image<Srgb> {
        let header = &self.header;
        let size = (header.width, header.height);
        let levels = Levels::new(header.bits, header.full_range);
        let samples: Vec<f32> = match header.bits {
            8 => self.samples.iter().map(|level| f32::from(*level)).collect(),
            _ => self
                .samples
                .chunks_exact(2)
                .map(|two| f32::from(u16::from_le_bytes([two[0], two[1]])))
                .collect(),
        };
        let (luma, colours) = samples.split_at(size.0 * size.1);
        let (cb, cr) = colours.split_at(colours.len() / 2);
        let spread = |plane: &[f32]| header.chroma.spread(plane, size);
        let (cb, cr) = (spread(cb), spread(cr));
        let pixels = luma.iter().zip(cb.iter().zip(&cr)).flat_map(|(y, (cb, cr))| {
            self.matrix
                .rgb([levels.luma(*y), levels.colour(*cb), levels.colour(*cr)])
                .map(|value| value.clamp(0.0, 1.0))
        });
        Image::from_parts(size.0, size.1, pixels.collect())
    }
}

/// A line without its end; `Some(None)` where the input ends within it or it is too long, `None` where there is nothing.
fn line(input: &mut impl BufRead) -> std::io::Result<Option<Option<Vec<u8>>>> {
    let mut line = Vec::new();
    input.by_ref().take(LINE as u64).read_until(b'\n', &mut line)?;
    Ok(match line.pop() {
        None => None,
        Some(b'\n') => Some(Some(line)),
        Some(_) => Some(None),
    })
}

/// Writes frames.
pub struct Y4mWriter<W> {
    out: W,
    header: Y4mHeader,
    matrix: Matrix,
    frames: u64,
}

impl<W: Write> Y4mWriter<W> {
    /// Writes the first line.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn new(mut out: W, header: Y4mHeader, matrix: Matrix) -> Result<Self, Y4mError> {
        out.write_all(header.line().as_bytes())?;
        Ok(Self { out, header, matrix, frames: 0 })
    }

    /// Writes a frame. Values are cut to `[0, 1]`.
    ///
    /// # Errors
    /// When the frame has another size than the stream or a value that is no colour, or the system refuses.
    pub fn write(&mut self, frame: &Image<Srgb>) -> Result<(), Y4mError> {
        self.frames += 1;
        let size = (self.header.width, self.header.height);
        let unwritable = |reason: String| Y4mError::Unwritable { frame: self.frames, reason };
        if frame.size() != size {
            return Err(unwritable(format!("it has {:?} pixels, the stream {size:?}", frame.size())));
        }
        if frame.data().iter().any(|value| !value.is_finite()) {
            return Err(unwritable("a value is no colour; the computation that made it failed".to_string()));
        }
        let mut planes: [Vec<f32>; 3] = std::array::from_fn(|_| Vec::with_capacity(size.0 * size.1));
        for pixel in frame.data().chunks_exact(3) {
            let yuv = self.matrix.yuv([pixel[0], pixel[1], pixel[2]].map(|value| value.clamp(0.0, 1.0)));
            planes.iter_mut().zip(yuv).for_each(|(plane, value)| plane.push(value));
        }
        let levels = Levels::new(self.header.bits, self.header.full_range);
        let [y, cb, cr] = planes;
        let gathered = |plane: &[f32]| self.header.chroma.gathered(plane, size);
        let colours = [gathered(&cb), gathered(&cr)];
        let samples = y
            .iter()
            .map(|v| levels.of_luma(*v))
            .chain(colours.iter().flatten().map(|v| levels.of_colour(*v)));
        let bytes: Vec<u8> = match self.header.bits {
            8 => samples.map(|level| level as u8).collect(),
            _ => samples.flat_map(u16::to_le_bytes).collect(),
        };
        self.out.write_all(b"FRAME\n")?;
        self.out.write_all(&bytes)?;
        Ok(self.out.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(colours: &str, frames: usize) -> (Vec<u8>, Vec<Image<Srgb>>) {
        let header = Y4mHeader::read(&format!("YUV4MPEG2 W17 H12 F25:1 {colours}")).unwrap();
        let mut bytes = Vec::new();
        let mut writer = Y4mWriter::new(&mut bytes, header, Matrix::Bt709).unwrap();
        let images = (0..frames).map(|n| {
            Image::from_fn(17, 12, |x, y, c| 0.5 + 0.3 * ((x + 2 * y + 5 * c + n) as f32 / 9.0).sin())
        });
        let images: Vec<_> = images.collect();
        images.iter().for_each(|image| writer.write(image).unwrap());
        (bytes, images)
    }

    #[test]
    fn frames_come_back_as_well_as_their_kind_can() {
        for (colours, tolerance) in [
            ("C444", 0.006),
            ("C444p10", 0.0016),
            ("C420jpeg", 0.06),
            ("C420mpeg2", 0.06),
            ("C420paldv", 0.06),
            ("C420p10 XCOLORRANGE=FULL", 0.06),
        ] {
            let (bytes, images) = stream(colours, 3);
            let mut reader = Y4mReader::new(&bytes[..], Some(Matrix::Bt709)).unwrap();
            for image in &images {
                let got = reader.read().unwrap().unwrap();
                let far = got.data().iter().zip(image.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(far < tolerance, "{colours}: {far}");
            }
            assert!(reader.read().unwrap().is_none());
        }
    }

    #[test]
    fn a_stream_that_breaks_off_or_goes_astray_is_an_error() {
        let (bytes, _) = stream("C420jpeg", 2);
        let all = |bytes: &[u8]| -> Result<u64, Y4mError> {
            let mut reader = Y4mReader::new(bytes, None)?;
            let mut frames = 0;
            while reader.read()?.is_some() {
                frames += 1;
            }
            Ok(frames)
        };
        let frame = 6 + 17 * 12 + 2 * 9 * 6;
        let first = bytes.len() - 2 * frame;
        for cut in 0..bytes.len() {
            let whole = [first, first + frame].contains(&cut);
            assert_eq!(all(&bytes[..cut]).is_ok(), whole, "{cut}");
        }
        assert_eq!(all(&bytes).unwrap(), 2);
        let mut astray = bytes.clone();
        astray[first + frame] = b'X';
        assert!(all(&astray).unwrap_err().to_string().contains("frame 2 is not where"));
        // An endless line ends.
        assert!(Y4mReader::new(std::io::BufReader::new(std::io::repeat(b'Y')), None).is_err());
    }
}
