//! Where we listen: an address, or a socket of the file system.

use common::config::Place;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};

/// What a connection is.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// What listens.
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Begins to listen. A socket that a killed bridge left behind is replaced.
    pub async fn at(place: &Place) -> io::Result<Self> {
        match place {
            Place::Tcp(address) => TcpListener::bind(address).await.map(Listener::Tcp),
            Place::Unix(path) => {
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

    #[tokio::test]
    async fn a_socket_left_behind_is_replaced_and_a_living_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::Unix(folder.path().join("lmtp"));
        drop(Listener::at(&place).await.unwrap());
        let living = Listener::at(&place).await.unwrap();
        assert!(Listener::at(&place).await.is_err());
        drop(living);
        let file = folder.path().join("file");
        std::fs::write(&file, "not ours").unwrap();
        assert!(Listener::at(&Place::Unix(file.clone())).await.is_err());
        assert_eq!(std::fs::read(file).unwrap(), b"not ours");
    }
}
