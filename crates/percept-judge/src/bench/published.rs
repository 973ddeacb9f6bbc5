//! Numbers that papers print, beside which ours stand. Only those are here whose protocol is that of the table: means over the
//! set, PSNR and SSIM of Y in studio range without a border of the scale (enlarging), PSNR of RGB (noise), PSNR and SSIM of
//! the grey photo (JPEG, compressed by MATLAB without colours, so that ours are only near).

use super::Spoiling;

/// A row of a paper's table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    /// The set, in lower case.
    set: &'static str,
    spoiling: Spoiling,
    /// What was judged.
    pub model: &'static str,
    /// PSNR in decibels.
    pub psnr: f64,
    /// SSIM, where the table has it.
    pub ssim: Option<f64>,
    /// Where it stands.
    pub source: &'static str,
}

const EDSR: &str = "Lim et al. 2017 (EDSR), arXiv 1707.02921";
const FFDNET: &str = "Zhang et al. 2018 (FFDNet), arXiv 1710.04026";
const DNCNN: &str = "Zhang et al. 2017 (DnCNN), arXiv 1608.03981; of the grey photo, compressed by MATLAB";

const fn shrunk(set: &'static str, model: &'static str, psnr: f64, ssim: f64) -> Published {
    Published { set, spoiling: Spoiling::Bicubic(4), model, psnr, ssim: Some(ssim), source: EDSR }
}

const fn noisy(deviation: u8, model: &'static str, psnr: f64) -> Published {
    Published { set: "cbsd68", spoiling: Spoiling::Noise(deviation), model, psnr, ssim: None, source: FFDNET }
}

const fn compressed(quality: u8, psnr: f64, ssim: f64) -> Published {
    let spoiling = Spoiling::Jpeg(quality);
    Published { set: "live1", spoiling, model: "DnCNN-3", psnr, ssim: Some(ssim), source: DNCNN }
}

const ALL: &[Published] = &[
    shrunk("set5", "bicubic", 28.42, 0.8104),
    shrunk("set5", "EDSR", 32.46, 0.8968),
    shrunk("set14", "bicubic", 26.00, 0.7027),
    shrunk("set14", "EDSR", 28.80, 0.7876),
    shrunk("bsd100", "bicubic", 25.96, 0.6675),
    shrunk("bsd100", "EDSR", 27.71, 0.7420),
    shrunk("urban100", "bicubic", 23.14, 0.6577),
    shrunk("urban100", "EDSR", 26.64, 0.8033),
    noisy(15, "CDnCNN", 33.89),
    noisy(25, "CDnCNN", 31.23),
    noisy(50, "CDnCNN", 27.92),
    noisy(15, "FFDNet", 33.87),
    noisy(25, "FFDNet", 31.21),
    noisy(50, "FFDNet", 27.96),
    compressed(10, 29.19, 0.8123),
    compressed(20, 31.59, 0.8802),
    compressed(40, 33.96, 0.9247),
];

/// What papers print of a set.
pub fn published(set: &str, spoiling: Spoiling) -> impl Iterator<Item = &'static Published> {
    let set = set.to_lowercase();
    ALL.iter().filter(move |row| row.spoiling == spoiling && row.set == set)
}
