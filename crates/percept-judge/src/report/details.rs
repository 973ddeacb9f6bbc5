//! What is needed to check and to repeat: settings, commands, and what this page is not.

use std::fmt::Write;

use percept_run::Config;

use super::folder::RunFolder;
use super::words::differences;
use crate::page::escape;

/// The section.
pub(super) fn section(runs: &[RunFolder], metrics: &[String]) -> String {
    let mut html = String::from(
        "<section id=\"settings\" aria-labelledby=\"settings-title\"><h2 id=\"settings-title\">Settings</h2>\n",
    );
    html.push_str(&different(runs));
    for run in runs {
        let _ = writeln!(
            html,
            "<details><summary>{}: config.toml as used</summary><pre>{}</pre></details>",
            escape(&run.name),
            escape(&run.source)
        );
    }
    html.push_str(&again(runs, metrics));
    html.push_str("</section>\n");
    html
}

fn different(runs: &[RunFolder]) -> String {
    let configs: Vec<&Config> = runs.iter().map(|run| &run.config).collect();
    let differences = differences(&configs);
    if differences.is_empty() {
        return String::new();
    }
    let heads: String =
        runs.iter().map(|run| format!("<th scope=\"col\">{}</th>", escape(&run.name))).collect();
    let rows: String = differences
        .iter()
        .map(|(key, values)| {
            let cells = values.iter().map(|value| match value {
                Some(value) => format!("<td><code>{}</code></td>", escape(value)),
                None => "<td class=\"none\">–</td>".to_string(),
            });
            format!(
                "<tr><th scope=\"row\"><code>{}</code></th>{}</tr>",
                escape(key),
                cells.collect::<String>()
            )
        })
        .collect();
    format!(
        "<details><summary>The settings in which the runs differ ({})</summary><div class=\"wide\"><table \
         class=\"each\"><thead><tr><th scope=\"col\">Setting</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div></details>\n",
        differences.len()
    )
}

fn again(runs: &[RunFolder], metrics: &[String]) -> String {
    let path = |run: &RunFolder| quoted(&run.files.dir().display().to_string());
    let train = runs.iter().map(|run| {
        let again = quoted(&format!("{}-again", run.files.dir().display()));
        format!("percept train {} --out {again}\n", quoted(&run.files.config().display().to_string()))
    });
    let train: String = train.collect();
    let all: Vec<String> = runs.iter().map(path).collect();
    let report = format!("percept report {} --metric {} -o report.html", all.join(" "), metrics.join(","));
    format!(
        "<h3 class=\"sub\">Repeat it</h3><p>The same configuration gives the same weights, bit for bit, on the same kind \
         of machine; this page is made from what the runs left in their folders.</p><pre>{}</pre>\n",
        escape(&(train + &report))
    )
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@".contains(c);
    if !path.is_empty() && path.chars().all(plain) {
        path.to_string()
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}
