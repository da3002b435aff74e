//! The WebAssembly shell of annywhere: converts arguments, calls the core, converts results.
//!
//! Its JavaScript face is the `EngineModule` interface in `npm/annywhere/src/engine.ts`, the same as that of
//! `annywhere-node`; file names and method names are the same too. Every error crosses as a JavaScript `Error`
//! whose message is the core's JSON. A panic is a trap: the instance must then be left with [`module::abandon`].

#![forbid(unsafe_code)]

mod encoder;
mod engine;
mod error;
mod files;
mod folder;
pub mod module;
mod rows;
