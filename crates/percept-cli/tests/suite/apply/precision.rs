//! Products of another precision.

use std::fs;

use percept_conv::Precision;
use percept_image::{Photo, write_photo};

use super::photo;
use crate::common::{arg, percept};

#[test]
fn bf16_is_taken_where_a_processor_has_it_and_said_where_it_has_not() {
    let dir = tempfile::tempdir().unwrap();
    let [input, exact, narrow] = ["in.png", "exact.png", "narrow.png"].map(|name| dir.path().join(name));
    write_photo(&input, &Photo::new(photo(24, 20, 1))).unwrap();
    let said = |level: Option<&str>, precision: &str, output| {
        let mut command = percept(&["apply", "classic-x4", arg(&input), "--force"]);
        command.args(["--precision", precision, "-o", arg(output)]);
        if let Some(level) = level {
            command.env("PERCEPT_SIMD", level);
        }
        let output = command.output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{told}");
        told.contains("--precision: products are f32")
    };
    assert!(!said(Some("scalar"), "f32", &exact));
    assert!(said(Some("scalar"), "bf16", &narrow));
    assert!(fs::read(&exact).unwrap() == fs::read(&narrow).unwrap(), "something was rounded");
    assert_eq!(said(None, "bf16", &narrow), Precision::Bf16.on_cpu() == Precision::F32);
}
