//! What commands read.

use std::io::{self, Read};

use ::admin::SecretText;

use super::CliError;

/// The most bytes of a secret or password.
const SECRET_BYTES: u64 = 4096;

/// Reads a secret from standard input, to the end of the first line.
///
/// # Errors
/// Where there is none, or it is too long.
pub(crate) fn secret_from_stdin(what: &str) -> Result<SecretText, CliError> {
    first_line(io::stdin().lock(), what)
}

fn first_line(input: impl Read, what: &str) -> Result<SecretText, CliError> {
    let failed = |reason: String| CliError::Failed(format!("the {what} can not be read from standard input: {reason}"));
    let mut text = String::new();
    let read = input.take(SECRET_BYTES + 1).read_to_string(&mut text);
    read.map_err(|error| failed(error.to_string()))?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(failed("it is empty".to_owned()));
    }
    if line.len() as u64 > SECRET_BYTES {
        return Err(failed(format!("it has more than {SECRET_BYTES} bytes")));
    }
    Ok(SecretText::new(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_counts() {
        for (input, expected) in [("abc", Some("abc")), ("a b\r\nrest", Some("a b")), ("", None), ("\nabc", None)] {
            let read = first_line(input.as_bytes(), "secret").ok();
            assert_eq!(read.as_ref().map(SecretText::expose), expected, "{input:?}");
        }
        assert!(first_line("x".repeat(5000).as_bytes(), "secret").is_err());
    }
}
