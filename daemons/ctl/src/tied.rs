//! Children that do not outlive us.

use std::path::Path;
use tokio::process::Command;

/// A command whose process is sent this signal (`TERM`, `INT`) when we die without telling it
/// (`kill -9`), where util-linux is there to arrange that; else a plain one. Start it on the main
/// thread: the kernel watches the thread that started it.
pub fn tied(program: &Path, signal: &str) -> Command {
    let setpriv = Path::new("/usr/bin/setpriv");
    if !setpriv.exists() {
        return Command::new(program);
    }
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", signal, "--"]).arg(program);
    command
}
