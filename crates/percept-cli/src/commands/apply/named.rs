//! Whether a call names a model, or pictures alone.

use std::path::Path;

use percept_image::EXTENSIONS;

use crate::args::ApplyArgs;
use crate::bundle;
use crate::failure::Failure;
use crate::screen::say;

/// The call with a model: where its first name is that of pictures, the model that is inside is used, and it is said.
pub fn with_model(args: ApplyArgs) -> Result<ApplyArgs, Failure> {
    let shown = args.model.display();
    if is_model(&args.model) {
        return match args.inputs.is_empty() && !args.video.y4m {
            true => Err(Failure::call(format!(
                "{shown}: no pictures are named for it; name some, or a folder of them"
            ))),
            false => Ok(args),
        };
    }
    let Some(model) = bundle::MODELS.first() else {
        return Err(Failure::call(format!(
            "{shown}: is no model, and this build has none inside; name one first"
        )));
    };
    say(&format!(
        "the model is {}; `percept models` lists others, `percept apply MODEL {shown}` takes one",
        model.name
    ));
    let inputs = [args.model].into_iter().chain(args.inputs).collect();
    Ok(ApplyArgs { model: model.name.into(), inputs, ..args })
}

/// A name of pictures is that of a picture's file, there or not, or of a folder that is no run.
fn is_model(path: &Path) -> bool {
    if path.is_dir() {
        return ["model.safetensors", "config.toml"].iter().any(|file| path.join(file).exists());
    }
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    !extension.is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known))
}
