//! Follows `docs/adding-a-code.md` with the true programs: writes its files, types its commands.

use crate::page::{self, Step};
use common::code::spec::Example;
use common::code::{kind, names};
use kentongan_tests::world::{Build, Place, World, people};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

const PAGE: &str = "docs/adding-a-code.md";

/// The reader of the page: a folder, and an installation for trying out.
struct Reader {
    world: World,
    folder: tempfile::TempDir,
    processor: Option<usize>,
    faults: Vec<String>,
}

#[tokio::test]
async fn whoever_follows_the_page_gets_what_it_prints() {
    let folder = tempfile::tempdir().expect("a folder");
    let codes = folder.path().join("codes").display().to_string();
    let world = Build::new(Place::OneBox).with("engine.codes", codes);
    let world = world.make().await;
    // As `kentongan keys new` makes them.
    let own = fs::Permissions::from_mode(0o600);
    fs::set_permissions(&world.settings.secrets.token_keys_file, own).expect("its own");
    let mut reader = Reader {
        world,
        folder,
        processor: None,
        faults: Vec::new(),
    };
    let steps = page::steps(&page::read(PAGE));
    for step in &steps {
        reader.does(step).await;
    }
    assert!(reader.faults.is_empty(), "{}", reader.faults.join("\n\n"));
    let rows = "SELECT count(*) FROM data_susu WHERE litres IN (12.5, 7) AND cows IN (4, 2)";
    let left = reader.world.number(rows).await;
    assert_eq!(left, 1, "two were stored and one was taken back");
    let answered = |s: &&Step| matches!(s, Step::Command { line, .. } if line.contains("send"));
    assert!(steps.iter().filter(answered).count() >= 8, "it was read");
}

/// The examples in the page's own files, as `make test` plays those of shipped files.
#[tokio::test]
async fn the_examples_in_the_page_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut examples = Vec::new();
    for step in page::steps(&page::read(PAGE)) {
        let Step::File { name, text } = step else {
            continue;
        };
        let path = folder
            .path()
            .join(Path::new(&name).file_name().expect("a name"));
        match name.split_once('/') {
            Some(("codes", _)) => fs::write(path, &text).expect("the file"),
            None => fs::write(path, &text).expect("the permissions"),
            _ => continue,
        }
        if name.ends_with(".toml") {
            let file: toml::Table = text.parse().expect("TOML");
            let rows = file["example"].clone().try_into::<Vec<Example>>();
            examples.extend(rows.expect("examples"));
        }
    }
    let codes = folder.path().display().to_string();
    let mut world = Build::new(Place::OneBox)
        .with("engine.codes", codes)
        .make()
        .await;
    permit(&world, &folder.path().join("permissions.csv")).await;
    world.start("processor").await;
    for example in &examples {
        assert_eq!(example.from, "pelsa");
        for before in &example.after {
            let text = before.strip_prefix("pelsa: ").expect("the same sender");
            world.text(people::PELSA, text).await;
        }
        let answer = world.text(people::PELSA, &example.text).await;
        match (&example.reply, &example.error) {
            (Some(reply), _) => assert!(Example::fits(&reply.id, &answer), "{answer}"),
            (None, Some(_)) => assert!(answer.starts_with("Format salah."), "{answer}"),
            (None, None) => panic!("{example:?} expects nothing"),
        }
    }
    assert!(examples.len() >= 3, "they were read");
}

async fn permit(world: &World, file: &Path) {
    let mut conn = world.db.connect().await.expect("the database answers");
    let tx = conn.begin().await.expect("a transaction");
    let file = fs::File::open(file).expect("the permissions");
    let loaded = common::load::permissions(&tx, file).await;
    loaded.expect("they are right");
    tx.commit().await.expect("they are kept");
}

impl Reader {
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

#[test]
fn the_page_names_all_that_a_file_may_use() {
    let page = page::read(PAGE);
    let types = kind::NAMES
        .split(", ")
        .map(|t| t.replace("<key>", "species"));
    let mut wanted: Vec<String> = types.collect();
    wanted.extend(
        names::ALWAYS
            .iter()
            .chain(names::BARE)
            .map(|n| (*n).to_owned()),
    );
    wanted.extend(names::PARAMETERS.iter().map(|n| format!(":{n}")));
    for (effect, more) in names::EFFECTS {
        wanted.push((*effect).to_owned());
        wanted.extend(more.iter().map(|n| (*n).to_owned()));
    }
    let missing = |name: &&String| !page.contains(&format!("`{name}`"));
    let missing: Vec<_> = wanted.iter().filter(missing).collect();
    assert!(missing.is_empty(), "{PAGE} does not name {missing:?}");
}
