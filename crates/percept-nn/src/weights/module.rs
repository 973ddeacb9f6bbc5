//! Weights out of and into Burn modules, by the path of each parameter.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

use super::{Array, StateDict, WeightError};

pub(super) fn collect<M: Module>(module: &M) -> StateDict {
    let mut collector = Collector { path: Path::default(), state: StateDict::new() };
    module.visit(&mut collector);
    collector.state
}

pub(super) fn outline<M: Module>(module: &M) -> StateDict {
    let mut outline = StateDict::new();
    for (name, shape) in Shapes::of(module) {
        outline.insert(&name, Array { shape, data: Vec::new() });
    }
    outline
}

pub(super) fn apply<M: Module>(state: &StateDict, module: M) -> Result<M, WeightError> {
    let shapes = Shapes::of(&module);
    let Differences { missing, unexpected, .. } = compare(state, &shapes);
    if !missing.is_empty() || !unexpected.is_empty() {
        return Err(WeightError::Names { origin: state.origin.clone(), missing, unexpected });
    }
    for (name, shape) in &shapes {
        state.require(name, shape)?;
    }
    Ok(module.map(&mut Applier { path: Path::default(), state }))
}

pub(super) fn apply_fitting<M: Module>(
    state: &StateDict,
    module: M,
) -> Result<(M, Differences), WeightError> {
    let shapes = Shapes::of(&module);
    let found = compare(state, &shapes);
    if found.alike == 0 {
        if let Some((name, _, needed)) = found.reshaped.first() {
            state.require(name, needed)?;
        }
        let Differences { missing, unexpected, .. } = found;
        return Err(WeightError::Names { origin: state.origin.clone(), missing, unexpected });
    }
    let mut fitting = StateDict::new();
    for (name, shape) in &shapes {
        if state.get(name).is_some_and(|array| array.shape == *shape) {
            fitting.insert(name, state.require(name, shape)?.clone());
        }
    }
    Ok((module.map(&mut Applier { path: Path::default(), state: &fitting }), found))
}

/// What two sets of names and shapes have that the other has not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Names that both have, with the same shape.
    pub alike: usize,
    /// Names that the module has and the weights lack.
    pub missing: Vec<String>,
    /// Names that the weights have and the module lacks.
    pub unexpected: Vec<String>,
    /// Names of other shapes: those of the weights, and those that the module needs.
    pub reshaped: Vec<(String, Vec<usize>, Vec<usize>)>,
}

impl std::fmt::Display for Differences {
    /// `12 of 20 weights taken; not there: a, b; of another size: c (3×4, not 5×4); of no use: d`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const NAMED: usize = 4;
        let side = |shape: &[usize]| shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("×");
        let sizes = |(name, has, needs): &(String, Vec<usize>, Vec<usize>)| {
            format!("{name} ({}, not {})", side(has), side(needs))
        };
        write!(
            f,
            "{} of {} weights taken",
            self.alike,
            self.alike + self.missing.len() + self.reshaped.len()
        )?;
        let reshaped = self.reshaped.iter().map(sizes).collect::<Vec<_>>();
        let kinds =
            [("not there", &self.missing), ("of another size", &reshaped), ("of no use", &self.unexpected)];
        for (what, names) in kinds.into_iter().filter(|(_, names)| !names.is_empty()) {
            let first = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
            let more = names.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            write!(f, "; {what}: {first}{more}")?;
        }
        Ok(())
    }
}

impl Differences {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.reshaped.is_empty()
    }
}

pub(super) fn differences(state: &StateDict, needed: &StateDict) -> Differences {
    let shape = |(name, array): (&str, &Array)| (name.to_string(), array.shape.clone());
    compare(state, &needed.iter().map(shape).collect())
}

fn compare(state: &StateDict, shapes: &BTreeMap<String, Vec<usize>>) -> Differences {
    let mut differences = Differences::default();
    for (name, needed) in shapes {
        match state.get(name) {
            None => differences.missing.push(name.clone()),
            Some(array) if array.shape == *needed => differences.alike += 1,
            Some(array) => differences.reshaped.push((name.clone(), array.shape.clone(), needed.clone())),
        }
    }
    let unexpected = state.arrays.keys().filter(|name| !shapes.contains_key(*name));
    differences.unexpected = unexpected.cloned().collect();
    differences
}

/// Where the traversal stands. An enum's variant is a place without a name.
#[derive(Default)]
struct Path(Vec<Option<String>>);

impl Path {
    fn enter(&mut self, name: &str, container: &str) {
        self.0.push((!container.starts_with("Enum:")).then(|| name.to_string()));
    }

    fn exit(&mut self) {
        self.0.pop();
    }

    fn name(&self) -> String {
        let parts: Vec<_> = self.0.iter().flatten().map(String::as_str).collect();
        parts.join(".")
    }
}

struct Collector {
    path: Path,
    state: StateDict,
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.state.insert(&self.path.name(), Array::of(param.val()));
    }
}

struct Shapes {
    path: Path,
    shapes: BTreeMap<String, Vec<usize>>,
}

impl Shapes {
    /// The shape of every parameter, without making its values.
    fn of<M: Module>(module: &M) -> BTreeMap<String, Vec<usize>> {
        let mut shapes = Self { path: Path::default(), shapes: BTreeMap::new() };
        module.visit(&mut shapes);
        shapes.shapes
    }
}

impl ModuleVisitor for Shapes {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.shapes.insert(self.path.name(), param.lazy_shape().as_slice().to_vec());
    }
}

/// Puts in what [`apply`] has checked.
struct Applier<'a> {
    path: Path,
    state: &'a StateDict,
}

impl ModuleMapper for Applier<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(array) = self.state.get(&self.path.name()) else { return param };
        let data = TensorData::new(array.data.clone(), array.shape.clone());
        let tensor = Tensor::from_data(data, &param.lazy_device());
        let id = param.id;
        param.transform_for_load(tensor, id)
    }
}
