//! Events of TensorBoard as bytes: protocol buffers in TFRecord frames.
//!
//! The messages and their field numbers are those of TensorFlow's published `event.proto` and
//! `summary.proto`; the frame is documented at <https://www.tensorflow.org/tutorials/load_data/tfrecord>.

use super::crc32c::masked;

/// What an event tells.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What<'a> {
    /// The first event of every file: the version of its format.
    Version,
    /// A run goes on: whatever an earlier file says about this step and later ones is void.
    Start,
    /// A number.
    Scalar { tag: &'a str, value: f32 },
    /// A picture, three channels.
    Image { tag: &'a str, width: u32, height: u32, png: &'a [u8] },
}

/// A framed event. `time` is in seconds since 1970.
pub(super) fn record(time: f64, step: u64, what: &What<'_>) -> Vec<u8> {
    let event = event(time, step, what);
    let length = (event.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(event.len() + 16);
    record.extend(length);
    record.extend(masked(&length).to_le_bytes());
    record.extend(&event);
    record.extend(masked(&event).to_le_bytes());
    record
}

fn event(time: f64, step: u64, what: &What<'_>) -> Vec<u8> {
    let mut event = Message::default();
    event.double(1, time).varint(2, step);
    match what {
        What::Version => event.bytes(3, b"brain.Event:2"),
        What::Start => event.bytes(7, &Message::default().varint(1, 1).0),
        What::Scalar { tag, value } => {
            let mut entry = Message::default();
            entry.bytes(1, tag.as_bytes()).float(2, *value);
            event.bytes(5, &Message::default().bytes(1, &entry.0).0)
        }
        What::Image { tag, width, height, png } => {
            let mut image = Message::default();
            image.varint(1, u64::from(*height)).varint(2, u64::from(*width)).varint(3, 3).bytes(4, png);
            let mut entry = Message::default();
            entry.bytes(1, tag.as_bytes()).bytes(4, &image.0);
            event.bytes(5, &Message::default().bytes(1, &entry.0).0)
        }
    };
    event.0
}

/// A message of protocol buffers that is being written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn key(&mut self, field: u64, wire_type: u64) {
        self.raw_varint(field << 3 | wire_type);
    }

    /// An integer; 0 is the default and is left out.
    fn varint(&mut self, field: u64, value: u64) -> &mut Self {
        if value != 0 {
            self.key(field, 0);
            self.raw_varint(value);
        }
        self
    }

    fn double(&mut self, field: u64, value: f64) -> &mut Self {
        self.key(field, 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) -> &mut Self {
        self.key(field, 2);
        self.raw_varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    fn float(&mut self, field: u64, value: f32) -> &mut Self {
        self.key(field, 5);
        self.0.extend(value.to_le_bytes());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that TensorBoard's own package wrote, by `tests/fixtures/make_events.py`.
    #[test]
    fn bytes_are_those_of_tensorboard() {
        let png: Vec<u8> = (0..200).collect();
        let events = [
            (1_700_000_000.25, 0, What::Version),
            (1_700_000_000.5, 101, What::Start),
            (1_700_000_001.0, 101, What::Scalar { tag: "l_g_pix", value: 0.125 }),
            (1_700_000_002.0, 300, What::Scalar { tag: "lr", value: 0.0 }),
            (
                1_700_000_003.0,
                5_000_000_000,
                What::Image { tag: "val/tea", width: 640, height: 3, png: &png },
            ),
        ];
        let written: Vec<u8> =
            events.iter().flat_map(|(time, step, what)| record(*time, *step, what)).collect();
        assert_eq!(written, include_bytes!("../../tests/fixtures/events.tfevents"));
    }
}
