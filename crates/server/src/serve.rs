use std::future::Future;
use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

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
        let service = router.into_make_service();
        let mut tasks = tokio::task::JoinSet::new();
        for listener in self.listeners {
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
