//! What the binary carries, so that nothing has to be downloaded: weights.

use std::path::{Path, PathBuf};

use percept_nn::weights::WeightStore;

/// A file that is part of the binary.
pub struct Asset {
    /// Its name, without a folder.
    pub name: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
}

macro_rules! assets {
    ($folder:literal: $($name:literal)*) => {
        &[$(Asset {
            name: $name,
            bytes: include_bytes!(concat!("../../../assets/", $folder, "/", $name)),
        }),*]
    };
}

/// Weights, by the names of their files.
#[cfg(feature = "bundled")]
pub const WEIGHTS: &[Asset] = assets!("weights":
    "vgg16.safetensors" "alexnet.safetensors" "lpips-vgg16.safetensors" "lpips-alexnet.safetensors"
    "dists.safetensors"
);

/// Nothing was bundled.
#[cfg(not(feature = "bundled"))]
pub const WEIGHTS: &[Asset] = &[];

/// Where weights are found: the folder of the call, the user's own, the binary; in this order.
pub fn store(folder: Option<&Path>) -> WeightStore {
    let folders = folder.map(Path::to_path_buf).into_iter().chain(user_folder());
    let store = folders.fold(WeightStore::new(), |store, folder| store.with_dir(folder));
    let name = |asset: &Asset| asset.name.trim_end_matches(".safetensors");
    WEIGHTS.iter().fold(store, |store, asset| store.with_embedded(name(asset), asset.bytes))
}

/// Where `percept weights import` puts files.
pub fn user_folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = if cfg!(windows) {
        set("LOCALAPPDATA")
    } else {
        set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share")))
    };
    Some(data?.join("percept").join("weights"))
}

#[cfg(feature = "bundled")]
#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &str, extension: &str) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets").join(folder);
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = files.map(|name| name.into_string().unwrap()).collect();
        names.retain(|name| name.ends_with(extension));
        names.sort();
        names
    }

    #[test]
    fn every_asset_is_in_the_binary() {
        let mut bundled: Vec<_> = WEIGHTS.iter().map(|asset| asset.name.to_string()).collect();
        bundled.sort();
        assert_eq!(bundled, names("weights", ".safetensors"));
    }

    #[test]
    fn the_bundled_weights_are_the_known_ones() {
        for asset in WEIGHTS {
            store(None).open(asset.name.trim_end_matches(".safetensors")).unwrap();
        }
    }
}
