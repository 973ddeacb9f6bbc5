//! Devices by name.

use burn::tensor::Device;
#[cfg(feature = "cuda")]
use burn::tensor::DeviceIndex;
#[cfg(any(feature = "metal", feature = "vulkan", feature = "wgpu"))]
use burn::tensor::DeviceKind;
#[cfg(feature = "_device")]
use burn::tensor::DeviceType;

/// A device that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The name is no device's, or the device was not compiled in.
    #[error("no device `{name}` in this build; compiled in: {}", compiled.join(", "))]
    NotCompiled {
        /// The name that was asked for.
        name: String,
        /// The names that [`device`] knows.
        compiled: Vec<&'static str>,
    },
    /// It was compiled in, but the machine has none.
    #[error("no `{name}` device on this machine: its driver is not installed, or finds none")]
    Missing {
        /// The name that was asked for.
        name: String,
    },
}

/// The names of the devices that are compiled in; `cpu` always is.
pub fn devices() -> Vec<&'static str> {
    let mut names = vec!["cpu"];
    if cfg!(feature = "cuda") {
        names.push("cuda");
    }
    if cfg!(feature = "metal") {
        names.push("metal");
    }
    if cfg!(feature = "vulkan") {
        names.push("vulkan");
    }
    if cfg!(feature = "wgpu") {
        names.push("wgpu");
    }
    names
}

/// The device `name`: one of [`devices`], if the machine has it.
pub fn device(name: &str) -> Result<Device, DeviceError> {
    match name {
        "cpu" => Ok(Device::flex()),
        #[cfg(feature = "cuda")]
        "cuda" => present(name, DeviceType::Cuda, Device::cuda(DeviceIndex::Default)),
        #[cfg(feature = "metal")]
        "metal" => present(name, DeviceType::Metal, Device::metal(DeviceKind::DefaultDevice)),
        #[cfg(feature = "vulkan")]
        "vulkan" => present(name, DeviceType::Vulkan, Device::vulkan(DeviceKind::DefaultDevice)),
        #[cfg(feature = "wgpu")]
        "wgpu" => present(name, DeviceType::Wgpu, Device::wgpu(DeviceKind::DefaultDevice)),
        _ => Err(DeviceError::NotCompiled { name: name.to_owned(), compiled: devices() }),
    }
}

/// `device`, if the machine has one of the `kind`: its first operation would panic otherwise.
#[cfg(feature = "_device")]
fn present(name: &str, kind: DeviceType, device: Device) -> Result<Device, DeviceError> {
    match Device::enumerate(kind).is_empty() {
        true => Err(DeviceError::Missing { name: name.to_owned() }),
        false => Ok(device),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_compiled_device_is_found_and_others_are_named() {
        assert_eq!(device("cpu"), Ok(Device::flex()));
        let error = device("toaster").unwrap_err().to_string();
        assert!(error.contains("`toaster`") && error.contains("cpu"), "{error}");
    }
}
