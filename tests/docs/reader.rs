//! Somebody who follows a page: writes its files, types its commands, compares what is printed.

use crate::page::{self, Step};
use common::code::spec::Example;
use kentongan_tests::world::{Build, Place, World};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// The reader: a folder, and an installation for trying out whose code files lie in `codes` there.
pub struct Reader {
    /// The installation.
    pub world: World,
    /// Commands that printed something else than the page says.
    pub faults: Vec<String>,
    /// Texts that were sent.
    pub answers: usize,
    folder: tempfile::TempDir,
    processor: Option<usize>,
}

impl Reader {
    /// Does all that a page asks for, in an installation and a folder of its own.
    pub async fn of(page: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let codes = folder.path().join("codes");
        fs::create_dir(&codes).expect("a folder");
        let codes = codes.display().to_string();
        let world = Build::new(Place::OneBox).with("engine.codes", codes);
        let world = world.make().await;
        // As `kentongan keys new` makes them.
        let own = fs::Permissions::from_mode(0o600);
        fs::set_permissions(&world.settings.secrets.token_keys_file, own).expect("its own");
        let mut reader = Self {
            world,
            faults: Vec::new(),
            answers: 0,
            folder,
            processor: None,
        };
        for step in page::steps(&page::read(page)) {
            reader.does(&step).await;
        }
        reader
    }

    async fn does(&mut self, step: &Step) {
        match step {
            Step::File { name, text } => {
                let path = self.folder.path().join(name);
                let above = path.parent().expect("it lies in the folder");
                fs::create_dir_all(above).expect("a folder");
                fs::write(&path, text).expect("the file");
                self.stop().await;
            }
            Step::Command { line, printed } => {
                if line.starts_with("kentongan send") {
                    self.start().await;
                    self.answers += 1;
                }
                let said = self.run(line).await;
                if !Example::fits(printed.trim(), said.trim()) {
                    let fault = format!("$ {line}\n{said}instead of\n{printed}");
                    self.faults.push(fault);
                }
            }
        }
    }

    /// New files are in force after a restart.
    async fn start(&mut self) {
        if self.processor.is_none() {
            self.processor = Some(self.world.start("processor").await);
        }
    }

    async fn stop(&mut self) {
        if let Some(at) = self.processor.take() {
            self.world.processes[at].terminate().await;
        }
    }

    /// Types a command into a shell; all that it prints.
    async fn run(&self, line: &str) -> String {
        assert!(line.starts_with("kentongan "), "{line}");
        let path = std::env::var("PATH").unwrap_or_default();
        let done = Command::new("sh")
            .args(["-c", &format!("exec 2>&1; {line}")])
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{path}", programs().display()))
            .env("KENTONGAN_CONFIG", self.world.settings_file())
            .env_remove("NO_COLOR")
            .stdin(Stdio::null())
            .output();
        let done = done.await.expect("sh runs");
        String::from_utf8_lossy(&done.stdout).into_owned()
    }
}

/// Where the true programs lie.
pub fn programs() -> PathBuf {
    let named = std::env::var_os("KENTONGAN_BIN").map(PathBuf::from);
    named.unwrap_or_else(|| {
        let test = std::env::current_exe().expect("a test program has a path");
        let beside = test.parent().and_then(Path::parent);
        beside.expect("the programs' folder").to_owned()
    })
}
