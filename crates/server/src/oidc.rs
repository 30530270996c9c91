//! The OpenID Connect provider as the configuration says: the settings of `[oidc]` with the file that they name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use identity_oidc::{Algorithm, OidcConfig, Provider};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use types::Clock;
use zeroize::Zeroizing;

use crate::config::OidcSettings;

/// The largest file of authorities, in bytes: far above a bundle of every public one.
const MAX_CA_BYTES: u64 = 4 * 1024 * 1024;
/// The largest file of a secret, in bytes.
const MAX_SECRET_BYTES: u64 = 4096;
const ALGORITHMS: &str = "oidc.algorithms";

/// The provider can not be used as it is configured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OidcSetupError {
    /// A setting.
    #[error("{setting}: {problem}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// What is wrong, and what to write.
        problem: String,
    },
    /// The file of authorities.
    #[error("oidc.ca_file: {path}: {problem}")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why it can not be used.
        problem: String,
    },
    /// The file of the secret.
    #[error("oidc.client_secret_file: {path}: {problem}")]
    SecretFile {
        /// The file.
        path: PathBuf,
        /// Why it can not be used.
        problem: String,
    },
    /// The TLS library.
    #[error("TLS for the identity provider can not be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// The provider of `[oidc]`; `None` where it names no issuer. Nothing is asked of it yet.
///
/// # Errors
/// [`OidcSetupError`] names the setting.
pub(crate) fn provider(
    settings: &OidcSettings,
    clock: Arc<dyn Clock>,
) -> Result<Option<Arc<Provider>>, OidcSetupError> {
    let Some(issuer) = &settings.issuer else { return Ok(None) };
    let setting = |setting| move |problem| OidcSetupError::Setting { setting, problem };
    let config = OidcConfig {
        issuer: issuer.clone(),
        client_id: settings.client_id.clone(),
        audiences: settings.audiences.iter().cloned().collect(),
        client_secret: client_secret(settings.client_secret_file.as_deref())?,
        user_claim: settings.user_claim.clone(),
        groups_claim: settings.groups_claim.clone(),
        algorithms: algorithms(settings).map_err(setting(ALGORITHMS))?,
        skew_seconds: settings.skew_seconds,
    };
    let provider = ring::default_provider();
    let tls = ClientConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions()?;
    let tls = tls.with_root_certificates(authorities(settings.ca_file.as_deref())?).with_no_client_auth();
    let provider = Provider::new(config, Arc::new(tls), clock);
    let provider = provider.map_err(setting("oidc.issuer"))?;
    Ok(Some(Arc::new(provider)))
}

/// Refuses settings that can not work, without reading any file.
///
/// # Errors
/// The setting, and what to write.
pub(crate) fn check(settings: &OidcSettings) -> Result<(), (&'static str, String)> {
    let wrong = |setting, problem: &str| Err((setting, problem.to_owned()));
    if settings.issuer.is_none() {
        if *settings == OidcSettings::default() {
            return Ok(());
        }
        return wrong("oidc.issuer", "without an issuer the rest of [oidc] has no effect: write the provider's URL");
    }
    if settings.client_id.is_empty() {
        return wrong("oidc.client_id", "write the name under which the provider knows this store");
    }
    if settings.user_claim.is_empty() {
        return wrong("oidc.user_claim", "write the claim with the login name, such as \"preferred_username\"");
    }
    if settings.algorithms.is_empty() {
        return wrong(ALGORITHMS, "name at least one, such as \"RS256\"");
    }
    algorithms(settings).map(|_| ()).map_err(|problem| (ALGORITHMS, problem))
}

fn algorithms(settings: &OidcSettings) -> Result<Vec<Algorithm>, String> {
    settings.algorithms.iter().map(|name| name.parse()).collect()
}

/// What the file holds, without the end of its line.
fn client_secret(file: Option<&Path>) -> Result<Option<Zeroizing<String>>, OidcSetupError> {
    let Some(path) = file else { return Ok(None) };
    let problem = |problem: String| OidcSetupError::SecretFile { path: path.to_owned(), problem };
    let bytes = std::fs::metadata(path).map_err(|error| problem(error.to_string()))?.len();
    if bytes > MAX_SECRET_BYTES {
        return Err(problem(format!("{bytes} bytes are too many for a secret")));
    }
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|error| problem(error.to_string()))?);
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(problem("it is empty".to_owned())),
        secret => Ok(Some(Zeroizing::new(secret.to_owned()))),
    }
}

/// The authorities of the file, or those that the system trusts.
fn authorities(ca_file: Option<&Path>) -> Result<RootCertStore, OidcSetupError> {
    let mut store = RootCertStore::empty();
    let Some(path) = ca_file else {
        let found = rustls_native_certs::load_native_certs();
        store.add_parsable_certificates(found.certs);
        if store.is_empty() {
            tracing::warn!("the system trusts no authorities: name those of the identity provider with oidc.ca_file");
        }
        return Ok(store);
    };
    let problem = |problem: String| OidcSetupError::CaFile { path: path.to_owned(), problem };
    let bytes = std::fs::metadata(path).map_err(|error| problem(error.to_string()))?.len();
    if bytes > MAX_CA_BYTES {
        return Err(problem(format!("{bytes} bytes are too many")));
    }
    let pem = std::fs::read(path).map_err(|error| problem(error.to_string()))?;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| problem(format!("no PEM certificate: {error}")))?;
        store.add(certificate).map_err(|error| problem(error.to_string()))?;
    }
    if store.is_empty() {
        return Err(problem("there is no certificate in it".to_owned()));
    }
    Ok(store)
}

#[cfg(test)]
mod tests {
    use types::SystemClock;

    use super::*;

    fn settings(issuer: &str) -> OidcSettings {
        OidcSettings { issuer: Some(issuer.to_owned()), ..OidcSettings::default() }
    }

    fn set_up(settings: &OidcSettings) -> Result<Option<Arc<Provider>>, String> {
        check(settings).map_err(|(setting, problem)| format!("{setting}: {problem}"))?;
        provider(settings, Arc::new(SystemClock)).map_err(|error| error.to_string())
    }

    #[test]
    fn without_an_issuer_nobody_is_trusted() {
        assert!(set_up(&OidcSettings::default()).expect("good").is_none());
        let idle = OidcSettings { skew_seconds: 5, ..OidcSettings::default() };
        assert!(set_up(&idle).expect_err("refused").contains("oidc.issuer"));
    }

    #[test]
    fn settings_that_can_not_work_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let good = settings("https://id.example.org/realms/a");
        assert!(set_up(&good).expect("good").is_some());
        let empty = folder.path().join("empty.pem");
        std::fs::write(&empty, "").expect("written");
        let none = ["none".to_owned()].into_iter().collect();
        for (settings, setting) in [
            (settings("http://id.example.org"), "oidc.issuer"),
            (settings("id.example.org"), "oidc.issuer"),
            (OidcSettings { client_id: String::new(), ..good.clone() }, "oidc.client_id"),
            (OidcSettings { user_claim: String::new(), ..good.clone() }, "oidc.user_claim"),
            (OidcSettings { algorithms: none, ..good.clone() }, "oidc.algorithms"),
            (OidcSettings { algorithms: std::iter::empty().collect(), ..good.clone() }, "oidc.algorithms"),
            (OidcSettings { ca_file: Some(folder.path().join("absent")), ..good.clone() }, "oidc.ca_file"),
            (OidcSettings { ca_file: Some(empty.clone()), ..good.clone() }, "oidc.ca_file"),
            (OidcSettings { client_secret_file: Some(empty), ..good.clone() }, "oidc.client_secret_file"),
        ] {
            let error = set_up(&settings).expect_err("refused");
            assert!(error.contains(setting), "{error}");
        }
    }
}
