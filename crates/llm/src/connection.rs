//! Connections to providers, to addresses that may be reached only.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::{BaseUrl, LlmError, ResolveError};

pub(crate) const CONNECTION: &str = "a connection";

/// What sends a request, and the task that drives the connection: dropping it closes the connection.
pub(crate) type Opened = (http1::SendRequest<Full<Bytes>>, JoinSet<()>);

/// How encrypted connections are made. The certificates of the system are read once, at the first of them.
static ENCRYPTION: LazyLock<Result<Arc<ClientConfig>, rustls::Error>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Ok(Arc::new(encryption(roots)?))
});

fn encryption(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Opens a connection for one request.
pub(crate) async fn open(base: &BaseUrl, within: Duration) -> Result<Opened, LlmError> {
    let BaseUrl { host, port, reach, .. } = base;
    let addresses = reach.resolve(host, *port).await.map_err(|error| match error {
        ResolveError::NotAllowed => LlmError::AddressNotAllowed { host: host.clone() },
        ResolveError::Unknown(error) => LlmError::unreachable(host, error),
    })?;
    let stream = connect(&addresses, within).await.map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => LlmError::TimedOut { step: CONNECTION, after: within },
        _ => LlmError::unreachable(host, error),
    })?;
    stream.set_nodelay(true).map_err(|error| LlmError::unreachable(host, error))?;
    let opened = if base.encrypted {
        let config = ENCRYPTION.clone().map_err(|error| LlmError::unreachable(host, error))?;
        speak(encrypt(config, host, stream).await.map_err(|error| LlmError::unreachable(host, error))?).await
    } else {
        speak(stream).await
    };
    opened.map_err(|error| LlmError::unreachable(host, error))
}

/// Connects to the first address that lets us. Each gets an equal share of the time, so that a dead one does not use up
/// what the others need.
async fn connect(addresses: &[SocketAddr], within: Duration) -> io::Result<TcpStream> {
    let share = within / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        failure = match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => error,
            Err(late) => late.into(),
        };
    }
    Err(failure)
}

async fn encrypt(config: Arc<ClientConfig>, host: &str, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(config).connect(name, stream).await
}

async fn speak(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Opened, hyper::Error> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut driver = JoinSet::new();
    driver.spawn(async move {
        // What goes wrong is told to who waits for the answer.
        let _ = connection.await;
    });
    Ok((sender, driver))
}

#[cfg(test)]
mod tests {
    use rustls::ServerConfig;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    const AUTHORITY: &[u8] = include_bytes!("../tests/tls/authority.pem");
    const CERTIFICATE: &[u8] = include_bytes!("../tests/tls/server.pem");
    const KEY: &[u8] = include_bytes!("../tests/tls/server.key");

    /// A server with a certificate of `AUTHORITY` that says one thing to the first who connects.
    async fn server() -> TcpStream {
        let certificates = vec![CertificateDer::from_pem_slice(CERTIFICATE).unwrap()];
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
        let config = builder.with_no_client_auth().with_single_cert(certificates, key).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await {
                stream.write_all(b"hello").await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        TcpStream::connect(address).await.unwrap()
    }

    fn trusting() -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(AUTHORITY).unwrap()).unwrap();
        Arc::new(encryption(roots).unwrap())
    }

    #[tokio::test]
    async fn a_server_is_trusted_by_its_certificate() {
        for host in ["localhost", "127.0.0.1"] {
            let mut said = String::new();
            let mut stream = encrypt(trusting(), host, server().await).await.unwrap();
            stream.read_to_string(&mut said).await.unwrap();
            assert_eq!(said, "hello");
        }
    }

    #[tokio::test]
    async fn a_server_of_another_name_or_authority_is_refused() {
        let error = encrypt(trusting(), "example.org", server().await).await.unwrap_err();
        assert!(error.to_string().contains("certificate"), "{error}");
        let system = ENCRYPTION.clone().unwrap();
        let error = encrypt(system, "localhost", server().await).await.unwrap_err();
        assert!(error.to_string().contains("certificate"), "{error}");
    }

    #[tokio::test]
    async fn the_next_address_is_tried() {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap();
        let connected = connect(&[closed, open], Duration::from_secs(10)).await.unwrap();
        assert_eq!(connected.peer_addr().unwrap(), open);
        assert!(connect(&[closed], Duration::from_secs(10)).await.is_err());
    }
}
