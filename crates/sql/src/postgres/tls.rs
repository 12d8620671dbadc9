//! Encryption of connections, as libpq's `sslmode` says.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::SqlError;

/// How far a server has to prove who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    None,
    Authority,
    AuthorityAndName,
}

/// Whether and how connections are encrypted.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    mode: SslMode,
    proof: Proof,
    root: Option<PathBuf>,
}

impl Tls {
    /// What a mode's name means. `root` is a file of certificates; without it, or as `system`, the system's are used.
    pub(super) fn new(mode: &str, root: Option<PathBuf>) -> Result<Self, String> {
        let (mode, proof) = match mode {
            "disable" => (SslMode::Disable, Proof::None),
            "allow" | "prefer" => (SslMode::Prefer, Proof::None),
            // As libpq has it: who names an authority wants it asked.
            "require" if root.is_some() => (SslMode::Require, Proof::Authority),
            "require" => (SslMode::Require, Proof::None),
            "verify-ca" => (SslMode::Require, Proof::Authority),
            "verify-full" => (SslMode::Require, Proof::AuthorityAndName),
            other => {
                return Err(format!(
                    "sslmode={other} is not known: disable, prefer, require, verify-ca or verify-full"
                ));
            }
        };
        Ok(Self { mode, proof, root: root.filter(|path| path.as_os_str() != "system") })
    }

    pub(super) fn mode(&self) -> SslMode {
        self.mode
    }

    /// What makes encrypted connections. Reads the certificates.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect, SqlError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| SqlError::Other(Box::new(error)))?;
        let authority = match self.proof {
            Proof::AuthorityAndName => {
                let config = builder.with_root_certificates(self.roots()?).with_no_client_auth();
                return Ok(MakeRustlsConnect::new(config));
            }
            Proof::Authority => {
                let roots = Arc::new(self.roots()?);
                let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
                Some(verifier.map_err(|error| SqlError::Other(Box::new(error)))?)
            }
            Proof::None => None,
        };
        let verifier = Arc::new(AnyName { authority, provider });
        let config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        Ok(MakeRustlsConnect::new(config))
    }

    fn roots(&self) -> Result<RootCertStore, SqlError> {
        let certificates = match &self.root {
            Some(path) => certificates_of(path)?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates);
        if roots.is_empty() {
            let place = self.root.as_ref().map_or("the system".into(), |path| path.display().to_string());
            return Err(SqlError::Refused(format!("{place} has no root certificate to check the server's with")));
        }
        Ok(roots)
    }
}

fn certificates_of(path: &Path) -> Result<Vec<CertificateDer<'static>>, SqlError> {
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    certificates.map_err(|error| SqlError::Refused(format!("sslrootcert {}: {error}", path.display())))
}

/// Takes a certificate for any name: of a known authority, or anybody's where none is asked for. Then who listens in
/// sees nothing, and who stands in between is not noticed.
#[derive(Debug)]
struct AnyName {
    authority: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(authority) = &self.authority else { return Ok(ServerCertVerified::assertion()) };
        match authority.verify_server_cert(certificate, between, name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
