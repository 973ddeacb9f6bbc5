//! Flags of `percept study`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as Flags, Subcommand};
use percept_judge::study::{AccessToken, Design};

/// `percept study`.
#[derive(Debug, Flags)]
pub struct StudyArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: StudyAction,
}

/// The parts of `percept study`.
#[derive(Debug, Subcommand)]
pub enum StudyAction {
    /// Make a study out of folders of results
    #[command(after_help = NEW)]
    New(NewArgs),
    /// Serve the page on which people answer
    #[command(after_help = SERVE)]
    Serve(ServeArgs),
    /// Turn the answers into a scale of methods
    #[command(after_help = ANALYSE)]
    Analyse(AnalyseArgs),
}

pub(super) const STUDY: &str = "\
Examples:
  percept study new --ref gt --methods l1=out/l1 feature=out/feature
  percept study serve
  percept study analyse -o study.html";

const NEW: &str = "\
Examples:
  percept study new --ref gt --methods l1=out/l1 feature=out/feature
  percept study new faces --ref gt --input lq --methods a=out/a b=out/b c=out/c --design best-of
  percept study new marks --ref gt --methods a=out/a --design mos --title \"How good is it?\"

Files are matched by name, whatever the extension; a photo that a method lacks is left out and named. Pictures are \
copied into the study as 8-bit PNG under random names. Words, and how many questions there are, stand in study.toml.";

/// `percept study new`.
#[derive(Debug, Flags)]
pub struct NewArgs {
    /// Folder for the study; it must not exist or be empty
    #[arg(default_value = "study")]
    pub study: PathBuf,
    /// Folder of references
    #[arg(long = "ref", value_name = "DIR")]
    pub reference: PathBuf,
    /// Name and folder of every method
    #[arg(long, value_name = "NAME=DIR", required = true, num_args = 1.., value_parser = method)]
    pub methods: Vec<(String, PathBuf)>,
    /// Folder of what the methods were given, shown on demand
    #[arg(long, value_name = "DIR")]
    pub input: Option<PathBuf>,
    /// pairs (the better of two), best-of (the best of all) or mos (a mark from 1 to 5)
    #[arg(long, default_value = "pairs", value_parser = design)]
    pub design: Design,
    /// What participants read first
    #[arg(long, default_value = "Which picture looks better?")]
    pub title: String,
    /// From this, orders and sides follow
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Most questions of a participant, repeats and checks not counted
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub trials: usize,
    /// Hidden repeats, as a share of the questions
    #[arg(long, value_name = "SHARE", default_value_t = 0.2)]
    pub repeats: f64,
    /// Attention checks of a participant
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub checks: usize,
    /// "No difference" is an answer too (of pairs)
    #[arg(long)]
    pub ties: bool,
}

fn method(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, folder)) if !name.is_empty() && !folder.is_empty() => {
            Ok((name.to_string(), folder.into()))
        }
        _ => Err("give a name and a folder, as in l1=out/l1".to_string()),
    }
}

fn design(name: &str) -> Result<Design, String> {
    let names = Design::ALL.map(Design::name).join(", ");
    Design::from_name(name).ok_or_else(|| format!("the designs are {names}"))
}

const SERVE: &str = "\
Examples:
  percept study serve --open
  percept study serve faces --listen 0.0.0.0:8765

Only this machine can open the page, unless --listen says otherwise: then its address ends in a token, which is made \
if --token gives none. Everyone who opens the page gets a private link and can go on there later. An answer that was \
acknowledged is on the disk. Ctrl-C ends; the same command goes on. Put a proxy with TLS before it where the network \
is not yours.";

/// `percept study serve`.
#[derive(Debug, Flags)]
pub struct ServeArgs {
    /// The study's folder
    #[arg(default_value = "study")]
    pub study: PathBuf,
    /// Where to listen; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8765")]
    pub listen: SocketAddr,
    /// What the address ends in: 8 to 100 letters, digits, - and _
    #[arg(long, value_name = "TOKEN")]
    pub token: Option<AccessToken>,
    /// Open the page
    #[arg(long)]
    pub open: bool,
}

const ANALYSE: &str = "\
Examples:
  percept study analyse
  percept study analyse faces -o faces.html --csv faces.csv
  percept study analyse faces --json > faces.json

Strengths are those of Bradley and Terry (log odds) and of Thurstone's case V, by penalised maximum likelihood; marks \
have means. Intervals are 95 %, by bootstrap over participants and photos at once; differences are corrected for their \
number (Holm), and a single participant or photo makes none significant. Participants who failed a check, or repeated answers no more often than chance would, are flagged, and \
the scale without them is shown too. It may be called while the study is being served.";

/// `percept study analyse`.
#[derive(Debug, Flags)]
pub struct AnalyseArgs {
    /// The study's folder
    #[arg(default_value = "study")]
    pub study: PathBuf,
    /// Write all answers here, a line each, in place of what is there
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Write a page here, in place of what is there
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
}
