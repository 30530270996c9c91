//! Speaking SMTP.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use lettre::message::{Mailbox, SinglePart, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use serde::{Deserialize, Serialize};
use types::Timestamp;
use zeroize::Zeroizing;

use crate::NotifyError;

/// How long the server may take for each step.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How the connection is encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// The connection begins in the clear, and must turn to TLS before anything is said (RFC 3207); usually port 587.
    #[default]
    Starttls,
    /// TLS from the first byte (RFC 8314); usually port 465.
    Tls,
    /// None, for a server on the same machine.
    None,
}

/// The server, and in whose name mails go.
#[derive(Clone)]
pub struct MailConfig {
    /// Its name, which its certificate has.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub security: Security,
    /// Certificates of authorities in PEM, in place of those that the machine trusts.
    pub authorities: Option<Vec<u8>>,
    /// Who logs in; nobody where absent.
    pub login: Option<(String, Zeroizing<String>)>,
    /// The sender, as `Store <store@example.org>` or the address alone.
    pub from: String,
    /// Where answers go; to the sender where absent.
    pub reply_to: Option<String>,
}

impl fmt::Debug for MailConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailConfig").field("server", &self.server).field("port", &self.port).finish_non_exhaustive()
    }
}

/// What a mail says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Letter<'a> {
    pub(crate) id: String,
    pub(crate) to: &'a str,
    pub(crate) reply_to: Option<&'a str>,
    pub(crate) subject: &'a str,
    pub(crate) body: &'a str,
    pub(crate) at: Timestamp,
}

/// A mail was not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum SendError {
    /// The server refuses it for good (5yz), or it can not be written.
    Refused(String),
    /// Later may be better (4yz, or the connection broke).
    Later(String),
}

/// Sends mails through one server.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    reply_to: Option<Mailbox>,
}

impl Mailer {
    /// For this server. Nothing is connected yet.
    ///
    /// # Errors
    /// [`NotifyError::Mail`] where an address or a certificate can not be read.
    pub fn new(config: MailConfig) -> Result<Self, NotifyError> {
        let MailConfig { server, port, security, authorities, login, from, reply_to } = config;
        let tls = match security {
            Security::None => Tls::None,
            Security::Starttls => Tls::Required(tls_parameters(&server, authorities.as_deref())?),
            Security::Tls => Tls::Wrapper(tls_parameters(&server, authorities.as_deref())?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server).port(port).tls(tls);
        if let Some((user, password)) = login {
            builder = builder.credentials(Credentials::new(user, (*password).clone()));
        }
        let from = mailbox(&from)?;
        let reply_to = reply_to.as_deref().map(mailbox).transpose()?;
        Ok(Self { transport: builder.timeout(Some(TIMEOUT)).build(), from, reply_to })
    }

    /// Whether the server can be reached and lets this one in; what it says where not.
    pub(crate) async fn probe(&self) -> Result<(), String> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err("the mail server does not answer".to_owned()),
            Err(error) => Err(words(&error)),
        }
    }

    /// Sends a mail; returns when the server has taken it.
    pub(crate) async fn send(&self, letter: &Letter<'_>) -> Result<(), SendError> {
        let message = self.message(letter).map_err(SendError::Refused)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(SendError::Refused(words(&error))),
            Err(error) => Err(SendError::Later(words(&error))),
        }
    }

    fn message(&self, letter: &Letter<'_>) -> Result<Message, String> {
        let to = letter.to.parse::<Address>().map_err(|error| format!("{:?}: {error}", letter.to))?;
        let reply_to = match letter.reply_to {
            // A person's address that can not be written is no reason not to tell.
            Some(text) => text.parse::<Address>().ok().map(|address| Mailbox::new(None, address)),
            None => self.reply_to.clone(),
        };
        let at = UNIX_EPOCH + Duration::from_micros(letter.at.0);
        let mut builder = Message::builder()
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.email.domain())))
            .date(at)
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(one_line(letter.subject))
            .header(AutoSubmitted);
        if let Some(reply_to) = reply_to {
            builder = builder.reply_to(reply_to);
        }
        builder.singlepart(SinglePart::plain(letter.body.to_owned())).map_err(|error| error.to_string())
    }
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer").field("from", &self.from).finish_non_exhaustive()
    }
}

/// `Auto-Submitted: auto-generated` (RFC 3834 section 5): absence notices do not answer it.
#[derive(Clone, Copy)]
struct AutoSubmitted;

impl header::Header for AutoSubmitted {
    fn name() -> header::HeaderName {
        header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> header::HeaderValue {
        header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// How a certificate in PEM begins (RFC 7468 section 5).
const PEM_CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";
/// The longest subject, in characters.
const SUBJECT_CHARS: usize = 200;

/// A text as one line: what stands in a header must not begin another one.
pub(crate) fn one_line(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c });
    plain.take(SUBJECT_CHARS).collect::<String>().trim().to_owned()
}

fn tls_parameters(server: &str, authorities: Option<&[u8]>) -> Result<TlsParameters, NotifyError> {
    let wrong = |error: lettre::transport::smtp::Error| NotifyError::Mail(format!("TLS of the mail server: {error}"));
    let mut builder = TlsParameters::builder(server.to_owned());
    if let Some(pem) = authorities {
        // An empty list would be found out only at the first mail.
        if !pem.windows(PEM_CERTIFICATE.len()).any(|part| part == PEM_CERTIFICATE) {
            return Err(NotifyError::Mail("the file of authorities holds no certificate in PEM".to_owned()));
        }
        builder = builder.certificate_store(CertificateStore::None);
        builder = builder.add_root_certificate(Certificate::from_pem(pem).map_err(wrong)?);
    }
    builder.build().map_err(wrong)
}

/// Reads `Name <address>` or an address.
///
/// # Errors
/// [`NotifyError::Mail`] says which is none.
pub fn mailbox(text: &str) -> Result<Mailbox, NotifyError> {
    let wrong =
        |_| NotifyError::Mail(format!("{text:?} is no address: write name@example.org, or Name <name@example.org>"));
    text.parse().map_err(wrong)
}

/// An error with its causes.
fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailer() -> Mailer {
        let config = MailConfig {
            server: "localhost".to_owned(),
            port: 25,
            security: Security::None,
            authorities: None,
            login: None,
            from: "The Store <store@example.org>".to_owned(),
            reply_to: None,
        };
        Mailer::new(config).expect("good")
    }

    #[test]
    fn no_text_begins_a_header() {
        let attacks = [
            "a\r\nBcc: eve@example.org",
            "a\nBcc: eve@example.org",
            "a\rBcc: x",
            "\u{0}\u{2028}Bcc: x",
            "é\r\n\r\nbody",
        ];
        for attack in attacks {
            let letter = Letter {
                id: "1".to_owned(),
                to: "ann@example.org",
                reply_to: Some(attack),
                subject: attack,
                body: "text\r\nBcc: in the body it is text\r\n.\r\nQUIT",
                at: Timestamp::from_secs(1_800_000_000),
            };
            let formatted = mailer().message(&letter).expect("made").formatted();
            let text = String::from_utf8(formatted).expect("text");
            let (head, _) = text.split_once("\r\n\r\n").expect("a head");
            let names: Vec<&str> =
                head.lines().filter(|line| !line.starts_with(' ')).filter_map(|line| line.split(':').next()).collect();
            assert!(!names.contains(&"Bcc"), "{head}");
            assert!(!names.contains(&"Reply-To"), "{head}");
            assert_eq!(names.len(), 9, "{head}");
            let to_attack = Letter { to: attack, ..letter };
            assert!(mailer().message(&to_attack).is_err());
        }
        for bad in ["", "no address", "a@b\r\nBcc: c@d", "x <a@b>\n"] {
            assert!(mailbox(bad).is_err() || !bad.trim().contains('\n'), "{bad:?}");
        }
    }
}
