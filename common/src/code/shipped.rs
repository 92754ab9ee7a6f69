//! The files that travel inside the binaries, and the folder that adds to them or replaces them.

use super::{CodeSource, texts};
use std::path::Path;
use std::{fs, io};

/// Every file of `common/codes/`: path and text, written by the build script.
const CODES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/codes.rs"));

/// What the engine itself says.
const TEXTS: &str = include_str!("../../replies/engine.toml");

/// Who is alerted and how: files beside the code files that a folder replaces as it does those.
const ALERTS: &[(&str, &str)] = &[
    ("alerts.toml", include_str!("../../replies/alerts.toml")),
    ("circles.toml", include_str!("../../replies/circles.toml")),
];

/// Everything that [`super::Codes::load`] wants besides the lists.
#[derive(Debug, Clone)]
pub struct Files {
    /// Code files, and the two that say who is alerted.
    pub codes: Vec<CodeSource>,
    /// The engine's texts.
    pub texts: String,
}

/// The shipped files: each `.toml` of `common/codes/` with the `.sql` of the same name.
pub fn files() -> Files {
    let text = |name: &str| {
        CODES
            .iter()
            .find(|(path, _)| *path == name)
            .map(|(_, text)| *text)
    };
    let codes = CODES.iter().chain(ALERTS).filter_map(|(path, toml)| {
        let stem = path.strip_suffix(".toml")?;
        let sql = text(&format!("{stem}.sql")).map(str::to_owned);
        Some(CodeSource {
            name: (*path).to_owned(),
            toml: (*toml).to_owned(),
            sql,
        })
    });
    Files {
        codes: codes.collect(),
        texts: TEXTS.to_owned(),
    }
}

impl Files {
    /// These files with those of a folder: a `.toml` of the same name replaces the shipped one
    /// together with its `.sql`, others are added, `engine.toml` replaces the engine's texts.
    /// Fails only when the folder or a file in it cannot be read as UTF-8 text.
    pub fn with_folder(mut self, folder: &Path) -> io::Result<Self> {
        let mut paths: Vec<_> = fs::read_dir(folder)?
            .map(|e| e.map(|e| e.path()))
            .collect::<Result<_, _>>()?;
        paths.sort();
        for path in paths
            .iter()
            .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let toml = read(path)?;
            if name == texts::FILE {
                self.texts = toml;
                continue;
            }
            let beside = path.with_extension("sql");
            let sql = if beside.exists() {
                Some(read(&beside)?)
            } else {
                None
            };
            self.codes.retain(|c| c.name != name);
            self.codes.push(CodeSource { name, toml, sql });
        }
        Ok(self)
    }
}

fn read(path: &Path) -> io::Result<String> {
    fs::read_to_string(path)
        .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_adds_and_replaces_by_file_name() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("u.toml", "mine");
        write("new.toml", "new");
        write("new.sql", "SELECT 1");
        write("engine.toml", "texts");
        write("notes.txt", "not a code");
        let files = super::files().with_folder(folder.path()).unwrap();
        assert_eq!(files.texts, "texts");
        assert_eq!(files.codes.len(), super::files().codes.len() + 1);
        let find = |name: &str| files.codes.iter().find(|c| c.name == name).unwrap();
        assert_eq!(find("u.toml").toml, "mine");
        assert_eq!(find("new.toml").sql.as_deref(), Some("SELECT 1"));
    }

    #[test]
    fn an_unreadable_folder_is_named() {
        assert!(
            files()
                .with_folder(Path::new("/nonexistent/folder"))
                .is_err()
        );
    }
}
