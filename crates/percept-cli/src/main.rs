//! The percept command: train, judge and apply image transformation networks by what people see.
fn main() {}
