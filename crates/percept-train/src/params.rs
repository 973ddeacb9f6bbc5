//! The float parameters of a module by their path, as weight files name them.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// What is done with each parameter that is looked at.
pub(crate) trait Look {
    fn look<const D: usize>(&mut self, path: &str, param: &Param<Tensor<D>>);
}

/// What becomes of each parameter.
pub(crate) trait Change {
    /// The new value of a parameter, on the device below autodiff, or `None` where it stays.
    fn change<const D: usize>(&mut self, path: &str, param: &Param<Tensor<D>>) -> Option<Tensor<D>>;
}

/// Shows every float parameter of `module` to `look`, in the module's order.
pub(crate) fn look_at<M: Module>(module: &M, look: &mut impl Look) {
    module.visit(&mut Walk { path: Vec::new(), visitor: look });
}

/// The module with its parameters changed; what requires a gradient goes on doing so.
pub(crate) fn change<M: Module>(module: M, change: &mut impl Change) -> M {
    module.map(&mut Walk { path: Vec::new(), visitor: change })
}

struct Walk<'a, V> {
    /// An enum's variant is a place without a name, as in weight files.
    path: Vec<Option<String>>,
    visitor: &'a mut V,
}

impl<V> Walk<'_, V> {
    fn enter(&mut self, name: &str, container: &str) {
        self.path.push((!container.starts_with("Enum:")).then(|| name.to_string()));
    }

    fn name(&self) -> String {
        let parts: Vec<_> = self.path.iter().flatten().map(String::as_str).collect();
        parts.join(".")
    }
}

impl<V: Look> ModuleVisitor for Walk<'_, V> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.enter(name, container_type);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.name();
        self.visitor.look(&name, param);
    }
}

impl<V: Change> ModuleMapper for Walk<'_, V> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.enter(name, container_type);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(value) = self.visitor.change(&self.name(), &param) else { return param };
        param.map(|old| match old.gradient_checkpointing_strategy() {
            // A parameter comes back with the settings of its device, or the next step cannot mix it with others.
            Some(strategy) => {
                let value = Tensor::from_inner(value).with_gradient_checkpointing_strategy(strategy);
                value.set_require_grad(old.is_require_grad())
            }
            None => value,
        })
    }
}
