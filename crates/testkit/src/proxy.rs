//! A network that fails when a test says so: it stands between a store and its database server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// What happens to all connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Those that are open are closed; new ones are served.
    Cut,
    /// Those that are open are closed, and new ones are closed at once.
    Refuse,
    /// Nothing more comes from the server, which is not told: it goes on hearing what is sent.
    HalfClose,
    /// Nothing more arrives anywhere, and nobody is told. What was open so stays lost after healing.
    BlackHole,
    /// Everything stands still for so long, and then goes on.
    Delay(Duration),
}

/// When a fault begins, counted in messages of the client to the server since the fault was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// In the place of this message: the server does not hear it.
    Before(usize),
    /// Right after this message: the server hears it, and its answer is not heard.
    After(usize),
}

/// A proxy on the loopback interface, which passes everything on until a fault is due.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    server: SocketAddr,
    /// What goes on, and how often that changed.
    state: watch::Sender<State>,
    messages: AtomicUsize,
    due: Mutex<Option<(Fault, Moment)>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    fault: Option<Fault>,
    since: Option<Instant>,
    changes: usize,
}

impl Proxy {
    /// Begins to pass connections on to a server.
    pub async fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (state, messages, due) = (watch::Sender::default(), AtomicUsize::new(0), Mutex::default());
        let shared = Arc::new(Shared { server, state, messages, due });
        let accepting = tokio::spawn(Arc::clone(&shared).accept(listener));
        Ok(Self { shared, address, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many messages clients have sent since the last fault was set, or since healing.
    pub fn messages(&self) -> usize {
        self.shared.messages.load(Ordering::SeqCst)
    }

    /// Lets a fault begin at a moment from now on.
    pub fn set(&self, fault: Fault, moment: Moment) {
        self.shared.messages.store(0, Ordering::SeqCst);
        *self.shared.due() = Some((fault, moment));
    }

    /// Lets a fault begin now.
    pub fn begin(&self, fault: Fault) {
        self.shared.become_state(Some(fault));
    }

    /// Ends whatever goes on. Connections that a fault has taken stay lost.
    pub fn heal(&self) {
        *self.shared.due() = None;
        self.shared.messages.store(0, Ordering::SeqCst);
        self.shared.become_state(None);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.shared.become_state(Some(Fault::Refuse));
    }
}

impl Shared {
    fn due(&self) -> std::sync::MutexGuard<'_, Option<(Fault, Moment)>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn become_state(&self, fault: Option<Fault>) {
        self.state
            .send_modify(|state| *state = State { fault, since: Some(Instant::now()), changes: state.changes + 1 });
    }

    async fn accept(self: Arc<Self>, listener: TcpListener) {
        while let Ok((client, _)) = listener.accept().await {
            if self.state.borrow().fault != Some(Fault::Refuse) {
                tokio::spawn(Arc::clone(&self).serve(client));
            }
        }
    }

    /// Passes one connection on. An error ends it, as one on a network would.
    async fn serve(self: Arc<Self>, client: TcpStream) {
        let mut state = self.state.subscribe();
        let opened = state.borrow_and_update().changes;
        let Ok(server) = TcpStream::connect(self.server).await else { return };
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        let requests =
            Requests { shared: Arc::clone(&self), state: state.clone(), opened, buffer: Vec::new(), started: false };
        // Either direction may end first; the other one then notices by itself.
        let (_, _) =
            tokio::join!(requests.pass(from_client, to_server), answers(state, opened, from_server, to_client));
    }

    /// Counts a message; the fault that begins in its place, or right after it.
    fn count(&self) -> Option<(Fault, Moment)> {
        let number = self.messages.fetch_add(1, Ordering::SeqCst);
        let mut due = self.due();
        let begins =
            due.is_some_and(|(_, moment)| matches!(moment, Moment::Before(at) | Moment::After(at) if at == number));
        if begins { due.take() } else { None }
    }
}

/// What becomes of a connection.
enum Course {
    GoOn,
    Close,
    /// Nothing is passed on any more.
    Swallow,
}

/// Waits until what goes on lets a connection go on that was opened after so many changes, or tells how it ends.
async fn course(state: &mut watch::Receiver<State>, opened: usize) -> Course {
    loop {
        let State { fault, since, changes } = *state.borrow_and_update();
        match fault {
            None | Some(Fault::HalfClose) => return Course::GoOn,
            Some(Fault::Cut) if changes == opened => return Course::GoOn,
            Some(Fault::Cut | Fault::Refuse) => return Course::Close,
            Some(Fault::BlackHole) => return Course::Swallow,
            Some(Fault::Delay(time)) => {
                tokio::select! {
                    () = sleep_until(since.unwrap_or_else(Instant::now) + time) => return Course::GoOn,
                    _ = state.changed() => {}
                }
            }
        }
    }
}

/// Reads until the side that sends closes, which the other one hears once the network is healed.
async fn swallow(mut from: OwnedReadHalf, state: &mut watch::Receiver<State>) -> io::Result<()> {
    let mut bytes = [0; 4096];
    while matches!(from.read(&mut bytes).await, Ok(1..)) {}
    let healed = state.wait_for(|state| state.fault != Some(Fault::BlackHole)).await;
    healed.map(drop).map_err(io::Error::other)
}

/// Passes on what the server says.
async fn answers(
    mut state: watch::Receiver<State>,
    opened: usize,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
) -> io::Result<()> {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let count = tokio::select! {
            biased;
            changed = state.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                if state.borrow().fault == Some(Fault::HalfClose) {
                    to.shutdown().await?;
                    return swallow(from, &mut state).await;
                }
                match course(&mut state, opened).await {
                    Course::GoOn => continue,
                    Course::Close => return Ok(()),
                    Course::Swallow => return swallow(from, &mut state).await,
                }
            }
            count = from.read(&mut bytes) => count?,
        };
        if count == 0 {
            return to.shutdown().await;
        }
        to.write_all(&bytes[..count]).await?;
    }
}

/// The client's direction, message by message.
struct Requests {
    shared: Arc<Shared>,
    state: watch::Receiver<State>,
    /// Changes of what goes on before the connection was opened.
    opened: usize,
    /// What was read and is no whole message yet.
    buffer: Vec<u8>,
    /// Whether the first message, which has no type, has come.
    started: bool,
}

impl Requests {
    async fn pass(mut self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
        let mut bytes = vec![0; 16 * 1024];
        loop {
            while let Some(message) = self.next_message() {
                let begins = self.shared.count();
                if let Some((fault, Moment::After(_))) = begins {
                    to.write_all(&message).await?;
                    self.shared.become_state(Some(fault));
                } else {
                    if let Some((fault, _)) = begins {
                        self.shared.become_state(Some(fault));
                    }
                    match course(&mut self.state, self.opened).await {
                        Course::GoOn => to.write_all(&message).await?,
                        Course::Close => return Ok(()),
                        Course::Swallow => return swallow(from, &mut self.state).await,
                    }
                }
            }
            let count = tokio::select! {
                biased;
                changed = self.state.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    match course(&mut self.state, self.opened).await {
                        Course::GoOn => continue,
                        Course::Close => return Ok(()),
                        Course::Swallow => return swallow(from, &mut self.state).await,
                    }
                }
                count = from.read(&mut bytes) => count?,
            };
            if count == 0 {
                return to.shutdown().await;
            }
            self.buffer.extend_from_slice(&bytes[..count]);
        }
    }

    /// The next whole message, if it is there: a type, but in the first one, and a length that counts itself.
    fn next_message(&mut self) -> Option<Vec<u8>> {
        let header = usize::from(self.started);
        let length = self.buffer.get(header..header + 4)?;
        let length = u32::from_be_bytes(length.try_into().ok()?) as usize + header;
        if self.buffer.len() < length {
            return None;
        }
        self.started = true;
        Some(self.buffer.drain(..length).collect())
    }
}
