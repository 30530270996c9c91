//! What commands print: JSON for programs, aligned tables for people.

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use ::admin::List;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::CliError;

/// How often a spinner turns.
const SPINNER_INTERVAL: Duration = Duration::from_millis(120);

/// For whom a command prints.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Output {
    /// For people.
    Human,
    /// For programs.
    Json,
}

impl Output {
    /// For programs where JSON was asked for.
    pub(crate) const fn of(json: bool) -> Self {
        if json { Self::Json } else { Self::Human }
    }

    /// Prints one thing.
    ///
    /// # Errors
    /// Where standard output is gone.
    pub(crate) fn print<T: Serialize>(self, value: &T, words: impl FnOnce(&T) -> String) -> Result<(), CliError> {
        match self {
            Self::Human => print_line(&words(value)),
            Self::Json => print_json(value),
        }
    }

    /// Prints a list: a table, or a JSON array.
    ///
    /// # Errors
    /// Where standard output is gone.
    pub(crate) fn print_list<T: Serialize>(
        self,
        list: List<T>,
        table: impl FnOnce(&[T]) -> Table,
    ) -> Result<(), CliError> {
        match self {
            Self::Human => print_line(&table(&list.items).to_string())?,
            Self::Json => print_json(&list.items)?,
        }
        if list.truncated {
            eprintln!("commonhold: there are more than these {}", list.items.len());
        }
        Ok(())
    }
}

/// Prints a value as JSON.
///
/// # Errors
/// Where standard output is gone.
pub(crate) fn print_json<T: Serialize>(value: &T) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| CliError::Failed(error.to_string()))?;
    print_line(&text)
}

/// Prints a text with a line end, if it has none.
///
/// # Errors
/// [`CliError::ReaderGone`] where the other end of a pipe is closed, and where standard output can not be written.
pub(crate) fn print_line(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    write!(out, "{text}{end}").and_then(|()| out.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => CliError::ReaderGone,
        _ => CliError::failed(error),
    })
}

/// Turns a spinner on the terminal, if standard error is one, while `work` goes on.
pub(crate) async fn waiting<T>(what: &'static str, work: impl Future<Output = T>) -> T {
    let spinner = ProgressBar::new_spinner().with_style(ProgressStyle::default_spinner()).with_message(what);
    spinner.enable_steady_tick(SPINNER_INTERVAL);
    let result = work.await;
    spinner.finish_and_clear();
    result
}

/// Text in columns, as wide as their widest cells.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table under these titles; without any where empty.
    pub(crate) fn new(titles: &[&str]) -> Self {
        let titles: Vec<String> = titles.iter().map(|title| (*title).to_owned()).collect();
        Self { rows: if titles.is_empty() { Vec::new() } else { vec![titles] } }
    }

    /// One more row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        // What people typed must not rewrite the terminal.
        let safe = |cell: String| cell.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.rows.push(cells.into_iter().map(safe).collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |at: usize| self.rows.iter().filter_map(|row| row.get(at)).map(|c| c.chars().count()).max();
        let widths: Vec<usize> = (0..columns).map(|at| width(at).unwrap_or(0)).collect();
        for (at, row) in self.rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            let line = cells.collect::<Vec<_>>().join("  ");
            let end = if at + 1 < self.rows.len() { "\n" } else { "" };
            write!(f, "{}{end}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(&["NAME", "X"]);
        table.row(["a".to_owned(), "1".to_owned()]);
        table.row(["längeres".to_owned(), String::new()]);
        table.row(["b\u{1b}[2J".to_owned(), "2".to_owned()]);
        assert_eq!(table.to_string(), "NAME      X\na         1\nlängeres\nb [2J     2");
        assert_eq!(Table::new(&[]).to_string(), "");
    }
}
