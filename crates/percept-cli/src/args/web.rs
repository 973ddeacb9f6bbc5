//! Flags of `percept web`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args as Flags;
use percept_serve::AccessToken;

pub(super) const WEB: &str = "\
Examples:
  percept web --open
  percept web --model mine.safetensors --models ~/weights
  percept web --runs runs
  percept web --listen 0.0.0.0:8766

Serves one page on this machine: drop photos, pick a model, look at before and after, download. Results are those of \
`percept apply`, byte for byte. With --runs it shows trainings as they go. Photos and results are held in memory and nowhere \
else, and are gone when the page is closed. Only this machine can open the page, unless --listen says otherwise: then its \
address ends in a token, which is made if --token gives none. Put a proxy with TLS before it where the network is not yours.";

/// `percept web`.
#[derive(Debug, Flags)]
pub struct WebArgs {
    /// A model beside the bundled ones: a file, or a run's folder; may be given more than once
    #[arg(long, value_name = "FILE")]
    pub model: Vec<PathBuf>,
    /// A folder of model files
    #[arg(long, value_name = "DIR")]
    pub models: Option<PathBuf>,
    /// A folder of runs to watch
    #[arg(long, value_name = "DIR")]
    pub runs: Option<PathBuf>,
    /// Where to listen; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8766")]
    pub listen: SocketAddr,
    /// What the address ends in: 8 to 100 letters, digits, - and _
    #[arg(long, value_name = "TOKEN")]
    pub token: Option<AccessToken>,
    /// The largest photo that is taken, in megabytes of its file
    #[arg(long, value_name = "MB", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1600))]
    pub largest: u64,
    /// Megabytes of memory for all photos and results together [default: a third of what is free, at most 4000]
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u64).range(1..))]
    pub memory: Option<u64>,
    /// Open the page
    #[arg(long)]
    pub open: bool,
}
