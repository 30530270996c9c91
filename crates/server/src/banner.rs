//! What a started server says to whoever started it: where it is, where the data is, what to type next.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use crate::serve::{Started, absolute};

/// The address as a person on this machine types it: `localhost` for the loopback and for every interface.
pub(crate) fn url(scheme: &str, address: SocketAddr) -> String {
    let port = address.port();
    match address.ip() {
        ip if ip.is_loopback() || ip.is_unspecified() => format!("{scheme}://localhost:{port}"),
        IpAddr::V4(ip) => format!("{scheme}://{ip}:{port}"),
        IpAddr::V6(ip) => format!("{scheme}://[{ip}]:{port}"),
    }
}

/// The text. `program` is how the program was called, with the arguments that lead its commands to this server.
pub(crate) fn text(started: &Started, data_dir: &Path, program: &str) -> String {
    let mut text = format!("Commonhold {} is running.\n\n", env!("CARGO_PKG_VERSION"));
    if let Some(address) = started.s3 {
        let _ = writeln!(text, "  S3       {}{}", url("http", address), reach(address, "S3"));
    }
    if let Some(address) = started.s3_tls {
        let _ = writeln!(text, "  S3, TLS  {}{}", url("https", address), reach(address, "S3_TLS"));
    }
    if let Some(address) = started.portal {
        let _ = writeln!(text, "  Portal   {}{}", url("http", address), reach(address, "PORTAL"));
    }
    if let Some(address) = started.portal_tls {
        let _ = writeln!(text, "  Portal   {}{}", url("https", address), reach(address, "PORTAL_TLS"));
    }
    let _ = writeln!(text, "  Data     {}", absolute(data_dir).display());
    if let Some(address) = started.metrics {
        let _ = writeln!(text, "  Metrics  {}/metrics", url("http", address));
    }
    let _ = writeln!(text, "  Admin    {} (commonhold admin)", absolute(&started.admin_socket).display());
    if !started.has_tenancies {
        let _ = write!(text, "\n{}", next_steps(program));
    }
    text
}

/// Whom an address lets in, where that may surprise.
fn reach(address: SocketAddr, setting: &str) -> String {
    if address.ip().is_loopback() {
        let port = address.port();
        format!("  (this machine only; COMMONHOLD_LISTEN_{setting}=0.0.0.0:{port} opens it to the network)")
    } else {
        String::new()
    }
}

fn next_steps(program: &str) -> String {
    format!(
        "There is no tenancy yet. In another terminal, make one with a dataset in it, ready for your clients:\n\
         \n    {program} demo\n\n\
         or one of your own:\n\
         \n    {program} admin tenancy create my-project-o\
         \n    {program} admin user create me\
         \n    {program} admin role grant my-project-o me MANAGER\
         \n    {program} admin key create --tenancy my-project-o --user me\n\
         \nWith a password (admin user set-password me) they log in to the portal too.\n"
    )
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn addresses_are_typed_as_people_do() {
        for (address, expected) in [
            ("127.0.0.1:9000", "http://localhost:9000"),
            ("[::1]:9000", "http://localhost:9000"),
            ("0.0.0.0:80", "http://localhost:80"),
            ("192.0.2.7:9000", "http://192.0.2.7:9000"),
            ("[2001:db8::1]:9000", "http://[2001:db8::1]:9000"),
        ] {
            assert_eq!(url("http", address.parse().expect("an address")), expected);
        }
    }

    #[test]
    fn the_first_start_says_what_to_type() {
        let mut started = Started {
            s3: Some("127.0.0.1:9000".parse().expect("an address")),
            s3_tls: None,
            portal: Some("127.0.0.1:9002".parse().expect("an address")),
            portal_tls: None,
            legacy: None,
            metrics: None,
            admin_socket: PathBuf::from("/data/admin.sock"),
            has_tenancies: false,
        };
        let first = text(&started, Path::new("/data"), "commonhold");
        for part in [
            "http://localhost:9000",
            "http://localhost:9002",
            "/data",
            "commonhold demo",
            "admin role grant",
            "0.0.0.0",
        ] {
            assert!(first.contains(part), "{part} is not in\n{first}");
        }
        started.has_tenancies = true;
        assert!(!text(&started, Path::new("/data"), "commonhold").contains("demo"));
    }
}
