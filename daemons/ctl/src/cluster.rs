//! A PostgreSQL of our own: found among the installed ones, made, and run below one folder. It
//! listens on a socket file only, in a folder that nobody else may enter, so it needs no port and no
//! password.

use crate::exit::{Fault, Result};
use crate::tied::tied;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

/// Its one user and its one database.
const NAME: &str = "kentongan";

/// Longest path of a socket's folder: the kernel takes 107 bytes, and `/.s.PGSQL.5432.lock` follows.
const LONGEST_SOCKET_FOLDER: usize = 85;

/// How long a server may take to make its files or to let go of them.
const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster below a folder; running or not.
#[derive(Debug, Clone)]
pub struct Cluster {
    bin: PathBuf,
    data: PathBuf,
    socket: PathBuf,
    runs_as: Option<(u32, u32)>,
}

impl Cluster {
    /// Finds the programs and makes the folders. PostgreSQL refuses to run as root, so under root it
    /// runs as `postgres`, or as `nobody` where there is no such user.
    pub fn prepare(folder: &Path) -> Result<Self> {
        let data = folder.join("database");
        let bin = find(fs::read_to_string(data.join("PG_VERSION")).ok().as_deref())?;
        let cluster = Self {
            bin,
            socket: socket_folder(folder),
            runs_as: runs_as()?,
            data,
        };
        if let Some((uid, _)) = cluster.runs_as {
            enterable(folder, uid)?;
        }
        for folder in [&cluster.data, &cluster.socket] {
            fs::create_dir_all(folder)?;
            if let Some((uid, gid)) = cluster.runs_as {
                chown(folder, Some(uid), Some(gid))?;
            }
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        }
        Ok(cluster)
    }

    /// How programs reach it.
    pub fn url(&self) -> String {
        let socket = self.socket.display();
        format!("host='{socket}' user={NAME} dbname={NAME}")
    }

    /// Makes the cluster's files, where there are none yet.
    pub async fn init(&self) -> Result<()> {
        if self.data.join("PG_VERSION").exists() {
            return Ok(());
        }
        let mut initdb = self.program("initdb");
        initdb.arg("-D").arg(&self.data).args(["-U", NAME]);
        initdb.args(["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]);
        let done = initdb.output().await?;
        if done.status.success() {
            return Ok(());
        }
        Err(broken("initdb", &done))
    }

    /// The server in the foreground. SIGINT ends it fast and in order; so does our own death.
    pub fn server(&self) -> Command {
        let mut server = self.set_up(tied(&self.bin.join("postgres"), "INT"));
        server.arg("-D").arg(&self.data);
        let socket = format!("unix_socket_directories={}", self.socket.display());
        for setting in [
            "listen_addresses=",
            &socket,
            "timezone=UTC",
            "log_timezone=UTC",
            "log_checkpoints=off",
            "log_line_prefix=",
        ] {
            server.args(["-c", setting]);
        }
        server
    }

    /// Does it take connections? The server writes so into the eighth line of its lock file, which
    /// is how `pg_ctl` waits; a try to connect would leave an error in its log.
    pub fn answers(&self) -> bool {
        let lock = fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
        lock.lines()
            .nth(7)
            .is_some_and(|state| state.trim() == "ready")
    }

    /// Makes the database, where there is none yet.
    pub async fn create_database(&self) -> Result<()> {
        // Asking the server again would leave an error in its log at every start.
        let made = self.data.with_file_name("database.made");
        if made.exists() {
            return Ok(());
        }
        let mut create = self.program("createdb");
        create.arg("-h").arg(&self.socket).args(["-U", NAME, NAME]);
        let done = create.output().await?;
        let there = String::from_utf8_lossy(&done.stderr).contains("already exists");
        if !done.status.success() && !there {
            return Err(broken("createdb", &done));
        }
        Ok(fs::write(made, "")?)
    }

    /// Stops a server that an earlier run was killed beside; its process number, if there was one.
    pub async fn stop_leftover(&self) -> Result<Option<i32>> {
        let Some(pid) = self.leftover() else {
            return Ok(None);
        };
        kill_process(pid, Signal::INT).map_err(std::io::Error::from)?;
        let until = Instant::now() + PATIENCE;
        while self.leftover() == Some(pid) {
            if Instant::now() > until {
                let number = pid.as_raw_nonzero();
                let what = format!("PostgreSQL of an earlier run (process {number}) does not stop");
                return Err(Fault::new(what).remedy(format!("kill -QUIT {number}")));
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(Some(pid.as_raw_nonzero().get()))
    }

    /// The process that the lock file names, if it is a server and works in our folder. A number
    /// alone proves nothing: it may be somebody else's by now.
    fn leftover(&self) -> Option<Pid> {
        let lock = fs::read_to_string(self.data.join("postmaster.pid")).ok()?;
        let number: i32 = lock.lines().next()?.trim().parse().ok()?;
        let works_in = fs::read_link(format!("/proc/{number}/cwd")).ok()?;
        (works_in == fs::canonicalize(&self.data).ok()?).then(|| Pid::from_raw(number))?
    }

    /// One of PostgreSQL's programs.
    fn program(&self, name: &str) -> Command {
        self.set_up(Command::new(self.bin.join(name)))
    }

    /// As the cluster's user and away from the caller's folder, which that user may not be able to
    /// enter.
    fn set_up(&self, mut command: Command) -> Command {
        command
            .current_dir("/")
            .stdin(Stdio::null())
            .env_remove("PGDATA")
            .env_remove("PGOPTIONS")
            .env("LC_ALL", "C.UTF-8");
        if let Some((uid, gid)) = self.runs_as {
            command.uid(uid).gid(gid);
        }
        command
    }
}

/// The newest installed PostgreSQL that has PostGIS; of this major version when there are files of
/// it already.
fn find(version: Option<&str>) -> Result<PathBuf> {
    let mut found = installed();
    if let Some(version) = version.map(str::trim) {
        found.retain(|(major, _)| major.to_string() == version);
    }
    found.sort_by_key(|(major, bin)| (has_postgis(bin), *major));
    match found.pop() {
        Some((_, bin)) if has_postgis(&bin) => Ok(bin),
        Some((major, _)) => Err(Fault::new(format!("PostgreSQL {major} has no PostGIS"))
            .remedy(format!("apt-get install postgresql-{major}-postgis-3"))),
        None => Err(missing(version)),
    }
}

fn missing(version: Option<&str>) -> Fault {
    match version.map(str::trim) {
        None => Fault::new("no PostgreSQL server is installed").remedy(
            "apt-get install postgresql postgis postgresql-postgis (no server of the system needs \
             to run), or name a database of yours with --config FILE",
        ),
        Some(version) => Fault::new(format!(
            "the database in this folder is of PostgreSQL {version}, which is not installed"
        ))
        .remedy(format!(
            "apt-get install postgresql-{version} postgresql-{version}-postgis-3, or name \
             another --folder"
        )),
    }
}

/// Major versions and the folders of their programs: Debian's place, Red Hat's place, the path.
fn installed() -> Vec<(u32, PathBuf)> {
    let mut found = Vec::new();
    for (root, prefix) in [("/usr/lib/postgresql", ""), ("/usr", "pgsql-")] {
        let entries = fs::read_dir(root).into_iter().flatten().flatten();
        found.extend(entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let major = name.strip_prefix(prefix)?.parse().ok()?;
            Some((major, entry.path().join("bin")))
        }));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).filter(|dir| dir.join("initdb").exists());
    found.extend(on_path.filter_map(|dir| Some((major_of(&dir)?, dir))));
    found.retain(|(_, bin)| bin.join("initdb").exists() && bin.join("postgres").exists());
    found
}

/// From `postgres (PostgreSQL) 15.18 (Debian ...)`.
fn major_of(bin: &Path) -> Option<u32> {
    let said = said(bin.join("postgres"), "--version")?;
    let version = said.split_whitespace().nth(2)?;
    version.split('.').next()?.parse().ok()
}

fn has_postgis(bin: &Path) -> bool {
    let shared = said(bin.join("pg_config"), "--sharedir").unwrap_or_default();
    let debian = bin.to_string_lossy().replace("/usr/lib/", "/usr/share/");
    let debian = debian.trim_end_matches("/bin").to_owned();
    [shared.trim(), &debian]
        .iter()
        .any(|dir| Path::new(dir).join("extension/postgis.control").exists())
}

fn said(program: PathBuf, option: &str) -> Option<String> {
    let done = std::process::Command::new(program).arg(option).output();
    done.ok().and_then(|o| String::from_utf8(o.stdout).ok())
}

/// A socket's path is short by law of the kernel; a deep folder gets one in the temporary folder.
fn socket_folder(folder: &Path) -> PathBuf {
    let inside = folder.join("socket");
    if inside.as_os_str().len() <= LONGEST_SOCKET_FOLDER {
        return inside;
    }
    let name = common::envelope::derived_id(&[folder.as_os_str().as_encoded_bytes()]);
    std::env::temp_dir().join(format!("kentongan-{}", name.simple()))
}

/// User and group of the server: `None` when we are nobody special and it may run as we do.
fn runs_as() -> Result<Option<(u32, u32)>> {
    // A file of our own process belongs to our effective user.
    if fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let user = |name: &str| {
        let line = users.lines().find(|l| l.starts_with(&format!("{name}:")))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    let found = user("postgres").or_else(|| user("nobody"));
    found.map(Some).ok_or_else(|| {
        Fault::new("PostgreSQL does not run as root, and there is no user `postgres` or `nobody`")
            .remedy("run this as another user")
    })
}

/// The server's user must be able to walk down to the folder.
fn enterable(folder: &Path, uid: u32) -> Result<()> {
    for above in folder.ancestors().filter(|p| !p.as_os_str().is_empty()) {
        let about = fs::metadata(above)?;
        let bits = if about.uid() == uid { 0o100 } else { 0o001 };
        if about.mode() & bits == 0 {
            let (folder, above) = (folder.display(), above.display());
            let what = format!("PostgreSQL's user cannot enter {above}, so it cannot use {folder}");
            return Err(
                Fault::new(what).remedy("name another place: --folder /var/lib/kentongan-up")
            );
        }
    }
    Ok(())
}

fn broken(program: &str, done: &Output) -> Fault {
    let said = String::from_utf8_lossy(&done.stderr);
    let last = said.trim().lines().last().unwrap_or("no word why");
    Fault::new(format!("{program} failed ({}): {last}", done.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deep_folder_gets_a_short_socket_that_is_its_own() {
        let shallow = Path::new("/srv/k");
        assert_eq!(socket_folder(shallow), Path::new("/srv/k/socket"));
        let deep = PathBuf::from(format!("/srv/{}", "k".repeat(100)));
        let socket = socket_folder(&deep);
        assert!(socket.as_os_str().len() <= LONGEST_SOCKET_FOLDER);
        assert_eq!(socket, socket_folder(&deep));
        assert_ne!(socket, socket_folder(&deep.join("other")));
    }

    #[test]
    fn what_is_missing_is_named_with_the_package() {
        let remedy = missing(Some("14\n")).remedy.unwrap();
        assert!(remedy.contains("postgresql-14-postgis-3"), "{remedy}");
        assert!(missing(None).remedy.unwrap().contains("apt-get install"));
    }

    #[test]
    fn a_folder_that_the_servers_user_cannot_enter_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let somebody = fs::metadata(&inner).unwrap().uid() + 1;
        let fault = enterable(&inner, somebody).unwrap_err();
        assert!(fault.remedy.unwrap().contains("--folder"));
    }

    #[test]
    fn a_lock_file_of_a_process_elsewhere_names_no_leftover() {
        let dir = tempfile::tempdir().unwrap();
        let cluster = Cluster {
            bin: "/nonexistent".into(),
            data: dir.path().to_owned(),
            socket: dir.path().to_owned(),
            runs_as: None,
        };
        let ours = std::process::id();
        fs::write(dir.path().join("postmaster.pid"), format!("{ours}\n/x\n")).unwrap();
        assert_eq!(
            cluster.leftover(),
            None,
            "a test does not work in its data folder"
        );
    }
}
