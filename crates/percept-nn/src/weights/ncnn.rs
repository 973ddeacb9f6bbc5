//! ncnn's models: a text that lists the layers (`.param`), and their weights one after the other (`.bin`).
//!
//! Such a file has no names of weights, only an order. They get names by their place, `ncnn.0007.Convolution.weight`, and
//! whoever knows an architecture knows which place is which. Layers without weights are not computed by percept; their kinds
//! are in the metadata under [`LAYERS`].

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use half::f16;

use super::safetensors::convert;
use super::{Array, Provenance, StateDict, WeightError};

/// How the text starts.
pub(super) const MAGIC: &[u8] = b"7767517";
/// Metadata: the kinds of all layers in their order, joined by spaces.
pub(crate) const LAYERS: &str = "ncnn-layers";
/// Metadata: how many times larger a last layer makes the result, which no network has and percept leaves out.
pub(crate) const RESIZED: &str = "ncnn-resized";
/// How names of weights start.
pub(crate) const PREFIX: &str = "ncnn.";
/// What weights of half precision start with.
const HALF: u32 = 0x0130_6B47;
/// Layers that compute without weights.
const BARE: [&str; 14] = [
    "Input",
    "Split",
    "Concat",
    "BinaryOp",
    "Eltwise",
    "ReLU",
    "Interp",
    "PixelShuffle",
    "Reorg",
    "Swish",
    "Sigmoid",
    "Noop",
    "Crop",
    "Padding",
];

pub(super) fn read(param: &Path, bin: &Path, origin: String) -> Result<StateDict, WeightError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        |source| WeightError::Read { path, source }
    };
    let text = fs::read_to_string(param).map_err(failed(param))?;
    let bytes = fs::read(bin).map_err(failed(bin))?;
    let malformed = |problem: String| WeightError::Malformed { origin: origin.clone(), problem };
    let mut reader = Reader { bytes: &bytes, half: false };
    let (mut arrays, mut kinds, mut last) = (BTreeMap::new(), Vec::new(), None);
    // The first line is the magic number, the second says how many layers there are.
    for (place, line) in text.lines().skip(2).filter(|line| !line.trim().is_empty()).enumerate() {
        let layer = Layer::parse(line).ok_or_else(|| malformed(format!("`{line}` is no layer of ncnn")))?;
        let mut put = |what: &str, array: Option<Array>| {
            let name = format!("{PREFIX}{place:04}.{}.{what}", layer.kind);
            let array =
                array.ok_or_else(|| malformed(format!("`{line}` does not fit to {}", bin.display())))?;
            arrays.insert(name, array);
            Ok::<_, WeightError>(())
        };
        match layer.kind {
            "Convolution" => {
                let shape = layer.kernel();
                put("weight", shape.and_then(|shape| reader.tagged(shape)))?;
                if layer.number(5, 0) == Some(1) {
                    put("bias", layer.number(0, 0).and_then(|results| reader.plain(vec![results])))?;
                }
            }
            "PReLU" => put("weight", layer.number(0, 0).and_then(|slopes| reader.plain(vec![slopes])))?,
            "MemoryData" => put("data", layer.volume().and_then(|shape| reader.plain(shape)))?,
            kind if BARE.contains(&kind) => {}
            kind => return Err(malformed(format!("percept does not know ncnn's layer {kind}"))),
        }
        kinds.push(layer.kind);
        last = Some(layer);
    }
    if !reader.bytes.is_empty() {
        return Err(malformed(format!("{} has {} bytes too many", bin.display(), reader.bytes.len())));
    }
    let precision = if reader.half { "f16" } else { "f32" };
    let provenance =
        Provenance { format: "ncnn", precision: vec![precision.to_string()], ..Provenance::default() };
    let mut metadata = BTreeMap::new();
    let resize = last.filter(|layer| layer.kind == "Interp").and_then(|layer| layer.factor());
    if let Some(factor) = resize {
        kinds.pop();
        metadata.insert(RESIZED.to_string(), factor.to_string());
    }
    metadata.insert(LAYERS.to_string(), kinds.join(" "));
    Ok(StateDict { origin, arrays, metadata, provenance })
}

/// A line of the text.
struct Layer<'a> {
    kind: &'a str,
    /// What follows the names of what is read and written: numbers by their key.
    settings: BTreeMap<i32, &'a str>,
}

impl<'a> Layer<'a> {
    /// `Convolution conv_0 1 1 in0 1 0=64 1=3 …`
    fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (kind, _) = (words.next()?, words.next()?);
        let mut count = || words.next()?.parse::<usize>().ok();
        let blobs = count()?.checked_add(count()?)?;
        let settings = words.skip(blobs).map(|word| {
            let (key, value) = word.split_once('=')?;
            Some((key.parse().ok()?, value))
        });
        Some(Self { kind, settings: settings.collect::<Option<_>>()? })
    }

    fn number(&self, key: i32, default: usize) -> Option<usize> {
        self.settings.get(&key).map_or(Some(default), |value| value.parse().ok())
    }

    /// How many times larger an `Interp` makes both sides.
    fn factor(&self) -> Option<f64> {
        let [height, width]: [f64; 2] =
            [self.settings.get(&1)?.parse().ok()?, self.settings.get(&2)?.parse().ok()?];
        (height == width && height > 0.0 && height.is_finite()).then_some(height)
    }

    /// `[out, in, kh, kw]` of a convolution that moves by single pixels and keeps the size.
    fn kernel(&self) -> Option<Vec<usize>> {
        let (out, width) = (self.number(0, 0)?, self.number(1, 0)?);
        let height = self.number(11, width)?;
        // Dilation and stride, of columns and of rows, and the zeros around.
        let steps = [self.number(2, 1)?, self.number(3, 1)?];
        let steps = [steps[0], steps[1], self.number(12, steps[0])?, self.number(13, steps[1])?];
        let zeros = self.number(4, 0)?;
        let plain = steps == [1; 4] && zeros == width / 2 && self.number(14, zeros)? == height / 2;
        let each = out.checked_mul(width)?.checked_mul(height)?;
        let input = self.number(6, 0)?.checked_div(each)?;
        (plain && each.checked_mul(input) == self.number(6, 0)).then(|| vec![out, input, height, width])
    }

    /// The sides of constant data, those that there are.
    fn volume(&self) -> Option<Vec<usize>> {
        let sides = [2, 1, 0].map(|key| self.number(key, 0));
        sides.into_iter().filter(|side| *side != Some(0)).collect()
    }
}

/// What is left of the weights.
struct Reader<'a> {
    bytes: &'a [u8],
    half: bool,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    /// Values of single precision.
    fn plain(&mut self, shape: Vec<usize>) -> Option<Array> {
        let count = shape.iter().try_fold(4usize, |count, side| count.checked_mul(*side))?;
        Some(Array { data: convert(self.take(count)?, f32::from_le_bytes), shape })
    }

    /// Values behind a word that says their precision. Quantised ones are not read.
    fn tagged(&mut self, shape: Vec<usize>) -> Option<Array> {
        let tag = u32::from_le_bytes(self.take(4)?.try_into().ok()?);
        match tag {
            0 => self.plain(shape),
            HALF => {
                self.half = true;
                let count = shape.iter().try_fold(2usize, |count, side| count.checked_mul(*side))?;
                let bytes = self.take(count.checked_next_multiple_of(4)?)?;
                let data = convert(bytes.get(..count)?, |bytes| f16::from_le_bytes(bytes).to_f32());
                Some(Array { shape, data })
            }
            _ => None,
        }
    }
}
