//! `percept select`: which channels answer to distortions, learned from photos alone.

use percept_nn::backbone::BackboneConfig;
use percept_train::select::{Distortion, Learned, SelectError, SelectOptions, select};
use serde_json::json;

use crate::args::{Global, SelectArgs};
use crate::failure::Failure;
use crate::output::{deliver, is_stdout, print, refuse_existing, refuse_screen, table, writable};
use crate::progress::Progress;
use crate::screen::say;
use crate::{bundle, interrupt};

/// Runs the command.
pub fn run(global: &Global, args: &SelectArgs) -> Result<(), Failure> {
    percept_conv::keep_memory();
    writable(&args.out)?;
    refuse_screen(&args.out, "a file of weights")?;
    refuse_existing(&args.out, args.force)?;
    let device = global.device()?;
    let store = bundle::store(global.weights.as_deref())?;
    let options = SelectOptions {
        backbone: BackboneConfig { kind: args.backbone, ..BackboneConfig::default() },
        taps: match args.taps.is_empty() {
            true => args.backbone.usual_taps().iter().map(|tap| (*tap).to_string()).collect(),
            false => args.taps.iter().map(|tap| tap.trim().to_string()).collect(),
        },
        distance: args.distance,
        kinds: if args.kinds.is_empty() { Distortion::ALL.to_vec() } else { args.kinds.clone() },
        photos: args.photos as usize,
        side: args.side as usize,
        steps: args.steps as usize,
        seed: args.seed,
    };
    let stop = interrupt::listen("finishing this photo")?;
    let mut progress: Option<Progress> = None;
    let selected = select(&args.data, &options, &store, &device, &mut |done, all| {
        progress.get_or_insert_with(|| Progress::new("select", all, 0)).set(done, "");
        !interrupt::asked(stop)
    });
    progress.into_iter().for_each(Progress::finish);
    let selected = selected.map_err(|error| match error {
        SelectError::Stopped { .. } => Failure::work(error),
        _ => Failure::call(error),
    })?;
    for skipped in &selected.skipped {
        say(&format!("warning: {skipped}"));
    }
    let told = match args.json {
        true => format!("{:#}", report(args, &selected)),
        false => human(args, &selected),
    };
    if is_stdout(&args.out) {
        say(&told);
        return deliver(&args.out, &selected.file.state_dict().to_safetensors());
    }
    selected.file.save(&args.out).map_err(Failure::work)?;
    print(&told)
}

fn report(args: &SelectArgs, selected: &Learned) -> serde_json::Value {
    let taps = selected.file.taps.iter().zip(&selected.effective).map(
        |(tap, effective)| json!({"name": tap.name, "channels": tap.weights.len(), "effective": effective}),
    );
    json!({
        "file": args.out, "photos": selected.photos, "taps": taps.collect::<Vec<_>>(),
        "ordered": selected.ordered.map(|[uniform, selected]| json!({"uniform": uniform, "selected": selected})),
    })
}

fn human(args: &SelectArgs, selected: &Learned) -> String {
    let rows = selected.file.taps.iter().zip(&selected.effective).map(|(tap, effective)| {
        vec![tap.name.clone(), tap.weights.len().to_string(), format!("{effective:.0}")]
    });
    let ordered = match selected.ordered {
        Some([uniform, selected]) => format!(
            "Pairs of held-out photos in the right order: {:.1} % by uniform weights, {:.1} % by the selection.",
            100.0 * uniform,
            100.0 * selected
        ),
        None => "Too few photos to hold any out; eight or more say what was learned.".to_string(),
    };
    format!(
        "{}\n\n{ordered}\n{}",
        table(&["tap", "channels", "effective"], &rows.collect::<Vec<_>>(), 1),
        args.out.display()
    )
}
