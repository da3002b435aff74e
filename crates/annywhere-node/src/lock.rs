//! Who may write to a store: one process at a time, native or WebAssembly.
//!
//! The operating system's lock on the file `lock` ends with its process and is all that native engines need among each
//! other. Node gives scripts no such lock, so there is a second file, `owner`, made by whoever writes and removed when that
//! ends: JSON with `engine`, `pid`, `started` (when that process began, so that a number used again is another process) and
//! `host`. `npm/annywhere/src/storage/node-lock.ts` does the same. An owner that lives no more is replaced.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use annywhere::Error;
use serde_json::{Value, json};

use crate::files::failed;

/// Held while it lives.
#[derive(Debug)]
pub struct Lock {
    owner: PathBuf,
    _file: File,
}

impl Lock {
    pub fn take(folder: &Path) -> Result<Lock, Error> {
        let path = folder.join("lock");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| failed("open", &path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked(folder, "another database")),
            Err(TryLockError::Error(error)) => return Err(failed("lock", &path, &error)),
        }
        let owner = folder.join("owner");
        let (pid, started) = (std::process::id(), started(std::process::id()));
        let me = json!({ "engine": "native", "pid": pid, "started": started, "host": host() }).to_string();
        // The second try comes after a dead owner was removed; a third would mean that others are as quick.
        for _ in 0..2 {
            match create_whole(&owner, &me) {
                Ok(()) => return Ok(Lock { owner, _file: file }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    if let Some(other) = living(&owner) {
                        return Err(locked(folder, &other));
                    }
                    let _ = fs::remove_file(&owner);
                }
                Err(error) => return Err(failed("create", &owner, &error)),
            }
        }
        Err(locked(folder, "another database"))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // If it stays, the next owner finds that this process holds no lock.
        let _ = fs::remove_file(&self.owner);
    }
}

/// Makes a file that is never seen without its text.
fn create_whole(path: &Path, text: &str) -> io::Result<()> {
    let temporary = path.with_file_name(format!("owner.{}", std::process::id()));
    fs::write(&temporary, text)?;
    let linked = match fs::hard_link(&temporary, path) {
        // File systems without links.
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()))
        }
        linked => linked,
    };
    // Should it stay, the next owner with this number writes over it.
    let _ = fs::remove_file(&temporary);
    linked
}

/// The owner in words, unless it is known to live no more.
fn living(owner: &Path) -> Option<String> {
    let text = fs::read_to_string(owner).unwrap_or_default();
    // Not whole: torn by a crash.
    let about: Value = serde_json::from_str(&text).ok()?;
    // A native owner would hold the lock, which is ours.
    if about["engine"] == "native" {
        return None;
    }
    let pid = u32::try_from(about["pid"].as_u64()?).ok()?;
    if about["host"] == host().as_str() && about["started"] != Value::Null {
        let now = started(pid);
        if now.is_none() || about["started"] != now.as_deref().unwrap_or_default() {
            return None;
        }
    }
    Some(format!("process {pid} on {}", about["host"].as_str().unwrap_or("another machine")))
}

fn locked(folder: &Path, by: &str) -> Error {
    let reason = format!(
        "{} is open for writing in {by}; if that has ended, remove the file {}",
        folder.display(),
        folder.join("owner").display()
    );
    Error::Locked { reason }
}

/// When a process began, as Linux tells it: the boot and the ticks since. `None` if it does not run, and elsewhere.
fn started(pid: u32) -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; the start is the 20th field behind it.
    let ticks = stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.to_owned();
    Some(format!("{}/{ticks}", boot.trim()))
}

fn host() -> String {
    let linux = fs::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned());
    linux
        .or_else(|_| std::env::var("HOSTNAME"))
        .or_else(|_| std::env::var("COMPUTERNAME"))
        .unwrap_or_default()
}
