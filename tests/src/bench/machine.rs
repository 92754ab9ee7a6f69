//! Where the figures were taken: a figure without its machine says nothing.

use std::fs;
use std::process::Command;

/// The machine, how busy it is, and the versions, as name and value.
pub fn facts() -> Vec<(String, String)> {
    let fact = |name: &str, value: String| (name.to_owned(), value);
    vec![
        fact("processor", processor()),
        fact("memory", memory()),
        fact("load before", load()),
        fact("system", said("uname", &["-sr"])),
        fact("kentongan", version()),
        fact("rustc", said("rustc", &["--version"])),
    ]
}

/// Load averages of 1, 5 and 15 minutes.
pub fn load() -> String {
    let all = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    all.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

fn processor() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = field(&info, "model name").unwrap_or("unknown kind");
    format!("{cores} x {name}")
}

fn memory() -> String {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    field(&info, "MemTotal").unwrap_or("unknown").to_owned()
}

fn version() -> String {
    let commit = said("git", &["describe", "--always", "--dirty"]);
    format!("{} {commit}", env!("CARGO_PKG_VERSION"))
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|l| l.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim())
}

fn said(program: &str, arguments: &[&str]) -> String {
    let done = Command::new(program).args(arguments).output();
    let said = done.map(|d| String::from_utf8_lossy(&d.stdout).trim().to_owned());
    said.unwrap_or_default()
}
