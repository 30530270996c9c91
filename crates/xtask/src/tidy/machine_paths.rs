//! No file names a folder of the machine it was written on.

use super::Finding;
use crate::workspace::Workspace;

/// Home and work folders, in halves so that this file does not name one.
const PREFIXES: [(&str, &str); 3] = [("/ro", "ot/"), ("/wo", "rk/"), ("/fa", "rm/")];
const HOME: (&str, &str) = ("/ho", "me/");

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>, String> {
    let mut findings = Vec::new();
    for file in workspace.files()? {
        // A file that is no text names no path to a reader.
        let Ok(text) = workspace.read(&file) else { continue };
        let named = text.lines().enumerate().filter(|(_, line)| names_machine_path(line));
        findings.extend(named.map(|(index, _)| format!("{file}:{}: names a folder of one machine", index + 1)));
    }
    Ok(findings)
}

fn names_machine_path(line: &str) -> bool {
    let of_a_machine = PREFIXES.iter().map(|(first, second)| format!("{first}{second}"));
    let home = format!("{}{}", HOME.0, HOME.1);
    of_a_machine.chain([home]).any(|prefix| starts_a_path(line, &prefix))
}

/// True where the prefix stands at the start of a path, not inside one or inside a URL.
fn starts_a_path(line: &str, prefix: &str) -> bool {
    line.match_indices(prefix).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + prefix.len()..].chars().next();
        before.is_none_or(|character| !character.is_alphanumeric() && !"._-/}>".contains(character))
            && after.is_some_and(|character| character.is_ascii_alphanumeric() || character == '.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_machine_path_from_a_key() {
        let cases = [
            (["see /ho", "me/ada/data"].concat(), true),
            (["\"/ro", "ot/.cargo\""].concat(), true),
            (["key bucket/ho", "me/ada"].concat(), false),
            (["https://example.org/wo", "rk/page"].concat(), false),
            (["$HOME/ro", "ot/"].concat(), false),
        ];
        for (line, expected) in cases {
            assert_eq!(names_machine_path(&line), expected, "{line}");
        }
    }
}
