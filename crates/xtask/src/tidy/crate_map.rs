//! ARCHITECTURE.md's map against the real dependency edges.
//!
//! The map is the table whose first column is headed `crate`. Its order is the domain order: a crate uses only crates
//! of rows above its own. Names in backquotes in the column `must not know` are crates, ours or others', that it must
//! not depend on; one of ours is forbidden through a third crate too, another's only directly, since what a library is
//! built from is not visible in our code.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use crate::workspace::Workspace;

const MAP: &str = "ARCHITECTURE.md";

type Edges = BTreeMap<String, Vec<String>>;

/// One row of the map.
#[derive(Debug, PartialEq)]
struct Row {
    name: String,
    must_not_know: Vec<String>,
}

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>, String> {
    let rows = parse_map(&workspace.read(MAP)?);
    let edges = workspace.dependencies()?;
    let mut findings = missing_or_unknown(&rows, &edges);
    findings.extend(against_the_order(&rows, &edges));
    findings.extend(forbidden_edges(&rows, &edges));
    Ok(findings)
}

fn parse_map(text: &str) -> Vec<Row> {
    let table = text.lines().skip_while(|line| !line.starts_with("| crate |")).skip(2);
    table.take_while(|line| line.starts_with('|')).filter_map(parse_row).collect()
}

fn parse_row(line: &str) -> Option<Row> {
    let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
    let name = quoted_names(cells.first()?).pop()?;
    Some(Row { name, must_not_know: quoted_names(cells.last()?) })
}

/// The words between backquotes.
fn quoted_names(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn missing_or_unknown(rows: &[Row], edges: &Edges) -> Vec<Finding> {
    let mapped: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    let real: BTreeSet<&str> = edges.keys().map(String::as_str).collect();
    let missing = real.difference(&mapped).map(|name| format!("crates/{name}: has no row in {MAP}"));
    let unknown = mapped.difference(&real).map(|name| format!("{MAP}: there is no crate {name}"));
    missing.chain(unknown).collect()
}

fn against_the_order(rows: &[Row], edges: &Edges) -> Vec<Finding> {
    let place = |name: &str| rows.iter().position(|row| row.name == name);
    let mut findings = Vec::new();
    for (name, dependencies) in edges {
        for dependency in dependencies {
            if let (Some(own), Some(other)) = (place(name), place(dependency))
                && other >= own
            {
                findings.push(format!("crates/{name}: uses {dependency}, which stands below it in {MAP}"));
            }
        }
    }
    findings
}

fn forbidden_edges(rows: &[Row], edges: &Edges) -> Vec<Finding> {
    let mut findings = Vec::new();
    for row in rows {
        let known = known_to(&row.name, edges);
        let broken = row.must_not_know.iter().filter(|name| known.contains(name.as_str()));
        findings.extend(broken.map(|name| format!("crates/{}: must not know {name}", row.name)));
    }
    findings
}

/// The crate's dependencies, and those of our crates among them that are ours too, all the way down.
fn known_to<'a>(name: &str, edges: &'a Edges) -> BTreeSet<&'a str> {
    let mut known: BTreeSet<&str> = BTreeSet::new();
    let mut waiting: Vec<&str> = edges.get(name).into_iter().flatten().map(String::as_str).collect();
    while let Some(dependency) = waiting.pop() {
        let first_sight = known.insert(dependency);
        if let (true, Some(further)) = (first_sight, edges.get(dependency)) {
            waiting.extend(further.iter().map(String::as_str).filter(|ours| edges.contains_key(*ours)));
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
text before

| crate | what it is | must not know |
|---|---|---|
| `types` | words | input and output |
| `storage` | contracts | `s3`, `http` |
| `s3` | protocol | `storage` |

| other | table |
";

    /// Crates with what they depend on.
    type List = &'static [(&'static str, &'static [&'static str])];

    fn edges(list: List) -> Edges {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        list.iter().map(|(name, dependencies)| ((*name).to_owned(), owned(dependencies))).collect()
    }

    fn findings(edges: &Edges) -> Vec<Finding> {
        let rows = parse_map(TEXT);
        let mut all = missing_or_unknown(&rows, edges);
        all.extend(against_the_order(&rows, edges));
        all.extend(forbidden_edges(&rows, edges));
        all
    }

    #[test]
    fn parses_the_table_alone() {
        let rows = parse_map(TEXT);
        assert_eq!(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["types", "storage", "s3"]);
        assert_eq!(rows[1].must_not_know, ["s3", "http"]);
    }

    #[test]
    fn finds_what_breaks_the_map() {
        let cases: [(List, &str); 5] = [
            (&[("types", &[]), ("storage", &["types"])], "ARCHITECTURE.md: there is no crate s3"),
            (
                &[("types", &[]), ("storage", &[]), ("s3", &[]), ("extra", &[])],
                "crates/extra: has no row in ARCHITECTURE.md",
            ),
            (
                &[("types", &["storage"]), ("storage", &[]), ("s3", &[])],
                "crates/types: uses storage, which stands below it in ARCHITECTURE.md",
            ),
            (&[("types", &[]), ("storage", &["http"]), ("s3", &[])], "crates/storage: must not know http"),
            (&[("types", &["storage"]), ("storage", &[]), ("s3", &["types"])], "crates/s3: must not know storage"),
        ];
        for (list, expected) in cases {
            let found = findings(&edges(list));
            assert!(found.iter().any(|finding| finding == expected), "{expected} is not in {found:?}");
        }
    }

    #[test]
    fn another_crates_own_dependencies_are_not_ours() {
        let sound = edges(&[("types", &["http"]), ("storage", &["types"]), ("s3", &["types"])]);
        assert_eq!(findings(&sound), Vec::<Finding>::new());
    }
}
