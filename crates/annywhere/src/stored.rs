//! Everything a database holds that its file holds too.

use crate::codes::Codes;
use crate::error::Error;
use crate::graph::Graph;
use crate::metadata::Columns;
use crate::options::{self, Options};
use crate::quantize::codec::Codec;
use crate::scan::Scan;
use crate::slots::{Slot, Slots};
use crate::texts::Texts;
use crate::vectors::Vectors;
use crate::words::Words;

/// The parts of a database; all have the same slots.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) options: Options,
    pub(crate) slots: Slots,
    pub(crate) vectors: Vectors,
    pub(crate) metadata: Texts,
    pub(crate) index: Index,
    pub(crate) words: Option<Box<Words>>,
    pub(crate) columns: Columns,
    /// Which vectors may be compared with each other; see `Config`.
    pub(crate) embedding: Option<String>,
}

/// What finds candidates without looking at every vector.
#[derive(Debug)]
pub(crate) enum Index {
    Graph {
        graph: Box<Graph>,
        codes: Codes,
    },
    Scan(Box<Scan>),
    /// Nothing: every search compares every row.
    Exact,
}

impl Index {
    /// An empty index.
    pub(crate) fn new(options: &Options) -> Self {
        match options.index {
            options::Index::Hnsw => {
                Self::Graph { graph: Box::new(Graph::new(options)), codes: Codes::new(options) }
            }
            _ => Codec::new(options)
                .map_or(Self::Exact, |codec| Self::Scan(Box::new(Scan::new(options, codec)))),
        }
    }

    pub(crate) fn reserve(&mut self, slots: usize) -> Result<(), Error> {
        match self {
            Self::Graph { graph, codes } => {
                codes.reserve(slots)?;
                graph.reserve(slots)
            }
            Self::Scan(scan) => scan.reserve(slots),
            Self::Exact => Ok(()),
        }
    }

    fn shrink(&mut self, slots: usize) {
        match self {
            Self::Graph { graph, codes } => {
                codes.shrink(slots);
                graph.shrink(slots);
            }
            Self::Scan(scan) => scan.shrink(slots),
            Self::Exact => {}
        }
    }
}

impl Stored {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            slots: Slots::new(),
            vectors: Vectors::new(&options),
            metadata: Texts::new(),
            index: Index::new(&options),
            words: None,
            columns: Columns::default(),
            embedding: None,
            options,
        }
    }

    /// Makes room for `slots` slots, of which `rows` are new, with so many bytes of new ids and metadata.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; some parts may then have more slots than others, until [`shrink`](Self::shrink).
    pub(crate) fn reserve(
        &mut self,
        slots: usize,
        rows: usize,
        ids: usize,
        metadata: usize,
    ) -> Result<(), Error> {
        self.vectors.reserve(slots)?;
        self.metadata.reserve(slots, metadata)?;
        self.index.reserve(slots)?;
        if let Some(words) = &mut self.words {
            words.reserve(slots)?;
        }
        self.slots.reserve(slots, rows, ids)
    }

    /// Forgets the slots from `slots` on, which hold no rows yet.
    pub(crate) fn shrink(&mut self, slots: usize) {
        let Self { options: _, slots: ids, vectors, metadata, index, words, columns: _, embedding: _ } = self;
        vectors.shrink(slots);
        metadata.shrink(slots);
        index.shrink(slots);
        if let Some(words) = words {
            words.shrink(slots);
        }
        ids.shrink(slots);
    }

    /// Moves the rows about: slot `i` takes the row of slot `order[i]`. The live rows come first, the other slots are
    /// forgotten. The index is not moved with them.
    pub(crate) fn permute(&mut self, order: &[Slot]) {
        let Self { options: _, slots, vectors, metadata, index: _, words, columns, embedding: _ } = self;
        let live = slots.live();
        columns.permute(order, live, slots, metadata);
        vectors.permute(order);
        metadata.permute(order);
        slots.permute(order, live);
        if let Some(words) = words {
            words.permute(order, live);
        }
        vectors.shrink(live);
        metadata.shrink(live);
    }
}
