//! How the module is linked, where a platform asks for it: Python's own functions are found when Python loads it.

fn main() {
    pyo3_build_config::add_extension_module_link_args();
}
