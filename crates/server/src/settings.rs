use crate::SocketSettings;

/// The greatest body accepted where nothing else is set: 2 MiB.
pub const DEFAULT_BODY_LIMIT: usize = 2 * 1024 * 1024;

/// How the server is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Origins that browsers may call from; none by default, `*` for all.
    pub cors_origins: Vec<String>,
    /// How many proxies in front are trusted to say how the client reached them; 0: none.
    pub trusted_hops: usize,
    /// The greatest body accepted, in bytes.
    pub body_limit: usize,
    /// Whether an answer is stopped when the client that asked for its events leaves before the end; else it is made to
    /// its end all the same.
    pub stop_unread_answers: bool,
    /// How long sockets wait for those at the other end.
    pub sockets: SocketSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cors_origins: Vec::new(),
            trusted_hops: 0,
            body_limit: DEFAULT_BODY_LIMIT,
            stop_unread_answers: false,
            sockets: SocketSettings::default(),
        }
    }
}
