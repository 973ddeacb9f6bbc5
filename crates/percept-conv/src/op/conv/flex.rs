//! The convolution on the CPU, on raw slices.

use std::sync::Arc;

use burn::backend::{Flex, TensorMetadata, tensor::FloatTensor};
use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::ConvBackend;
use crate::conv::{Activation, Conv};
use crate::geometry::Geometry;
use crate::kernel::{self, Derivative, Epilogue, Level, Pixels, Signs};
use crate::op::tensor;
use crate::packs::{Pack, Packs};

/// Numbers that one task of an elementwise pass handles.
const CHUNK: usize = 1 << 15;

impl ConvBackend for Flex {
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        conv: Conv,
        packs: Option<Arc<Packs>>,
    ) -> FloatTensor<Self> {
        forward(x, weight, bias, None, None, conv, packs)
    }

    fn convolve_residual(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        conv: Conv,
    ) -> FloatTensor<Self> {
        forward(x, weight, bias, Some(residual), None, conv, None)
    }

    fn activation_gradient(
        y: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let Some(slope) = activation.slope() else { return gradient };
        let y = y.to_contiguous();
        let mut gradient = contiguous(gradient);
        let scale = |(g, y): (&mut f32, &f32)| *g = if *y > 0.0 { *g } else { slope * *g };
        let (y, out) = (y.storage::<f32>(), gradient.storage_mut::<f32>());
        let pairs = out.par_chunks_mut(CHUNK).zip(y.par_chunks(CHUNK));
        pairs.for_each(|(g, y)| g.iter_mut().zip(y).for_each(scale));
        gradient
    }

    fn input_gradient(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        source: [usize; 4],
        conv: Conv,
        packs: Option<Arc<Packs>>,
    ) -> FloatTensor<Self> {
        input_gradient(weight, gradient, None, source, conv, packs)
    }

    fn input_gradient_through(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        y: FloatTensor<Self>,
        source: [usize; 4],
        conv: Conv,
        packs: Option<Arc<Packs>>,
    ) -> FloatTensor<Self> {
        input_gradient(weight, gradient, Some(y), source, conv, packs)
    }

    fn weight_gradient(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        conv: Conv,
    ) -> FloatTensor<Self> {
        let shape: [usize; 4] = weight.shape().dims();
        let geometry = Geometry::new(x.shape().dims(), shape, &conv);
        let (x, gradient) = (x.to_contiguous(), gradient.to_contiguous());
        // With few channels on one side, transforming the other costs more than is saved.
        let wide = geometry.input.min(geometry.output) >= 16;
        let values = if wide && geometry.winograd(geometry.result()) {
            let (size, padding) = (x.shape().dims(), geometry.padding);
            let x = Pixels { values: x.storage(), size, padding, derivative: None };
            let size = gradient.shape().dims();
            let gradient = Pixels { values: gradient.storage(), size, padding: 0, derivative: None };
            let precision = geometry.products(geometry.filtering);
            kernel::winograd_weight_gradient(Level::current(), precision, x, gradient)
        } else {
            kernel::weight_gradient(Level::current(), x.storage(), gradient.storage(), &geometry)
        };
        tensor(values, &shape)
    }

    fn bias_gradient(gradient: FloatTensor<Self>) -> FloatTensor<Self> {
        let [_, _, _, channels]: [usize; 4] = gradient.shape().dims();
        let gradient = gradient.to_contiguous();
        tensor(kernel::channel_sums(Level::current(), gradient.storage(), None, channels), &[channels])
    }
}

/// `slope` are those of a PReLU in the place of an activation.
pub(in crate::op) fn forward(
    x: FlexTensor,
    weight: FlexTensor,
    bias: FlexTensor,
    residual: Option<FlexTensor>,
    slope: Option<FlexTensor>,
    conv: Conv,
    packs: Option<Arc<Packs>>,
) -> FlexTensor {
    let geometry = Geometry::new(x.shape().dims(), weight.shape().dims(), &conv);
    let [x, weight, bias] = [x, weight, bias].map(|t| t.to_contiguous());
    let [residual, slope] = [residual, slope].map(|tensor| Some(tensor?.to_contiguous()));
    let epilogue = Epilogue {
        bias: bias.storage(),
        residual: residual.as_ref().map(FlexTensor::storage),
        slope: slope.as_ref().map(FlexTensor::storage),
        activation: conv.activation,
    };
    let packs = packs.unwrap_or_default();
    let weight = weight.storage();
    let values = convolved(Vec::new(), x.storage(), &geometry, weight, &packs.forward, epilogue, None);
    let [height, width] = geometry.result();
    tensor(values, &[geometry.batch, height, width, geometry.output])
}

/// The result in the memory of `spare`, with its signs where they are wanted.
pub(in crate::op) fn convolved(
    spare: Vec<f32>,
    x: &[f32],
    geometry: &Geometry,
    weight: &[f32],
    pack: &Pack,
    epilogue: Epilogue<'_>,
    signs: Option<&mut Signs>,
) -> Vec<f32> {
    if geometry.winograd(geometry.result()) {
        let transformed = pack.winograd(weight, geometry);
        let size = [geometry.batch, geometry.source[0], geometry.source[1], geometry.input];
        let pixels = Pixels { values: x, size, padding: geometry.padding, derivative: None };
        kernel::winograd_to(spare, pixels, transformed, epilogue, signs)
    } else {
        let packed = pack.direct(weight, geometry);
        let [rows, columns] = &[geometry.forward(0), geometry.forward(1)];
        kernel::convolve_to(spare, x, geometry.batch, [rows, columns], packed, epilogue, signs)
    }
}

/// `gradient` is that to the result `y` of the activation, where there is one.
fn input_gradient(
    weight: FlexTensor,
    gradient: FlexTensor,
    y: Option<FlexTensor>,
    source: [usize; 4],
    conv: Conv,
    packs: Option<Arc<Packs>>,
) -> FlexTensor {
    let geometry = Geometry::new(source, weight.shape().dims(), &conv);
    let (gradient, y) = (gradient.to_contiguous(), y.map(|y| y.to_contiguous()));
    let weight = weight.to_contiguous();
    let results = y.as_ref().map(FlexTensor::storage).zip(conv.activation.slope());
    let derivative = results.map(|(results, slope)| Derivative::Results(results, slope));
    let (packs, weight) = (packs.unwrap_or_default(), weight.storage());
    let gradient = gradient.storage();
    let values = source_gradient(Vec::new(), gradient, derivative, &geometry, weight, &packs.gradient);
    tensor(values, &source)
}

/// The gradient to what a convolution read, in the memory of `spare`; `derivative` is that of an activation which follows
/// the convolution.
pub(in crate::op) fn source_gradient(
    spare: Vec<f32>,
    gradient: &[f32],
    derivative: Option<Derivative<'_>>,
    geometry: &Geometry,
    weight: &[f32],
    pack: &Pack,
) -> Vec<f32> {
    if geometry.winograd(geometry.source) {
        let transformed = pack.winograd(weight, geometry);
        let [height, width] = geometry.result();
        let size = [geometry.batch, height, width, geometry.output];
        let pixels = Pixels { values: gradient, size, padding: 2 - geometry.padding, derivative };
        kernel::winograd_to(spare, pixels, transformed, Epilogue::default(), None)
    } else {
        let packed = pack.direct(weight, geometry);
        let before = derivative.map(|derivative| derivative.apply(gradient, Vec::new()));
        let gradient = before.as_deref().unwrap_or(gradient);
        let [rows, columns] = &[geometry.gradient(0), geometry.gradient(1)];
        let axes = [rows, columns];
        kernel::convolve_to(spare, gradient, geometry.batch, axes, packed, Epilogue::default(), None)
    }
}

fn contiguous(x: FlexTensor) -> FlexTensor {
    let whole = x.is_contiguous() && x.storage::<f32>().len() == x.shape().num_elements();
    if whole { x } else { x.to_contiguous() }
}
