//! The native shell of annywhere: converts arguments, calls the core off the main thread, converts results.
//!
//! Its JavaScript face is the `EngineModule` interface in `npm/annywhere/src/engine.ts`, the same as that of
//! `annywhere-wasm`; file names and method names are the same too. Every error crosses as a JavaScript `Error`
//! whose message is the core's JSON; any other message is a panic, after which the engine must not be used.

mod encoder;
mod engine;
mod error;
mod files;
mod folder;
mod lock;
pub mod module;
mod rows;
mod store;
mod work;
