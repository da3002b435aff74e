//! Writes what each target begins with: `seeds FOLDER`.

use std::error::Error;
use std::fs::{create_dir_all, write};
use std::path::Path;

use annywhere_fuzz::support::disk::{bytes_of, newest};
use annywhere_fuzz::support::segment::take_apart;
use annywhere_fuzz::support::subjects::{store, subjects};
use annywhere_fuzz::to_frames;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("give the folder")?;
    let folder = Path::new(&folder);
    for target in ["segment", "superblock", "journal"] {
        create_dir_all(folder.join(target))?;
    }
    for (number, subject) in subjects().iter().enumerate() {
        let seed = to_frames(number as u8, &take_apart(&subject.bytes));
        write(folder.join(format!("segment/{number}")), seed)?;
    }
    let (_, disk) = store();
    write(folder.join("superblock/0"), bytes_of(&disk, "superblock"))?;
    write(folder.join("journal/0"), bytes_of(&disk, &newest(&disk, "journal")))?;
    Ok(())
}
