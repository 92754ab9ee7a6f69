//! `[settings]` of a channel file.

use super::tls;
use crate::adapter::Parts;
use common::{Failure, Result};
use rustls::ClientConfig;
use serde::Deserialize;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_xmpp::jid::BareJid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    account: String,
    password: String,
    server: Option<String>,
    #[serde(default)]
    tls: Tls,
    ca: Option<PathBuf>,
    #[serde(default = "kentongan")]
    resource: String,
    #[serde(default)]
    subscriptions: Subscriptions,
}

/// How the connection is kept from others' eyes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Tls {
    #[default]
    Starttls,
    None,
}

/// Who may see when we are there, and is asked the same.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Subscriptions {
    /// Everybody or nobody.
    Word(Word),
    /// People of these domains.
    Domains(Vec<String>),
}

/// Without a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    All,
    None,
}

/// What is needed to be connected.
pub struct Account {
    /// Ours.
    pub jid: BareJid,
    pub password: String,
    /// `host:port`; else the domain's records say it.
    pub server: Option<String>,
    /// Absent: plain, on this machine.
    pub tls: Option<Arc<ClientConfig>>,
    /// The same in every run, so that the server ends what an earlier run left.
    pub resource: String,
    pub subscriptions: Subscriptions,
}

fn kentongan() -> String {
    "kentongan".into()
}

impl Default for Subscriptions {
    fn default() -> Self {
        Self::Word(Word::All)
    }
}

impl Subscriptions {
    /// Whether somebody of this domain may.
    pub fn allow(&self, domain: &str) -> bool {
        match self {
            Self::Word(word) => *word == Word::All,
            Self::Domains(domains) => domains.iter().any(|d| d.eq_ignore_ascii_case(domain)),
        }
    }
}

impl Account {
    /// Reads the table. A fault names file and key.
    pub fn of(parts: &Parts<'_>) -> Result<Self> {
        let table: Table = parts.settings()?;
        let file = &parts.channel.channel;
        let fault = |key: &str, fault: &str| {
            Failure::quarantine(format!(
                "channel file {file}.toml: [settings]: `{key}`: {fault}"
            ))
        };
        let jid = BareJid::new(&table.account).ok();
        let jid = jid.filter(|jid| jid.node().is_some());
        let jid = jid.ok_or_else(|| fault("account", "must be like kentongan@xmpp.example"))?;
        if table.resource.is_empty() || jid.with_resource_str(&table.resource).is_err() {
            return Err(fault("resource", "must be a short word"));
        }
        let server = table.server.as_deref();
        if server.is_some_and(|s| host_and_port(s).is_none()) {
            return Err(fault("server", "must be like xmpp.example:5222"));
        }
        let tls = match table.tls {
            Tls::None if server.is_some_and(is_here) => None,
            Tls::None => {
                let remedy = "may be \"none\" only for a `server` on this machine \
                              (127.0.0.1:5222): else everybody on the way reads the password";
                return Err(fault("tls", remedy));
            }
            Tls::Starttls => Some(tls::config(table.ca.as_deref()).map_err(|e| fault("ca", &e))?),
        };
        Ok(Self {
            jid,
            password: parts.secrets.read(&table.password)?,
            server: table.server,
            tls,
            resource: table.resource,
            subscriptions: table.subscriptions,
        })
    }
}

fn host_and_port(server: &str) -> Option<(&str, u16)> {
    let (host, port) = server.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some((host, port.parse().ok()?)).filter(|(host, _)| !host.is_empty())
}

/// On this machine.
fn is_here(server: &str) -> bool {
    host_and_port(server).is_some_and(|(host, _)| {
        host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Secrets;

    fn read(settings: &str) -> Result<Account> {
        let text = format!(
            "channel = \"x\"\nabout = \"x\"\nadapter = \"xmpp\"\naddress = \"xmpp\"\n\
             length = {{ split = \"whole\", pieces = 9 }}\n[settings]\npassword = \"pw\"\n{settings}"
        );
        let channel = Arc::new(common::channel::read("x.toml", &text).unwrap());
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pw"), "hush\n").unwrap();
        Account::of(&Parts {
            channel: &channel,
            secrets: &Secrets(folder.path().to_owned()),
        })
    }

    #[test]
    fn an_account_needs_little() {
        let account = read("account = \"Kentongan@XMPP.example\"").unwrap();
        assert_eq!(account.jid.to_string(), "kentongan@xmpp.example");
        assert_eq!(
            (account.password.as_str(), account.resource.as_str()),
            ("hush", "kentongan")
        );
        assert!(account.tls.is_some() && account.subscriptions.allow("any.example"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let own = "account = \"k@x.example\"\n";
        for (settings, key) in [
            ("account = \"x.example\"".to_owned(), "`account`"),
            ("account = \"a@b@c@\"".to_owned(), "`account`"),
            (format!("{own}server = \"x.example\""), "`server`"),
            (format!("{own}tls = \"none\""), "`tls`"),
            (
                format!("{own}tls = \"none\"\nserver = \"192.0.2.1:5222\""),
                "`tls`",
            ),
            (format!("{own}resource = \"\""), "`resource`"),
            (format!("{own}ca = \"/nowhere/ca.pem\""), "`ca`"),
            (format!("{own}subscriptions = \"some\""), "subscriptions"),
            (format!("{own}acount = \"x\""), "acount"),
        ] {
            let cause = read(&settings).map(drop).unwrap_err().cause;
            assert!(
                cause.contains("channel file x.toml") && cause.contains(key),
                "{cause}"
            );
            assert!(!cause.contains("hush"));
        }
    }

    #[test]
    fn plain_is_for_this_machine() {
        for server in ["127.0.0.1:5222", "[::1]:5222", "localhost:15222"] {
            let settings = format!("account = \"k@x\"\ntls = \"none\"\nserver = \"{server}\"");
            assert!(read(&settings).unwrap().tls.is_none(), "{server}");
        }
    }

    #[test]
    fn subscriptions_follow_a_rule() {
        let rule = |rule: &str| {
            let settings = format!("account = \"k@x\"\nsubscriptions = {rule}");
            read(&settings).unwrap().subscriptions
        };
        assert!(!rule("\"none\"").allow("dinas.example"));
        let some = rule("[\"Dinas.example\"]");
        assert!(some.allow("dinas.example") && !some.allow("other.example"));
    }
}
