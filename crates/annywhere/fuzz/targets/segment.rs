//! Opens files of made-up sections, and searches in those that are accepted.
#![no_main]

use std::sync::OnceLock;

use annywhere::Config;
use annywhere_fuzz::from_frames;
use annywhere_fuzz::support::segment::put_together;
use annywhere_fuzz::support::subjects::{read, search_in_all_ways, subjects};
use libfuzzer_sys::fuzz_target;

static CONFIGS: OnceLock<Vec<Config>> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    let Some((subject, sections)) = from_frames(bytes) else { return };
    let configs = CONFIGS.get_or_init(|| subjects().into_iter().map(|subject| subject.config).collect());
    if let Some(database) = read(&put_together(&sections), &configs[subject % configs.len()]) {
        search_in_all_ways(&database, &[0.3, -0.5, 0.7, 0.1, -0.2]);
    }
});
