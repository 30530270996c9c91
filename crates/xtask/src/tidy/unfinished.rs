//! Nothing is left as a note to finish later: work that waits is an issue.

use super::Finding;
use crate::workspace::Workspace;

/// Marks of unfinished work, in halves so that this file has none.
const MARKS: [(&str, &str); 5] = [("TO", "DO"), ("FIX", "ME"), ("XX", "X:"), ("todo", "!("), ("unimplemented", "!(")];
/// Source and documents that we write; others' licence texts and locks are not ours.
const EXTENSIONS: [&str; 5] = [".rs", ".py", ".md", ".toml", ".html"];

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>, String> {
    let mut findings = Vec::new();
    for file in workspace.files()?.into_iter().filter(|file| EXTENSIONS.iter().any(|end| file.ends_with(end))) {
        let text = workspace.read(&file)?;
        let marked = text.lines().enumerate().filter(|(_, line)| mark_of(line).is_some());
        findings.extend(marked.map(|(index, _)| format!("{file}:{}: unfinished", index + 1)));
    }
    Ok(findings)
}

fn mark_of(line: &str) -> Option<String> {
    MARKS.iter().map(|(first, second)| format!("{first}{second}")).find(|mark| line.contains(mark.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_marks() {
        assert!(mark_of(&["    // TO", "DO later"].concat()).is_some());
        assert!(mark_of(&["    todo", "!()"].concat()).is_some());
        assert!(mark_of("a list of things to do").is_none());
    }
}
