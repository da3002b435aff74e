//! Opens stores with a made-up superblock.
#![no_main]

use std::sync::OnceLock;

use annywhere::{Config, MemoryBackend};
use annywhere_fuzz::support::disk::with;
use annywhere_fuzz::support::subjects::{opens_twice, seal_slots, store};
use libfuzzer_sys::fuzz_target;

static STORE: OnceLock<(Config, MemoryBackend)> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    let (config, disk) = STORE.get_or_init(store);
    let mut superblock = bytes.to_vec();
    seal_slots(&mut superblock);
    opens_twice(config, with(disk, "superblock", &superblock));
});
