//! Embeds the data folders, so that a new file is all that a new code or mail needs.
//!
//! For each folder a list `&[(path, text)]` is written to `OUT_DIR/<name>.rs`; paths are relative
//! to the folder, `/`-separated and sorted.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Folders whose text files travel inside the binaries, with the names of their lists. Kinds of
/// workbooks lie with the processor and channels with the bridge; the command line knows both too.
const FOLDERS: &[(&str, &str)] = &[
    ("codes", "codes"),
    ("mails", "mails"),
    ("kinds", "../daemons/processor/kinds"),
    ("channels", "../daemons/bridge/channels"),
];

fn main() -> io::Result<()> {
    let missing = |name| io::Error::other(format!("{name} is not set; is this cargo?"));
    let here = env::var_os("CARGO_MANIFEST_DIR").ok_or_else(|| missing("CARGO_MANIFEST_DIR"))?;
    let out = env::var_os("OUT_DIR").ok_or_else(|| missing("OUT_DIR"))?;
    for (name, folder) in FOLDERS {
        println!("cargo::rerun-if-changed={folder}");
        let root = Path::new(&here).join(folder);
        fs::write(
            Path::new(&out).join(format!("{name}.rs")),
            list(&root, &files(&root)?),
        )?;
    }
    Ok(())
}

/// All files below a folder, sorted, so that the same tree gives the same program.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The Rust expression that holds them.
fn list(root: &Path, files: &[PathBuf]) -> String {
    let mut text = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(root).unwrap_or(file).to_string_lossy();
        let name = name.replace('\\', "/");
        // Writing to a String does not fail.
        let _ = writeln!(text, "    ({name:?}, include_str!({file:?})),");
    }
    text.push_str("]\n");
    text
}
