//! People's opinions as text: percept's own table, and those of the data sets.

use std::io;
use std::path::PathBuf;

use percept_judge::agree::{Layout, Table};
use tempfile::TempDir;

use super::{Target, answer, bytes, scratch};

pub(super) struct Csv {
    /// Files of the same content, with the layout that a name stands for.
    files: [(PathBuf, Option<Layout>); 3],
    _folder: TempDir,
}

impl Csv {
    pub(super) fn new() -> io::Result<Self> {
        let folder = scratch()?;
        let at = |name: &str| folder.path().join(name);
        let files = [
            (at("opinions.csv"), None),
            (at("mos_with_names.txt"), Some(Layout::Tid2013)),
            (at("csiq_label.txt"), Some(Layout::Csiq)),
        ];
        Ok(Self { files, _folder: folder })
    }
}

impl Target for Csv {
    fn seeds(&mut self) -> io::Result<Vec<Vec<u8>>> {
        Ok(bytes(&[
            "reference,distorted,score,distortion,spread\na.png,a1.png,3.5,noise,0.4\nb.png,\"b,1.png\",1,blur,\n",
            "reference,a,b,votes\nr.png,p0.png,p1.png,0.75\nr.png,p1.png,p2.png,1\n",
            "dist_img,ref_img,dmos,var\nI01_01_01.png,I01.png,4.57,0.496\nI01_01_02.png,I01.png,4.33,0.869\n",
            "image,dst_type,dst_lev,dmos,dmos_std\n1600,noise,1,0.062,0.1\n1600,jpeg 2000,2,0.206,0.1\n",
            "5.51429 I01_01_1.bmp\n5.56757 I01_01_2.bmp\r\n",
            "1600.AWGN.1.png 0.062\n1600.AWGN.2.png 0.206\n",
            "\u{feff}reference;distorted;score\na;b;1,5\n",
        ]))
    }

    fn words(&self) -> Vec<Vec<u8>> {
        bytes(&[
            "reference",
            "distorted",
            "score",
            "votes",
            "dmos",
            "\"",
            "\"\"",
            ",",
            ";",
            "\t",
            "\n",
            "\r\n",
            "\r",
            "\u{feff}",
            "../../a.png",
            "/",
            "\\",
            "\0",
            "\u{301}",
            "ref_img",
            "dst_type",
        ])
    }

    fn feed(&mut self, input: &[u8]) -> Result<Option<String>, String> {
        let mut said = Vec::new();
        for (path, layout) in &self.files {
            std::fs::write(path, input).map_err(|error| error.to_string())?;
            said.push(answer(Table::read(path, *layout, None))?);
        }
        // Sound as any of them.
        let sound = said.iter().any(Option::is_none);
        Ok((!sound).then(|| said.into_iter().flatten().collect()))
    }
}
