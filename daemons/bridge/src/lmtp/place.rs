//! Where we listen: an address, or a socket of the file system.

use serde::Deserialize;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};

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

/// What a connection is.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// What listens.
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Place {
    /// Begins to listen. A socket that a killed bridge left behind is replaced.
    pub async fn listen(&self) -> io::Result<Listener> {
        match self {
            Self::Tcp(address) => TcpListener::bind(address).await.map(Listener::Tcp),
            Self::Unix(path) => {
                remove_stale(path).await?;
                let listener = UnixListener::bind(path)?;
                // The mail server is another user; the folder says who may come.
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))?;
                Ok(Listener::Unix(listener))
            }
        }
    }
}

/// Removes a socket behind which nobody listens; nothing else.
async fn remove_stale(path: &Path) -> io::Result<()> {
    let socket = std::fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket());
    if socket && UnixStream::connect(path).await.is_err() {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

impl Listener {
    /// The next connection.
    pub async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // Answers are short; without this each waits for the one before.
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            Self::Unix(listener) => Ok(Box::new(listener.accept().await?.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Place, String> {
        Place::try_from(text.to_owned())
    }

    #[test]
    fn a_place_is_an_address_or_a_path() {
        let tcp = Place::Tcp("127.0.0.1:24".parse().unwrap());
        assert_eq!(read("127.0.0.1:24").unwrap(), tcp);
        let path = read("/run/kentongan/lmtp").unwrap();
        assert_eq!(path, Place::Unix("/run/kentongan/lmtp".into()));
        assert!(read("lmtp").unwrap_err().contains("127.0.0.1:24"));
    }

    #[tokio::test]
    async fn a_socket_left_behind_is_replaced_and_a_living_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::Unix(folder.path().join("lmtp"));
        drop(place.listen().await.unwrap());
        let living = place.listen().await.unwrap();
        assert!(place.listen().await.is_err());
        drop(living);
        let file = folder.path().join("file");
        std::fs::write(&file, "not ours").unwrap();
        assert!(Place::Unix(file.clone()).listen().await.is_err());
        assert_eq!(std::fs::read(file).unwrap(), b"not ours");
    }
}
