//! What can be wrong with a table, or with a vector handed to it.

use std::fmt;

/// A part of the table file; `FORMAT.md` has their layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The first 128 bytes.
    Header,
    /// The pieces.
    Vocabulary,
    /// One scale per row.
    Scales,
    /// 64 columns of every row; panel 0 comes first.
    Panel(usize),
    /// Mean and axes for teacher vectors.
    Projection,
}

/// Why a table, or a call on it, was refused.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TableError {
    /// The bytes do not begin with the magic of a table.
    NotATable,
    /// The table is of another format version.
    Version {
        /// The version in the file.
        received: u32,
        /// The version this crate reads.
        supported: u32,
    },
    /// The file is shorter or longer than its header says; a prefix has to end where a panel ends.
    Length {
        /// Bytes received.
        received: u64,
        /// Bytes of the full file, or of the header if not even that is there.
        expected: u64,
    },
    /// The table does not have the dimensions asked for.
    Dimensions {
        /// Dimensions asked for.
        requested: usize,
        /// Dimensions in these bytes; every multiple of 64 up to here can be had.
        available: usize,
    },
    /// A section's bytes do not match their checksum.
    Checksum(Section),
    /// A section's content breaks a rule of the format.
    Malformed {
        /// Where.
        section: Section,
        /// The rule.
        rule: &'static str,
    },
    /// The table has no projection: it is a prefix, or was written without one.
    NoProjection,
    /// A slice has the wrong length.
    VectorLength {
        /// The length it has to have.
        expected: usize,
        /// The length it has.
        received: usize,
    },
    /// A teacher vector holds NaN or infinity.
    NotFinite {
        /// Position of the first such entry.
        index: usize,
    },
    /// A teacher vector, or its projection, is zero or too long for f32: it cannot be brought to unit length.
    NoDirection,
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("header"),
            Self::Vocabulary => f.write_str("vocabulary"),
            Self::Scales => f.write_str("scales"),
            Self::Panel(panel) => write!(f, "panel {panel}"),
            Self::Projection => f.write_str("projection"),
        }
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotATable => f.write_str("The bytes are not an encoder table."),
            Self::Version { received, supported } => {
                write!(
                    f,
                    "The encoder table has format version {received}; this engine reads version {supported}."
                )
            }
            Self::Length { received, expected } => write!(
                f,
                "The encoder table has {received} bytes; expected {expected}, or a prefix that ends where a panel ends."
            ),
            Self::Dimensions { requested, available } => write!(
                f,
                "The encoder table has {available} dimensions; asked for {requested}. Choose a multiple of 64 up to {available}."
            ),
            Self::Checksum(section) => {
                write!(f, "The encoder table is damaged: the checksum of its {section} does not match.")
            }
            Self::Malformed { section, rule } => {
                write!(f, "The encoder table is malformed: in its {section}, {rule}.")
            }
            Self::NoProjection => f.write_str(
                "This encoder table has no projection for teacher vectors; use the full table, not a prefix.",
            ),
            Self::VectorLength { expected, received } => {
                write!(f, "Expected {expected} numbers, received {received}.")
            }
            Self::NotFinite { index } => write!(f, "The teacher vector is not finite at position {index}."),
            Self::NoDirection => {
                f.write_str("The teacher vector cannot be brought to unit length: it is zero or too long.")
            }
        }
    }
}

impl std::error::Error for TableError {}
