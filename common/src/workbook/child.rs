//! The process that opens what strangers sent. It is this same program, started anew with a word
//! that no user needs; before it reads a byte it takes from itself all but one gigabyte of memory
//! and a minute of the processor. Whatever a file does to it, the daemon only sees it end.

use super::book::{Book, Line};
use super::container::{CONTAINER, Refusal};
use super::mark::{self, Marks};
use super::read::lines;
use crate::{Failure, Result};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::io::{BufWriter, Read as _, Write as _};
use std::process::{ExitCode, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::sync::Semaphore;

/// Address space of the child. Honest workbooks at the limits need a third of it.
const MEMORY: u64 = 1 << 30;
/// Processor time of the child. Honest workbooks at the limits need two seconds.
const PROCESSOR_S: u64 = 60;
/// What the parent waits at most: a busy machine gives a process a part of its time only.
const WAIT: Duration = Duration::from_secs(120);
/// What the parent takes at most from a child: half a million cells of some thirty bytes, or a
/// marked workbook.
const ANSWER: u64 = 48 << 20;
/// Children at once in one daemon: with their gigabyte each they must fit beside everything else.
static ROOM: Semaphore = Semaphore::const_new(2);

const READ: &str = "read-workbook";
const MARK: &str = "mark-workbook";

/// Plays the child when this program was started as one; the exit code it then has. The first thing
/// that `main` asks: nothing else must have happened in such a process.
pub fn play() -> Option<ExitCode> {
    let word = std::env::args_os().nth(1)?;
    let work: fn() -> std::io::Result<ExitCode> = match word.to_str()? {
        READ => tell,
        MARK => give_back,
        _ => return None,
    };
    // Without its limits it does not touch the file.
    let limited = limit().is_ok();
    Some(match limited.then(work) {
        Some(Ok(code)) => code,
        _ => ExitCode::FAILURE,
    })
}

fn limit() -> rustix::io::Result<()> {
    // Where memory is short this one goes first. Not a limit: without it the others still hold.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    for (resource, most) in [
        (Resource::As, MEMORY),
        (Resource::Cpu, PROCESSOR_S),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
    ] {
        let (current, maximum) = (Some(most), Some(most));
        setrlimit(resource, Rlimit { current, maximum })?;
    }
    Ok(())
}

fn input() -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than it may have, so that the limit is seen to be passed; the marks come first.
    let most = (CONTAINER as u64) * 3;
    std::io::stdin().lock().take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// `read-workbook`: the workbook comes in, lines of its cells go out.
fn tell() -> std::io::Result<ExitCode> {
    let bytes = input()?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut gone = Ok(());
    let mut write = |line: &Line| {
        if gone.is_ok() {
            gone = serde_json::to_writer(&mut out, line)
                .map_err(std::io::Error::from)
                .and_then(|()| out.write_all(b"\n"));
        }
    };
    if let Err(refusal) = lines(&bytes, &mut |line| write(&line)) {
        write(&Line::Refused(refusal));
    }
    gone?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// `mark-workbook`: a line with the marks and the workbook come in, the marked one goes out.
fn give_back() -> std::io::Result<ExitCode> {
    let bytes = input()?;
    let Some(end) = bytes.iter().position(|b| *b == b'\n') else {
        return Ok(ExitCode::FAILURE);
    };
    let marks: Marks = serde_json::from_slice(&bytes[..end])?;
    let Some(marked) = mark::marked(&bytes[end + 1..], &marks) else {
        return Ok(ExitCode::FAILURE);
    };
    let mut out = std::io::stdout().lock();
    out.write_all(&marked)?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Reads a workbook that somebody sent, in a child. What kills the child is a refusal of the
/// workbook; only a child that cannot be started at all is a failure, and tried again.
pub async fn read(bytes: &[u8]) -> Result<std::result::Result<Book, Refusal>> {
    if bytes.len() > CONTAINER {
        return Ok(Err(Refusal::FileTooLarge));
    }
    let Some(told) = run(READ, &[bytes]).await? else {
        return Ok(Err(Refusal::TooBigOrDamaged));
    };
    let lines = told.split(|b| *b == b'\n').filter(|l| !l.is_empty());
    let lines = lines.map_while(|line| serde_json::from_slice::<Line>(line).ok());
    Ok(Book::from_lines(lines).unwrap_or(Err(Refusal::TooBigOrDamaged)))
}

/// The same xlsx with cells marked, made in a child; `None` when it cannot be changed safely.
pub async fn mark(bytes: &[u8], marks: &Marks) -> Result<Option<Vec<u8>>> {
    let mut head = serde_json::to_vec(marks).map_err(Failure::quarantine)?;
    head.push(b'\n');
    run(MARK, &[&head, bytes]).await
}

/// What the child said, whole; `None` when it did not end well.
async fn run(word: &str, input: &[&[u8]]) -> Result<Option<Vec<u8>>> {
    // Never closed.
    let _room = ROOM.acquire().await.map_err(Failure::retry)?;
    let mut child = Command::new("/proc/self/exe")
        .arg(word)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| Failure::retry(format!("the reader of workbooks does not start: {e}")))?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            for piece in input {
                // A child that ended is seen below.
                let _ = stdin.write_all(piece).await;
            }
        }
    };
    let hear = async {
        let mut told = Vec::new();
        if let Some(stdout) = stdout {
            let _ = stdout.take(ANSWER + 1).read_to_end(&mut told).await;
        }
        told
    };
    let whole = async {
        let ((), told) = tokio::join!(feed, hear);
        (told.len() as u64 <= ANSWER).then_some((told, child.wait().await))
    };
    let ended = tokio::time::timeout(WAIT, whole).await;
    let (told, status) = match ended {
        Ok(Some((told, Ok(status)))) => (told, status),
        // Too much or too long: it is killed when `child` is dropped.
        _ => return Ok(None),
    };
    Ok(status.success().then_some(told))
}
