//! The settings in words: the reference page, and the effective values as a file.

use std::fmt::Write;

use toml::Table;

use super::settings::{Config, SECTIONS, Section, Setting};
use super::values::Kind;

/// `docs/configuration.md`, whole.
pub(crate) fn reference() -> String {
    let defaults = values(&Config::default());
    let mut page = String::from(INTRODUCTION);
    for section in &SECTIONS {
        let title = if section.name.is_empty() { "At the top".to_owned() } else { format!("`[{}]`", section.name) };
        let _ = write!(page, "\n## {title}\n\n{}\n", joined(section.text));
        for setting in section.settings {
            let default = match value(&defaults, section, setting) {
                Some(default) => format!("`{default}`"),
                None => "not set".to_owned(),
            };
            let _ = write!(
                page,
                "\n### `{}`\n\n{}\n\n- Default: {default}\n- Environment: `{}`{}\n",
                section.path(setting),
                joined(setting.text),
                section.variable(setting),
                form(setting.kind),
            );
        }
    }
    page
}

/// `config` as a file that could be loaded again, with comments.
pub(crate) fn show(config: &Config) -> String {
    let effective = values(config);
    let mut file = String::new();
    for section in &SECTIONS {
        if !section.name.is_empty() {
            let _ = write!(file, "\n[{}]\n", section.name);
        }
        for setting in section.settings {
            for line in setting.text {
                let _ = writeln!(file, "#{line}");
            }
            let _ = match value(&effective, section, setting) {
                Some(value) => writeln!(file, "{} = {value}", setting.name),
                None => writeln!(file, "# {} is not set", setting.name),
            };
        }
    }
    file
}

const INTRODUCTION: &str = "\
# Configuration

One TOML file, given with `--config FILE` or `COMMONHOLD_CONFIG`. Every setting has a default, so none is needed.
`commonhold config check` names a mistake by file, line and column; `commonhold config show` prints the values in effect.
An environment variable overrides its setting; an empty one counts as none. Relative paths in the file start from the
file's folder, those of defaults and variables from the working directory.

`COMMONHOLD_MASTER_KEY` gives the master key, 64 hex digits, under which the secrets of access keys are encrypted.
Without it, the first start makes `master.key` in the data directory, mode 0600. Keep a copy of it away from the data:
without it, no access key works again.

This page is printed by `commonhold config reference`.
";

fn joined(text: &[&str]) -> String {
    text.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n")
}

const fn form(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Integer => "",
        Kind::TextList => ", with commas between",
        Kind::Tables => ", as a TOML array",
    }
}

fn values(config: &Config) -> Table {
    Table::try_from(config).unwrap_or_default()
}

fn value(values: &Table, section: &Section, setting: &Setting) -> Option<String> {
    let table = if section.name.is_empty() { values } else { values.get(section.name)?.as_table()? };
    table.get(setting.name).map(ToString::to_string)
}
