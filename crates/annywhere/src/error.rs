//! The one error of this crate's door: what was wrong, with the numbers, and a stable code.

use serde::Serialize;

/// Why a call was refused. Nothing has changed when a call returns an error.
///
/// The variant's name is the stable `code` that every binding passes on.
#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error)]
#[serde(tag = "code", content = "details", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Error {
    /// A vector has another length than the database's rows.
    #[error("{} has {received} dimensions, this database holds vectors of {expected}", place(*row))]
    WrongDimension {
        /// Dimensions of the database.
        expected: usize,
        /// Dimensions of the vector given.
        received: usize,
        /// Index of the row in the batch; absent for a query.
        row: Option<usize>,
    },
    /// A vector contains NaN or an infinity.
    #[error("{} has {value} at component {component}; every component must be a finite number", place(*row))]
    NotFinite {
        /// Index of the row in the batch; absent for a query.
        row: Option<usize>,
        /// Index of the first bad component.
        component: usize,
        /// The bad component as text: `NaN`, `inf` or `-inf`.
        value: String,
    },
    /// A vector without a direction was given to a cosine database.
    #[error("{} is a zero vector (its length is below 1e-15), which has no direction; cosine similarity is undefined for it", place(*row))]
    ZeroVector {
        /// Index of the row in the batch; absent for a query.
        row: Option<usize>,
    },
    /// A vector so long that distances to it would overflow.
    #[error("{} is too long: its squared length {square} exceeds {limit:e}", place(*row))]
    TooLarge {
        /// Index of the row in the batch; absent for a query.
        row: Option<usize>,
        /// Squared length of the vector, as text because it may be infinite.
        square: String,
        /// Largest squared length accepted.
        limit: f32,
    },
    /// An id that cannot be stored.
    #[error("the id of row {row} {reason}")]
    InvalidId {
        /// Index of the row in the batch.
        row: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// One batch names an id twice.
    #[error("the id {id:?} stands at rows {first} and {second} of one batch")]
    DuplicateId {
        /// The repeated id.
        id: String,
        /// Index of its first row.
        first: usize,
        /// Index of its second row.
        second: usize,
    },
    /// Metadata that is not a JSON object.
    #[error("the metadata of row {row} {reason}")]
    InvalidMetadata {
        /// Index of the row in the batch.
        row: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// An option has a value outside its range or is unknown.
    #[error("option {option}: {reason}")]
    InvalidOption {
        /// Name of the option, dotted for nested ones.
        option: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A filter that cannot be understood, or is too large.
    #[error("the filter {}{reason}", at(path))]
    InvalidFilter {
        /// Keys and list places that lead to the fault, with dots between them; empty for the whole filter.
        path: String,
        /// What is wrong there.
        reason: String,
    },
    /// An argument of a call has a value outside its range.
    #[error("argument {argument}: {reason}")]
    InvalidArgument {
        /// Name of the argument.
        argument: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file was built with another value of an option than the one asked for.
    #[error("{option} is {expected} in the options and {received} in the file")]
    Mismatch {
        /// Name of the option.
        option: String,
        /// The value asked for.
        expected: String,
        /// The value found.
        received: String,
    },
    /// Bytes that are not a whole, undamaged annywhere file.
    #[error("the file is damaged or not an annywhere file: {section}: {reason}")]
    Corrupt {
        /// Part of the file in which the fault was found.
        section: String,
        /// What was found.
        reason: String,
    },
    /// A file that needs a newer version of this software.
    #[error("the file has format version {found}, this version reads up to {supported}")]
    VersionTooNew {
        /// Format version of the file.
        found: u32,
        /// Newest format version known here.
        supported: u32,
    },
    /// The storage has no room for the write.
    #[error("no space left while writing: {reason}")]
    NoSpace {
        /// What the storage reported.
        reason: String,
    },
    /// Another writer holds the storage.
    #[error("the storage is held by another writer: {reason}")]
    Locked {
        /// What the storage reported.
        reason: String,
    },
    /// A write failed earlier, and nothing is written any more.
    #[error("the storage failed earlier ({reason}); nothing is written until the database is opened anew")]
    Poisoned {
        /// The first failure.
        reason: String,
    },
    /// The database was opened for reading.
    #[error("the database is open for reading only")]
    ReadOnly,
    /// Any other failure of the storage.
    #[error("{operation} failed: {reason}")]
    Io {
        /// What was being done.
        operation: String,
        /// What the storage reported.
        reason: String,
    },
    /// The allocator refused memory.
    #[error("out of memory: {bytes} bytes more were needed")]
    OutOfMemory {
        /// Size of the refused allocation.
        bytes: usize,
    },
}

fn place(row: Option<usize>) -> String {
    row.map_or_else(|| "the query".to_owned(), |row| format!("row {row}"))
}

fn at(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("at {path} ") }
}

impl Error {
    /// The stable code: the variant's name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::WrongDimension { .. } => "WrongDimension",
            Self::NotFinite { .. } => "NotFinite",
            Self::ZeroVector { .. } => "ZeroVector",
            Self::TooLarge { .. } => "TooLarge",
            Self::InvalidId { .. } => "InvalidId",
            Self::DuplicateId { .. } => "DuplicateId",
            Self::InvalidMetadata { .. } => "InvalidMetadata",
            Self::InvalidOption { .. } => "InvalidOption",
            Self::InvalidFilter { .. } => "InvalidFilter",
            Self::InvalidArgument { .. } => "InvalidArgument",
            Self::Mismatch { .. } => "Mismatch",
            Self::Corrupt { .. } => "Corrupt",
            Self::VersionTooNew { .. } => "VersionTooNew",
            Self::NoSpace { .. } => "NoSpace",
            Self::Locked { .. } => "Locked",
            Self::Poisoned { .. } => "Poisoned",
            Self::ReadOnly => "ReadOnly",
            Self::Io { .. } => "Io",
            Self::OutOfMemory { .. } => "OutOfMemory",
        }
    }

    /// `{"code", "message", "details"}` as JSON text: the form in which an error crosses into JavaScript.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        value["message"] = self.to_string().into();
        value.to_string()
    }

    #[inline(never)]
    pub(crate) fn corrupt(section: &str, reason: impl Into<String>) -> Self {
        Self::Corrupt { section: section.to_owned(), reason: reason.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::Error;

    #[test]
    fn json_carries_code_message_and_numbers() {
        let error = Error::WrongDimension { expected: 3, received: 2, row: Some(7) };
        let json: serde_json::Value = serde_json::from_str(&error.to_json()).unwrap();
        assert_eq!(json["code"], error.code());
        assert_eq!(json["message"], "row 7 has 2 dimensions, this database holds vectors of 3");
        assert_eq!(json["details"], serde_json::json!({ "expected": 3, "received": 2, "row": 7 }));
    }
}
