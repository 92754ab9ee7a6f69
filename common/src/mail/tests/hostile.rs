//! Mails that are made to hurt, random bytes, and the mails with which CPython tests its parser.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Far above what a slow, busy machine needs for one pass over some megabytes in a debug build, far
/// below what anything quadratic takes.
const SOON: Duration = Duration::from_secs(20);

/// Everything that is done with a mail before anybody looks at it.
fn all_of_it(raw: &[u8], limits: &Limits) -> Result<Letter, Refused> {
    let letter = read(raw, limits)?;
    assert!(!letter.text.contains('\0') && !letter.heading.subject.contains('\0'));
    assert!(letter.own.end <= letter.text.len() && letter.own_words().len() <= letter.text.len());
    assert!(
        letter
            .files
            .iter()
            .all(|f| !f.name.contains(['/', '\\', '\0']))
    );
    let _ = commands(&letter, &is_code, 20);
    let _ = robot_of(&letter.heading);
    let _ = report::read(&letter);
    let _ = Keys::of(&letter);
    let _ = proof::by_results(&letter.heading, &["mx.example".to_owned()]);
    Ok(letter)
}

fn refused(raw: &[u8]) -> Option<Refusal> {
    let start = Instant::now();
    let found = all_of_it(raw, &Limits::default()).err().map(|r| r.refusal);
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    found
}

fn nested(depth: usize, open: impl Fn(usize) -> String) -> Vec<u8> {
    (0..depth).map(open).collect::<String>().into_bytes()
}

/// M20.
#[test]
fn bombs_are_refused_soon() {
    let parts = format!(
        "Content-Type: multipart/mixed; boundary=b\n\n{}",
        "--b\nContent-Type: text/plain\n\nx\n".repeat(10_000)
    );
    let containers = nested(1_000, |i| {
        format!("Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\n")
    });
    let mails = nested(1_000, |_| "Content-Type: message/rfc822\n\n".to_owned());
    let header = format!("Subject: {}\n\nx", "a".repeat(10_000_000));
    let fields = format!("{}\nx", "a: b\n".repeat(1_000_000));
    let deep_fields = format!(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n{}",
        "a: b\n".repeat(100_000)
    );
    let boundary = format!(
        "Content-Type: multipart/mixed; boundary=\"{}\"\n\nx",
        "-".repeat(3_000)
    );
    for (raw, wanted) in [
        (parts.into_bytes(), Refusal::TooManyParts { limit: 1_000 }),
        (containers, Refusal::TooDeep { limit: 100 }),
        (mails, Refusal::TooDeep { limit: 100 }),
        (
            header.into_bytes(),
            Refusal::HeaderTooLarge { limit: 102_400 },
        ),
        (
            fields.into_bytes(),
            Refusal::HeaderTooLarge { limit: 102_400 },
        ),
        (
            deep_fields.into_bytes(),
            Refusal::HeaderTooLarge { limit: 102_400 },
        ),
        (
            boundary.into_bytes(),
            Refusal::BoundaryTooLong { limit: 2_048 },
        ),
        (
            vec![b'x'; 10_240_001],
            Refusal::TooLarge {
                found: 10_240_001,
                limit: 10_240_000,
            },
        ),
    ] {
        assert_eq!(refused(&raw), Some(wanted));
    }
}

/// M20: what is within the limits is read in one pass, however it is made.
#[test]
fn hostile_mails_within_the_limits_are_read_soon() {
    let big = 2_000_000;
    // A boundary that never comes, once for each of many parts: the search that goes quadratic.
    let never = |i: usize| format!("--b\nContent-Type: multipart/mixed; boundary=n{i}\n\n");
    let lost = format!(
        "Content-Type: multipart/mixed; boundary=b\n\n{}{}",
        (0..90).map(never).collect::<String>(),
        "x\n".repeat(big / 2)
    );
    let dashes = format!(
        "Content-Type: multipart/mixed; boundary=\"{0}\"\n\n--{0}\n\n{1}",
        "-".repeat(70),
        "-".repeat(big)
    );
    let lines = nested(90, |i| {
        format!("Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\n")
    });
    let lines = [lines, b"\n".to_vec(), b"--b\n".repeat(big / 4)].concat();
    let words = format!("Subject: {}\n\nx", "=?utf-8?q?a?= ".repeat(7_000));
    let open_words = format!("Subject: {}\n\nx", "=?".repeat(50_000));
    let quotes = format!(
        "From: {}\nContent-Type: {}\n\nx",
        "\"(<".repeat(10_000),
        "a=\"(;".repeat(10_000)
    );
    let html = |body: String| format!("Content-Type: text/html\n\n{body}");
    let text = |body: &str, times: usize| format!("Subject: x\n\n{}", body.repeat(times));
    for raw in [
        lost,
        dashes,
        String::from_utf8(lines).expect("ASCII"),
        words,
        open_words,
        quotes,
        html("<div>".repeat(200_000)),
        html("<div></q>".repeat(50_000)),
        html("<b></q><i></p>".repeat(30_000)),
        html("<b><i><a href=x>".repeat(60_000)),
        html("<table><tr><td>".repeat(60)),
        html("<p><b>x".repeat(60_000)),
        html("<td>x".repeat(60_000)),
        html(format!(
            "<table>{}</table>",
            "<tr><td>a<td colspan=1000>b".repeat(3_000)
        )),
        html("&lt;".repeat(100_000) + "<!--"),
        html("<".repeat(400_000)),
        html(format!("<ol start=99999999999>{}", "<li>".repeat(20_000))),
        text("On a\n", big / 5),
        text("From: a\n", big / 8),
        text("> a\n", big / 4),
        text("\n", big),
        text("Pada 1@2 ", big / 9),
    ] {
        let start = Instant::now();
        let found = all_of_it(raw.as_bytes(), &Limits::default());
        let shown: String = raw.chars().take(90).collect();
        assert!(
            found.is_ok(),
            "{shown:?}: {:?}",
            found.err().map(|r| r.refusal)
        );
        assert!(start.elapsed() < SOON, "{shown:?}: {:?}", start.elapsed());
    }
}

#[test]
fn parts_in_encoded_mails_are_counted_with_all_others() {
    let inner = format!(
        "Content-Type: multipart/mixed; boundary=b\n\n{}",
        "--b\n\nx\n".repeat(600)
    );
    let packed = STANDARD.encode(inner);
    let part = format!(
        "--a\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{packed}\n"
    );
    let raw = format!("Content-Type: multipart/mixed; boundary=a\n\n{part}{part}");
    assert_eq!(
        refused(raw.as_bytes()),
        Some(Refusal::TooManyParts { limit: 1_000 })
    );
}

/// The folder where the Python of this machine keeps the mails that its own tests use.
fn cpython() -> Option<PathBuf> {
    let ask = "import os, sysconfig; print(os.path.join(sysconfig.get_path('stdlib'), 'test', 'test_email', 'data'))";
    let said = Command::new("python3").args(["-c", ask]).output().ok()?;
    let folder = PathBuf::from(String::from_utf8(said.stdout).ok()?.trim());
    folder.is_dir().then_some(folder)
}

/// Mails of that folder with what they have to give: subject, files, a piece of the text.
const CPYTHON: [(&str, &str, &[&str], &str); 6] = [
    (
        "msg_01.txt",
        "This is a test message",
        &[],
        "Do you like this message?",
    ),
    (
        "msg_02.txt",
        "Ppp digest, Vol 1 #2 - 5 msgs",
        &[],
        "Send Ppp mailing list submissions to",
    ),
    ("msg_05.txt", "bar", &[], "Yadda yadda yadda"),
    (
        "msg_07.txt",
        "Here is your dingus fish",
        &["dingusfish.gif"],
        "This is the dingus fish.",
    ),
    (
        "msg_10.txt",
        "Lyrics",
        &[],
        "This is a Base64 encoded message.",
    ),
    (
        "msg_26.txt",
        "IMAP file test",
        &["clock.bmp"],
        "Simple email with attachment.",
    ),
];

#[test]
#[expect(
    clippy::print_stderr,
    reason = "so that nobody takes the absence for a pass"
)]
fn the_mails_of_cpython_are_read() {
    let Some(folder) = cpython() else {
        eprintln!("SKIPPED: the python3 of this machine brings no test_email/data");
        return;
    };
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).expect("folder").flatten() {
        let raw = std::fs::read(entry.path()).unwrap_or_default();
        let _ = all_of_it(&raw, &Limits::default());
        seen += 1;
    }
    assert!(seen > 40, "{seen} in {}", folder.display());
    for (name, subject, files, text) in CPYTHON {
        let Ok(raw) = std::fs::read(folder.join(name)) else {
            continue;
        };
        let letter = all_of_it(&raw, &Limits::default()).expect(name);
        assert_eq!(letter.heading.subject, subject, "{name}");
        let names: Vec<&str> = letter.files.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, files, "{name}");
        assert!(letter.text.contains(text), "{name}: {:?}", letter.text);
    }
}

/// The corpus, read once.
static CORPUS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let files = std::fs::read_dir(folder())
        .expect("folder")
        .flatten()
        .map(|e| e.path());
    files
        .map(|path| std::fs::read(path).expect("a file"))
        .collect()
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// M14, M21.
    #[test]
    fn random_bytes_never_panic(raw in proptest::collection::vec(any::<u8>(), 0..4_000)) {
        let _ = all_of_it(&raw, &Limits::default());
        let _ = notice::decode(&raw);
        let _ = events::decode(&raw);
    }

    /// Real mails with bytes changed, cut and doubled come much deeper than random ones.
    #[test]
    fn changed_mails_never_panic(
        which in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..30),
        cut in any::<prop::sample::Index>(),
        paste in any::<prop::sample::Index>(),
    ) {
        let mut raw = which.get(&CORPUS).clone();
        for (place, byte) in changes {
            let place = place.index(raw.len());
            raw[place] = byte;
        }
        let piece = raw[cut.index(raw.len())..].to_vec();
        let place = paste.index(raw.len());
        raw.splice(place..place, piece);
        let _ = all_of_it(&raw, &Limits::default());
        let tight = Limits { parts: 2, depth: 1, header_bytes: 200, text_bytes: 7, ..Limits::default() };
        let _ = all_of_it(&raw, &tight);
    }

    #[test]
    fn any_text_of_any_charset_comes_out_clean(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        label in "(utf-8|utf-7|utf-16|gbk|iso-2022-jp|big5|euc-kr|x-[a-z]{0,9}|[a-z0-9-]{0,12})",
    ) {
        let found = charset::decode(&bytes, Some(&label));
        prop_assert!(!found.text.contains('\0'));
    }
}
