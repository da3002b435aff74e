//! What searches allocate once they are warm: nothing.

mod support;

use annywhere::{Config, Index, Metric, Quantization, SearchParams};
use support::{Random, config, filled};

const ROWS: usize = 3_000;
const DIMENSIONS: usize = 40;

fn vectors(count: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut random = Random(seed);
    (0..count).map(|_| random.clustered(DIMENSIONS, 0.6)).collect()
}

#[test]
fn warm_searches_allocate_nothing() {
    let rabitq = |bits| Quantization::Rabitq { bits: Some(bits) };
    let product = Quantization::Product { subspaces: None, k: None };
    let kinds = [
        (Index::Scan, rabitq(1)),
        (Index::Scan, rabitq(4)),
        (Index::Scan, product),
        (Index::Scan, Quantization::None),
        (Index::Hnsw, rabitq(1)),
        (Index::Hnsw, product),
        (Index::Hnsw, Quantization::Scalar),
        (Index::Hnsw, Quantization::None),
    ];
    let queries = vectors(50, 2);
    for (index, quantization) in kinds {
        for metric in [Metric::Cosine, Metric::Euclidean] {
            let (index, quantization) = (Some(index), Some(quantization));
            let database =
                filled(&Config { index, quantization, ..config(DIMENSIONS, metric) }, &vectors(ROWS, 1));
            for (exact, rescore) in [(false, true), (false, false), (true, true)] {
                let params = SearchParams { exact, rescore, ..SearchParams::default() };
                let search = || {
                    for query in &queries {
                        let hits = database.search(query, &params).unwrap();
                        assert_eq!((hits.len(), hits.scores().len()), (10, 10));
                    }
                };
                search();
                let allocated = allocation_counter::measure(search);
                assert_eq!(allocated.count_total, 0, "{index:?} {quantization:?} {metric:?}, exact {exact}");
            }
        }
    }
}
