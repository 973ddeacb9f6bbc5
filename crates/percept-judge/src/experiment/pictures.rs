//! Whole pictures, to look at and to ask people about.

use std::path::Path;

use percept_conv::Device;
use percept_image::{Image, Photo, Srgb, write_photo};
use percept_nn::model::Model;

use super::photos::{TestPhotos, restored};
use super::{Evidence, ExperimentError};

/// Writes every photo into `folder`: targets into `gt`, inputs at the target's size into `lq`, and what the first seed of each variant
/// made of it into `methods/VARIANT`. Names begin with the experiment's, so that several can share a folder.
pub(super) fn write(
    evidence: &Evidence,
    photos: &TestPhotos,
    folder: &Path,
    device: &Device,
) -> Result<(), ExperimentError> {
    let plan = &evidence.plan;
    let seed = plan.experiment.seeds.first().copied().unwrap_or_default();
    let keep = |part: &str, photo: &str, image: Image<Srgb>| {
        let path = folder.join(part).join(format!("{}-{photo}.png", plan.experiment.name));
        write_photo(path, &Photo::new(image))
    };
    let parts = ["gt", "lq"].into_iter().map(str::to_string);
    for part in parts.chain(evidence.variants.iter().map(|variant| format!("methods/{}", variant.name))) {
        let path = folder.join(part);
        std::fs::create_dir_all(&path).map_err(|source| ExperimentError::Write { path, source })?;
    }
    for (name, gt, input) in (0..photos.len()).filter_map(|at| photos.get(at)) {
        keep("gt", name, gt.clone())?;
        keep("lq", name, input.shown(gt.width(), gt.height()))?;
    }
    for variant in &evidence.variants {
        let model = Model::load(plan.run(seed, &variant.name).model(), device)?;
        for (name, _, input) in (0..photos.len()).filter_map(|at| photos.get(at)) {
            keep(&format!("methods/{}", variant.name), name, restored(&model, name, &input)?)?;
        }
    }
    Ok(())
}
