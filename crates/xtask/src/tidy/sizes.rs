//! The longest files and functions.

use crate::workspace::Workspace;

/// How many of each are shown.
const SHOWN: usize = 10;

/// A table of the longest Rust files and functions with their lines.
pub(super) fn report(workspace: &Workspace) -> Result<String, String> {
    let mut files = Vec::new();
    let mut functions = Vec::new();
    for file in workspace.files()?.into_iter().filter(|file| file.starts_with("crates/") && file.ends_with(".rs")) {
        let text = workspace.read(&file)?;
        functions.extend(function_lengths(&text).into_iter().map(|(name, lines)| (lines, format!("{file}: {name}"))));
        files.push((text.lines().count(), file));
    }
    Ok(format!("longest files\n{}longest functions\n{}", longest(files), longest(functions)))
}

fn longest(mut sizes: Vec<(usize, String)>) -> String {
    sizes.sort_by(|a, b| b.cmp(a));
    sizes.iter().take(SHOWN).map(|(lines, name)| format!("{lines:6}  {name}\n")).collect()
}

/// Names and lengths in lines of the functions with a body. rustfmt closes a body at the indentation that opened it.
fn function_lengths(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut lengths = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indentation = line.len() - line.trim_start().len();
        let closing = format!("{}}}", " ".repeat(indentation));
        let declared_only =
            |line: &str| line.trim_end().ends_with(';') && !line.starts_with(&" ".repeat(indentation + 1));
        let end = lines[start..].iter().position(|line| *line == closing || declared_only(line));
        if let Some(end) = end.filter(|end| !declared_only(lines[start + end])) {
            lengths.push((name.to_owned(), end + 1));
        }
    }
    lengths
}

fn function_name(line: &str) -> Option<&str> {
    let code = line.trim_start();
    let (before, after) = code.split_once("fn ")?;
    let is_declaration = before.split_whitespace().all(|word| {
        word.starts_with("pub") || ["async", "const", "unsafe", "extern", "in", "crate)", "super)"].contains(&word)
    });
    let name = after.split(|character: char| !character.is_alphanumeric() && character != '_').next()?;
    (is_declaration && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_functions() {
        let text = "\
trait T {
    fn declared(&self);
    pub(crate) async fn one(&self) {
        body();
    }
}

fn two(
    a: u8,
) -> u8 {
    if a > 1 {
        1
    } else {
        2
    }
}
";
        let lengths = function_lengths(text);
        assert_eq!(lengths, [("one".to_owned(), 3), ("two".to_owned(), 9)]);
    }
}
