//! A mail server for tests: it speaks SMTP over a real socket, with STARTTLS, TLS and AUTH PLAIN or LOGIN, and keeps what it is
//! sent. Recipients whose names begin with `later` are put off (450), with `never` refused (550).

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use parking_lot::Mutex;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::Security;

/// What the server lets in: `store` with this password.
pub(crate) const PASSWORD: &str = "p4ss w0rd";

/// A mail as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) to: String,
    pub(crate) text: String,
    pub(crate) is_encrypted: bool,
    pub(crate) login: Option<String>,
}

impl Received {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let (head, _) = self.text.split_once("\r\n\r\n")?;
        head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

pub(crate) struct SmtpServer {
    pub(crate) address: SocketAddr,
    /// The certificate that it shows, PEM.
    pub(crate) certificate: String,
    pub(crate) received: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

#[derive(Clone)]
struct Session {
    acceptor: TlsAcceptor,
    security: Security,
    received: Arc<Mutex<Vec<Received>>>,
}

impl SmtpServer {
    /// A server on a free port of this machine, whose certificate is for `localhost`.
    pub(crate) async fn start(security: Security) -> Self {
        Self::start_at(security, ([127, 0, 0, 1], 0).into()).await
    }

    pub(crate) async fn start_at(security: Security, address: SocketAddr) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a key");
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let received = Arc::new(Mutex::new(Vec::new()));
        let session = Session { acceptor: TlsAcceptor::from(Arc::new(config)), security, received: received.clone() };
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let session = session.clone();
                // A client that breaks off is no matter.
                tokio::spawn(async move { session.serve(stream).await.ok() });
            }
        });
        Self { address, certificate: made.cert.pem(), received, task }
    }

    /// Takes what came so far.
    pub(crate) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.received.lock())
    }

    /// Takes no connections any more.
    pub(crate) async fn stop(self) {
        self.task.abort();
        // That it was aborted is what is wanted.
        let _ = self.task.await;
    }
}

impl Session {
    async fn serve(self, stream: TcpStream) -> std::io::Result<()> {
        match self.security {
            Security::Tls => {
                let stream = self.acceptor.accept(stream).await?;
                self.talk(stream, true, false).await?;
            }
            Security::Starttls | Security::None => {
                if let Some(stream) = self.talk(stream, false, false).await? {
                    let stream = self.acceptor.accept(stream).await?;
                    self.talk(stream, true, true).await?;
                }
            }
        }
        Ok(())
    }

    /// Speaks with a client until it goes, or wants TLS, which answers with the stream.
    async fn talk<S>(&self, stream: S, is_encrypted: bool, is_greeted: bool) -> std::io::Result<Option<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut stream = BufReader::new(stream);
        if !is_greeted {
            stream.write_all(b"220 test ESMTP\r\n").await?;
        }
        let (mut login, mut to) = (None, String::new());
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(None);
            }
            let line = line.trim_end();
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let is_open = self.security == Security::None || (is_encrypted && login.is_some());
            let answer = match verb.as_str() {
                "EHLO" if is_encrypted => "250-test\r\n250 AUTH PLAIN LOGIN".to_owned(),
                "EHLO" if self.security == Security::Starttls => "250-test\r\n250 STARTTLS".to_owned(),
                "EHLO" | "RSET" | "NOOP" => "250 test".to_owned(),
                "STARTTLS" => {
                    stream.write_all(b"220 go on\r\n").await?;
                    return Ok(Some(stream.into_inner()));
                }
                "AUTH" => match plain_login(line) {
                    Some((user, true)) => {
                        login = Some(user);
                        "235 welcome".to_owned()
                    }
                    _ => "535 wrong password".to_owned(),
                },
                "QUIT" => {
                    stream.write_all(b"221 bye\r\n").await?;
                    return Ok(None);
                }
                _ if !is_open => "530 log in first".to_owned(),
                "MAIL" => "250 good".to_owned(),
                "RCPT" => {
                    to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                    match &to {
                        to if to.starts_with("later") => "450 come back later".to_owned(),
                        to if to.starts_with("never") => "550 no such person".to_owned(),
                        _ => "250 good".to_owned(),
                    }
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await?;
                    let text = read_data(&mut stream).await?;
                    let received = Received { to: to.clone(), text, is_encrypted, login: login.clone() };
                    self.received.lock().push(received);
                    "250 taken".to_owned()
                }
                _ => "502 unknown".to_owned(),
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
    }
}

/// Who logs in by `AUTH PLAIN <base64>` (RFC 4616), and whether with the right password.
fn plain_login(line: &str) -> Option<(String, bool)> {
    let decoded = BASE64.decode(line.split(' ').nth(2)?).ok()?;
    let mut parts = decoded.split(|byte| *byte == 0).skip(1);
    let user = String::from_utf8(parts.next()?.to_vec()).ok()?;
    let is_right = user == "store" && parts.next()? == PASSWORD.as_bytes();
    Some((user, is_right))
}

/// The lines of a mail up to the one with a single dot, with doubled dots undone (RFC 5321 section 4.5.2).
async fn read_data<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> std::io::Result<String> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == ".\r\n" {
            return Ok(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
