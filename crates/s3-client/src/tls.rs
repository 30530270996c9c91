//! Whose certificates are believed.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio_rustls::TlsConnector;

/// TLS can not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A certificate does not parse.
    #[error("the certificates of authorities can not be read: {0}")]
    Certificates(String),
    /// The TLS library.
    #[error("TLS can not be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// The authorities whose certificates are believed.
#[derive(Clone)]
pub struct Trust(pub(crate) TlsConnector);

impl Trust {
    /// Those that the machine trusts.
    ///
    /// # Errors
    /// [`TrustError`]
    pub fn of_system() -> Result<Self, TrustError> {
        let mut roots = RootCertStore::empty();
        for certificate in rustls_native_certs::load_native_certs().certs {
            // One that is unusable is one fewer.
            let _ = roots.add(certificate);
        }
        Self::of(roots)
    }

    /// Those of a text with PEM certificates, whose `path` stands in messages.
    ///
    /// # Errors
    /// [`TrustError`]
    pub fn of_pem(pem: &[u8], path: &Path) -> Result<Self, TrustError> {
        let bad = |problem: String| TrustError::Certificates(format!("{}: {problem}", path.display()));
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| bad(error.to_string()))?;
            roots.add(certificate).map_err(|error| bad(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(bad("there is no certificate in it".to_owned()));
        }
        Self::of(roots)
    }

    fn of(roots: RootCertStore) -> Result<Self, TrustError> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trust")
    }
}
