//! Opens stores with a made-up journal.
#![no_main]

use std::sync::OnceLock;

use annywhere::{Config, MemoryBackend};
use annywhere_fuzz::support::disk::{newest, with};
use annywhere_fuzz::support::subjects::{opens_twice, seal_journal, store};
use libfuzzer_sys::fuzz_target;

static STORE: OnceLock<(Config, MemoryBackend)> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    let (config, disk) = STORE.get_or_init(store);
    let mut journal = bytes.to_vec();
    seal_journal(&mut journal);
    opens_twice(config, with(disk, &newest(disk, "journal"), &journal));
});
