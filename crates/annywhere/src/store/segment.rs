//! Writing a database as one immutable file and reading it back. `FORMAT.md` beside this file describes the bytes.

use std::borrow::Cow;
use std::sync::Arc;

use half::f16;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::checksum::{BLOCK_BYTES, Blocks};
use super::section::Section;
use super::{SharedSource, Sink, Source};
use crate::calibration::Calibration;
use crate::chunks::Chunks;
use crate::codes::Codes;
use crate::compact;
use crate::error::Error;
use crate::fixed_texts::FixedTexts;
use crate::graph::{self, Graph};
use crate::kernels::LANES;
use crate::metadata::Columns;
use crate::options::{
    Config, MAX_ROWS, Options, Precision, agree, agree_on_embedding, check_embedding, check_text_fields,
};
use crate::rows;
use crate::scan::{Numbers, Parts};
use crate::slots::{Slot, Slots};
use crate::stored::{Index, Stored};
use crate::texts::Texts;
use crate::vectors::Vectors;
use crate::words::{Sections, Words};

const MAGIC: [u8; 12] = *b"\x89ANNW\r\n\x1a\n\0\0\0";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 64;
const FOOTER_BYTES: usize = 64;
const ENTRY_BYTES: usize = 40;
const SECTION_ALIGNMENT: u64 = 4_096;
/// Longest options section that is read; the real one is a few hundred bytes.
const LONGEST_STATE: u64 = 1 << 20;
/// Bytes gathered before the sink is called, so that a million small texts are not a million calls.
const GATHERED_BYTES: usize = 1 << 20;

/// What a section holds. The numbers are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum Kind {
    State = 1,
    SlotStates = 2,
    IdLengths = 3,
    Ids = 4,
    MetadataLengths = 5,
    Metadata = 6,
    Vectors = 7,
    ScalarCodes = 8,
    Twins = 11,
    ScanBlocks = 12,
    ScanCentres = 13,
    ScanCells = 14,
    ScanCodebook = 15,
    ScanOrigin = 16,
    Links = 17,
    CompactCodes = 18,
    CodeCentre = 19,
    CodeBook = 20,
    HalfVectors = 21,
    Columns = 24,
    WordLengths = 32,
    Words = 33,
    WordPostings = 34,
}

/// What the file says of itself in JSON: section `State`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct State {
    options: Options,
    slots: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entry: Option<Slot>,
    #[serde(default, skip_serializing_if = "is_zero")]
    loose: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    calibration: Option<Calibration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    codes: Option<compact::Numbers>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scan: Option<Numbers>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    text_fields: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    embedding: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// The bytes of a section to be written.
enum Content<'a> {
    Bytes(Vec<u8>),
    Parts(Vec<&'a [u8]>),
    Lengths(&'a Texts),
    Texts(&'a Texts),
    /// Numbers that are written in half precision.
    Halves(Vec<&'a [u8]>),
}

/// A piece of a section, whose bytes are only made if somebody wants them.
enum Piece<'a> {
    Bytes(&'a [u8]),
    /// Bytes of f32 that are written in half precision.
    Halves(&'a [u8]),
}

impl<'a> Piece<'a> {
    fn len(&self) -> usize {
        match *self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Halves(wide) => wide.len() / 2,
        }
    }

    fn bytes(self) -> Cow<'a, [u8]> {
        match self {
            Self::Bytes(bytes) => Cow::Borrowed(bytes),
            Self::Halves(wide) => {
                let halves = bytemuck::cast_slice(wide).iter().map(|&number| f16::from_f32(number));
                Cow::Owned(halves.flat_map(f16::to_le_bytes).collect())
            }
        }
    }
}

impl Content<'_> {
    /// Hands the content over, piece by piece.
    fn pour(&self, take: &mut dyn FnMut(Piece<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let mut take_bytes = |bytes: &[u8]| take(Piece::Bytes(bytes));
        match self {
            Self::Bytes(bytes) => take_bytes(bytes),
            Self::Parts(parts) => parts.iter().try_for_each(|part| take_bytes(part)),
            Self::Lengths(texts) => texts.lengths().try_for_each(|length| take_bytes(&length.to_le_bytes())),
            Self::Texts(texts) => texts.iter().try_for_each(|text| take_bytes(text.as_bytes())),
            Self::Halves(parts) => parts.iter().try_for_each(|part| take(Piece::Halves(part))),
        }
    }
}

/// Where a section lies: one entry of the section table.
#[derive(Debug, Clone, Copy)]
struct Entry {
    kind: u32,
    flags: u32,
    offset: u64,
    length: u64,
    first_block: u64,
    blocks: u64,
}

impl Entry {
    fn to_bytes(self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        bytes[0..4].copy_from_slice(&self.kind.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.flags.to_le_bytes());
        for (at, number) in [(8, self.offset), (16, self.length), (24, self.first_block), (32, self.blocks)] {
            bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        Self {
            kind: u32_at(bytes, 0),
            flags: u32_at(bytes, 4),
            offset: u64_at(bytes, 8),
            length: u64_at(bytes, 16),
            first_block: u64_at(bytes, 24),
            blocks: u64_at(bytes, 32),
        }
    }
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// Where everything lies in a file that is being written, and the checksums of it all.
#[derive(Debug)]
pub(crate) struct Layout {
    entries: Vec<Entry>,
    /// Block checksums, then the section table.
    directory: Vec<u8>,
    directory_at: u64,
    table_bytes: u64,
    /// Hash of the directory, and so of everything.
    pub(crate) content_id: u128,
    /// Bytes of the file.
    pub(crate) total: u64,
    /// What was made for it and does not lie in the database as it is. Made once: searches may add columns meanwhile.
    made: Vec<(Kind, Vec<u8>)>,
}

/// What there is to write, in file order; what was made before is taken from there.
fn sections<'a>(stored: &'a Stored, made: Option<&'a [(Kind, Vec<u8>)]>) -> Vec<(Kind, Content<'a>)> {
    let find = |kind: Kind| made?.iter().find(|(other, _)| *other == kind).map(|(_, bytes)| bytes.as_slice());
    let (states, ids) = stored.slots.parts();
    let mut state = State {
        options: stored.options,
        slots: stored.slots.len(),
        entry: None,
        loose: 0,
        calibration: None,
        codes: None,
        scan: None,
        text_fields: Vec::new(),
        embedding: stored.embedding.clone(),
    };
    let mut sections = vec![
        (Kind::SlotStates, Content::Parts(states.parts().collect())),
        (Kind::IdLengths, Content::Lengths(ids)),
        (Kind::Ids, Content::Texts(ids)),
        (Kind::MetadataLengths, Content::Lengths(&stored.metadata)),
        (Kind::Metadata, Content::Texts(&stored.metadata)),
    ];
    match &stored.index {
        Index::Graph { graph, codes } => {
            (state.entry, state.loose) = graph.numbers();
            state.calibration = graph.calibration.get().cloned();
            let twins = || bytemuck::cast_slice(&graph.twins_to_numbers()).to_vec();
            sections.push((Kind::Links, made_once(find(Kind::Links), || graph.links_to_bytes())));
            sections.push((Kind::Twins, made_once(find(Kind::Twins), twins)));
            let numbers = |numbers| Content::Parts(vec![bytemuck::cast_slice::<f32, u8>(numbers)]);
            match codes {
                Codes::None => {}
                Codes::Scalar(codes) => {
                    sections.push((Kind::CodeCentre, numbers(codes.centre())));
                    sections.push((Kind::ScalarCodes, Content::Parts(codes.rows().parts().collect())));
                }
                Codes::Compact(codes) if codes.is_trained() => {
                    let (beside, centre, codebook) = codes.parts();
                    state.codes = Some(beside);
                    sections.push((Kind::CodeCentre, numbers(centre)));
                    sections.push((Kind::CodeBook, numbers(codebook)));
                    sections.push((Kind::CompactCodes, Content::Parts(codes.rows().parts().collect())));
                }
                Codes::Compact(_) => {}
            }
        }
        Index::Scan(scan) => {
            let (numbers, centres, origin, starts) = scan.parts();
            state.scan = Some(numbers);
            sections.push((Kind::ScanCentres, Content::Parts(vec![bytemuck::cast_slice(centres)])));
            sections.push((Kind::ScanOrigin, Content::Parts(vec![bytemuck::cast_slice(origin)])));
            sections.push((Kind::ScanCells, Content::Parts(vec![bytemuck::cast_slice(starts)])));
            if let Some(codebook) = scan.codebook() {
                sections.push((Kind::ScanCodebook, Content::Parts(vec![bytemuck::cast_slice(codebook)])));
            }
            sections.push((Kind::ScanBlocks, Content::Parts(scan.lines().parts().collect())));
        }
        Index::Exact => {}
    }
    if let Some(words) = &stored.words {
        state.text_fields = words.fields().to_vec();
        let Sections { lengths, words, postings } =
            if made.is_none() { words.sections() } else { Sections::default() };
        let lengths = || bytemuck::cast_slice(&lengths).to_vec();
        sections.push((Kind::WordLengths, made_once(find(Kind::WordLengths), lengths)));
        sections.push((Kind::Words, made_once(find(Kind::Words), || words)));
        sections.push((Kind::WordPostings, made_once(find(Kind::WordPostings), || postings)));
    }
    if made.is_none() || find(Kind::Columns).is_some() {
        let columns = || stored.columns.to_bytes(&stored.slots, &stored.metadata);
        sections.push((Kind::Columns, made_once(find(Kind::Columns), columns)));
    }
    let vectors = stored.vectors.rows().parts().collect();
    sections.push(match stored.options.precision {
        Precision::F32 => (Kind::Vectors, Content::Parts(vectors)),
        Precision::F16 => (Kind::HalfVectors, Content::Halves(vectors)),
    });
    let state = serde_json::to_vec(&state).expect("numbers and names always become JSON");
    sections.insert(0, (Kind::State, made_once(find(Kind::State), || state)));
    // Without columns the section is not there.
    sections.retain(|(kind, content)| {
        *kind != Kind::Columns || !matches!(content, Content::Bytes(bytes) if bytes.is_empty())
    });
    sections
}

fn made_once<'a>(made: Option<&'a [u8]>, make: impl FnOnce() -> Vec<u8>) -> Content<'a> {
    match made {
        Some(bytes) => Content::Parts(vec![bytes]),
        None => Content::Bytes(make()),
    }
}

/// Lays the file out and computes its checksums.
pub(crate) fn lay_out(stored: &Stored) -> Layout {
    let mut hashes: Vec<u8> = Vec::new();
    let mut entries = Vec::new();
    let mut end = HEADER_BYTES as u64;
    let mut made = Vec::new();
    for (kind, content) in sections(stored, None) {
        let first_block = hashes.len() / 8;
        let (mut blocks, mut length) = (Blocks::new(), 0);
        let mut keep = |hash: u64| hashes.extend_from_slice(&hash.to_le_bytes());
        let hashed = content.pour(&mut |piece| {
            length += piece.len() as u64;
            blocks.feed(&piece.bytes(), &mut keep);
            Ok(())
        });
        hashed.expect("hashing cannot fail");
        blocks.finish(&mut keep);
        let offset = end.next_multiple_of(SECTION_ALIGNMENT);
        entries.push(Entry {
            kind: kind as u32,
            flags: 0,
            offset,
            length,
            first_block: first_block as u64,
            blocks: (hashes.len() / 8 - first_block) as u64,
        });
        end = offset + length;
        if let Content::Bytes(bytes) = content {
            made.push((kind, bytes));
        }
    }
    let directory_at = end.next_multiple_of(HEADER_BYTES as u64);
    let table: Vec<u8> = entries.iter().flat_map(|entry| entry.to_bytes()).collect();
    let table_bytes = table.len() as u64;
    let directory = [hashes, table].concat();
    let footer_at = (directory_at + directory.len() as u64).next_multiple_of(FOOTER_BYTES as u64);
    let content_id = xxh3_128(&directory);
    Layout {
        entries,
        directory,
        directory_at,
        table_bytes,
        content_id,
        total: footer_at + FOOTER_BYTES as u64,
        made,
    }
}

/// Writes everything, in order, through `sink`.
pub(crate) fn write(stored: &Stored, sink: &mut dyn Sink) -> Result<(), Error> {
    let layout = lay_out(stored);
    write_from(stored, &layout, 0, u64::MAX, sink).map(|_| ())
}

/// Writes the bytes from `from` on, about `most` of them, and returns where it stopped. What has been laid out must not
/// have changed. `from` is 0 or where an earlier call stopped.
pub(crate) fn write_from(
    stored: &Stored,
    layout: &Layout,
    from: u64,
    most: u64,
    sink: &mut dyn Sink,
) -> Result<u64, Error> {
    let until = from.saturating_add(most);
    let mut out = Gathering { sink, gathered: Vec::new(), written: from };
    if from == 0 {
        out.write(&header(layout.content_id, layout.total))?;
    }
    for ((_, content), entry) in sections(stored, Some(&layout.made)).iter().zip(&layout.entries) {
        if out.written > entry.offset + entry.length || out.written >= until {
            continue;
        }
        let mut at = entry.offset;
        content.pour(&mut |piece| {
            let (begin, end) = (at, at + piece.len() as u64);
            at = end;
            // Pieces that earlier calls wrote, and those left to later ones.
            if end <= from || out.written >= until {
                return Ok(());
            }
            out.pad_to(begin.max(from))?;
            out.write(&piece.bytes()[usize::try_from(out.written - begin).expect("inside the piece")..])
        })?;
    }
    if out.written < until {
        out.pad_to(layout.directory_at)?;
        out.write(&layout.directory)?;
        out.pad_to(layout.total - FOOTER_BYTES as u64)?;
        out.write(&footer(layout))?;
    }
    out.flush()?;
    Ok(out.written)
}

fn header(content_id: u128, total: u64) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[0..12].copy_from_slice(&MAGIC);
    bytes[12..16].copy_from_slice(&VERSION.to_le_bytes());
    // Bytes 16..32: the flags incompatible, read-only-compatible and compatible, and four in reserve; all zero so far.
    bytes[32..48].copy_from_slice(&content_id.to_le_bytes());
    bytes[48..56].copy_from_slice(&total.to_le_bytes());
    seal(bytes)
}

fn footer(layout: &Layout) -> [u8; FOOTER_BYTES] {
    let Layout { directory, directory_at, table_bytes, content_id, total, .. } = layout;
    let hashes = directory.len() as u64 - table_bytes;
    let mut bytes = [0; FOOTER_BYTES];
    for (at, number) in [(0, *directory_at), (8, hashes), (16, *table_bytes), (48, *total)] {
        bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
    }
    bytes[32..48].copy_from_slice(&content_id.to_le_bytes());
    seal(bytes)
}

/// Puts the checksum of the first 56 bytes behind them.
fn seal(mut bytes: [u8; 64]) -> [u8; 64] {
    let checksum = xxh3_64(&bytes[..56]);
    bytes[56..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn check_seal(section: &str, bytes: &[u8; 64]) -> Result<(), Error> {
    if seal(*bytes) == *bytes { Ok(()) } else { Err(Error::corrupt(section, "its checksum does not match")) }
}

struct Gathering<'a> {
    sink: &'a mut dyn Sink,
    gathered: Vec<u8>,
    written: u64,
}

impl Gathering<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.written += bytes.len() as u64;
        if self.gathered.len() + bytes.len() > GATHERED_BYTES {
            self.flush()?;
        }
        if bytes.len() >= GATHERED_BYTES {
            return self.sink.write(bytes);
        }
        self.gathered.extend_from_slice(bytes);
        Ok(())
    }

    fn pad_to(&mut self, offset: u64) -> Result<(), Error> {
        let missing = usize::try_from(offset - self.written).expect("padding is shorter than an alignment");
        self.write(&[0; SECTION_ALIGNMENT as usize][..missing])
    }

    fn flush(&mut self) -> Result<(), Error> {
        if !self.gathered.is_empty() {
            self.sink.write(&self.gathered)?;
            self.gathered.clear();
        }
        Ok(())
    }
}

/// The content id that a file claims; [`read`] checks it.
pub(super) fn content_id(source: &dyn Source) -> Result<u128, Error> {
    let mut id = [0; 16];
    source.read_at(32, &mut id)?;
    Ok(u128::from_le_bytes(id))
}

/// Reads everything into memory; no byte is believed before it is checked.
pub(crate) fn read(source: &dyn Source, config: &Config) -> Result<Stored, Error> {
    read_parts(&File::open(source)?, config, None)
}

/// Reads what finding candidates needs, and leaves vectors and metadata where they are. Nothing can be changed then.
pub(crate) fn open(source: &Arc<dyn SharedSource>, config: &Config) -> Result<Stored, Error> {
    read_parts(&File::open(&**source)?, config, Some(source))
}

/// Reads a file, with vectors and metadata only if they do not `stay`.
fn read_parts(
    file: &File<'_>,
    config: &Config,
    stay: Option<&Arc<dyn SharedSource>>,
) -> Result<Stored, Error> {
    let state: State = {
        let entry = file.entry(Kind::State)?;
        if entry.length > LONGEST_STATE {
            return Err(Error::corrupt("state", format!("it claims {} bytes", entry.length)));
        }
        let mut bytes = vec![0; entry.length as usize];
        file.section(Kind::State)?.fill(&mut bytes)?;
        serde_json::from_slice(&bytes).map_err(|error| Error::corrupt("state", error.to_string()))?
    };
    state.options.check().map_err(|error| Error::corrupt("state", error.to_string()))?;
    let options = state.options.adopt(config)?;
    check_text_fields(&state.text_fields).map_err(|error| Error::corrupt("state", error.to_string()))?;
    check_embedding(state.embedding.as_ref()).map_err(|error| Error::corrupt("state", error.to_string()))?;
    agree_on_embedding(config.embedding.as_ref(), state.embedding.as_ref())?;
    agree("text.fields", config.text_fields.as_ref(), &state.text_fields)?;
    if state.slots > MAX_ROWS {
        return Err(Error::corrupt("state", format!("{} slots are more than {MAX_ROWS}", state.slots)));
    }
    if stay.is_some() {
        file.want_what_is_taken();
    }
    let states = file.chunks(Kind::SlotStates, 1, Some(state.slots))?;
    let (ids, metadata) = match stay {
        None => {
            let metadata = file.texts(Kind::MetadataLengths, Kind::Metadata, "metadata", state.slots)?;
            let is_sound = |text: &str| text.is_empty() || rows::is_json_object(text);
            if let Some(slot) = metadata.iter().position(|text| !is_sound(text)) {
                return Err(Error::corrupt("metadata", format!("that of slot {slot} is not a JSON object")));
            }
            (file.texts(Kind::IdLengths, Kind::Ids, "ids", state.slots)?, metadata)
        }
        Some(source) => (file.fixed_ids(state.slots)?, file.metadata_in_file(source, state.slots)?),
    };
    let slots = Slots::from_parts(states, ids)?;
    let lanes = options.dimensions.next_multiple_of(LANES);
    let vectors = match (stay, options.precision) {
        (None, Precision::F32) => {
            let rows = file.chunks(Kind::Vectors, lanes, Some(state.slots))?;
            Vectors::from_parts(&options, rows)?
        }
        (None, Precision::F16) => {
            let halves: Chunks<u16> = file.chunks(Kind::HalfVectors, lanes, Some(state.slots))?;
            let mut rows = Chunks::new(lanes);
            rows.grow(state.slots, 0.0)?;
            for row in 0..state.slots {
                let halves = halves.row(row).iter().map(|&bits| f16::from_bits(bits).to_f32());
                rows.row_mut(row).iter_mut().zip(halves).for_each(|(x, half)| *x = half);
            }
            Vectors::from_parts(&options, rows)?
        }
        (Some(source), Precision::F32) => {
            file.rows::<f32>(Kind::Vectors, lanes, Some(state.slots))?;
            Vectors::in_file(&options, file.staying(Kind::Vectors, source)?)
        }
        (Some(source), Precision::F16) => {
            file.rows::<u16>(Kind::HalfVectors, lanes, Some(state.slots))?;
            Vectors::in_file(&options, file.staying(Kind::HalfVectors, source)?)
        }
    };
    let mut index = Index::new(&options);
    match &mut index {
        Index::Graph { graph, codes } => {
            match codes {
                Codes::None => {}
                Codes::Scalar(codes) => {
                    let rows = file.chunks(Kind::ScalarCodes, codes.codec().lines(), Some(state.slots))?;
                    let replaced = codes.replace(rows, file.numbers(Kind::CodeCentre)?);
                    replaced.map_err(|reason| Error::corrupt("codes", reason))?;
                }
                Codes::Compact(codes) => match &state.codes {
                    Some(numbers) => {
                        let rows =
                            file.chunks(Kind::CompactCodes, codes.rows().stride(), Some(state.slots))?;
                        let (centre, book) = (file.numbers(Kind::CodeCentre)?, file.numbers(Kind::CodeBook)?);
                        codes.replace(numbers, centre, book, rows, lanes)?;
                    }
                    None => codes.rows_mut().grow(state.slots, 0)?,
                },
            }
            file.rows::<[Slot; 2]>(Kind::Twins, 1, None)?;
            let parts = graph::Parts {
                links: file.numbers(Kind::Links)?,
                twins: file.numbers(Kind::Twins)?,
                entry: state.entry,
                loose: state.loose,
            };
            **graph = Graph::from_parts(&options, &slots, &parts)?;
            if let Some(calibration) = state.calibration {
                if !calibration.is_sound() {
                    return Err(Error::corrupt("calibration", "its tables are not of ascending parts"));
                }
                graph.calibration = calibration.into();
            }
        }
        Index::Scan(scan) => {
            let codebook = match scan.codebook() {
                Some(_) => file.numbers(Kind::ScanCodebook)?,
                None => Vec::new(),
            };
            let parts = Parts {
                numbers: state.scan.unwrap_or_default(),
                centres: file.numbers(Kind::ScanCentres)?,
                origin: file.numbers(Kind::ScanOrigin)?,
                starts: file.numbers(Kind::ScanCells)?,
                codebook,
                lines: file.chunks(Kind::ScanBlocks, scan.stride(), None)?,
            };
            scan.replace(parts, lanes, &slots)?;
        }
        Index::Exact => {}
    }
    let words = match state.text_fields.is_empty() {
        false => Some(Box::new(words(file, state.text_fields, &slots)?)),
        true => None,
    };
    let columns = if file.has(Kind::Columns) {
        Columns::from_bytes(&file.numbers::<u8>(Kind::Columns)?, &slots)?
    } else {
        Columns::default()
    };
    Ok(Stored { options, slots, vectors, metadata, index, words, columns, embedding: state.embedding })
}

fn words(file: &File<'_>, fields: Vec<String>, slots: &Slots) -> Result<Words, Error> {
    let sections = Sections {
        lengths: file.numbers(Kind::WordLengths)?,
        words: file.numbers(Kind::Words)?,
        postings: file.numbers(Kind::WordPostings)?,
    };
    Words::from_sections(fields, &sections, slots)
}

/// An opened file whose header, footer and directory are sound.
struct File<'a> {
    source: &'a dyn Source,
    entries: Vec<Entry>,
    hashes: Vec<u64>,
}

/// A section being read from its beginning; every finished block is compared with its checksum.
struct Reading<'a> {
    file: &'a File<'a>,
    entry: Entry,
    read: u64,
    blocks: Blocks,
    next_hash: usize,
}

impl<'a> File<'a> {
    fn open(source: &'a dyn Source) -> Result<Self, Error> {
        let length = source.len();
        if length < (HEADER_BYTES + FOOTER_BYTES) as u64 {
            return Err(Error::corrupt("header", format!("{length} bytes are too few for a file")));
        }
        let mut header = [0; HEADER_BYTES];
        source.read_at(0, &mut header)?;
        if header[..12] != MAGIC {
            return Err(Error::corrupt("header", "it does not begin like an annywhere file"));
        }
        check_seal("header", &header)?;
        let found = u32_at(&header, 12);
        if found > VERSION {
            return Err(Error::VersionTooNew { found, supported: VERSION });
        }
        if header[16..20] != [0; 4] {
            return Err(Error::corrupt("header", "it needs features that this version does not have"));
        }
        if u64_at(&header, 48) != length {
            let reason = format!("it was written with {} bytes and has {length}", u64_at(&header, 48));
            return Err(Error::corrupt("header", reason));
        }
        let footer_at = length - FOOTER_BYTES as u64;
        let mut footer = [0; FOOTER_BYTES];
        source.read_at(footer_at, &mut footer)?;
        check_seal("footer", &footer)?;
        if footer[32..56] != header[32..56] {
            return Err(Error::corrupt("footer", "it belongs to another header"));
        }
        let (hashes_at, hashes, table) = (u64_at(&footer, 0), u64_at(&footer, 8), u64_at(&footer, 16));
        let room = footer_at.saturating_sub(hashes_at);
        let fits = hashes.checked_add(table).is_some_and(|bytes| bytes <= room);
        if !fits || !hashes.is_multiple_of(8) || !table.is_multiple_of(ENTRY_BYTES as u64) {
            return Err(Error::corrupt("footer", "the directory does not fit the file"));
        }
        let mut directory = try_zeroed((hashes + table) as usize)?;
        source.read_at(hashes_at, &mut directory)?;
        if xxh3_128(&directory).to_le_bytes() != header[32..48] {
            return Err(Error::corrupt("directory", "its checksum does not match"));
        }
        let (hashes, table) = directory.split_at(hashes as usize);
        let hashes: Vec<u64> = hashes.chunks_exact(8).map(|bytes| u64_at(bytes, 0)).collect();
        let entries: Vec<Entry> = table.chunks_exact(ENTRY_BYTES).map(Entry::from_bytes).collect();
        for entry in &entries {
            let inside = entry.offset.checked_add(entry.length).is_some_and(|end| end <= hashes_at);
            let blocks = entry.length.div_ceil(BLOCK_BYTES as u64);
            let hashed = entry.first_block.checked_add(blocks).is_some_and(|end| end <= hashes.len() as u64);
            if !inside || !hashed || entry.blocks != blocks {
                let reason = format!("section {} claims bytes that the file does not have", entry.kind);
                return Err(Error::corrupt("directory", reason));
            }
        }
        Ok(Self { source, entries, hashes })
    }

    fn has(&self, kind: Kind) -> bool {
        self.entries.iter().any(|entry| entry.kind == kind as u32)
    }

    #[inline(never)]
    fn entry(&self, kind: Kind) -> Result<Entry, Error> {
        let mut found = self.entries.iter().filter(|entry| entry.kind == kind as u32);
        match (found.next(), found.next()) {
            (Some(&entry), None) => Ok(entry),
            _ => Err(Error::corrupt("directory", format!("section {kind:?} is not there exactly once"))),
        }
    }

    #[inline(never)]
    fn section(&'a self, kind: Kind) -> Result<Reading<'a>, Error> {
        let entry = self.entry(kind)?;
        Ok(Reading {
            file: self,
            entry,
            read: 0,
            blocks: Blocks::new(),
            next_hash: entry.first_block as usize,
        })
    }

    /// Tells the source of everything that is read of a file whose vectors and metadata stay in it.
    fn want_what_is_taken(&self) {
        let stays = [Kind::Vectors as u32, Kind::HalfVectors as u32, Kind::Metadata as u32];
        let taken = self.entries.iter().filter(|entry| !stays.contains(&entry.kind));
        self.source.want(&taken.map(|entry| (entry.offset, entry.length)).collect::<Vec<_>>());
    }

    /// How many rows of `stride` values a section has.
    fn rows<T>(&self, kind: Kind, stride: usize, rows: Option<usize>) -> Result<usize, Error> {
        self.rows_of(kind, stride * size_of::<T>(), rows)
    }

    #[inline(never)]
    fn rows_of(&self, kind: Kind, row_bytes: usize, rows: Option<usize>) -> Result<usize, Error> {
        let length = self.entry(kind)?.length;
        let row_bytes = row_bytes as u64;
        let count = length / row_bytes;
        if !length.is_multiple_of(row_bytes) || rows.is_some_and(|rows| rows as u64 != count) {
            let reason = format!("{length} bytes are not the expected number of rows of {row_bytes} bytes");
            return Err(Error::corrupt(&format!("{kind:?}"), reason));
        }
        Ok(count as usize)
    }

    /// Reads rows of `stride` values; their number must be `rows` where that is known.
    fn chunks<T: bytemuck::NoUninit + bytemuck::AnyBitPattern>(
        &self,
        kind: Kind,
        stride: usize,
        rows: Option<usize>,
    ) -> Result<Chunks<T>, Error> {
        let count = self.rows::<T>(kind, stride, rows)?;
        let mut chunks = Chunks::new(stride);
        chunks.grow(count, bytemuck::Zeroable::zeroed())?;
        self.fill(kind, &mut chunks.parts_mut())?;
        Ok(chunks)
    }

    /// Reads a whole section into parts.
    #[inline(never)]
    fn fill(&self, kind: Kind, parts: &mut dyn Iterator<Item = &mut [u8]>) -> Result<(), Error> {
        let mut reading = self.section(kind)?;
        for part in parts {
            reading.fill(part)?;
        }
        Ok(())
    }

    /// Reads all values of a section.
    fn numbers<T: bytemuck::NoUninit + bytemuck::AnyBitPattern>(&self, kind: Kind) -> Result<Vec<T>, Error> {
        let count = self.rows::<T>(kind, 1, None)?;
        let mut numbers = Vec::new();
        let bytes = count * size_of::<T>();
        numbers.try_reserve_exact(count).map_err(|_| Error::OutOfMemory { bytes })?;
        numbers.resize(count, T::zeroed());
        self.fill(kind, &mut std::iter::once(bytemuck::cast_slice_mut(&mut numbers)))?;
        Ok(numbers)
    }

    fn texts(&self, lengths: Kind, heap: Kind, name: &str, slots: usize) -> Result<Texts, Error> {
        let lengths = self.lengths(lengths, heap, name, slots)?;
        let mut reading = self.section(heap)?;
        Texts::from_parts(name, &lengths, |buffer| reading.fill(buffer))
    }

    /// The lengths of texts, which are those of the section that holds the texts.
    fn lengths(&self, lengths: Kind, heap: Kind, name: &str, slots: usize) -> Result<Chunks<u32>, Error> {
        let lengths: Chunks<u32> = self.chunks(lengths, 1, Some(slots))?;
        let sum: u64 = (0..slots).map(|slot| u64::from(lengths.get(slot))).sum();
        let there = self.entry(heap)?.length;
        if sum != there {
            return Err(Error::corrupt(name, format!("texts of {sum} bytes in a section of {there}")));
        }
        Ok(lengths)
    }

    /// The ids of rows that do not change.
    fn fixed_ids(&self, slots: usize) -> Result<Texts, Error> {
        let lengths = self.lengths(Kind::IdLengths, Kind::Ids, "ids", slots)?;
        let mut bytes = try_zeroed(self.entry(Kind::Ids)?.length as usize)?;
        self.section(Kind::Ids)?.fill(&mut bytes)?;
        Ok(Texts::fixed(FixedTexts::in_memory("ids", &lengths, bytes)?))
    }

    fn metadata_in_file(&self, source: &Arc<dyn SharedSource>, slots: usize) -> Result<Texts, Error> {
        let lengths = self.lengths(Kind::MetadataLengths, Kind::Metadata, "metadata", slots)?;
        let stored = self.staying(Kind::MetadataLengths, source)?;
        let texts = self.staying(Kind::Metadata, source)?;
        Ok(Texts::fixed(FixedTexts::in_file("metadata", &lengths, stored, texts)))
    }

    /// A section that stays in the file.
    fn staying(&self, kind: Kind, source: &Arc<dyn SharedSource>) -> Result<Section, Error> {
        let Entry { offset, length, first_block, blocks, .. } = self.entry(kind)?;
        let hashes = self.hashes[first_block as usize..][..blocks as usize].to_vec();
        Ok(Section::new(Arc::clone(source), kind as u32, offset, length, hashes))
    }
}

impl Reading<'_> {
    /// Fills the buffer with the section's next bytes.
    #[inline(never)]
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        let bytes = buffer.len() as u64;
        assert!(self.read + bytes <= self.entry.length, "callers ask for the section's length in all");
        self.file.source.read_at(self.entry.offset + self.read, buffer)?;
        self.read += bytes;
        let Self { file, blocks, next_hash, .. } = self;
        let mut damaged = None;
        let mut compare = |hash: u64| {
            if file.hashes[*next_hash] != hash {
                damaged.get_or_insert(*next_hash);
            }
            *next_hash += 1;
        };
        blocks.feed(buffer, &mut compare);
        if self.read == self.entry.length {
            blocks.finish(&mut compare);
        }
        match damaged {
            None => Ok(()),
            Some(hash) => {
                let block = hash as u64 - self.entry.first_block;
                let reason = format!("the checksum of its block {block} does not match");
                Err(Error::corrupt(&format!("section {}", self.entry.kind), reason))
            }
        }
    }
}

pub(super) fn try_zeroed(bytes: usize) -> Result<Vec<u8>, Error> {
    let mut zeroed = Vec::new();
    zeroed.try_reserve_exact(bytes).map_err(|_| Error::OutOfMemory { bytes })?;
    zeroed.resize(bytes, 0);
    Ok(zeroed)
}

#[cfg(test)]
mod tests {
    use super::Kind;
    use crate::database::Database;
    use crate::options::{Config, Index, Precision};

    /// The table of sections in the document has every section that is written, under its number and name.
    #[test]
    fn the_format_document_names_every_section_and_constant() {
        let document = include_str!("FORMAT.md");
        let text =
            |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ");
        assert!(document.contains(&text(&super::MAGIC)), "the magic of a segment");
        assert!(document.contains(&format!("footer, {} bytes", super::FOOTER_BYTES)));
        assert!(document.contains(&format!("One entry of {} bytes per section", super::ENTRY_BYTES)));
        assert!(document.contains(&format!("beginning at a multiple of {}", super::SECTION_ALIGNMENT)));
        let all = [
            Kind::State,
            Kind::SlotStates,
            Kind::IdLengths,
            Kind::Ids,
            Kind::MetadataLengths,
            Kind::Metadata,
            Kind::Vectors,
            Kind::ScalarCodes,
            Kind::Twins,
            Kind::ScanBlocks,
            Kind::ScanCentres,
            Kind::ScanCells,
            Kind::ScanCodebook,
            Kind::ScanOrigin,
            Kind::Links,
            Kind::CompactCodes,
            Kind::CodeCentre,
            Kind::CodeBook,
            Kind::HalfVectors,
            Kind::Columns,
            Kind::WordLengths,
            Kind::Words,
            Kind::WordPostings,
        ];
        for kind in all {
            let row = format!("| {} | {kind:?} |", kind as u32);
            assert!(document.contains(&row), "FORMAT.md has no row {row}");
        }
    }

    /// A checkpoint writes a slice at a time, between which other work is done.
    #[test]
    fn a_file_written_in_slices_is_the_same_file() {
        for (index, precision) in
            [(Index::Scan, Precision::F32), (Index::Hnsw, Precision::F32), (Index::Scan, Precision::F16)]
        {
            let (index, precision) = (Some(index), Some(precision));
            let config = Config { dimensions: 3, index, precision, ..Config::default() };
            let mut database = Database::new(&config).unwrap();
            let rows: Vec<String> = (0..1_500).map(|row| format!("[\"{row}\",{{\"n\":{row}}}]")).collect();
            let vectors: Vec<f32> = (0..4_500).map(|x| (x * 37 % 101) as f32 - 50.5).collect();
            database.insert(&format!("[{}]", rows.join(",")), &vectors).unwrap();
            let whole = database.to_bytes().unwrap();
            for most in [1, 1_000, 70_000, 1 << 30] {
                let layout = super::lay_out(database.stored());
                let (mut sliced, mut at) = (Vec::new(), 0);
                while at < layout.total {
                    let end = super::write_from(database.stored(), &layout, at, most, &mut sliced).unwrap();
                    assert!(
                        end > at && end == sliced.len() as u64,
                        "each slice goes on where the last one ended"
                    );
                    at = end;
                }
                assert!(sliced == whole, "slices of {most}");
            }
        }
    }
}
