//! Files of a store in memory, to be looked at and to be changed.

use annywhere::{Backend, MemoryBackend};

pub fn bytes_of(disk: &MemoryBackend, name: &str) -> Vec<u8> {
    let mut bytes = vec![0; disk.size(name).unwrap().unwrap() as usize];
    disk.read_at(name, 0, &mut bytes).unwrap();
    bytes
}

/// A copy in which a file has other bytes.
pub fn with(disk: &MemoryBackend, name: &str, bytes: &[u8]) -> MemoryBackend {
    let mut disk = disk.clone();
    disk.set_len(name, bytes.len() as u64).unwrap();
    disk.write_at(name, 0, bytes).unwrap();
    disk
}

/// The file of a kind with the highest generation.
pub fn newest(disk: &MemoryBackend, kind: &str) -> String {
    disk.list().unwrap().into_iter().filter(|name| name.starts_with(kind)).max().unwrap()
}
