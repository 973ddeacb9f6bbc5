//! The bundled weights.

use std::path::Path;

use percept_nn::weights::WeightStore;

/// The store that knows the folder of bundled weights.
pub fn store() -> WeightStore {
    WeightStore::new().with_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/weights"))
}
