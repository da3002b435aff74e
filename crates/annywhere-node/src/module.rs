//! What belongs to the module and not to one database.

use napi_derive::napi;
use uuid::Builder;

/// The version of the core.
#[napi(catch_unwind)]
pub fn version() -> String {
    annywhere::VERSION.to_owned()
}

/// The instruction set of the distance kernels.
#[napi(catch_unwind)]
pub fn simd() -> String {
    annywhere::simd().to_owned()
}

/// A new random id (UUID version 4).
#[napi(catch_unwind)]
pub fn new_id() -> String {
    let mut random = [0; 16];
    getrandom::fill(&mut random).expect("the operating system has random bytes");
    Builder::from_random_bytes(random).into_uuid().to_string()
}
