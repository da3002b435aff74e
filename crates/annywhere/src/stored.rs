//! Everything a database holds that its file holds too.

use crate::codes::Codes;
use crate::error::Error;
use crate::graph::Graph;
use crate::options::Options;
use crate::slots::Slots;
use crate::texts::Texts;
use crate::vectors::Vectors;

/// The parts of a database; all have the same slots.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) options: Options,
    pub(crate) slots: Slots,
    pub(crate) vectors: Vectors,
    pub(crate) metadata: Texts,
    pub(crate) graph: Graph,
    pub(crate) codes: Codes,
}

impl Stored {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            slots: Slots::new(),
            vectors: Vectors::new(options.distance_metric, options.dimensions),
            metadata: Texts::new(),
            graph: Graph::new(&options),
            codes: Codes::new(&options),
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
        self.codes.reserve(slots)?;
        self.graph.reserve(slots)?;
        self.slots.reserve(slots, rows, ids)
    }

    /// Forgets the slots from `slots` on, which hold no rows yet.
    pub(crate) fn shrink(&mut self, slots: usize) {
        let Self { options: _, slots: ids, vectors, metadata, graph, codes } = self;
        vectors.shrink(slots);
        metadata.shrink(slots);
        codes.shrink(slots);
        graph.shrink(slots);
        ids.shrink(slots);
    }
}
