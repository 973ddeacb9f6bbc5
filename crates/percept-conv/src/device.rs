//! Devices by name.

use burn::tensor::Device;

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
    names
}

/// The device `name`: one of [`devices`].
pub fn device(name: &str) -> Result<Device, DeviceError> {
    match name {
        "cpu" => Ok(Device::flex()),
        #[cfg(feature = "cuda")]
        "cuda" => Ok(Device::cuda(burn::tensor::DeviceIndex::Default)),
        #[cfg(feature = "metal")]
        "metal" => Ok(Device::metal(burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "vulkan")]
        "vulkan" => Ok(Device::vulkan(burn::tensor::DeviceKind::DefaultDevice)),
        _ => Err(DeviceError::NotCompiled { name: name.to_owned(), compiled: devices() }),
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
