//! What models make of some photos, side by side on one page.

use std::time::SystemTime;

use percept_image::{Image, Srgb};

use crate::focus::focus;
use crate::page::{date, escape, page as html, picture};

/// Side of what is shown of a photo, in pixels of the target.
const SIDE: usize = 96;

/// Photos that were spoiled in one way, and what models make of them.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// Its title.
    pub title: String,
    /// How the inputs were made.
    pub about: String,
    /// The models, in the order of the results.
    pub models: Vec<String>,
    /// The photos.
    pub shots: Vec<Shot>,
}

/// A photo in all its versions, of one size.
#[derive(Clone, Debug)]
pub struct Shot {
    /// Its name.
    pub name: String,
    /// Whose it is and its licence.
    pub credit: String,
    /// What the models were given, as a picture.
    pub input: Image<Srgb>,
    /// What came of it.
    pub results: Vec<Image<Srgb>>,
    /// The photo.
    pub target: Image<Srgb>,
}

/// A table of the page: titles of the columns, and rows.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// What it says.
    pub title: String,
    /// Titles of its columns.
    pub header: Vec<String>,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
    /// What belongs below it.
    pub note: String,
}

/// The page, with the tables after the photos.
pub fn page(title: &str, scenes: &[Scene], tables: &[Table]) -> String {
    let head = format!(
        "<header class=\"top\"><h1>{}</h1>\n<p class=\"lead\">What the models that are inside percept make of photos that no \
         training of percept saw. Of every photo the square of {SIDE} pixels is shown in which the results and the input \
         lie farthest apart, by the mean distance of a value from the mean of all of them; nobody chose it. Every pixel is as it is, \
         enlarged without smoothing.</p>\n<dl class=\"facts\"><div><dt>Page made</dt><dd>{}</dd></div><div><dt>percept</dt><dd>{}</dd>\
         </div></dl></header>\n",
        escape(title),
        date(SystemTime::now()),
        env!("CARGO_PKG_VERSION")
    );
    let scenes: String = scenes.iter().map(scene).collect();
    let tables: String = tables.iter().map(table).collect();
    let main =
        format!("{head}<section id=\"photos\">{scenes}</section>\n<section id=\"scores\">{tables}</section>");
    html(title, &["photos", "scores"], &main, "", "")
}

fn scene(scene: &Scene) -> String {
    let shots: String = scene.shots.iter().map(|one| shot(scene, one)).collect();
    format!("<h2>{}</h2>\n<p>{}</p>\n{shots}", escape(&scene.title), escape(&scene.about))
}

fn shot(scene: &Scene, shot: &Shot) -> String {
    let compared: Vec<_> = std::iter::once(&shot.input).chain(&shot.results).collect();
    let (window, _) = focus(&compared, SIDE);
    let name = escape(&shot.name);
    let names = std::iter::once("input").chain(scene.models.iter().map(String::as_str)).chain(["target"]);
    let images = compared.into_iter().chain([&shot.target]);
    let figures = images.zip(names).map(|(image, what)| {
        let what = escape(what);
        format!(
            "<figure><img src=\"{}\" alt=\"{name}, {what}\" width=\"{}\" height=\"{}\" loading=\"lazy\"><figcaption>{what}</figcaption>\
             </figure>",
            picture::photo(&window.of(image)),
            window.width,
            window.height
        )
    });
    format!(
        "<div class=\"crops\"><h3>{name} <small>{}</small></h3><div class=\"row\">{}</div></div>\n",
        escape(&shot.credit),
        figures.collect::<String>()
    )
}

fn table(table: &Table) -> String {
    let cells = |cells: &[String], kind: &str| -> String {
        cells.iter().map(|cell| format!("<{kind}>{}</{kind}>", escape(cell))).collect()
    };
    let rows: String = table.rows.iter().map(|row| format!("<tr>{}</tr>", cells(row, "td"))).collect();
    format!(
        "<h2>{}</h2>\n<table class=\"scores\"><thead><tr>{}</tr></thead><tbody>{rows}</tbody></table>\n<p>{}</p>\n",
        escape(&table.title),
        cells(&table.header, "th"),
        escape(&table.note)
    )
}
