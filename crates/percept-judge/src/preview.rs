//! What a network is given to restore: crops of photos and their degraded counterparts, on one page.

use std::time::SystemTime;

use percept_image::{Image, Srgb};

use crate::page::{counted, date, escape, page as html, picture};

/// A crop as a training would have it.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The photo that it is of.
    pub photo: String,
    /// What the network shall make.
    pub target: Image<Srgb>,
    /// What the network is given, as a picture.
    pub input: Image<Srgb>,
}

/// The page of `samples`, in their order, under the name of the configuration that made them; `facts` are names and values.
pub fn page(config: &str, facts: &[(&str, String)], samples: &[Sample]) -> String {
    let made = [("Samples", samples.len().to_string()), ("Page made", date(SystemTime::now()))];
    let facts: String = facts
        .iter()
        .chain(&made)
        .map(|(name, value)| format!("<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value)))
        .collect();
    let title = format!("{config}: what the network sees");
    let head = format!(
        "<header class=\"top\"><h1>{}</h1>\n<p class=\"lead\">Crops as a training by this configuration cuts them, and what \
         it makes of them, every pixel as it is. A training draws others.</p>\n<dl class=\"facts\">{facts}</dl></header>\n",
        escape(&title)
    );
    let photos = samples.chunk_by(|a, b| a.photo == b.photo).map(photo);
    let main =
        format!("{head}<section id=\"photos\"><h2>Photos</h2>\n{}</section>", photos.collect::<String>());
    html(&title, &["photos"], &main, "", "")
}

/// The samples of one photo.
fn photo(samples: &[Sample]) -> String {
    let name = escape(samples.first().map_or("", |sample| &sample.photo));
    let figure = |image: &Image<Srgb>, what: &str, number: usize| {
        let (width, height) = image.size();
        format!(
            "<figure><img src=\"{}\" alt=\"{name}, {what} {number}\" width=\"{width}\" height=\"{height}\" loading=\"lazy\">\
             <figcaption>{what} {number}, {width}×{height}</figcaption></figure>",
            picture::photo(image)
        )
    };
    let figures = samples.iter().zip(1..).map(|(sample, number)| {
        figure(&sample.target, "target", number) + &figure(&sample.input, "input", number)
    });
    format!(
        "<div class=\"crops\"><h3>{name} <small>{}</small></h3><div class=\"row\">{}</div></div>\n",
        counted(samples.len(), "sample"),
        figures.collect::<String>()
    )
}
