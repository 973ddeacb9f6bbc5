//! The photos: a viewer for any two versions of one, and small crops of all.

use std::fmt::Write;

use serde::Serialize;

use super::photos::Versions;
use crate::focus::{Window, focus};
use crate::page::{escape, json, picture};

/// Longest side of a photo on the page; of a larger one a part is shown.
const SIDE: usize = 768;
/// Side of the small crops, in pixels of the photo.
const CROP: usize = 80;
const THUMB: usize = 176;

/// What the page shows of the photos, collected one by one.
pub(super) struct Viewer {
    /// Input, runs, target.
    columns: Vec<String>,
    photos: Vec<Shown>,
    layers: String,
    crops: String,
    cut: Vec<String>,
    /// The square of the first photo, in all versions.
    first: String,
}

/// One photo, as the page's script needs it.
#[derive(Serialize)]
struct Shown {
    name: String,
    width: usize,
    height: usize,
    /// x, y, width and height of the small crop.
    crop: [usize; 4],
    #[serde(skip)]
    thumb: String,
}

impl Viewer {
    pub(super) fn new(runs: &[String]) -> Self {
        let columns = std::iter::once("input").chain(runs.iter().map(String::as_str)).chain(["target"]);
        Self {
            columns: columns.map(str::to_string).collect(),
            photos: Vec::new(),
            layers: String::new(),
            crops: String::new(),
            cut: Vec::new(),
            first: String::new(),
        }
    }

    /// How plainly the runs differ in a photo: in the square where they do so most.
    pub(super) fn plainness(versions: &Versions) -> f64 {
        focus(&versions.compared(), CROP).1
    }

    /// The first thing to look at.
    pub(super) fn first(&self) -> &str {
        &self.first
    }

    /// How many photos it has.
    pub(super) fn len(&self) -> usize {
        self.photos.len()
    }

    /// Adds a photo.
    pub(super) fn add(&mut self, name: &str, versions: &Versions) {
        let size = versions.target.size();
        let (focus, _) = focus(&versions.compared(), CROP);
        let window = focus.grown(SIDE, size);
        if (window.width, window.height) != size {
            self.cut.push(name.to_string());
        }
        let crop = Window { x: focus.x - window.x, y: focus.y - window.y, ..focus };
        let thumb = picture::thumbnail(&window.of(&versions.target), THUMB);
        let at = self.photos.len();
        let name_html = escape(name);
        let mut layers = String::new();
        let mut crops = String::new();
        for (column, image) in versions.all().enumerate() {
            let label = escape(self.columns.get(column).map_or("", String::as_str));
            let _ = writeln!(
                layers,
                "<figure><img src=\"{}\" alt=\"{name_html}: {label}\" width=\"{}\" height=\"{}\" loading=\"lazy\" \
                 decoding=\"async\" data-photo=\"{at}\" data-column=\"{column}\"><figcaption>{label}</figcaption></figure>",
                picture::photo(&window.of(image)),
                window.width,
                window.height,
            );
            let _ = writeln!(
                crops,
                "<figure><img src=\"{}\" alt=\"{name_html}, crop: {label}\" width=\"{}\" height=\"{}\">\
                 <figcaption>{label}</figcaption></figure>",
                picture::photo(&focus.of(image)),
                focus.width,
                focus.height,
            );
        }
        if at == 0 {
            self.first = format!(
                "<div class=\"first\"><div class=\"row\">{crops}</div><p>{name_html}, where the results lie farthest apart: the \
                 square of {CROP} pixels, of all on the page, with the greatest mean distance of a value from the mean of the \
                 results. It says where to look, not what is better.</p></div>\n"
            );
        }
        let percent = |part: usize, whole: usize| 100.0 * part as f64 / whole as f64;
        let _ = writeln!(self.layers, "<div class=\"strip\"><h3>{name_html}</h3>{layers}</div>");
        let _ = writeln!(
            self.crops,
            "<div class=\"crops\"><h3>{name_html}<button type=\"button\" class=\"closer\" data-photo=\"{at}\">Show in \
             the viewer</button></h3><div class=\"row\"><div class=\"where\"><span><img src=\"{thumb}\" alt=\"{name_html}, \
             whole\"><i style=\"left:{:.2}%;top:{:.2}%;width:{:.2}%;height:{:.2}%\"></i></span></div>{crops}</div></div>",
            percent(crop.x, window.width),
            percent(crop.y, window.height),
            percent(crop.width, window.width),
            percent(crop.height, window.height),
        );
        self.photos.push(Shown {
            name: name.to_string(),
            width: window.width,
            height: window.height,
            crop: [crop.x, crop.y, crop.width, crop.height],
            thumb,
        });
    }

    /// The section; `all` is the number of photos that were judged.
    pub(super) fn section(&self, all: usize) -> String {
        let thumbs: String = self
            .photos
            .iter()
            .enumerate()
            .map(|(at, photo)| {
                format!(
                    "<button type=\"button\" class=\"thumb\" data-photo=\"{at}\" aria-pressed=\"{}\"><img src=\"{}\" alt=\"\">\
                     <span>{}</span></button>",
                    at == 0,
                    photo.thumb,
                    escape(&photo.name)
                )
            })
            .collect();
        let last = self.columns.len() - 1;
        let left = self.choice("left", "Left", 0);
        let right = self.choice("right", "Right", last.saturating_sub(1));
        let mut remarks = Vec::new();
        if self.len() > 1 {
            remarks
                .push("The more plainly the results differ in a photo, the earlier it stands.".to_string());
        }
        if self.len() < all {
            remarks.push(format!("{} of {all} photos are shown; the scores are of all.", self.len()));
        }
        if !self.cut.is_empty() {
            remarks.push(format!("Of {} a part is shown, {SIDE} pixels at most.", self.cut.join(", ")));
        }
        let remarks = escape(&remarks.join(" "));
        let data = json(&serde_json::json!({"columns": self.columns, "photos": self.photos}));
        format!(
            include_str!("viewer.html"),
            thumbs = thumbs,
            left = left,
            right = right,
            remarks = remarks,
            layers = self.layers,
            crops = self.crops,
            data = data,
            side = CROP,
        )
    }

    /// Which version is on one side.
    fn choice(&self, side: &str, legend: &str, chosen: usize) -> String {
        let options = self.columns.iter().enumerate().map(|(at, name)| {
            let checked = if at == chosen { " checked" } else { "" };
            format!(
                "<label><input type=\"radio\" name=\"{side}\" value=\"{at}\"{checked}><span>{}</span></label>",
                escape(name)
            )
        });
        format!(
            "<fieldset class=\"choice\"><legend>{legend}</legend>{}</fieldset>",
            options.collect::<String>()
        )
    }
}
