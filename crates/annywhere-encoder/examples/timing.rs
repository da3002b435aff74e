//! Load and encode times: `cargo run --release -p annywhere-encoder --example timing`, also with
//! `--target wasm32-wasip1`.

use std::hint::black_box;
use std::time::Instant;

use annywhere_encoder::{Encoder, Scratch, truncate};

const TEXTS: [(&str, &str); 2] = [
    ("6 pieces", "a person who really loves books"),
    (
        "24 pieces",
        "a tall evergreen tree of the western coast that has hard wood and short needles and is often grown for its \
         very good timber",
    ),
];
const ROUNDS: usize = 2000;
const LOADS: usize = 15;

fn main() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../npm/encoder-en/table.bin");
    let file = std::fs::read(path).expect("npm/encoder-en/table.bin is committed");
    for dimensions in [64, 128, 256] {
        let prefix = truncate(&file, dimensions).expect("the shipped table has 256 dimensions");
        let load = median((0..LOADS).map(|_| time(|| drop(black_box(Encoder::from_bytes(prefix, None))))));
        println!("{dimensions} d: load {:.2} ms", load / 1e6);
        let encoder = Encoder::from_bytes(prefix, None).expect("a prefix is a table");
        let (mut scratch, mut vector) = (Scratch::default(), vec![0.0; dimensions]);
        for (name, text) in TEXTS {
            let pieces = encoder.encode(text, &mut scratch, &mut vector);
            let once = median((0..ROUNDS).map(|_| {
                time(|| {
                    black_box(encoder.encode(black_box(text), &mut scratch, &mut vector));
                })
            }));
            println!("{dimensions} d: {name} ({pieces}): {:.2} µs", once / 1e3);
        }
    }
}

/// Nanoseconds of one call.
fn time(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_nanos() as f64
}

fn median(times: impl Iterator<Item = f64>) -> f64 {
    let mut times: Vec<f64> = times.collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
