//! The folder of a store, on the file system of the operating system.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use annywhere::{Access, Backend, Error};

use crate::files::{ends_before, failed, flush_folder, read_exact_at};
use crate::lock::Lock;

/// Open files of one folder. With [`Access::Write`] the folder is made and locked.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    access: Access,
    files: RefCell<HashMap<String, File>>,
    /// Held, not used.
    _lock: Option<Lock>,
}

impl Folder {
    pub fn open(path: &Path, access: Access) -> Result<Folder, Error> {
        if path.is_file() {
            let error = io::Error::other("it is a file; load(path) reads it, and storagePath names a folder");
            return Err(failed("open", path, &error));
        }
        let lock = match access {
            Access::Read => None,
            Access::Write => {
                create_durably(path).map_err(|error| failed("create", path, &error))?;
                Some(Lock::take(path)?)
            }
        };
        Ok(Folder { path: path.to_owned(), access, files: RefCell::default(), _lock: lock })
    }

    /// Calls `body` with an open file; `None` if there is none and it is not to be made.
    fn with<T>(
        &self,
        name: &str,
        create: bool,
        operation: &str,
        body: impl FnOnce(&File) -> io::Result<T>,
    ) -> Result<Option<T>, Error> {
        let path = self.path.join(name);
        let mut files = self.files.borrow_mut();
        if !files.contains_key(name) {
            let write = self.access == Access::Write;
            let opened = OpenOptions::new()
                .read(true)
                .write(write)
                .create(write && create)
                .truncate(false)
                .open(&path);
            match opened {
                Ok(file) => files.insert(name.to_owned(), file),
                Err(error) if error.kind() == ErrorKind::NotFound && !create => return Ok(None),
                Err(error) => return Err(failed("open", &path, &error)),
            };
        }
        body(&files[name]).map(Some).map_err(|error| failed(operation, &path, &error))
    }
}

impl Backend for Folder {
    fn list(&self) -> Result<Vec<String>, Error> {
        let names = fs::read_dir(&self.path).and_then(|entries| {
            // Names that are not UTF-8 are not ours.
            entries.map(|entry| Ok(entry?.file_name().into_string().unwrap_or_default())).collect()
        });
        match names {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            names => names.map_err(|error| failed("list", &self.path, &error)),
        }
    }

    fn size(&self, name: &str) -> Result<Option<u64>, Error> {
        self.with(name, false, "open", |file| Ok(file.metadata()?.len()))
    }

    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let read = self.with(name, false, "read", |file| match read_exact_at(file, buffer, offset) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
            read => read.map(|()| true),
        })?;
        if read == Some(true) {
            return Ok(());
        }
        Err(ends_before(name, offset, buffer))
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        self.with(name, true, "write", |file| write_all_at(file, bytes, offset)).map(|_| ())
    }

    fn set_len(&mut self, name: &str, bytes: u64) -> Result<(), Error> {
        self.with(name, true, "change the length of", |file| file.set_len(bytes)).map(|_| ())
    }

    fn flush(&mut self, name: &str) -> Result<(), Error> {
        self.with(name, true, "flush", File::sync_data).map(|_| ())
    }

    fn flush_list(&mut self) -> Result<(), Error> {
        flush_folder(&self.path).map_err(|error| failed("flush", &self.path, &error))
    }

    fn remove(&mut self, name: &str) -> Result<(), Error> {
        // Windows removes no file that is open.
        self.files.borrow_mut().remove(name);
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(failed("remove", &self.path.join(name), &error))
            }
            _ => Ok(()),
        }
    }
}

/// Makes a folder and those above it, so that they are there after a loss of power.
fn create_durably(path: &Path) -> io::Result<()> {
    let made: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
    fs::create_dir_all(path)?;
    for folder in made.iter().rev() {
        let above = folder.parent().filter(|above| *above != Path::new("")).unwrap_or(Path::new("."));
        flush_folder(above)?;
    }
    Ok(())
}

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_write(file, bytes, offset)? {
            0 => return Err(ErrorKind::WriteZero.into()),
            written => (bytes, offset) = (&bytes[written..], offset + written as u64),
        }
    }
    Ok(())
}
