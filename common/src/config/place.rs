//! Where a daemon listens: an address, or a socket of the file system.

use serde::Deserialize;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `127.0.0.1:24` or `/run/kentongan/lmtp`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Place {
    /// An address and a port.
    Tcp(SocketAddr),
    /// A path. Who may enter its folder may hand mail in.
    Unix(PathBuf),
}

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.starts_with('/') {
            return Ok(Self::Unix(text.into()));
        }
        let address = text.parse().map(Self::Tcp);
        address.map_err(|_| {
            format!("{text:?} is neither address:port, such as 127.0.0.1:24, nor an absolute path")
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_an_address_or_a_path() {
        let read = |text: &str| Place::try_from(text.to_owned());
        let tcp = Place::Tcp("127.0.0.1:24".parse().unwrap());
        assert_eq!(read("127.0.0.1:24").unwrap(), tcp);
        let path = read("/run/kentongan/lmtp").unwrap();
        assert_eq!(path, Place::Unix("/run/kentongan/lmtp".into()));
        assert_eq!(path.to_string(), "/run/kentongan/lmtp");
        assert!(read("lmtp").unwrap_err().contains("127.0.0.1:24"));
    }
}
