//! A private Prosody in a temporary folder, with accounts of one domain, `localhost`.

mod person;
mod raw;

pub use person::{Note, Person};
pub use raw::Raw;

use super::postgres::{as_server, give_to_server};
use super::{Leash, free_port, sweep_after_us, wait_until};
use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

/// The password of every account.
pub const PASSWORD: &str = "hush-hush";

/// The account of the installation.
pub const OURS: &str = "kentongan@localhost";

/// The domain of all accounts.
const DOMAIN: &str = "localhost";

/// A running server.
pub struct Prosody {
    server: Option<Leash>,
    broom: Child,
    folder: PathBuf,
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
}

impl Prosody {
    /// A server with these accounts beside the installation's, without encryption.
    pub fn start(accounts: &[&str]) -> Self {
        Self::with(accounts, false)
    }

    /// A server that lets nobody in without STARTTLS; whoever believes
    /// [`Prosody::ca`] believes it.
    pub fn encrypted(accounts: &[&str]) -> Self {
        Self::with(accounts, true)
    }

    fn with(accounts: &[&str], encrypted: bool) -> Self {
        let folder = fs::canonicalize(std::env::temp_dir()).expect("a temporary folder");
        let folder = folder.join(format!("kentongan-im-{}", uuid::Uuid::now_v7().simple()));
        let people = folder.join(format!("data/{DOMAIN}/accounts"));
        fs::create_dir_all(&people).expect("a folder for Prosody");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("its permissions");
        for account in accounts.iter().chain(&["kentongan"]) {
            let stored = format!("return {{ [\"password\"] = \"{PASSWORD}\" }};\n");
            fs::write(people.join(format!("{account}.dat")), stored).expect("an account");
        }
        let mut prosody = Self {
            server: None,
            broom: sweep_after_us(&folder),
            folder,
            port: free_port(),
        };
        if encrypted {
            prosody.certify();
        }
        fs::write(prosody.settings(), prosody.configuration(encrypted)).expect("its settings");
        give_to_server(&prosody.folder);
        prosody.start_again();
        prosody
    }

    /// The file of the certificate, which signed itself.
    pub fn ca(&self) -> PathBuf {
        self.folder.join("certificate.pem")
    }

    /// Starts it after [`Prosody::stop`] or [`Prosody::kill`], on the same port, with what it kept.
    pub fn start_again(&mut self) {
        let settings = self.settings().display().to_string();
        let command = as_server([program().as_str(), "--config", &settings, "-F"]);
        let log = fs::File::create(self.folder.join("log")).expect("its log");
        self.server = Some(Leash::start("TERM", &command, &[], log.into()));
        let port = self.port;
        let up = wait_until(Duration::from_secs(60), || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        assert!(up, "Prosody does not start: {}", self.said());
    }

    /// Ends it in order.
    pub fn stop(&mut self) {
        drop(self.server.take());
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.signal("KILL");
        self.stop();
    }

    /// Sends it a signal by its name: `STOP` makes it hold everything, `CONT` go on.
    pub fn signal(&self, name: &str) {
        self.server.as_ref().expect("it runs").signal(name);
    }

    /// Does it keep messages for this account until somebody is there?
    pub fn keeps(&self, account: &str) -> bool {
        let kept = self
            .folder
            .join(format!("data/{DOMAIN}/offline/{account}.list"));
        fs::metadata(kept).is_ok_and(|file| file.len() > 0)
    }

    /// What it wrote down.
    pub fn said(&self) -> String {
        let read = |name| fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        read("log") + &read("prosody.log")
    }

    fn settings(&self) -> PathBuf {
        self.folder.join("prosody.cfg.lua")
    }

    fn configuration(&self, encrypted: bool) -> String {
        let (folder, port) = (self.folder.display(), self.port);
        let (tls, ssl) = match encrypted {
            false => ("", String::new()),
            true => (
                "\"tls\";",
                format!(
                    "ssl = {{ key = \"{folder}/key.pem\"; certificate = \"{folder}/certificate.pem\" }}"
                ),
            ),
        };
        format!(
            r#"
data_path = "{folder}/data"
pidfile = "{folder}/prosody.pid"
log = {{ {{ levels = {{ min = "info" }}, to = "file", filename = "{folder}/prosody.log" }} }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
c2s_direct_tls_ports = {{ }}
plugin_paths = {{ }}
modules_enabled = {{ {tls} "roster"; "saslauth"; "disco"; "ping"; "smacks"; "offline" }}
modules_disabled = {{ "s2s" }}
authentication = "internal_plain"
c2s_require_encryption = {encrypted}
allow_unencrypted_plain_auth = {plain}
{ssl}
VirtualHost "{DOMAIN}"
"#,
            plain = !encrypted
        )
    }

    fn certify(&self) {
        let path = |name: &str| self.folder.join(name).display().to_string();
        let wanted = "[req]\nprompt = no\ndistinguished_name = who\nx509_extensions = what\n\
                      [who]\nCN = localhost\n\
                      [what]\nsubjectAltName = DNS:localhost\nbasicConstraints = critical,CA:FALSE\n";
        fs::write(path("wanted"), wanted).expect("what the certificate says");
        let made = Command::new("openssl")
            .args([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            ])
            .args(["-config", &path("wanted"), "-keyout", &path("key.pem")])
            .args(["-out", &path("certificate.pem")])
            .output()
            .expect("openssl starts");
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{said}");
    }
}

impl Drop for Prosody {
    fn drop(&mut self) {
        drop(self.server.take());
        drop(self.broom.stdin.take());
        let _ = self.broom.wait();
    }
}

fn program() -> String {
    let remedy = "Prosody is missing: make test installs it, or apt install prosody";
    let there = ["/usr/bin/prosody", "/usr/local/bin/prosody"];
    let found = there.into_iter().find(|p| std::path::Path::new(p).exists());
    found.expect(remedy).to_owned()
}
