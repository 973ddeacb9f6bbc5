//! What percept carries, so that nothing has to be downloaded: weights, models and the demo's photos.
//!
//! The command and the Python module hold the same files. Those that a program does not use are not in it.

use std::path::{Path, PathBuf};

use percept_nn::weights::WeightStore;

/// The folder of weights that a call names is not there.
#[derive(Debug, thiserror::Error)]
#[error("{}: no such folder; check --weights", folder.display())]
pub struct NoFolder {
    /// As it was named.
    pub folder: PathBuf,
}

/// A file that is part of the program.
pub struct Asset {
    /// Its name, without a folder.
    pub name: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
}

#[cfg(feature = "bundled")]
macro_rules! assets {
    ($folder:literal: $($name:literal)*) => {
        &[$(Asset {
            name: $name,
            bytes: include_bytes!(concat!("../../../assets/", $folder, "/", $name)),
        }),*]
    };
}

// Statics and no constants: a constant is copied into every crate that names it.

/// Weights, by the names of their files.
#[cfg(feature = "bundled")]
pub static WEIGHTS: &[Asset] = assets!("weights":
    "vgg16.safetensors" "alexnet.safetensors" "lpips-vgg16.safetensors" "lpips-alexnet.safetensors"
    "dists.safetensors" "selected-vgg16.safetensors" "selected-alexnet.safetensors"
);

/// Models by their names, in the order in which they are listed: the first one restores a photo where the call names none.
#[cfg(feature = "bundled")]
pub static MODELS: &[Asset] = &[
    Asset { name: "photo-x4", bytes: include_bytes!("../../../models/photo-x4/model.safetensors") },
    Asset { name: "photo-x4-mild", bytes: include_bytes!("../../../models/photo-x4/mild.safetensors") },
    Asset { name: "classic-x4", bytes: include_bytes!("../../../models/classic-x4/model.safetensors") },
    Asset {
        name: "classic-x4-psnr",
        bytes: include_bytes!("../../../models/classic-x4-psnr/model.safetensors"),
    },
    Asset { name: "denoise", bytes: include_bytes!("../../../models/denoise/model.safetensors") },
    Asset { name: "jpeg", bytes: include_bytes!("../../../models/jpeg/model.safetensors") },
    Asset { name: "lowlight", bytes: include_bytes!("../../../models/lowlight/model.safetensors") },
];

/// Photos that the demo trains on.
#[cfg(feature = "bundled")]
pub static TRAIN_PHOTOS: &[Asset] = assets!("photos/train":
    "astronaut.jpg" "bricks.jpg" "cat.jpg" "courtyard.jpg" "dandelions.jpg" "forget-me-nots.jpg"
    "gravel.jpg" "lake.jpg" "osprey.jpg" "otters.jpg" "rocket.jpg" "tower.jpg" "wren.jpg"
);

/// Photos that the demo restores.
#[cfg(feature = "bundled")]
pub static VAL_PHOTOS: &[Asset] = assets!("photos/val":
    "cityscape.jpg" "coffee.jpg" "raccoon.jpg" "spices.jpg" "tea-garden.jpg"
);

#[cfg(not(feature = "bundled"))]
#[allow(missing_docs, reason = "what they are is said where they hold something")]
mod nothing {
    use super::Asset;

    pub static WEIGHTS: &[Asset] = &[];
    pub static MODELS: &[Asset] = &[];
    pub static TRAIN_PHOTOS: &[Asset] = &[];
    pub static VAL_PHOTOS: &[Asset] = &[];
}

#[cfg(not(feature = "bundled"))]
pub use nothing::*;

/// Where weights are found: the folder of the call, the user's own, the program; in this order.
///
/// # Errors
/// When the folder of the call is not there.
pub fn store(folder: Option<&Path>) -> Result<WeightStore, NoFolder> {
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(NoFolder { folder: folder.to_path_buf() });
    }
    let folders = folder.map(Path::to_path_buf).into_iter().chain(user_folder());
    let store = folders.fold(WeightStore::new(), |store, folder| store.with_dir(folder));
    let name = |asset: &Asset| asset.name.trim_end_matches(".safetensors");
    let store = WEIGHTS.iter().fold(store, |store, asset| store.with_embedded(name(asset), asset.bytes));
    Ok(MODELS.iter().fold(store, |store, model| store.with_model(model.name, model.bytes)))
}

/// Where `percept weights import` puts files.
pub fn user_folder() -> Option<PathBuf> {
    Some(data_folder()?.join("weights"))
}

/// What percept keeps for the user.
pub fn data_folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = if cfg!(windows) {
        set("LOCALAPPDATA")
    } else {
        set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share")))
    };
    Some(data?.join("percept"))
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
        let bundled = [("weights", WEIGHTS), ("photos/train", TRAIN_PHOTOS), ("photos/val", VAL_PHOTOS)];
        for (folder, assets) in bundled {
            let mut bundled: Vec<_> = assets.iter().map(|asset| asset.name.to_string()).collect();
            bundled.sort();
            let extension = if folder == "weights" { ".safetensors" } else { ".jpg" };
            assert_eq!(bundled, names(folder, extension));
        }
    }

    /// Each says what it is and whose, its folder has the licence, and all together are small.
    #[test]
    fn every_model_has_its_papers() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
        let mut bytes = 0;
        for model in MODELS {
            let state = store(None).unwrap().model(Path::new(model.name)).unwrap();
            for key in ["title", "task", "licence", "origin"] {
                assert!(state.metadata().contains_key(key), "{}: {key}", model.name);
            }
            let place = folder.join(model.name.trim_end_matches("-mild"));
            for file in ["README.md", "LICENSE"] {
                assert!(place.join(file).is_file(), "{}: {file}", model.name);
            }
            bytes += model.bytes.len();
        }
        assert!(bytes < 16 << 20, "{bytes}");
    }

    #[test]
    fn the_bundled_weights_are_the_known_ones() {
        for asset in WEIGHTS {
            store(None).unwrap().open(asset.name.trim_end_matches(".safetensors")).unwrap();
        }
    }
}
