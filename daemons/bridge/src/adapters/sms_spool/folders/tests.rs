use super::*;
use tempfile::TempDir;

const ID: &str = "0190c6e7a5b87c3d9e1f2a3b4c5d6e7f-001";

struct Place {
    folder: TempDir,
    folders: Folders,
}

impl Place {
    fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["outgoing", "incoming", "sent", "failed", "checked"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let root = folder.path().display();
        let text = format!(
            "dialect = \"smstools\"\noutgoing = \"{root}/outgoing\"\nincoming = \"{root}/incoming\"\n\
             sent = \"{root}/sent\"\nfailed = \"{root}/failed\"\nqueues = [\"{root}/checked\"]\n\
             done = \"{root}/done\"\n{more}"
        );
        let settings: Settings = toml::from_str(&text).unwrap();
        let folders = Folders::new(Arc::new(settings));
        folders.prove().unwrap();
        Self { folder, folders }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let mut names: Vec<_> = self.entries(folder).into_iter().map(|e| e.name).collect();
        names.sort();
        names
    }

    fn entries(&self, folder: &str) -> Vec<Entry> {
        let mut entries = files(&self.path(folder)).unwrap();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries
    }

    fn write(&self, name: &str, body: &str) {
        fs::write(self.path(name), body).unwrap();
    }

    fn age(&self, name: &str, seconds: u64) {
        let file = File::options().write(true).open(self.path(name)).unwrap();
        let then = SystemTime::now() - Duration::from_secs(seconds);
        file.set_modified(then).unwrap();
    }
}

#[test]
fn a_file_is_put_whole_and_for_the_daemon_to_write_in() {
    let place = Place::new("");
    let name = format!("kentongan.{ID}");
    place.folders.put(&name, b"To: 62812\n\nU").unwrap();
    assert_eq!(place.names("outgoing"), [name.clone()]);
    let meta = fs::metadata(place.path("outgoing").join(&name)).unwrap();
    assert_eq!(meta.permissions().mode() & 0o777, 0o664);
    fs::remove_dir_all(place.path("outgoing")).unwrap();
    let gone = place.folders.put(&name, b"U").unwrap_err();
    assert!(matches!(gone, PutFault::NotThere(_)));
}

#[test]
fn a_piece_is_known_wherever_it_is() {
    let place = Place::new("");
    let waiting = || place.folders.waiting(ID).unwrap();
    assert_eq!(waiting(), Waiting::Others(0));
    place.write(
        "outgoing/kentongan.00000000000000000000000000000000-001",
        "",
    );
    place.write("outgoing/somebodys", "");
    place.write("checked/kentongan.00000000000000000000000000000000-002", "");
    place.write(
        "checked/kentongan.00000000000000000000000000000000-002.LOCK",
        "",
    );
    assert_eq!(waiting(), Waiting::Others(2));
    for folder in ["outgoing", "checked", "sent", "failed"] {
        let name = format!("{folder}/kentongan.{ID}_Terima");
        place.write(&name, "");
        assert_eq!(waiting(), Waiting::Known, "{folder}");
        fs::remove_file(place.path(&name)).unwrap();
    }
    place.write(&format!("sent/kentongan.{ID}"), "");
    let entry = place.entries("sent").remove(0);
    place.folders.ended(&entry, ID, "sent").unwrap();
    assert_eq!(place.names("sent"), Vec::<String>::new());
    assert_eq!(waiting(), Waiting::Known, "done");
}

#[test]
fn a_daemon_that_takes_nothing_is_noticed_and_others_files_are_not_its_fault() {
    let place = Place::new("stuck_s = 100");
    place.write("outgoing/somebodys", "");
    place.age("outgoing/somebodys", 500);
    assert!(place.folders.moving().is_ok());
    let name = format!("outgoing/kentongan.{ID}");
    place.write(&name, "");
    assert!(place.folders.moving().is_ok());
    place.age(&name, 101);
    let cause = place.folders.moving().unwrap_err().cause;
    assert!(cause.contains("does the modem's daemon run"), "{cause}");
    assert!(!cause.contains(ID));
}

#[test]
fn what_is_taken_is_kept_beside_others_of_its_name_or_removed() {
    for (more, kept) in [("", vec!["a", "a~1"]), ("keep_days = 0", vec![])] {
        let place = Place::new(more);
        for _ in 0..2 {
            place.write("incoming/a", "U");
            place.folders.taken(&place.entries("incoming")).unwrap();
        }
        assert_eq!(place.names("incoming"), Vec::<String>::new());
        assert_eq!(place.names("done/in"), kept);
    }
}

#[test]
fn parts_are_taken_together_also_after_a_crash_between_two() {
    let place = Place::new("");
    for part in ["t_00", "t_01", "t_02"] {
        place.write(&format!("incoming/{part}"), part);
    }
    let entries = place.entries("incoming");
    let lines: String = entries.iter().map(|e| journal_line(e) + "\n").collect();
    // As a crash leaves it: the journal is written, the last part is moved.
    place.write("done/journal/t_00", &lines);
    place.write("done/journal/.kentongan-x", "half");
    fs::remove_file(place.path("incoming/t_02")).unwrap();
    place.write("incoming/t_02", "a new text's part of the same name");
    place.folders.end_taking().unwrap();
    assert_eq!(place.names("incoming"), ["t_02"], "what is new stays");
    assert_eq!(place.names("done/in"), ["t_00", "t_01"]);
    assert_eq!(place.names("done/journal"), Vec::<String>::new());
}

#[test]
fn receipts_find_their_piece_by_number_and_the_networks_number() {
    let place = Place::new("");
    let folders = &place.folders;
    folders.refer("6281234567890", "116 117", ID).unwrap();
    assert_eq!(
        folders.referred("+6281234567890", "117").as_deref(),
        Some(ID)
    );
    assert_eq!(folders.referred("081234567890", "117").as_deref(), Some(ID));
    assert_eq!(folders.referred("+6281234567890", "118"), None);
    assert_eq!(folders.referred("+6281234567891", "117"), None);
    assert_eq!(folders.referred("+6281234567890", "../117"), None);
    folders.refer("6281234567890", "117", "another").unwrap();
    assert_eq!(
        folders.referred("+6281234567890", "117").as_deref(),
        Some("another")
    );
}

#[test]
fn what_is_too_old_is_forgotten() {
    let place = Place::new("keep_days = 1");
    for name in ["done/in/old", "done/in/new", "done/bad/old"] {
        place.write(name, "");
    }
    place.age("done/in/old", 90_000);
    place.age("done/bad/old", 90_000);
    place.folders.prune().unwrap();
    assert_eq!(place.names("done/in"), ["new"]);
    assert_eq!(place.names("done/bad"), ["old"], "an operator must see it");
}

#[test]
fn folders_that_cannot_be_used_are_named() {
    let place = Place::new("");
    place.write("outgoing/.kentongan-left", "by a crash");
    place.folders.prove().unwrap();
    assert_eq!(place.names("outgoing"), Vec::<String>::new());
    fs::remove_dir(place.path("sent")).unwrap();
    let cause = place.folders.prove().unwrap_err().cause;
    assert!(
        cause.contains("/sent") && cause.contains("write"),
        "{cause}"
    );
}
