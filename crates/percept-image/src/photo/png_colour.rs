//! PNG's chunks about colours, as a profile for formats that have no such chunks.

use moxcms::{
    Chromaticity, CicpColorPrimaries, CicpProfile, ColorPrimaries, ColorProfile, MatrixCoefficients,
    ProfileText, ToneReprCurve, TransferCharacteristics, XyY,
};

use super::metadata::Chunk;

/// sRGB's gamma and primaries as PNG writes them, white first.
const SRGB_GAMMA: u32 = 45_455;
const SRGB_PRIMARIES: [u32; 8] = [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000];
/// How far those of a file may be from it and mean the same.
const NEAR: u32 = 300;

/// What a format without chunks has to be given.
#[derive(Debug, PartialEq)]
pub(super) enum Colours {
    /// Nothing: they are what everyone takes them for, or what the file's own profile says.
    Plain,
    /// This ICC profile.
    Profile(Vec<u8>),
    /// No profile can say what the chunk of this name says.
    Lost(String),
}

/// What `chunks` mean beside a profile of the file, if it has one. Of several, PNG's order of precedence decides.
pub(super) fn as_profile(chunks: &[Chunk], grey: bool, profile: bool) -> Colours {
    let data = |kind: &[u8; 4]| chunks.iter().find(|chunk| chunk.kind == *kind).map(|chunk| &chunk.data[..]);
    if let Some(&[primaries, transfer, matrix, range]) = data(b"cICP") {
        return match (primaries, transfer) {
            (1, 13) if range == 1 => Colours::Plain,
            _ if grey || matrix != 0 || range != 1 => Colours::Lost("cICP".into()),
            _ => coded(primaries, transfer).map_or(Colours::Lost("cICP".into()), Colours::Profile),
        };
    }
    if profile || data(b"sRGB").is_some() {
        return Colours::Plain;
    }
    let numbers = |data: &[u8]| -> Vec<u32> {
        data.chunks_exact(4)
            .map(|four| four.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
            .collect()
    };
    let gamma = data(b"gAMA").and_then(|data| numbers(data).first().copied());
    let primaries = data(b"cHRM").map(numbers);
    let usual = gamma.is_none_or(|gamma| gamma.abs_diff(SRGB_GAMMA) <= NEAR)
        && primaries
            .iter()
            .all(|all| grey || all.iter().zip(SRGB_PRIMARIES).all(|(a, b)| a.abs_diff(b) <= NEAR));
    if usual {
        return Colours::Plain;
    }
    let lost = || Colours::Lost(if primaries.is_some() { "cHRM" } else { "gAMA" }.into());
    measured(gamma, primaries.as_deref(), grey).map_or_else(lost, Colours::Profile)
}

/// By numbers of ITU-T H.273.
fn coded(primaries: u8, transfer: u8) -> Option<Vec<u8>> {
    let cicp = CicpProfile {
        color_primaries: CicpColorPrimaries::try_from(primaries).ok()?,
        transfer_characteristics: TransferCharacteristics::try_from(transfer).ok()?,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    };
    ToneReprCurve::try_from(cicp.transfer_characteristics).ok()?;
    let mut profile = ColorProfile::new_srgb();
    profile.cicp = None;
    profile.update_rgb_colorimetry_from_cicp(cicp);
    // It stays away where the primaries are unknown.
    profile.cicp?;
    written(profile)
}

/// By a gamma and by primaries, as far as they are known; the rest is sRGB's.
fn measured(gamma: Option<u32>, primaries: Option<&[u32]>, grey: bool) -> Option<Vec<u8>> {
    let exponent = match gamma {
        // Darker or steeper than anything that is shown.
        Some(gamma @ 1_000..=1_000_000) => Some(100_000.0 / gamma as f32),
        Some(_) => return None,
        None => None,
    };
    if grey {
        return written(ColorProfile::new_gray_with_gamma(exponent?));
    }
    let mut profile = ColorProfile::new_srgb();
    profile.cicp = None;
    if let Some(exponent) = exponent {
        let curve = Some(ToneReprCurve::Parametric(vec![exponent]));
        (profile.red_trc, profile.green_trc, profile.blue_trc) = (curve.clone(), curve.clone(), curve);
    }
    if let Some(numbers) = primaries {
        let numbers: Vec<f32> = numbers.iter().map(|number| *number as f32 / 1e5).collect();
        let &[white_x, white_y, rx, ry, gx, gy, bx, by] = &numbers[..] else { return None };
        if [white_y, ry, gy, by].iter().any(|y| *y <= 0.0) || numbers.iter().any(|number| *number > 2.0) {
            return None;
        }
        let at = |x, y| Chromaticity { x, y };
        let white = XyY::new(f64::from(white_x), f64::from(white_y), 1.0);
        profile.update_rgb_colorimetry(
            white,
            ColorPrimaries { red: at(rx, ry), green: at(gx, gy), blue: at(bx, by) },
        );
        profile.media_white_point = Some(white.to_xyzd());
    }
    written(profile)
}

fn written(mut profile: ColorProfile) -> Option<Vec<u8>> {
    let places = [profile.red_colorant, profile.green_colorant, profile.blue_colorant];
    if places.iter().any(|place| ![place.x, place.y, place.z].iter().all(|v| v.is_finite() && v.abs() < 4.0))
    {
        return None;
    }
    // The name would be that of another profile.
    if let Some(ProfileText::Localizable(names)) = &mut profile.description {
        names.iter_mut().for_each(|name| name.value = "as the PNG said".to_string());
    }
    profile.encode().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(kind: &[u8; 4], numbers: &[u32]) -> Chunk {
        Chunk { kind: *kind, data: numbers.iter().flat_map(|number| number.to_be_bytes()).collect() }
    }

    #[test]
    fn what_is_srgb_needs_no_profile() {
        let gamma = chunk(b"gAMA", &[45_455]);
        let primaries = chunk(b"cHRM", &SRGB_PRIMARIES);
        let coded = Chunk { kind: *b"cICP", data: vec![1, 13, 0, 1] };
        for chunks in [&[][..], std::slice::from_ref(&gamma), &[gamma.clone(), primaries.clone()], &[coded]] {
            assert_eq!(as_profile(chunks, false, false), Colours::Plain);
        }
    }

    #[test]
    fn other_colours_become_a_profile_of_their_curve_and_primaries() {
        let linear = as_profile(&[chunk(b"gAMA", &[100_000])], false, false);
        let Colours::Profile(linear) = linear else { panic!("{linear:?}") };
        assert_eq!(&linear[16..20], b"RGB ");
        let linear = ColorProfile::new_from_slice(&linear).unwrap();
        assert!(
            matches!(&linear.red_trc, Some(ToneReprCurve::Parametric(curve)) if (curve[0] - 1.0).abs() < 1e-4),
            "{:?}",
            linear.red_trc
        );
        // Display P3, coded and measured, is the same.
        let coded = Chunk { kind: *b"cICP", data: vec![12, 13, 0, 1] };
        let measured = chunk(b"cHRM", &[31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000]);
        let places = [coded, measured].map(|chunk| {
            let Colours::Profile(bytes) = as_profile(&[chunk], false, false) else { panic!("a profile") };
            let profile = ColorProfile::new_from_slice(&bytes).unwrap();
            [profile.red_colorant.x, profile.green_colorant.y, profile.blue_colorant.z]
        });
        // Published: 0.51512, 0.69225, 0.78407 (red X, green Y, blue Z on D50).
        for (place, right) in places.iter().flat_map(|place| place.iter().zip([0.51512, 0.69225, 0.78407])) {
            assert!((place - right).abs() < 2e-3, "{places:?}");
        }
        let Colours::Profile(grey) = as_profile(&[chunk(b"gAMA", &[100_000])], true, false) else {
            panic!("a profile")
        };
        assert_eq!(&grey[16..20], b"GRAY");
    }

    #[test]
    fn what_no_profile_can_say_is_named() {
        let lost = |chunks: &[Chunk], grey| as_profile(chunks, grey, false);
        assert_eq!(lost(&[chunk(b"gAMA", &[0])], false), Colours::Lost("gAMA".into()));
        assert_eq!(lost(&[chunk(b"cHRM", &[0; 8])], false), Colours::Lost("cHRM".into()));
        let studio = Chunk { kind: *b"cICP", data: vec![1, 13, 0, 0] };
        assert_eq!(lost(&[studio], false), Colours::Lost("cICP".into()));
        // A profile of the file comes before gamma.
        assert_eq!(as_profile(&[chunk(b"gAMA", &[100_000])], false, true), Colours::Plain);
    }
}
