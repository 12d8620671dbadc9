use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How long a connection stays open whose other end takes nothing of what it is sent.
const UNTAKEN: Duration = Duration::from_secs(60);

/// Listening sockets, not yet served.
pub struct Bound {
    listeners: Vec<TcpListener>,
}

/// Binds every address; port 0 takes a free one.
pub async fn bind(addresses: &[SocketAddr]) -> std::io::Result<Bound> {
    let mut listeners = Vec::new();
    for address in addresses {
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|error| std::io::Error::new(error.kind(), format!("{address}: {error}")))?;
        listeners.push(listener);
    }
    Ok(Bound { listeners })
}

impl Bound {
    /// The addresses bound, in order.
    pub fn addresses(&self) -> std::io::Result<Vec<SocketAddr>> {
        self.listeners.iter().map(TcpListener::local_addr).collect()
    }

    /// Serves until `stop` is done, then lets open requests finish.
    pub async fn serve(self, router: Router, stop: impl Future<Output = ()> + Send) -> std::io::Result<()> {
        let (stopping, stopped) = watch::channel(false);
        // Made once: a router by itself is made ready anew, route by route, for every connection.
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let mut tasks = tokio::task::JoinSet::new();
        for listener in self.listeners {
            let listener = listener.tap_io(|connection| give_up_after(connection, UNTAKEN));
            let (service, mut stopped) = (service.clone(), stopped.clone());
            tasks.spawn(async move {
                let stop = async move {
                    let _ = stopped.wait_for(|stopped| *stopped).await;
                };
                axum::serve(listener, service).with_graceful_shutdown(stop).await
            });
        }
        stop.await;
        let _ = stopping.send(true);
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(std::io::Error::other)??;
        }
        Ok(())
    }
}

/// Ends a connection whose other end takes nothing for so long: whoever writes to it learns that then, instead of waiting
/// for ever. Where the system has no such setting, connections are as patient as it is.
fn give_up_after(connection: &TcpStream, untaken: Duration) {
    #[cfg(target_os = "linux")]
    if let Err(error) = socket2::SockRef::from(connection).set_tcp_user_timeout(Some(untaken)) {
        tracing::warn!(%error, "a connection waits for a reader that takes nothing for as long as the system does");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (connection, untaken);
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::ErrorKind;

    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[tokio::test]
    async fn a_connection_that_is_not_read_ends() -> std::io::Result<()> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let (reader, accepted) = tokio::join!(TcpStream::connect(listener.local_addr()?), listener.accept());
        let (_never_read, (mut writer, _)) = (reader?, accepted?);
        give_up_after(&writer, Duration::from_millis(200));
        let error = loop {
            if let Err(error) = writer.write_all(&[0; 1 << 16]).await {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        Ok(())
    }
}
