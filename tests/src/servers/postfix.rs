//! A mail server of our own: Postfix with a configuration, a queue and a port that nobody else has.
//! It hands mail for `kentongan.example` to an LMTP server and all other mail to an SMTP server.

use super::{Leash, free_port, wait_until};
use std::fs;
use std::net::{Ipv4Addr, TcpStream as Probe};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// One mail server on 127.0.0.1.
pub struct Postfix {
    /// Where it takes mail.
    pub port: u16,
    folder: TempDir,
    leash: Option<Leash>,
}

/// What hands a mail in, as the mail server hears of it.
#[derive(Debug, Clone, Copy)]
pub struct Client<'a> {
    /// Its address.
    pub address: &'a str,
    /// What it calls itself.
    pub helo: &'a str,
}

impl Postfix {
    /// Starts one. `lmtp` is where our mail goes (`inet:127.0.0.1:24`, `unix:/path`), `elsewhere`
    /// the port of an SMTP server, `more` are lines of main.cf.
    pub fn start(lmtp: &str, elsewhere: u16, more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the mail server");
        // Its parts run as another user.
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.path(), open).expect("the folder is ours");
        let mut postfix = Self {
            port: free_port(),
            folder,
            leash: None,
        };
        postfix.configure(lmtp, elsewhere, more);
        postfix.begin();
        postfix
    }

    fn configure(&self, lmtp: &str, elsewhere: u16, more: &str) {
        let root = self.folder.path().display();
        for name in ["conf", "queue"] {
            fs::create_dir(self.path(name)).expect("a folder");
        }
        fs::write(self.path("log"), "").expect("a log");
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {root}/queue\n\
             data_directory = {root}/data\ndaemon_directory = /usr/lib/postfix/sbin\n\
             command_directory = /usr/sbin\nmaillog_file = {root}/log\n\
             maillog_file_prefixes = {root}\nmail_owner = postfix\nsetgid_group = postdrop\n\
             inet_interfaces = loopback-only\ninet_protocols = ipv4\n\
             myhostname = mail.kentongan.example\nmydestination =\nmynetworks = 127.0.0.0/8\n\
             alias_maps =\nlocal_recipient_maps =\nsmtputf8_enable = yes\n\
             transport_maps = inline:{{ kentongan.example=kentongan:{lmtp} }}\n\
             default_transport = smtp:[127.0.0.1]:{elsewhere}\nlmtp_host_lookup = native\n\
             lmtp_send_xforward_command = yes\nsmtpd_authorized_xforward_hosts = 127.0.0.1\n\
             minimal_backoff_time = 1s\nmaximal_backoff_time = 2s\nqueue_run_delay = 1s\n\
             smtpd_peername_lookup = no\nsmtp_host_lookup = native\n{more}\n"
        );
        fs::write(self.path("conf/main.cf"), main).expect("main.cf");
        let services = [
            format!("127.0.0.1:{} inet n - n - - smtpd", self.port),
            "cleanup unix n - n - 0 cleanup".into(),
            "qmgr unix n - n 1 1 qmgr".into(),
            "rewrite unix - - n - - trivial-rewrite".into(),
            "bounce unix - - n - 0 bounce".into(),
            "defer unix - - n - 0 bounce".into(),
            "trace unix - - n - 0 bounce".into(),
            "proxymap unix - - n - - proxymap".into(),
            "smtp unix - - n - - smtp".into(),
            "error unix - - n - - error".into(),
            "retry unix - - n - - error".into(),
            "showq unix n - n - - showq".into(),
            "anvil unix - - n - 1 anvil".into(),
            "scache unix - - n - 1 scache".into(),
            "postlog unix-dgram n - n - 1 postlogd".into(),
            // As deploy/postfix/master-lmtp.cf.sample has it.
            "kentongan unix - - n - 10 lmtp".into(),
        ];
        fs::write(self.path("conf/master.cf"), services.join("\n") + "\n").expect("master.cf");
    }

    fn begin(&mut self) {
        let program = super::installed("postfix", "deploy/setup/need.sh postfix");
        let conf = self.path("conf").display().to_string();
        let command = [program, "-c".into(), conf, "start-fg".into()];
        let log = fs::File::create(self.path("stderr")).expect("a log");
        self.leash = Some(Leash::start_as_root("TERM", &command, Stdio::from(log)));
        let listens = || Probe::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok();
        let is_so = wait_until(Duration::from_secs(30), listens);
        let stderr = fs::read_to_string(self.path("stderr")).unwrap_or_default();
        assert!(is_so, "Postfix does not listen: {stderr}{}", self.said());
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What it has said.
    pub fn said(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// How many mails it still has, deferred ones included.
    pub fn waiting(&self) -> usize {
        let program = super::installed("postqueue", "deploy/setup/need.sh postfix");
        let mut command = super::as_root(&program);
        let list = command.arg("-c").arg(self.path("conf")).arg("-j");
        let told = list.output().expect("postqueue runs");
        String::from_utf8_lossy(&told.stdout).lines().count()
    }

    /// Hands a mail in by SMTP, as the machine that sends it does; the answer to it.
    pub async fn hand_in(
        &self,
        (from, to): (&str, &[&str]),
        raw: &[u8],
        client: Option<Client<'_>>,
    ) -> String {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await;
        let mut smtp = BufReader::new(stream.expect("it listens"));
        ask(&mut smtp, "").await;
        ask(&mut smtp, "EHLO client.example.org").await;
        if let Some(Client { address, helo }) = client {
            ask(&mut smtp, &format!("XFORWARD ADDR={address} HELO={helo}")).await;
        }
        ask(&mut smtp, &format!("MAIL FROM:<{from}>")).await;
        for to in to {
            ask(&mut smtp, &format!("RCPT TO:<{to}>")).await;
        }
        let begun = ask(&mut smtp, "DATA").await;
        assert!(begun.starts_with("354"), "{begun}");
        let text = String::from_utf8_lossy(raw).replace("\r\n.", "\r\n..");
        ask(&mut smtp, &format!("{text}\r\n.")).await
    }

    /// Hands so many mails in, by so many connections at once, all different.
    pub async fn hand_in_many(&self, count: usize, (from, to): (&str, &str)) {
        let program = super::installed("smtp-source", "deploy/setup/need.sh postfix");
        let mut command = Command::new(program);
        command.args(["-s", "10", "-l", "2000", "-m", &count.to_string()]);
        command.args(["-f", from, "-t", to]);
        command.arg(format!("127.0.0.1:{}", self.port));
        let run = tokio::task::spawn_blocking(move || command.output());
        let done = run.await.expect("no panic").expect("smtp-source runs");
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{stderr}");
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        drop(self.leash.take());
        // Another user's files, when the test is not run by root.
        let mut remove = super::as_root("rm");
        remove
            .arg("-rf")
            .arg(self.path("queue"))
            .arg(self.path("data"));
        let _ = remove.stderr(Stdio::null()).status();
    }
}

/// Says a line and gives the last line of the answer.
async fn ask(smtp: &mut BufReader<TcpStream>, line: &str) -> String {
    if !line.is_empty() {
        let said = smtp.write_all(format!("{line}\r\n").as_bytes()).await;
        said.expect("it reads");
    }
    loop {
        let mut answer = String::new();
        let read = smtp.read_line(&mut answer).await;
        assert!(read.expect("it answers") > 0, "it ended at {line:.40}");
        if answer.as_bytes().get(3) == Some(&b' ') {
            return answer;
        }
    }
}
