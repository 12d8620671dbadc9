//! Clients of a test server's sockets.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, DuplexStream, duplex};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection of any kind.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A router served at a port of its own, until this is dropped.
pub struct Listening {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Listening {
    /// Begins to serve.
    pub async fn start(router: Router) -> Self {
        let bound = understory_server::bind(&[SocketAddr::from(([127, 0, 0, 1], 0))]).await;
        let bound = bound.unwrap_or_else(|error| panic!("a free port: {error}"));
        let address = bound.addresses().ok().and_then(|all| all.into_iter().next());
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(bound.serve(router, async {
            let _ = stopped.await;
        }));
        Self { address: address.unwrap_or_else(|| panic!("an address")), _stop: stop }
    }

    /// A new connection.
    pub async fn connection(&self) -> Box<dyn Stream> {
        Box::new(TcpStream::connect(self.address).await.unwrap_or_else(|error| panic!("a connection: {error}")))
    }

    /// A WebSocket at a path, with these headers; else the status that refuses it.
    pub async fn socket(&self, path: &str, headers: &[(&str, &str)]) -> Result<Socket, u16> {
        Socket::open(self.connection().await, path, headers).await
    }
}

/// A router served without a network: its connections hold as many bytes as a test says.
pub struct InMemory(mpsc::UnboundedSender<DuplexStream>);

impl InMemory {
    /// Begins to serve.
    pub fn start(router: Router) -> Self {
        let (sender, connections) = mpsc::unbounded_channel();
        tokio::spawn(async move { axum::serve(Connections(connections), router.into_make_service()).await });
        Self(sender)
    }

    /// A WebSocket over a connection that holds this many bytes each way.
    pub async fn socket(&self, bytes: usize, path: &str, headers: &[(&str, &str)]) -> Result<Socket, u16> {
        let (ours, theirs) = duplex(bytes);
        assert!(self.0.send(theirs).is_ok(), "the server runs");
        Socket::open(Box::new(ours), path, headers).await
    }
}

struct Connections(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Connections {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.0.recv().await {
            Some(connection) => (connection, ()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What comes over a WebSocket.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// A text.
    Text(String),
    /// The end, with its code and reason; 1006 where the connection broke off.
    Closed(u16, String),
}

/// The client's end of a WebSocket.
pub struct Socket(WebSocketStream<Box<dyn Stream>>);

impl Socket {
    async fn open(stream: Box<dyn Stream>, path: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let request = format!("ws://localhost{path}").into_client_request();
        let mut request = request.unwrap_or_else(|error| panic!("{path}: {error}"));
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).unwrap_or_else(|error| panic!("{name}: {error}"));
            let value = HeaderValue::from_str(value).unwrap_or_else(|error| panic!("{value}: {error}"));
            request.headers_mut().insert(name, value);
        }
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{path}: {error}"),
        }
    }

    /// Sends a text; `false` if the other end is gone.
    pub async fn say(&mut self, text: impl Into<String>) -> bool {
        self.0.send(Message::text(text.into())).await.is_ok()
    }

    /// Sends bytes; `false` if the other end is gone.
    pub async fn say_bytes(&mut self, bytes: &'static [u8]) -> bool {
        self.0.send(Message::binary(bytes)).await.is_ok()
    }

    /// What comes next, which must come.
    pub async fn hear(&mut self) -> Heard {
        timeout(PATIENCE, self.next()).await.unwrap_or_else(|_| panic!("nothing came"))
    }

    /// The next text as JSON.
    pub async fn json(&mut self) -> Value {
        match self.hear().await {
            Heard::Text(text) => serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}")),
            closed @ Heard::Closed(..) => panic!("{closed:?}"),
        }
    }

    /// Reads on to the end; its code and reason.
    pub async fn end(&mut self) -> (u16, String) {
        loop {
            if let Heard::Closed(code, reason) = self.hear().await {
                return (code, reason);
            }
        }
    }

    /// Reads on to the end without ever answering, not even pings; its code and reason.
    pub async fn end_unanswered(self) -> (u16, String) {
        let (mut stream, mut bytes) = (self.0.into_inner(), Vec::new());
        loop {
            let read = timeout(PATIENCE, stream.read_buf(&mut bytes)).await;
            let read = read.unwrap_or_else(|_| panic!("nothing came")).unwrap_or_default();
            match parting(&bytes) {
                Some(parting) => return parting,
                None if read == 0 => return (1006, String::new()),
                None => {}
            }
        }
    }

    async fn next(&mut self) -> Heard {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Heard::Text(text.to_string()),
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Heard::Closed(frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Heard::Closed(1006, String::new()),
            }
        }
    }
}

/// The code and reason with which a server closes, if they are among these bytes: its frames are not masked, and short
/// ones have their length in their second byte.
fn parting(mut bytes: &[u8]) -> Option<(u16, String)> {
    while let [kind, length, frames @ ..] = bytes {
        let (payload, more) = frames.split_at_checked(usize::from(*length))?;
        if let (0x88, [high, low, reason @ ..]) = (kind, payload) {
            return Some((u16::from_be_bytes([*high, *low]), String::from_utf8_lossy(reason).into_owned()));
        }
        bytes = more;
    }
    None
}
