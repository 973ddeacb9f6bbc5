//! Scores with their protocols, how sure their differences are, and a page to look at.
//!
//! # A tour
//!
//! A [`Panel`] is a set of scores by name (`psnr-y`, `lpips-alex`, …). [`Pairs`] says which result belongs to which
//! reference, and a [`Single`] has none. What a panel finds on them are [`Scores`], which carry the protocol of every number.
//! [`stats`] says how sure a difference is: one kind of interval, and one correction for many questions, for all pages.
//!
//! On these stand seven rooms, and none looks into another but where it is said:
//!
//! - [`report`]: a [`report::Report`] puts the runs of a training side by side, on a page for people;
//! - [`compare`]: a [`compare::Comparison`] puts two runs, or two trainings with several seeds, against each other and says
//!   in words what that shows; an [`experiment::Evidence`] does it for many variants and seeds at once, with the photos and
//!   the rules of `compare`, and writes a page;
//! - [`agree`]: an [`agree::Table`] has what people said about pictures; [`agree::Agreements`] say how far the scores of a
//!   panel agree with it;
//! - [`mod@bench`]: models on the sets that papers are compared by;
//! - [`gallery`]: what models make of some photos, as a page;
//! - [`preview`]: what a network is given to restore, as a page;
//! - [`study`]: a [`study::Study`] asks people, blind, and a [`study::Analysis`] turns their answers into a scale.
//!
//! What their pages share (the frame, numbers and words, charts) is in `page`, which knows none of them.
//!
//! ```
//! use percept_image::{Image, Srgb};
//! use percept_judge::{Panel, Scores, stats};
//! use percept_nn::weights::WeightStore;
//!
//! // The classical scores need no weights; for `lpips-alex` give the store a folder.
//! let names = ["psnr-y", "ssim-y"].map(String::from);
//! let panel = Panel::new(&names, 4, &WeightStore::new(), &percept_conv::device("cpu")?)?;
//!
//! let photo = |seed: usize| {
//!     Image::<Srgb>::from_fn(48, 32, |x, y, c| 0.5 + 0.3 * ((x * y + 7 * c + 5 * seed) as f32 / 40.0).sin())
//! };
//! let judge = |strength: f32| {
//!     let images = (0..6).map(|seed| panel.score(&format!("{seed}"), &photo(seed), &photo(seed).map(|v| v * strength)));
//!     Ok::<_, percept_image::MetricError>(Scores::new(&panel, images.collect::<Result<_, _>>()?))
//! };
//! let (dark, darker) = (judge(0.95)?, judge(0.9)?);
//! println!("{} dB ({})", dark.mean["psnr-y"], dark.metrics["psnr-y"].protocol);
//!
//! let less: Vec<f64> = dark.column("psnr-y").iter().zip(darker.column("psnr-y")).map(|(a, b)| a - b).collect();
//! let gain = stats::crossed_bootstrap(&[less], 1000, 0);
//! assert!(gain.is_some_and(|gain| gain.low > 0.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod agree;
pub mod bench;
pub mod compare;
pub mod experiment;
mod focus;
pub mod gallery;
mod kept;
mod page;
mod pairs;
mod panel;
pub mod parallel;
mod picture;
mod preset;
pub mod preview;
pub mod report;
mod score;
mod single;
pub mod stats;
pub mod study;

pub use kept::Kept;
pub use page::counted;
pub use pairs::{Pair, PairError, PairFault, Pairs};
pub use panel::{Panel, PanelError};
pub use preset::{Preset, PresetValue};
pub use score::{ImageScores, MetricInfo, Scores};
pub use single::Single;
