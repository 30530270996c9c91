//! HTTPS over a real socket: which certificate, which protocol, and new certificates without a restart.

mod support;

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use support::http::{connect, read_answer, read_to_end};
use support::{BINARY, folder, send_signal};
use testkit::{ServerConfig, TestServer, Tls};

const NAME: &str = "t.s3-ext.commonhold.test";

/// Writes a new certificate to the files.
fn write_certificate(tls: &Tls) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).expect("a certificate");
    std::fs::write(&tls.key, made.signing_key.serialize_pem()).expect("written");
    std::fs::write(&tls.cert, made.cert.pem()).expect("written");
    made.cert.der().clone()
}

fn files(folder: &Path) -> Tls {
    Tls { cert: folder.join("site.pem"), key: folder.join("site.key") }
}

/// Connects, trusting `certificate` alone.
fn connect_tls(
    server: &TestServer,
    certificate: &CertificateDer<'static>,
    protocols: &[&str],
) -> Result<StreamOwned<ClientConnection, TcpStream>, std::io::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).expect("a root");
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from(NAME).expect("a name");
    let mut client = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut socket = connect(server.s3_tls_address());
    while client.is_handshaking() {
        client.complete_io(&mut socket)?;
    }
    Ok(StreamOwned::new(client, socket))
}

/// Whether the server shows `certificate`, at the latest after a moment.
fn shows_soon(server: &TestServer, certificate: &CertificateDer<'static>) -> bool {
    let deadline = Instant::now() + Duration::from_secs(15);
    while Instant::now() < deadline {
        if connect_tls(server, certificate, &[]).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    false
}

#[test]
fn certificates_change_without_a_restart() {
    let (_folder, path) = folder();
    let tls = files(&path);
    let first = write_certificate(&tls);
    let server = TestServer::start_with(BINARY, &ServerConfig { tls: Some(tls.clone()), ..ServerConfig::default() });
    let mut kept = connect_tls(&server, &first, &["http/1.1"]).expect("the first certificate");

    std::fs::write(&tls.cert, "broken").expect("written");
    send_signal(server.process_id(), Signal::HUP);
    std::thread::sleep(Duration::from_millis(500));
    assert!(connect_tls(&server, &first, &[]).is_ok(), "a broken certificate leaves the one before");
    assert!(server.log().contains("site.pem"), "and the log says so:\n{}", server.log());

    let second = write_certificate(&tls);
    send_signal(server.process_id(), Signal::HUP);
    assert!(shows_soon(&server, &second), "SIGHUP reads it again");
    assert!(connect_tls(&server, &first, &[]).is_err());

    let third = write_certificate(&tls);
    assert!(shows_soon(&server, &third), "changed files are noticed");

    write!(kept, "GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n").expect("the old connection lives");
    assert!(read_answer(&mut kept).is_some());
}

#[test]
fn both_protocols_are_offered() {
    let (_folder, path) = folder();
    let tls = files(&path);
    let certificate = write_certificate(&tls);
    let server = TestServer::start_with(BINARY, &ServerConfig { tls: Some(tls), ..ServerConfig::default() });
    for (offered, chosen) in
        [(&["h2", "http/1.1"][..], Some("h2")), (&["http/1.1"][..], Some("http/1.1")), (&[][..], None)]
    {
        let stream = connect_tls(&server, &certificate, offered).expect("a handshake");
        assert_eq!(stream.conn.alpn_protocol(), chosen.map(str::as_bytes), "{offered:?}");
    }
    let mut stream = connect_tls(&server, &certificate, &["http/1.1"]).expect("a handshake");
    write!(stream, "GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n").expect("sent");
    let answer = read_answer(&mut stream).expect("an answer");
    assert!(answer.body.contains("<Error>"), "{answer:?}");
}

#[test]
fn a_handshake_that_does_not_come_is_given_up() {
    let (_folder, path) = folder();
    let tls = files(&path);
    write_certificate(&tls);
    let extra_toml = "\n[limits]\nheader_timeout_seconds = 1\n".to_owned();
    let server =
        TestServer::start_with(BINARY, &ServerConfig { tls: Some(tls), extra_toml, ..ServerConfig::default() });
    for start in [&b""[..], &[0x16, 0x03, 0x01]] {
        let mut stream = connect(server.s3_tls_address());
        stream.write_all(start).expect("sent");
        let began = Instant::now();
        read_to_end(&mut stream);
        assert!(began.elapsed() < Duration::from_secs(5), "after {:?}", began.elapsed());
    }
}
