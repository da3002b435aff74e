//! What the targets share.

#[path = "../../tests/support/mod.rs"]
#[expect(clippy::should_implement_trait, reason = "a module of the tests, where it is not public")]
pub mod support;

use support::segment::Sections;

/// Bytes before a section's: its kind, and its length in three.
const FRAME_BYTES: usize = 4;

/// Sections as the fuzzer changes them: which subject's options they are read with, then each in a frame.
pub fn to_frames(subject: u8, sections: &Sections) -> Vec<u8> {
    let mut frames = vec![subject];
    for (kind, bytes) in sections {
        frames.push(*kind as u8);
        frames.extend(&(bytes.len() as u32).to_le_bytes()[..FRAME_BYTES - 1]);
        frames.extend(bytes);
    }
    frames
}

/// The way back, from any bytes.
pub fn from_frames(frames: &[u8]) -> Option<(usize, Sections)> {
    let (&subject, mut rest) = frames.split_first()?;
    let mut sections = Sections::new();
    while let Some((&[kind, a, b, c], bytes)) = rest.split_first_chunk::<FRAME_BYTES>() {
        let length = u32::from_le_bytes([a, b, c, 0]) as usize;
        let (section, behind) = bytes.split_at(length.min(bytes.len()));
        sections.push((u32::from(kind), section.to_vec()));
        rest = behind;
    }
    Some((usize::from(subject), sections))
}
