//! Names of the files of a store. Everything else in its folder is foreign and left alone.

const SEGMENT: (&str, &str) = ("segment-", ".annw");
const JOURNAL: (&str, &str) = ("journal-", ".annj");

pub(super) fn segment_name(generation: u64) -> String {
    format!("{}{generation:016x}{}", SEGMENT.0, SEGMENT.1)
}

pub(super) fn journal_name(generation: u64) -> String {
    format!("{}{generation:016x}{}", JOURNAL.0, JOURNAL.1)
}

/// The generation to which a file belongs; `None` for foreign names.
pub(super) fn generation_of(name: &str) -> Option<u64> {
    let inside =
        |(before, after): (&str, &str)| name.strip_prefix(before)?.strip_suffix(after).map(str::to_owned);
    let number = inside(SEGMENT).or_else(|| inside(JOURNAL))?;
    let generation = u64::from_str_radix(&number, 16).ok()?;
    // Exactly as this module writes it: no other spelling of the number.
    [segment_name(generation), journal_name(generation)].iter().any(|ours| ours == name).then_some(generation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_are_written_are_read() {
        for generation in [0, 1, 255, u64::MAX] {
            assert_eq!(generation_of(&segment_name(generation)), Some(generation));
            assert_eq!(generation_of(&journal_name(generation)), Some(generation));
        }
        for foreign in ["superblock", "lock", "segment-1.annw", "segment-000000000000000G.annw", ".DS_Store"]
        {
            assert_eq!(generation_of(foreign), None, "{foreign}");
        }
        assert_eq!(generation_of("segment-+00000000000000f.annw"), None);
        assert_eq!(generation_of("segment-000000000000000F.annw"), None);
    }
}
