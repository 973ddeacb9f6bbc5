//! How data sets of human opinions are laid out.

use serde::Serialize;

/// Who lays tables out like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// A CSV file with percept's columns: `reference, distorted, score`, `reference, a, b, votes` or `reference, a, b, c, …,
    /// best`, and more; without `reference`, pictures stand alone.
    Csv,
    /// TID2013 (Ponomarenko et al., "Image database TID2013: peculiarities, results and perspectives", 2015).
    Tid2013,
    /// KADID-10k (Lin, Hosu, Saupe, "KADID-10k: a large-scale artificially distorted IQA database", 2019).
    Kadid10k,
    /// LIVE, release 2 (Sheikh, Wang, Cormack, Bovik, "LIVE image quality assessment database", 2006).
    Live,
    /// CSIQ (Larson, Chandler, "Most apparent distortion: full-reference image quality assessment and the role of
    /// strategy", 2010).
    Csiq,
    /// PIPAL (Gu et al., "PIPAL: a large-scale image quality assessment dataset for perceptual image restoration",
    /// 2020).
    Pipal,
    /// SRIQA-Bench (Chen et al., "Toward generalized image quality assessment: relaxing the perfect reference quality
    /// assumption", 2025).
    #[serde(rename = "sriqa-bench")]
    SriqaBench,
    /// BAPPS, pairwise choices (Zhang, Isola, Efros, Shechtman, Wang, "The unreasonable effectiveness of deep features
    /// as a perceptual metric", 2018).
    Bapps,
}

impl Layout {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Csv,
        Self::Tid2013,
        Self::Kadid10k,
        Self::Live,
        Self::Csiq,
        Self::Pipal,
        Self::SriqaBench,
        Self::Bapps,
    ];

    /// What it is, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Csv => "a CSV file with percept's columns",
            Self::Tid2013 => "TID2013",
            Self::Kadid10k => "KADID-10k",
            Self::Live => "LIVE, release 2",
            Self::Csiq => "CSIQ",
            Self::Pipal => "PIPAL",
            Self::SriqaBench => "SRIQA-Bench",
            Self::Bapps => "BAPPS, 2AFC",
        }
    }

    /// The name in a call.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tid2013 => "tid2013",
            Self::Kadid10k => "kadid10k",
            Self::Live => "live",
            Self::Csiq => "csiq",
            Self::Pipal => "pipal",
            Self::SriqaBench => "sriqa-bench",
            Self::Bapps => "bapps",
        }
    }
}
