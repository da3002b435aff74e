//! What a database says of itself.

use serde::Serialize;

use crate::options::Options;

/// What a database holds and costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Number of rows.
    pub count: usize,
    /// Removed rows that the graph still walks through.
    pub deleted: usize,
    /// The options in force.
    #[serde(flatten)]
    pub options: Options,
    /// Dotted paths of the metadata fields whose words can be searched.
    pub text_fields: Vec<String>,
    /// Which vectors may be compared with each other, if it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embedding: Option<String>,
    /// Where vectors and metadata are.
    pub originals: Originals,
    /// Bytes of memory per part.
    pub memory: MemoryStats,
}

/// Where the rows are as they were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Originals {
    /// In memory.
    Memory,
    /// In the file that was opened.
    Storage,
    /// In that file, which is mapped into memory.
    Mapped,
}

/// Bytes allocated per part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MemoryStats {
    /// Original vectors.
    pub vectors: usize,
    /// Codes that the graph walks on.
    pub codes: usize,
    /// Links.
    pub graph: usize,
    /// Ids and their table.
    pub ids: usize,
    /// Metadata.
    pub metadata: usize,
    /// Words of texts and where they stand.
    pub words: usize,
    /// Columns of the fields that filters have named.
    pub columns: usize,
    /// The sum of all parts.
    pub total: usize,
}
