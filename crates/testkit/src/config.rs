//! The configuration file of a server under test.

use std::path::{Path, PathBuf};

/// A certificate chain and its private key, both PEM files.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The chain, leaf first.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Whether the server listens where a Swarm site has port 81.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LegacyListener {
    /// It does not.
    #[default]
    Off,
    /// It does.
    On,
}

/// What a test may choose of the server's configuration. Addresses and folders are [`TestServer`](crate::TestServer)'s.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Domain under which tenancies are served by http: `<tenancy>.<internal_domain>`.
    pub internal_domain: String,
    /// Domain under which tenancies are served by https.
    pub external_domain: String,
    /// Tenancy of requests that neither the host nor the key places.
    pub default_tenancy: Option<String>,
    /// Certificate of the TLS listener; without one there is none.
    pub tls: Option<Tls>,
    /// Whether there is a listener for the clients of a Swarm site.
    pub legacy: LegacyListener,
    /// TOML appended as it is, for settings that one test alone needs.
    pub extra_toml: String,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            internal_domain: "s3.commonhold.test".to_owned(),
            external_domain: "s3-ext.commonhold.test".to_owned(),
            default_tenancy: None,
            tls: None,
            legacy: LegacyListener::Off,
            extra_toml: String::new(),
        }
    }
}

/// The addresses of one start of the server.
#[derive(Clone, Debug)]
pub(crate) struct Addresses {
    pub(crate) s3_port: u16,
    pub(crate) s3_tls_port: u16,
    pub(crate) portal_port: u16,
    pub(crate) legacy_port: u16,
    pub(crate) metrics_port: u16,
    pub(crate) admin_socket: PathBuf,
}

impl ServerConfig {
    /// The TOML file's text.
    pub(crate) fn render(&self, data_dir: &Path, addresses: &Addresses) -> String {
        let mut toml = format!("data_dir = {}\n", quoted_path(data_dir));
        if let Some(tenancy) = &self.default_tenancy {
            toml.push_str(&format!("default_tenancy = {}\n", quoted(tenancy)));
        }
        toml.push_str("\n[listen]\n");
        toml.push_str(&format!("s3 = \"127.0.0.1:{}\"\n", addresses.s3_port));
        if self.tls.is_some() {
            toml.push_str(&format!("s3_tls = \"127.0.0.1:{}\"\n", addresses.s3_tls_port));
        }
        toml.push_str(&format!("portal = \"127.0.0.1:{}\"\n", addresses.portal_port));
        if self.legacy == LegacyListener::On {
            toml.push_str(&format!("legacy = \"127.0.0.1:{}\"\n", addresses.legacy_port));
        }
        toml.push_str(&format!("metrics = \"127.0.0.1:{}\"\n", addresses.metrics_port));
        toml.push_str(&format!("admin_socket = {}\n", quoted_path(&addresses.admin_socket)));
        toml.push_str("\n[domains]\n");
        toml.push_str(&format!("internal = {}\n", quoted(&self.internal_domain)));
        toml.push_str(&format!("external = {}\n", quoted(&self.external_domain)));
        if let Some(tls) = &self.tls {
            let (cert, key) = (quoted_path(&tls.cert), quoted_path(&tls.key));
            toml.push_str(&format!("\n[tls]\ncertificates = [{{ cert = {cert}, key = {key} }}]\n"));
        }
        toml.push_str(&self.extra_toml);
        toml
    }
}

fn quoted_path(path: &Path) -> String {
    quoted(&path.display().to_string())
}

/// A TOML basic string. JSON's escapes are a subset of TOML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_toml_would_misread() {
        assert_eq!(quoted(r#"a "b" \c"#), r#""a \"b\" \\c""#);
    }

    #[test]
    fn tls_listener_only_with_a_certificate() {
        let addresses = Addresses {
            s3_port: 1,
            s3_tls_port: 2,
            portal_port: 4,
            legacy_port: 5,
            metrics_port: 3,
            admin_socket: PathBuf::from("/tmp/socket"),
        };
        let plain = ServerConfig::default();
        assert!(!plain.render(Path::new("/data"), &addresses).contains("s3_tls"));
        let tls = Tls { cert: PathBuf::from("c.pem"), key: PathBuf::from("k.pem") };
        let secured = ServerConfig { tls: Some(tls), ..plain };
        assert!(secured.render(Path::new("/data"), &addresses).contains("s3_tls = \"127.0.0.1:2\""));
    }
}
