//! Video in a pipe.

use std::io;

use percept_image::video::{Matrix, Y4mReader};

use super::{Target, answer, bytes};

pub(super) struct Y4m;

impl Target for Y4m {
    fn seeds(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let stream = |head: &str, samples: usize| {
            let mut stream = format!("YUV4MPEG2 {head}\n").into_bytes();
            for frame in 0..3 {
                stream.extend(b"FRAME\n");
                stream.extend((0..samples).map(|at| (at * 7 + frame) as u8));
            }
            stream
        };
        Ok(vec![
            stream("W7 H5 F25:1 Ip A1:1 C420jpeg", 35 + 2 * 12),
            stream("W4 H4 F30000:1001 C420mpeg2 XYSCSS=420MPEG2 XCOLORRANGE=FULL", 16 + 2 * 4),
            stream("W4 H2 C444", 24),
            stream("W4 H2 C420p10", 2 * (8 + 2 * 2)),
            stream("W2 H2 C444p10", 24),
        ])
    }

    fn words(&self) -> Vec<Vec<u8>> {
        bytes(&["YUV4MPEG2", "FRAME", " W", " H", " C420", "p10", "C422", "It", "XCOLORRANGE=FULL", "\n"])
    }

    fn feed(&mut self, input: &[u8]) -> Result<Option<String>, String> {
        let all = || {
            let mut reader = Y4mReader::new(input, Some(Matrix::Bt709))?;
            while reader.read()?.is_some() {}
            Ok::<_, percept_image::video::Y4mError>(())
        };
        answer(all())
    }
}
