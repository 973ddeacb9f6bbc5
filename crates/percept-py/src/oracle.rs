//! percept's own losses, for `percept.torch`: they check and complete its options, say where a selection starts, and take a step on
//! arrays that a test gives, so that neither can drift.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use percept_nn::disentangle::{Anchor, Control, blurred};
use percept_nn::loss::{LossConfig, TrainLoss};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::device::{cpu, store};
use crate::error;

/// One loss of a configuration, with the state of its selection.
#[pyclass(unsendable, module = "percept._percept", name = "_Loss")]
pub struct Loss {
    loss: TrainLoss,
    config: LossConfig,
    device: Device,
}

#[pymethods]
impl Loss {
    /// `config` is one of `[[train.losses]]` as JSON.
    #[new]
    fn new(config: &str) -> PyResult<Self> {
        let config: LossConfig = serde_json::from_str(config).map_err(error::call)?;
        config.validate().map_err(error::call)?;
        let device = cpu()?.autodiff();
        let loss = config.init(&store()?, &device).map_err(error::call)?;
        Ok(Self { loss, config, device })
    }

    /// The settings, completed, as JSON. What is left out has its default.
    fn config(&self) -> PyResult<String> {
        serde_json::to_string(&self.config).map_err(error::fault)
    }

    /// A training step: the selection moves, then the loss is taken. Arrays are float32, `[N, H, W, 3]`, in bytes. `distorted` is
    /// at the target's size; `earlier` is the averaged network's result.
    #[pyo3(signature = (shape, result, target, distorted, earlier = None))]
    fn step<'py>(
        &mut self,
        py: Python<'py>,
        shape: [usize; 4],
        result: &[u8],
        target: &[u8],
        distorted: &[u8],
        earlier: Option<&[u8]>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let device = self.device.clone();
        let read = |bytes: &[u8]| tensor(bytes, shape, &device);
        let (result, target, distorted) = (read(result)?.require_grad(), read(target)?, read(distorted)?);
        let earlier = earlier.map(read).transpose()?;
        let step = PyDict::new(py);
        let loss = match &mut self.loss {
            TrainLoss::Images(loss) => loss.forward(result.clone(), target),
            TrainLoss::Space(space) => {
                let seen = space.see(result.clone(), target.clone());
                let anchor = |anchor| match anchor {
                    Anchor::Input => distorted.clone(),
                    Anchor::Blurred => blurred(target.clone()),
                    Anchor::Earlier => earlier.clone().unwrap_or_else(|| distorted.clone()),
                };
                if let Some(selected) = space.selection_step(&seen, anchor) {
                    step.set_item("selection_loss", selected.loss)?;
                    step.set_item("active", selected.active)?;
                }
                let weights = space.selection().map(|selection| selection.weights()).unwrap_or_default();
                let weights: BTreeMap<_, _> =
                    weights.into_iter().map(|tap| (tap.name, tap.weights)).collect();
                step.set_item("weights", weights)?;
                space.transformation_loss(&seen)
            }
            TrainLoss::Artefacts(_) | TrainLoss::Adversarial(_) => {
                return Err(error::call("only losses of two images and losses in features"));
            }
        };
        step.set_item("loss", loss.clone().detach().into_scalar::<f32>())?;
        let gradient = result.grad(&loss.backward()).ok_or_else(|| error::fault("no gradient"))?;
        let gradient: Vec<f32> = gradient.into_data().try_to_vec().map_err(|_| error::fault("no floats"))?;
        let gradient: Vec<u8> = gradient.into_iter().flat_map(f32::to_ne_bytes).collect();
        step.set_item("gradient", PyBytes::new(py, &gradient))?;
        Ok(step)
    }

    /// The state of features' sizes and of the selection, by the names of a checkpoint.
    fn state(&self) -> BTreeMap<String, Vec<f32>> {
        match &self.loss {
            TrainLoss::Space(space) => {
                let state = space.state_dict();
                state.iter().map(|(name, array)| (name.to_string(), array.data.clone())).collect()
            }
            _ => BTreeMap::new(),
        }
    }
}

/// To which channel a control deals each weight of a tap in a batch; none where they stay. `control` is JSON.
#[pyfunction]
pub fn deal(control: &str, channels: usize, batch: usize, tap: usize) -> PyResult<Option<Vec<usize>>> {
    let control: Control = serde_json::from_str(control).map_err(error::call)?;
    Ok(control.deal(channels, batch, tap))
}

fn tensor(bytes: &[u8], shape: [usize; 4], device: &Device) -> PyResult<Tensor<4>> {
    let values: Vec<f32> =
        bytes.chunks_exact(4).filter_map(|value| Some(f32::from_ne_bytes(value.try_into().ok()?))).collect();
    if shape.iter().try_fold(1usize, |all, side| all.checked_mul(*side)) != Some(values.len())
        || shape[3] != 3
    {
        return Err(error::array("the bytes are no float32 of that shape"));
    }
    Ok(Tensor::from_data(TensorData::new(values, shape), device))
}
