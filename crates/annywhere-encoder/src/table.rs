//! Reads the table file. `FORMAT.md` describes the bytes; nothing of them is believed before it is checked.

use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Section, TableError};
use crate::projection::Projection;
use crate::sums::WIDTH;
use crate::vocabulary::Vocabulary;

const MAGIC: [u8; 8] = [0x89, b'A', b'N', b'N', b'E', 0x0d, 0x0a, 0x1a];
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 128;

/// The header has room for the checksums of this many panels.
const MAX_PANELS: usize = 6;

/// Far above any real scale (0.003 at most in the shipped table), and small enough that no sum of rows overflows.
const MAX_SCALE: f32 = 1024.0;

/// Offsets of the header's fields.
mod field {
    pub(super) const VERSION: usize = 8;
    pub(super) const TOKENS: usize = 12;
    pub(super) const DIMENSIONS: usize = 16;
    pub(super) const PANEL_WIDTH: usize = 20;
    pub(super) const TEACHER: usize = 24;
    pub(super) const VOCABULARY_LENGTH: usize = 28;
    pub(super) const TOTAL_LENGTH: usize = 32;
    pub(super) const VOCABULARY_CHECKSUM: usize = 40;
    pub(super) const SCALES_CHECKSUM: usize = 48;
    pub(super) const PANEL_CHECKSUMS: usize = 56;
    pub(super) const PROJECTION_CHECKSUM: usize = 104;
    pub(super) const RESERVED: usize = 112;
    pub(super) const HEADER_CHECKSUM: usize = 120;
}

/// A table, read and checked.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) vocabulary: Vocabulary,
    pub(crate) scales: Box<[f32]>,
    /// Panel p holds columns 64 p .. 64 (p + 1) of every row.
    pub(crate) panels: Box<[Panel]>,
    pub(crate) projection: Option<Projection>,
}

pub(crate) type Panel = Box<[[i8; WIDTH]]>;

impl Table {
    /// The first `dimensions` columns of a table, or all that the bytes hold.
    pub(crate) fn parse(bytes: &[u8], dimensions: Option<usize>) -> Result<Self, TableError> {
        let layout = Layout::parse(bytes)?;
        let panels = layout.panels_for(dimensions)?;
        let tokens = layout.tokens;

        let vocabulary =
            checked(bytes, layout.vocabulary(), field::VOCABULARY_CHECKSUM, Section::Vocabulary)?;
        let scales = checked(bytes, layout.scales(), field::SCALES_CHECKSUM, Section::Scales)?;
        let scales: Box<[f32]> = scales.as_chunks().0.iter().map(|&word| f32::from_le_bytes(word)).collect();
        if !scales.iter().all(|scale| (0.0..=MAX_SCALE).contains(scale)) {
            return Err(TableError::Malformed {
                section: Section::Scales,
                rule: "a scale is not a number between 0 and 1024",
            });
        }
        let panels = (0..panels)
            .map(|panel| {
                let checksum = field::PANEL_CHECKSUMS + 8 * panel;
                let rows = checked(bytes, layout.panel(panel), checksum, Section::Panel(panel))?;
                Ok(rows.as_chunks().0.iter().map(|row: &[u8; WIDTH]| row.map(u8::cast_signed)).collect())
            })
            .collect::<Result<Box<[Panel]>, TableError>>()?;
        let projection = if layout.has_projection {
            let section =
                checked(bytes, layout.projection(), field::PROJECTION_CHECKSUM, Section::Projection)?;
            Some(Projection::parse(section, layout.teacher, panels.len() * WIDTH)?)
        } else {
            None
        };
        Ok(Self { vocabulary: Vocabulary::parse(vocabulary, tokens)?, scales, panels, projection })
    }
}

/// The prefix of a table file that is the table of its first `dimensions` columns.
///
/// Reads the header only; [`Encoder::from_bytes`](crate::Encoder::from_bytes) verifies what it is given.
///
/// # Errors
///
/// If the bytes are not a table, or hold fewer dimensions, or `dimensions` is not a multiple of 64.
pub fn truncate(bytes: &[u8], dimensions: usize) -> Result<&[u8], TableError> {
    let layout = Layout::parse(bytes)?;
    let panels = layout.panels_for(Some(dimensions))?;
    Ok(&bytes[..layout.panel(panels - 1).end])
}

/// Where the sections lie. Built only if every one of them is inside the bytes.
struct Layout {
    tokens: usize,
    teacher: usize,
    /// Panels of the full file.
    full_panels: usize,
    /// Panels in these bytes.
    panels: usize,
    has_projection: bool,
    vocabulary_length: usize,
}

impl Layout {
    fn parse(bytes: &[u8]) -> Result<Self, TableError> {
        let received = bytes.len() as u64;
        if !bytes.starts_with(&MAGIC) {
            return Err(TableError::NotATable);
        }
        let header = bytes
            .first_chunk::<HEADER_BYTES>()
            .ok_or(TableError::Length { received, expected: HEADER_BYTES as u64 })?;
        let version = u32_at(header, field::VERSION);
        if version != VERSION {
            return Err(TableError::Version { received: version, supported: VERSION });
        }
        if xxh3_64(&header[..field::HEADER_CHECKSUM]) != u64_at(header, field::HEADER_CHECKSUM) {
            return Err(TableError::Checksum(Section::Header));
        }

        let malformed = |rule| Err(TableError::Malformed { section: Section::Header, rule });
        let [tokens, dimensions, teacher, vocabulary_length] =
            [field::TOKENS, field::DIMENSIONS, field::TEACHER, field::VOCABULARY_LENGTH]
                .map(|offset| u64::from(u32_at(header, offset)));
        let width = WIDTH as u64;
        if u64::from(u32_at(header, field::PANEL_WIDTH)) != width {
            return malformed("the panel width is not 64");
        }
        let full_panels = dimensions / width;
        if dimensions % width != 0 || full_panels == 0 || full_panels > MAX_PANELS as u64 {
            return malformed("the dimensions are not a multiple of 64 between 64 and 384");
        }
        if u64_at(header, field::RESERVED) != 0 {
            return malformed("the reserved field is not zero");
        }
        // Each term is below 2^43, so no sum overflows.
        let first_panel = HEADER_BYTES as u64 + vocabulary_length + 4 * tokens;
        let panel_bytes = width * tokens;
        let panels_end = first_panel + full_panels * panel_bytes;
        let total = panels_end + 4 * teacher + 4 * teacher * dimensions;
        if total != u64_at(header, field::TOTAL_LENGTH) {
            return malformed("the sections do not add up to the total length");
        }
        if tokens == 0 {
            return malformed("there are no tokens");
        }
        let panels =
            if received == total { full_panels } else { received.saturating_sub(first_panel) / panel_bytes };
        let is_prefix = (1..=full_panels).contains(&panels) && first_panel + panels * panel_bytes == received;
        if received != total && !is_prefix {
            return Err(TableError::Length { received, expected: total });
        }
        // Everything but a missing projection is now known to lie inside the bytes, so it fits in usize.
        let narrow =
            |number: u64| usize::try_from(number).expect("a section inside the bytes is addressable");
        Ok(Self {
            tokens: narrow(tokens),
            teacher: narrow(teacher),
            full_panels: narrow(full_panels),
            panels: narrow(panels),
            has_projection: received == total && teacher > 0,
            vocabulary_length: narrow(vocabulary_length),
        })
    }

    fn panels_for(&self, dimensions: Option<usize>) -> Result<usize, TableError> {
        let available = self.panels * WIDTH;
        let requested = dimensions.unwrap_or(available);
        if requested == 0 || requested > available || !requested.is_multiple_of(WIDTH) {
            return Err(TableError::Dimensions { requested, available });
        }
        Ok(requested / WIDTH)
    }

    fn vocabulary(&self) -> std::ops::Range<usize> {
        HEADER_BYTES..HEADER_BYTES + self.vocabulary_length
    }

    fn scales(&self) -> std::ops::Range<usize> {
        let start = self.vocabulary().end;
        start..start + 4 * self.tokens
    }

    fn panel(&self, panel: usize) -> std::ops::Range<usize> {
        let bytes = WIDTH * self.tokens;
        let start = self.scales().end + panel * bytes;
        start..start + bytes
    }

    fn projection(&self) -> std::ops::Range<usize> {
        let start = self.panel(self.full_panels - 1).end;
        start..start + 4 * self.teacher * (1 + self.full_panels * WIDTH)
    }
}

/// A section whose checksum matches the one at `checksum` in the header.
fn checked(
    bytes: &[u8],
    range: std::ops::Range<usize>,
    checksum: usize,
    section: Section,
) -> Result<&[u8], TableError> {
    let content = &bytes[range];
    if xxh3_64(content) == u64_at(bytes, checksum) { Ok(content) } else { Err(TableError::Checksum(section)) }
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(*bytes[offset..].first_chunk().expect("the header is complete"))
}

fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(*bytes[offset..].first_chunk().expect("the header is complete"))
}
