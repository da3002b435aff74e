//! Files by path. A save is a temporary file in the same folder, flushed, then renamed over the target, then the
//! folder flushed: after a crash the target holds the old content or the new one.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use annywhere::{Error, Sink, Source};
use memmap2::Mmap;

/// Reads one file from any place.
pub struct FileSource {
    file: File,
    len: u64,
}

/// The same without a call of the operating system for every read.
///
/// Whoever changes the file meanwhile changes what is read, and whoever cuts it kills the process; so it is only for those
/// who ask for it.
pub struct MappedFile(Mmap);

impl FileSource {
    pub fn open(path: &Path) -> Result<FileSource, Error> {
        let file = File::open(path).map_err(|error| failed("open", path, &error))?;
        let about = file.metadata().map_err(|error| failed("open", path, &error))?;
        if !about.is_file() {
            return Err(failed("open", path, &io::Error::other("it is not a file")));
        }
        Ok(FileSource { file, len: about.len() })
    }
}

impl Source for FileSource {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        read_exact_at(&self.file, buffer, offset).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => ends_before("it", offset, buffer),
            _ => Error::Io { operation: "read".to_owned(), reason: error.to_string() },
        })
    }
}

impl MappedFile {
    #[expect(unsafe_code, reason = "nothing keeps others from changing a file, which is not ours to prevent")]
    pub fn open(path: &Path) -> Result<MappedFile, Error> {
        let FileSource { file, .. } = FileSource::open(path)?;
        // SAFETY: the bytes are copied out before anything is concluded from them, any value of them is a valid one, and no
        // reference to them leaves this module.
        let map = unsafe { Mmap::map(&file) };
        map.map(MappedFile).map_err(|error| failed("map", path, &error))
    }
}

impl Source for MappedFile {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.0.as_ref().read_at(offset, buffer)
    }

    fn is_mapped(&self) -> bool {
        true
    }
}

/// What reading beyond the end of a file is.
pub fn ends_before(name: &str, offset: u64, buffer: &[u8]) -> Error {
    let reason = format!("{name} ends before byte {}", offset + buffer.len() as u64);
    Error::Corrupt { section: "file".to_owned(), reason }
}

/// Reads from a place without moving the file's position, which threads share.
#[cfg(unix)]
pub fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
pub fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buffer, offset)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            read => (buffer, offset) = (&mut buffer[read..], offset + read as u64),
        }
    }
    Ok(())
}

/// Has `write` fill a new file and puts it in the place of `path`, or of the file that a link at `path` leads to.
pub fn save(path: &Path, write: impl FnOnce(&mut FileSink) -> Result<(), Error>) -> Result<(), Error> {
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    // A rename would put a file in the place of a device or a pipe.
    if fs::metadata(path).is_ok_and(|about| !about.is_file()) {
        return Err(failed("save", path, &io::Error::other("it is not a file")));
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let permissions = fs::metadata(path).map(|about| about.permissions()).ok();
    fs::create_dir_all(folder).map_err(|error| failed("create the folder of", path, &error))?;
    let temporary = temporary_path(path);
    let result = fill(&temporary, write).and_then(|()| {
        if let Some(permissions) = permissions {
            fs::set_permissions(&temporary, permissions)
                .map_err(|error| failed("keep the mode of", path, &error))?;
        }
        fs::rename(&temporary, path).map_err(|error| failed("rename to", path, &error))?;
        flush_folder(folder).map_err(|error| failed("flush the folder of", path, &error))
    });
    if result.is_err() {
        // The first error says what happened; a file that cannot be removed either changes nothing about it.
        let _ = fs::remove_file(&temporary);
    }
    result
}

/// Writes one file from its start to its end.
pub struct FileSink {
    file: File,
    path: PathBuf,
}

impl Sink for FileSink {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(|error| failed("write", &self.path, &error))
    }
}

fn fill(path: &Path, write: impl FnOnce(&mut FileSink) -> Result<(), Error>) -> Result<(), Error> {
    let file = File::create_new(path).map_err(|error| failed("create", path, &error))?;
    let mut sink = FileSink { file, path: path.to_owned() };
    write(&mut sink)?;
    sink.file.sync_all().map_err(|error| failed("flush", path, &error))
}

/// A name beside the target that no other save uses. Random and not counted: process ids repeat, in containers at once.
fn temporary_path(path: &Path) -> PathBuf {
    let random = getrandom::u64().expect("the operating system has random bytes");
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{random:016x}.saving"));
    path.with_file_name(name)
}

/// A rename is durable once the folder is.
#[cfg(unix)]
pub fn flush_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Windows has no handle of a folder to flush; it journals renames itself.
#[cfg(not(unix))]
pub fn flush_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

pub fn failed(operation: &str, path: &Path, error: &io::Error) -> Error {
    let reason = format!("{}: {error}", path.display());
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::NoSpace { reason },
        _ => Error::Io { operation: operation.to_owned(), reason },
    }
}
