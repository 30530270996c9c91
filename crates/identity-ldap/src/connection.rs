//! One connection to one server: TCP, TLS, bind. Certificates are always verified.

use std::sync::Arc;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::failure::{Failure, code, succeed};
use crate::settings::{LdapSettings, ServerUrl, ServiceAccount, SettingsError, TlsMode, Trust};

/// Whose certificates are trusted, ready for connections.
///
/// # Errors
/// [`SettingsError`] for `ldap.ca_file` where there is no certificate to trust.
pub(crate) fn tls(trust: &Trust) -> Result<Arc<ClientConfig>, SettingsError> {
    let wrong = |problem: String| SettingsError { setting: "ldap.ca_file", problem };
    let mut roots = RootCertStore::empty();
    match trust {
        Trust::System => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                return Err(wrong("the system trusts no certificates: name the file of those to trust".to_owned()));
            }
        }
        Trust::Pem(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|error| wrong(format!("it is no PEM file: {error}")))?;
                roots.add(certificate).map_err(|error| wrong(format!("a certificate can not be used: {error}")))?;
            }
            if roots.is_empty() {
                return Err(wrong("there is no certificate in it".to_owned()));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Connects to `server`, secured as the settings say. It is closed when the last clone of the handle is gone.
pub(crate) async fn open(
    settings: &LdapSettings,
    tls: &Arc<ClientConfig>,
    server: &ServerUrl,
) -> Result<Ldap, Failure> {
    let options = LdapConnSettings::new()
        .set_conn_timeout(settings.connect_timeout)
        .set_config(Arc::clone(tls))
        .set_starttls(settings.tls == TlsMode::StartTls && !server.is_ldaps());
    let (connection, ldap) = LdapConnAsync::with_settings(options, server.as_str())
        .await
        .map_err(|error| of_server(server, &error.into()))?;
    tokio::spawn(async move {
        if let Err(error) = connection.drive().await {
            tracing::debug!(%error, "a connection to the directory ended");
        }
    });
    Ok(ldap)
}

/// Binds as the service account; without one the connection stays anonymous.
pub(crate) async fn bind_account(settings: &LdapSettings, ldap: &mut Ldap, server: &ServerUrl) -> Result<(), Failure> {
    let Some(ServiceAccount { dn, password }) = &settings.account else { return Ok(()) };
    let answer = ldap.with_timeout(settings.connect_timeout).simple_bind(dn, password).await;
    match answer.map_err(Failure::from).and_then(|result| succeed(result, &[])) {
        Ok(_) => Ok(()),
        Err(Failure::Refused { code: code::INVALID_CREDENTIALS, text }) => {
            Err(Failure::Away(format!("{server} refuses the service account {dn:?} or its password ({text})")))
        }
        Err(failure) => Err(of_server(server, &failure)),
    }
}

/// The failure, with the server that it is one of.
fn of_server(server: &ServerUrl, failure: &Failure) -> Failure {
    Failure::Away(format!("{server}: {failure}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_needs_certificates() {
        for (pem, problem) in [
            (&b""[..], "no certificate"),
            (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "can not be used"),
            (b"-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n", "no PEM file"),
        ] {
            let error = tls(&Trust::Pem(pem.to_vec())).expect_err("refused");
            assert!(error.problem.contains(problem), "{error}");
        }
    }
}
