//! Configurations, experiments and the settings of a study.

use std::io;

use percept_judge::study::Study;
use percept_run::config::Preset;
use percept_run::{Config, Experiment};
use tempfile::TempDir;

use super::{Target, answer, bytes, files, scratch};

/// The folder of a study that has no database.
pub(super) struct Toml {
    folder: TempDir,
}

impl Toml {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { folder: scratch()? })
    }
}

/// The lines that say something.
fn without_comments(text: &[u8]) -> Vec<u8> {
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    lines.filter(|line| !matches!(line.first(), Some(b'#' | b'\n'))).flatten().copied().collect()
}

const STUDY: &str = r#"title = "Sharp or soft?"
design = "pairs"
question = "Which one looks better?"
consent = "Your answers are kept."
seed = 3
trials = 60
repeats = 0.2
checks = 3
ties = false
participants = 1000
"#;

impl Target for Toml {
    fn seeds(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let mut seeds = bytes(&[STUDY]);
        for preset in Preset::ALL {
            seeds.push(Config::template(preset).map_err(io::Error::other)?.into_bytes());
        }
        let experiments = files("docs/evidence", Some("toml"))?;
        seeds.extend(experiments.into_iter().step_by(3));
        // Comments would take most of the damage.
        Ok(seeds.iter().map(|seed| without_comments(seed)).collect())
    }

    fn words(&self) -> Vec<Vec<u8>> {
        bytes(&[
            "[",
            "]",
            "[[",
            "{",
            "}",
            "=",
            "\"",
            "\"\"\"",
            "'''",
            ",",
            ".",
            "\n",
            "#",
            "true",
            "false",
            "[train]",
            "[variant.a]",
            "type = \"contextual\"",
            "layer_weights = {}",
            "seeds = []",
            "-",
            "_",
            "0x",
            "1979-05-27",
            "scale = 4",
            "gt_size = 0",
            "[[train.losses]]",
            "[train.losses.selection]",
            "total_iter = ",
        ])
    }

    fn feed(&mut self, input: &[u8]) -> Result<Option<String>, String> {
        let text = String::from_utf8_lossy(input);
        std::fs::write(self.folder.path().join("study.toml"), input).map_err(|error| error.to_string())?;
        let config = Config::from_toml(&text, "input.toml");
        if let Ok(config) = &config {
            let again = config.to_toml().and_then(|text| Config::from_toml(&text, "written.toml"));
            match again {
                Ok(again) if format!("{again:?}") == format!("{config:?}") => {}
                Ok(_) => return Err("the configuration that is written is another one".to_string()),
                Err(error) => return Err(format!("the configuration that is written is refused: {error}")),
            }
        }
        let said = [
            answer(config)?,
            answer(Experiment::from_toml(&text, "input.toml"))?,
            answer(Study::open(self.folder.path()))?,
        ];
        let sound = said.iter().any(Option::is_none);
        Ok((!sound).then(|| said.into_iter().flatten().collect()))
    }
}
