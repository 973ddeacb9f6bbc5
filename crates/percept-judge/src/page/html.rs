//! Text of others on a page of ours.

use serde::Serialize;

/// `text` as content or attribute of HTML.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// `value` as JSON that may stand inside of a script element: no `<` can end it.
pub(crate) fn json(value: &impl Serialize) -> String {
    // Only maps with keys other than text cannot be JSON, and there are none.
    serde_json::to_string(value).unwrap_or_default().replace('<', "\\u003c")
}

/// `template` with every `{{key}}` replaced by `value(key)`. What is put in is not looked at again.
pub(crate) fn fill<'a>(template: &str, value: impl Fn(&str) -> &'a str) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let (key, after) = after.split_once("}}").unwrap_or((after, ""));
        out.push_str(value(key));
        rest = after;
    }
    out + rest
}

/// A page: `main` with links to those of its sections that are in `parts`. It asks nobody for anything.
pub(crate) fn page(title: &str, parts: &[&str], main: &str, footer: &str, js: &str) -> String {
    let title = escape(title);
    let parts = parts.iter().filter(|part| main.contains(&format!("<section id=\"{part}\"")));
    let nav: String = parts.map(|part| format!("<a href=\"#{part}\">{part}</a>")).collect();
    fill(include_str!("page.html"), |key| match key {
        "title" => &title,
        "css" => super::CSS,
        "nav" => &nav,
        "main" => main,
        "footer" => footer,
        "js" => js,
        _ => "",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_stays_text() {
        assert_eq!(escape("<a b='\"'> & c"), "&lt;a b=&#39;&quot;&#39;&gt; &amp; c");
        assert_eq!(json(&"</script><!--"), "\"\\u003c/script>\\u003c!--\"");
        let filled = fill("a {{x}} b {{y}}", |key| if key == "x" { "{{y}}" } else { "2" });
        assert_eq!(filled, "a {{y}} b 2");
    }
}
