//! Writes the JavaScript glue of a compiled WebAssembly shell: `bindgen <input.wasm> <output-dir>`.
//!
//! The same work as the `wasm-bindgen` command, as a workspace binary, so that its version comes from the one
//! `Cargo.lock` and nothing is installed globally. The glue has no default path to the module: every entry of
//! the npm package passes the module itself, and bundlers find no `new URL(..)` they would have to follow.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    match write_glue() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bindgen: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write_glue() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(input), Some(output), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("expected two arguments: <input.wasm> <output-dir>".into());
    };
    let mut bindgen = Bindgen::new();
    bindgen
        .web(true)?
        .typescript(true)
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .input_path(input)
        .out_name("annywhere_wasm");
    bindgen.generate(output).map_err(|error| format!("{error:#}").into())
}
