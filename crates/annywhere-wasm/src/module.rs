//! What belongs to the module and not to one database.

use uuid::Builder;
use wasm_bindgen::prelude::wasm_bindgen;

/// The version of the core.
#[wasm_bindgen]
pub fn version() -> String {
    annywhere::VERSION.to_owned()
}

/// The instruction set of the distance kernels.
#[wasm_bindgen]
pub fn simd() -> String {
    annywhere::simd().to_owned()
}

/// A new random id (UUID version 4).
#[wasm_bindgen(js_name = newId)]
pub fn new_id() -> String {
    let mut random = [0; 16];
    getrandom::fill(&mut random).expect("crypto.getRandomValues exists wherever WebAssembly does");
    Builder::from_random_bytes(random).into_uuid().to_string()
}

/// Leaves this instance after a trap: the next call starts a fresh one, and objects of this one refuse to work.
///
/// The glue writes the arguments of a call before it changes the instance, so the next call must have none.
#[wasm_bindgen]
pub fn abandon() {
    wasm_bindgen::handler::schedule_reinit();
}
