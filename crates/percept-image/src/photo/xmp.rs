//! XMP of a photo whose pixels become others: what would be wrong then goes, the rest stays as it is written.

use std::ops::Range;

/// Properties that tell of the old file: its size, pictures inside it, parts that are not carried along.
const STALE: [&str; 12] = [
    "tiff:ImageWidth",
    "tiff:ImageLength",
    "exif:PixelXDimension",
    "exif:PixelYDimension",
    "xmp:Thumbnails",
    "xmpGImg:image",
    "xmpNote:HasExtendedXMP",
    "Container:Directory",
    "hdrgm:Version",
    "GCamera:MicroVideo",
    "GCamera:MotionPhoto",
    "GCamera:HdrPlusMakernote",
];
const ORIENTATION: &str = "tiff:Orientation";

/// Upright and without what is stale. `None` where it is no text of XMP.
pub(super) fn clean(packet: &[u8]) -> Option<Vec<u8>> {
    let mut text = std::str::from_utf8(packet).ok()?.trim_end_matches('\0').to_string();
    if !text.contains("xmpmeta") && !text.contains("RDF") {
        return None;
    }
    for name in STALE {
        while let Some(place) = attribute(&text, name)
            .map(|(whole, _)| whole)
            .or_else(|| element(&text, name).map(|(whole, _)| whole))
        {
            text.replace_range(place, "");
        }
    }
    let mark = attribute(&text, ORIENTATION).or_else(|| element(&text, ORIENTATION));
    if let Some((_, value)) = mark {
        text.replace_range(value, "1");
    }
    Some(text.into_bytes())
}

/// `name="value"`, with the space before it, and the value alone.
fn attribute(text: &str, name: &str) -> Option<(Range<usize>, Range<usize>)> {
    text.match_indices(name).find_map(|(at, _)| {
        let before = text[..at].trim_end();
        if before.len() == at {
            return None;
        }
        let after = text[at + name.len()..].trim_start().strip_prefix('=')?.trim_start();
        let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let from = text.len() - after.len() + 1;
        let to = from + text[from..].find(quote)?;
        Some((before.len()..to + 1, from..to))
    })
}

/// `<name …>value</name>` or `<name …/>`, and what is inside.
fn element(text: &str, name: &str) -> Option<(Range<usize>, Range<usize>)> {
    let open = format!("<{name}");
    text.match_indices(&open).find_map(|(at, _)| {
        let after = at + open.len();
        if !text[after..].starts_with(|next: char| next.is_whitespace() || matches!(next, '>' | '/')) {
            return None;
        }
        let inside = after + text[after..].find('>')? + 1;
        if text[..inside].ends_with("/>") {
            return Some((at..inside, inside - 2..inside - 2));
        }
        let close = format!("</{name}>");
        let end = inside + text[inside..].find(&close)?;
        Some((at..end + close.len(), inside..end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_stale_changes() {
        let packet = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description xmp:Rating="5" tiff:Orientation="6"
   tiff:ImageWidth = '4000' dc:title="exif:PixelXDimension"><exif:PixelXDimension>4000</exif:PixelXDimension>
<xmp:Thumbnails><rdf:Alt><rdf:li xmpGImg:image="/9j/"/></rdf:Alt></xmp:Thumbnails><dc:creator>Me &amp; you</dc:creator></rdf:Description></rdf:RDF></x:xmpmeta>"#;
        let right = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description xmp:Rating="5" tiff:Orientation="1" dc:title="exif:PixelXDimension">
<dc:creator>Me &amp; you</dc:creator></rdf:Description></rdf:RDF></x:xmpmeta>"#;
        assert_eq!(String::from_utf8(clean(packet.as_bytes()).unwrap()).unwrap(), right);
        let element = "<rdf:RDF><tiff:Orientation>8</tiff:Orientation></rdf:RDF>";
        assert_eq!(
            clean(element.as_bytes()).unwrap(),
            b"<rdf:RDF><tiff:Orientation>1</tiff:Orientation></rdf:RDF>"
        );
    }

    #[test]
    fn what_is_no_text_of_it_is_none() {
        for bytes in [&b""[..], b"hello", b"\xff\xfe<rdf:RDF", b"\0\0"] {
            assert!(clean(bytes).is_none());
        }
        // Cut anywhere, it comes back or not, and nothing falls.
        let packet = "<rdf:RDF tiff:Orientation=\"6\"><xmp:Thumbnails></xmp:Thumbnails></rdf:RDF>";
        (0..packet.len()).for_each(|cut| drop(clean(&packet.as_bytes()[..cut])));
    }
}
