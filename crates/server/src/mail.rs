//! From the settings of `[mail]` to who tells people of events.

use std::io;
use std::path::{Path, PathBuf};

use notify::{MailConfig, Mailer, NotifyError, Site};
use zeroize::Zeroizing;

use crate::config::{Environment, MailSettings};

/// The environment variable of the mail server's password.
pub(crate) const PASSWORD_VARIABLE: &str = "COMMONHOLD_MAIL_PASSWORD";
/// The largest file of certificates or password that is read, in bytes.
const FILE_BYTES: u64 = 1024 * 1024;

/// Mail can not be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailError {
    /// A file can not be read.
    #[error("{setting}: {path} can not be read: {error}")]
    File {
        /// Which setting names it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// There is a user to log in as, and no password.
    #[error("mail.username is set, and no password: set mail.password_file, or {PASSWORD_VARIABLE}")]
    NoPassword,
    /// An address, a certificate.
    #[error("mail: {0}")]
    Wrong(#[from] NotifyError),
}

/// In whose name people are told.
///
/// # Errors
/// Where an operator's address is none.
pub(crate) fn site(settings: &MailSettings) -> Result<Site, MailError> {
    for address in &settings.operators {
        notify::mail::mailbox(address)?;
    }
    Ok(Site {
        name: settings.site_name.clone(),
        portal_url: settings.portal_url.clone(),
        operators: settings.operators.clone(),
    })
}

/// Who sends mail; `None` where there is no mail server.
///
/// # Errors
/// [`MailError`] says what to do.
pub(crate) fn mailer(settings: &MailSettings, password: Option<&str>) -> Result<Option<Mailer>, MailError> {
    let Some(server) = settings.server.clone() else { return Ok(None) };
    let login = match &settings.username {
        Some(username) => Some((username.clone(), secret(settings, password)?)),
        None => None,
    };
    let authorities = settings.ca_file.as_deref().map(|path| read("mail.ca_file", path)).transpose()?;
    let config = MailConfig {
        server,
        port: settings.port,
        security: settings.security,
        authorities,
        login,
        from: settings.from.clone(),
        reply_to: settings.reply_to.clone(),
    };
    Ok(Some(Mailer::new(config)?))
}

/// The mailer of a configuration and its environment.
///
/// # Errors
/// [`MailError`] says what to do.
pub(crate) fn mailer_of(settings: &MailSettings, environment: &Environment) -> Result<Option<Mailer>, MailError> {
    mailer(settings, environment.get(PASSWORD_VARIABLE).map(String::as_str))
}

fn secret(settings: &MailSettings, password: Option<&str>) -> Result<Zeroizing<String>, MailError> {
    match (password, &settings.password_file) {
        (Some(password), _) => Ok(Zeroizing::new(password.to_owned())),
        (None, Some(path)) => {
            let bytes = Zeroizing::new(read("mail.password_file", path)?);
            let text = std::str::from_utf8(&bytes).map_err(|error| MailError::File {
                setting: "mail.password_file",
                path: path.clone(),
                error: io::Error::new(io::ErrorKind::InvalidData, error),
            })?;
            Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
        }
        (None, None) => Err(MailError::NoPassword),
    }
}

fn read(setting: &'static str, path: &Path) -> Result<Vec<u8>, MailError> {
    let failed = |error| MailError::File { setting, path: path.to_owned(), error };
    if std::fs::metadata(path).map_err(failed)?.len() > FILE_BYTES {
        return Err(failed(io::ErrorKind::FileTooLarge.into()));
    }
    std::fs::read(path).map_err(failed)
}
