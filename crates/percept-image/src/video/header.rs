//! The first line of a YUV4MPEG2 stream.

use super::Y4mError;
use super::chroma::Chroma;
use crate::{MAX_PIXELS, MAX_SIDE};

/// Letters that a line may have.
pub(super) const LINE: usize = 1024;

/// What a stream says before its frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Y4mHeader {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bits a sample: 8 or 10.
    pub bits: u32,
    /// Whether samples use all levels, not the studio's (16 to 235).
    pub full_range: bool,
    pub(super) chroma: Chroma,
    /// All other words, as they are: frames a second, shape of the pixels, notes.
    others: Vec<String>,
    /// The word for the colours, as it is.
    colours: Option<String>,
}

impl Y4mHeader {
    /// From the line without its end.
    pub(super) fn read(line: &str) -> Result<Self, Y4mError> {
        let wrong = |reason: &str| Y4mError::NotY4m { reason: reason.to_string() };
        let mut words = line.split(' ');
        if words.next() != Some("YUV4MPEG2") {
            return Err(wrong("it does not begin with YUV4MPEG2"));
        }
        let (mut size, mut colours, mut others, mut full_range) = ([None; 2], None, Vec::new(), false);
        for word in words.filter(|word| !word.is_empty()) {
            let (kind, value) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
            match kind {
                "W" => size[0] = value.parse::<usize>().ok(),
                "H" => size[1] = value.parse::<usize>().ok(),
                "C" => colours = Some(word.to_string()),
                "I" if matches!(value, "t" | "b" | "m") => {
                    return Err(Y4mError::Unsupported {
                        what: "interlaced video".into(),
                        advice: "-vf bwdif",
                    });
                }
                _ => {
                    full_range |= word == "XCOLORRANGE=FULL";
                    others.push(word.to_string());
                }
            }
        }
        let [Some(width), Some(height)] = size else {
            return Err(wrong("it does not say its width and height"));
        };
        let pixels = (width as u64).saturating_mul(height as u64);
        if pixels == 0 || width.max(height) > MAX_SIDE as usize || pixels > MAX_PIXELS {
            return Err(wrong(&format!("it says that frames have {width}×{height} pixels")));
        }
        let name = colours.as_deref().map_or("420jpeg", |word| &word[1..]);
        let Some((chroma, bits)) = Chroma::named(name) else {
            let what = format!("video with colours of the kind {name}");
            return Err(Y4mError::Unsupported {
                what,
                advice: "-pix_fmt yuv420p (or yuv444p, yuv420p10le, yuv444p10le)",
            });
        };
        Ok(Self { width, height, bits, full_range, chroma, others, colours })
    }

    /// The same stream of frames of another size.
    #[must_use]
    pub fn with_size(&self, width: usize, height: usize) -> Self {
        Self { width, height, ..self.clone() }
    }

    /// The line with its end.
    pub(super) fn line(&self) -> String {
        let mut line = format!("YUV4MPEG2 W{} H{}", self.width, self.height);
        for word in self.others.iter().chain(&self.colours) {
            line.push(' ');
            line.push_str(word);
        }
        line.push('\n');
        line
    }

    /// Width and height of the two planes of colour.
    pub(super) fn chroma_size(&self) -> (usize, usize) {
        match self.chroma {
            Chroma::Full => (self.width, self.height),
            _ => (self.width.div_ceil(2), self.height.div_ceil(2)),
        }
    }

    /// Bytes of a frame's samples.
    pub fn frame_bytes(&self) -> usize {
        let (wide, high) = self.chroma_size();
        (self.width * self.height + 2 * wide * high) * if self.bits > 8 { 2 } else { 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_what_they_say_and_come_back() {
        let line = "YUV4MPEG2 W640 H481 F30000:1001 Ip A1:1 C420mpeg2 XYSCSS=420MPEG2 XCOLORRANGE=FULL";
        let header = Y4mHeader::read(line).unwrap();
        assert_eq!((header.width, header.height, header.bits, header.full_range), (640, 481, 8, true));
        assert_eq!(header.chroma, Chroma::Left);
        assert_eq!(header.chroma_size(), (320, 241));
        let again = header.with_size(2560, 1924).line();
        for word in ["W2560", "H1924", "F30000:1001", "Ip", "A1:1", "C420mpeg2", "XCOLORRANGE=FULL"] {
            assert!(again.split_whitespace().any(|found| found == word), "{again}");
        }
        let deep = Y4mHeader::read("YUV4MPEG2 W4 H2 C444p10").unwrap();
        assert_eq!((deep.bits, deep.chroma, deep.frame_bytes()), (10, Chroma::Full, 48));
        assert_eq!(Y4mHeader::read("YUV4MPEG2 W4 H2").unwrap().chroma, Chroma::Centre);
    }

    #[test]
    fn other_lines_are_refused_by_what_is_wrong() {
        for (line, words) in [
            ("RIFF", "YUV4MPEG2"),
            ("YUV4MPEG2 W4", "width and height"),
            ("YUV4MPEG2 W0 H4", "0×4"),
            ("YUV4MPEG2 W99999999 H99999999", "99999999"),
            ("YUV4MPEG2 W4 H4 C422", "422"),
            ("YUV4MPEG2 W4 H4 Cmono", "mono"),
            ("YUV4MPEG2 W4 H4 It", "interlaced"),
            ("YUV4MPEG2 W4 H4 C\u{e9}", "\u{e9}"),
        ] {
            let error = Y4mHeader::read(line).unwrap_err().to_string();
            assert!(error.contains(words), "{line}: {error}");
        }
    }
}
