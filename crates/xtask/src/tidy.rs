//! `cargo xtask tidy`: the tree's rules that neither the compiler nor clippy can hold.
//!
//! Each rule is a file here with one function from the workspace to what breaks the rule; [`routes`] reads what two of them ask
//! about. [`sizes`] is no rule: it shows the longest files and functions, so that a growing one is seen.

mod audited;
mod crate_map;
mod file_access;
mod machine_paths;
mod operations;
mod probed_pages;
mod routes;
mod sizes;
mod unfinished;

use crate::Verdict;
use crate::workspace::Workspace;

/// One place where the tree breaks a rule: a path and what to do about it.
type Finding = String;

/// A rule of the tree: what breaks it, or why it could not be checked.
type Rule = fn(&Workspace) -> Result<Vec<Finding>, String>;

const RULES: [(&str, Rule); 7] = [
    ("crate map", crate_map::check),
    ("operations", operations::check),
    ("audited", audited::check),
    ("probed pages", probed_pages::check),
    ("file access", file_access::check),
    ("machine paths", machine_paths::check),
    ("unfinished work", unfinished::check),
];

/// Prints the longest files and functions, then what breaks a rule.
///
/// # Errors
/// Where the tree cannot be read.
pub(crate) fn run(workspace: &Workspace) -> Result<Verdict, String> {
    print!("{}", sizes::report(workspace)?);
    let findings = findings(workspace)?;
    if findings.is_empty() {
        println!("tidy: {} rules hold", RULES.len());
        return Ok(Verdict::Passed);
    }
    println!("tidy: {} findings\n{}", findings.len(), findings.join("\n"));
    Ok(Verdict::Failed)
}

fn findings(workspace: &Workspace) -> Result<Vec<Finding>, String> {
    let mut all = Vec::new();
    for (name, rule) in RULES {
        all.extend(rule(workspace)?.into_iter().map(|finding| format!("  {name}: {finding}")));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_tidy() {
        assert_eq!(findings(&Workspace::find()).unwrap(), Vec::<Finding>::new());
    }
}
