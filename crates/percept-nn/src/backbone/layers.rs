//! What a trunk consists of, before any weight is loaded.

use super::{BackboneError, Tap};

/// A layer of a trunk.
#[derive(Clone, Debug)]
pub(crate) enum Layer {
    /// A convolution with bias, followed by a ReLU.
    Conv(ConvLayer),
    /// Max pooling without padding.
    Pool {
        /// Side of the window.
        kernel: usize,
        /// Step between windows.
        stride: usize,
    },
}

/// A convolution of a trunk.
#[derive(Clone, Debug)]
pub(crate) struct ConvLayer {
    /// What follows `conv` and `relu` in the names of its taps.
    pub(crate) place: String,
    /// Position in torchvision's `features`.
    pub(crate) index: usize,
    /// Input and output channels.
    pub(crate) channels: [usize; 2],
    /// Side of the kernel.
    pub(crate) kernel: usize,
    /// Step between outputs.
    pub(crate) stride: usize,
    /// Zeros on every side.
    pub(crate) padding: usize,
}

/// A network by name, and its layers.
#[derive(Clone, Debug)]
pub(crate) struct Architecture {
    /// As in a config, and in the store of weights.
    pub(crate) name: &'static str,
    /// From the image inwards.
    pub(crate) layers: Vec<Layer>,
}

impl Architecture {
    /// Every tap there is, shallowest first.
    pub(crate) fn taps(&self) -> Vec<Tap> {
        let convs = self.layers.iter().filter_map(|layer| match layer {
            Layer::Conv(conv) => Some(conv),
            Layer::Pool { .. } => None,
        });
        let tap = |kind: &str, conv: &ConvLayer| Tap {
            name: format!("{kind}{}", conv.place),
            channels: conv.channels[1],
        };
        convs.flat_map(|conv| [tap("conv", conv), tap("relu", conv)]).collect()
    }

    /// Where taps that are known to exist stand among all taps.
    pub(crate) fn named(&self, taps: &[&str]) -> Vec<usize> {
        let all = self.taps();
        taps.iter().filter_map(|name| all.iter().position(|tap| tap.name == *name)).collect()
    }

    /// Where each of `asked` stands among all taps.
    ///
    /// # Errors
    /// When there is no such tap, or none is asked for.
    pub(crate) fn positions(&self, asked: &[String]) -> Result<Vec<usize>, BackboneError> {
        let all = self.taps();
        if asked.is_empty() {
            let example = all.last().map(|tap| tap.name.clone()).unwrap_or_default();
            return Err(BackboneError::NoTaps { backbone: self.name.to_string(), example });
        }
        let position = |name: &String| {
            all.iter().position(|tap| tap.name == *name).ok_or_else(|| {
                let mut known: Vec<_> = all.iter().map(|tap| tap.name.clone()).collect();
                known.sort_by_key(|tap| strsim::damerau_levenshtein(tap, name));
                BackboneError::UnknownTap { backbone: self.name.to_string(), tap: name.clone(), known }
            })
        };
        asked.iter().map(position).collect()
    }
}
