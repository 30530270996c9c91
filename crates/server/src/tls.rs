//! Certificates: chosen by server name, read again when their files change.
//!
//! Handshakes read the current set from an [`ArcSwap`], so that a reload holds up nobody. A set that can not be read
//! is logged and the one before stays.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::signal::unix::Signal;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::config::CertificateFiles;
use crate::telemetry;

/// How often the files are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// A certificate that can not be used, with its file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// A file can not be read, or holds something else.
    #[error("{file}: {reason}")]
    File {
        /// Which.
        file: String,
        /// Why not.
        reason: String,
    },
    /// The key is not the certificate's, or of a kind that is not supported.
    #[error("{cert} does not go with {key}: {reason}")]
    Pair {
        /// The certificate's file.
        cert: String,
        /// The key's file.
        key: String,
        /// Why not.
        reason: String,
    },
}

/// The certificates in use.
#[derive(Debug)]
pub(crate) struct Certificates {
    files: Vec<CertificateFiles>,
    current: ArcSwap<Vec<Arc<CertifiedKey>>>,
}

impl Certificates {
    /// Reads the certificates of `files`.
    ///
    /// # Errors
    /// [`TlsError`] names the first file that can not be used.
    pub(crate) fn load(files: &[CertificateFiles]) -> Result<Arc<Self>, TlsError> {
        let current = ArcSwap::from_pointee(read_all(files)?);
        Ok(Arc::new(Self { files: files.to_vec(), current }))
    }

    /// An acceptor that offers HTTP/2 and HTTP/1.1 under these certificates.
    ///
    /// # Errors
    /// Never in practice: the provider supports the protocol versions that the program is built with.
    pub(crate) fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Reads the files again and, where all can be used, takes them.
    ///
    /// # Errors
    /// As for [`Certificates::load`]; what was in use stays.
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        self.current.store(Arc::new(read_all(&self.files)?));
        Ok(())
    }

    /// Reloads when a file changes or `hangup` comes, until `stop`.
    pub(crate) async fn watch(self: Arc<Self>, mut hangup: Signal, stop: CancellationToken) {
        let mut seen = self.stamps();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = hangup.recv() => {}
                () = tokio::time::sleep(LOOK_INTERVAL) => {
                    let now = self.stamps();
                    if now == seen {
                        continue;
                    }
                    seen = now;
                }
            }
            match self.reload() {
                Ok(()) => tracing::info!(count = self.files.len(), "the TLS certificates were read again"),
                Err(error) => {
                    metrics::counter!(telemetry::CERTIFICATE_RELOADS_FAILED).increment(1);
                    tracing::error!(%error, "the TLS certificates can not be used; those from before stay in use");
                }
            }
        }
    }

    fn stamps(&self) -> Vec<Option<(SystemTime, u64)>> {
        let stamp = |path: &Path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        self.files.iter().flat_map(|files| [stamp(&files.cert), stamp(&files.key)]).collect()
    }

    /// The first certificate that is valid for the name, else the first.
    fn choose(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.load();
        let named = name.and_then(|name| ServerName::try_from(name).ok()).and_then(|name| {
            current.iter().find(|key| {
                key.end_entity_cert()
                    .ok()
                    .and_then(|cert| ParsedCertificate::try_from(cert).ok())
                    .is_some_and(|cert| verify_server_name(&cert, &name).is_ok())
            })
        });
        named.or_else(|| current.first()).map(Arc::clone)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.choose(hello.server_name())
    }
}

fn read_all(files: &[CertificateFiles]) -> Result<Vec<Arc<CertifiedKey>>, TlsError> {
    files.iter().map(|pair| read_pair(pair).map(Arc::new)).collect()
}

fn read_pair(files: &CertificateFiles) -> Result<CertifiedKey, TlsError> {
    let (cert_name, key_name) = (files.cert.display().to_string(), files.key.display().to_string());
    let wrong = |file: &str, reason: String| TlsError::File { file: file.to_owned(), reason };
    let cert_pem = read(&files.cert).map_err(|error| wrong(&cert_name, error.to_string()))?;
    let key_pem = read(&files.key).map_err(|error| wrong(&key_name, error.to_string()))?;
    let chain = CertificateDer::pem_slice_iter(&cert_pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong(&cert_name, format!("no PEM certificate: {error}")))?;
    if chain.is_empty() {
        return Err(wrong(&cert_name, "there is no certificate in it".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(&key_pem)
        .map_err(|error| wrong(&key_name, format!("no PEM private key: {error}")))?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| TlsError::Pair {
        cert: cert_name,
        key: key_name,
        reason: error.to_string(),
    })
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(path)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn write_pair(folder: &Path, name: &str, dns_name: &str) -> CertificateFiles {
        let made = rcgen::generate_simple_self_signed([dns_name.to_owned()]).expect("a certificate");
        let files =
            CertificateFiles { cert: folder.join(format!("{name}.pem")), key: folder.join(format!("{name}.key")) };
        std::fs::write(&files.cert, made.cert.pem()).expect("written");
        std::fs::write(&files.key, made.signing_key.serialize_pem()).expect("written");
        files
    }

    fn chosen(certificates: &Certificates, name: Option<&str>) -> Vec<u8> {
        certificates.choose(name).expect("one").cert[0].to_vec()
    }

    #[test]
    fn the_server_name_chooses() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = [
            write_pair(folder.path(), "first", "one.example.org"),
            write_pair(folder.path(), "second", "*.two.example.org"),
        ];
        let certificates = Certificates::load(&files).expect("both can be read");
        let [first, second] = [0, 1].map(|at| certificates.current.load()[at].cert[0].to_vec());
        for (name, expected) in [
            (Some("one.example.org"), &first),
            (Some("t.two.example.org"), &second),
            (Some("T.TWO.example.org"), &second),
            (Some("b.t.two.example.org"), &first),
            (Some("unknown.example.org"), &first),
            (Some("not a name"), &first),
            (None, &first),
        ] {
            assert_eq!(&chosen(&certificates, name), expected, "{name:?}");
        }
    }

    #[test]
    fn a_broken_certificate_leaves_the_old_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = write_pair(folder.path(), "site", "one.example.org");
        let certificates = Certificates::load(std::slice::from_ref(&files)).expect("it can be read");
        let before = chosen(&certificates, None);

        std::fs::write(&files.cert, "-----BEGIN CERTIFICATE-----\nnonsense").expect("written");
        let error = certificates.reload().expect_err("nonsense").to_string();
        assert!(error.contains("site.pem"), "{error}");
        assert_eq!(chosen(&certificates, None), before);

        write_pair(folder.path(), "site", "one.example.org");
        certificates.reload().expect("a new one");
        assert_ne!(chosen(&certificates, None), before);
    }

    #[test]
    fn mistakes_name_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let good = write_pair(folder.path(), "good", "a.example.org");
        let other = write_pair(folder.path(), "other", "b.example.org");
        let missing = PathBuf::from("/nonexistent/x.pem");
        for (cert, key, part) in [
            (missing, good.key.clone(), "/nonexistent/x.pem"),
            (good.key.clone(), good.key.clone(), "good.key"),
            (good.cert.clone(), good.cert.clone(), "good.pem"),
            (good.cert.clone(), other.key.clone(), "does not go with"),
        ] {
            let error = Certificates::load(&[CertificateFiles { cert, key }]).expect_err(part).to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
