//! Picture formats that cannot be read: recognised, so that a message can name them.

/// A format that cannot be read.
struct Foreign {
    /// What a file of it is, with its article.
    what: &'static str,
    /// Its file name extensions, in lower case.
    extensions: &'static [&'static str],
    /// What its files begin with; any of them.
    starts: &'static [&'static [u8]],
}

const fn foreign(
    what: &'static str,
    extensions: &'static [&'static str],
    starts: &'static [&'static [u8]],
) -> Foreign {
    Foreign { what, extensions, starts }
}

const HEIC: &str = "a HEIC picture";
const AVIF: &str = "an AVIF picture";
const RAW: &str = "a camera's RAW photo";
const SVG: &str = "an SVG drawing";
const VIDEO: &str = "a video";

const FORMATS: &[Foreign] = &[
    foreign(HEIC, &["heic", "heif", "hif", "heics", "heifs"], &[]),
    foreign(AVIF, &["avif", "avifs"], &[]),
    foreign("a JPEG XL picture", &["jxl"], &[b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"]),
    foreign(
        "a JPEG 2000 picture",
        &["jp2", "j2k", "j2c", "jpc", "jpf", "jpx", "jpm", "jph", "jhc"],
        &[b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"],
    ),
    foreign("a JPEG XR picture", &["jxr", "wdp", "hdp"], &[b"II\xbc"]),
    foreign("a JPEG-LS picture", &["jls"], &[]),
    foreign(
        "a camera's RAW photo (Canon)",
        &["cr2", "cr3", "crw"],
        &[b"II*\0\x10\0\0\0CR", b"II\x1a\0\0\0HEAPCCDR"],
    ),
    foreign("a camera's RAW photo (Nikon)", &["nef", "nrw"], &[]),
    foreign("a camera's RAW photo (Sony)", &["arw", "sr2", "srf"], &[]),
    foreign("a camera's RAW photo (Olympus)", &["orf"], &[b"IIRO", b"IIRS", b"MMOR"]),
    foreign("a camera's RAW photo (Panasonic)", &["rw2"], &[b"IIU\0"]),
    foreign("a camera's RAW photo (Fujifilm)", &["raf"], &[b"FUJIFILMCCD-RAW"]),
    foreign("a camera's RAW photo (Sigma)", &["x3f"], &[b"FOVb"]),
    foreign("a camera's RAW photo (Minolta)", &["mrw"], &[b"\0MRM"]),
    foreign("a camera's RAW photo (DNG)", &["dng"], &[]),
    foreign(
        RAW,
        &["raw", "pef", "srw", "rwl", "iiq", "3fr", "fff", "erf", "mef", "mos", "dcr", "kdc", "gpr"],
        &[],
    ),
    foreign("a Photoshop document", &["psd", "psb"], &[b"8BPS"]),
    foreign("a GIMP document", &["xcf"], &[b"gimp xcf"]),
    foreign("a Krita document", &["kra"], &[]),
    foreign(SVG, &["svg", "svgz"], &[]),
    foreign("a PDF document", &["pdf", "ai"], &[b"%PDF-"]),
    foreign("a PostScript document", &["ps", "eps"], &[b"%!PS", b"\xc5\xd0\xd3\xc6"]),
    foreign("an OpenEXR picture", &["exr"], &[b"\x76\x2f\x31\x01"]),
    foreign("a Radiance HDR picture", &["hdr", "rgbe"], &[b"#?RADIANCE", b"#?RGBE"]),
    foreign("a floating point map (PFM)", &["pfm"], &[b"PF\n", b"Pf\n", b"PF\r\n", b"Pf\r\n"]),
    foreign("a QOI picture", &["qoi"], &[b"qoif"]),
    foreign("a TGA picture", &["tga", "tpic", "icb", "vda", "vst"], &[]),
    foreign("a DDS texture", &["dds"], &[b"DDS "]),
    foreign("a KTX texture", &["ktx", "ktx2"], &[b"\xabKTX "]),
    foreign("an icon", &["ico", "cur", "icns"], &[b"\0\0\x01\0", b"icns"]),
    foreign("a PCX picture", &["pcx", "dcx"], &[b"\x0a\x05\x01"]),
    foreign("a farbfeld picture", &["farbfeld"], &[b"farbfeld"]),
    foreign("a FLIF picture", &["flif"], &[b"FLIF"]),
    foreign("a BPG picture", &["bpg"], &[b"BPG\xfb"]),
    foreign("an MNG animation", &["mng", "jng"], &[b"\x8aMNG\r\n\x1a\n", b"\x8bJNG\r\n\x1a\n"]),
    foreign("a DjVu document", &["djvu", "djv"], &[b"AT&TFORM"]),
    foreign("a FITS picture", &["fits", "fts"], &[b"SIMPLE  ="]),
    foreign("a DICOM picture", &["dcm", "dicom"], &[]),
    foreign(
        "a Windows metafile",
        &["wmf", "emf"],
        &[b"\xd7\xcd\xc6\x9a", b"\x01\0\0\0\x58\0\0\0", b"\x01\0\0\0\x6c\0\0\0"],
    ),
    foreign("an XPM picture", &["xpm", "xbm"], &[b"/* XPM */"]),
    foreign(
        VIDEO,
        &["mp4", "m4v", "mov", "avi", "mkv", "webm", "mts", "m2ts", "mpg", "mpeg", "wmv", "flv", "3gp"],
        &[b"\x1a\x45\xdf\xa3"],
    ),
];

/// What a file that begins with these bytes is, where it is of a format that cannot be read.
pub(super) fn by_content(bytes: &[u8]) -> Option<&'static str> {
    let start = |format: &&Foreign| format.starts.iter().any(|start| bytes.starts_with(start));
    FORMATS
        .iter()
        .find(start)
        .map(|format| format.what)
        .or_else(|| media(bytes))
        .or_else(|| (bytes.get(128..132) == Some(b"DICM")).then_some("a DICOM picture"))
        .or_else(|| bytes.ends_with(b"TRUEVISION-XFILE.\0").then_some("a TGA picture"))
        .or_else(|| drawing(bytes).then_some(SVG))
}

/// What a file with this extension (in lower case) is, where it is of a format that cannot be read.
pub(super) fn by_extension(extension: &str) -> Option<&'static str> {
    FORMATS.iter().find(|format| format.extensions.contains(&extension)).map(|format| format.what)
}

/// Files in boxes (ISO/IEC 14496-12) and in RIFF chunks name their kind at the same place.
fn media(bytes: &[u8]) -> Option<&'static str> {
    let kind = bytes.get(8..12)?;
    match bytes.get(4..8)? {
        b"ftyp" => {
            let length = bytes.first_chunk().map_or(0, |length| u32::from_be_bytes(*length) as usize);
            let brands = bytes.get(8..length.min(bytes.len())).unwrap_or(kind);
            let any =
                |names: &[&[u8; 4]]| brands.chunks_exact(4).any(|b| names.iter().any(|name| *name == b));
            Some(match () {
                () if kind == b"crx " => "a camera's RAW photo (Canon)",
                () if any(&[b"avif", b"avis"]) => AVIF,
                () if any(&[b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"]) => HEIC,
                () => VIDEO,
            })
        }
        _ if bytes.starts_with(b"RIFF") && kind == b"AVI " => Some(VIDEO),
        _ => None,
    }
}

/// Whether it is text whose first element, after comments and declarations, is `svg`.
fn drawing(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(1024)).unwrap_or_default());
    let text = head.trim_start_matches('\u{feff}').trim_start();
    text.starts_with("<svg") || (text.starts_with("<?xml") || text.starts_with("<!")) && text.contains("<svg")
}
