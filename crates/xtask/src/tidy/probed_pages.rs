//! Every page of the portal is asked for by its tests as each kind of person.
//!
//! Pages are the routes of its sources that answer GET. Rows are what stands between quotes in the tables `PAGES` and `OTHER_READS` of
//! the tests: a path, or a route as it is written in the sources. What anybody may read, styles and the logo, is no page.

use super::Finding;
use super::routes::routes;
use crate::workspace::Workspace;

const SOURCES: &str = "crates/portal/src/pages";
/// The tests with tables, and their names there.
const TABLES: [(&str, &str); 3] = [
    ("crates/portal/src/tests.rs", "const PAGES"),
    ("crates/portal/src/tests.rs", "const OTHER_READS"),
    ("crates/portal/src/tests/operate.rs", "const PAGES"),
];

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>, String> {
    let mut rows = Vec::new();
    for (file, table) in TABLES {
        let found = rows_of(&workspace.read(file)?, table);
        if found.is_empty() {
            return Err(format!("{file}: no rows in {table}"));
        }
        rows.extend(found);
    }
    let mut findings = Vec::new();
    for file in workspace.files()?.iter().filter(|file| file.starts_with(SOURCES) && file.ends_with(".rs")) {
        for (_, route) in routes(&workspace.read(file)?, &["get"]) {
            if !rows.iter().any(|row| is_of(row, &route)) {
                findings.push(format!("{file}: GET {route} has no row in {} or {}", TABLES[0].0, TABLES[2].0));
            }
        }
    }
    Ok(findings)
}

/// The paths in a table, without what follows the question mark.
fn rows_of(text: &str, table: &str) -> Vec<String> {
    let Some((_, rest)) = text.split_once(table) else { return Vec::new() };
    let end = rest.find("];").unwrap_or(rest.len());
    let quoted = rest[..end].split('"').skip(1).step_by(2);
    quoted.map(|path| path.split('?').next().unwrap_or(path).to_owned()).collect()
}

/// Whether a path is one of the route's.
fn is_of(path: &str, route: &str) -> bool {
    let (path, route): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), route.split('/').collect());
    let is_one = |(given, wanted): (&&str, &&str)| given == wanted || (wanted.starts_with('{') && !given.is_empty());
    path.len() == route.len() && path.iter().zip(&route).all(is_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_matched_with_routes() {
        let text =
            "const PAGES: &[(&str, For)] = &[\n    (\"/a/t-o/?range=1\", Members),\n    (\"/b\", Leads),\n];\n\"/c\"";
        assert_eq!(rows_of(text, "const PAGES"), ["/a/t-o/", "/b"]);
        for (path, route, expected) in [
            ("/a/t-o/", "/a/{tenancy}/", true),
            ("/a/{tenancy}/", "/a/{tenancy}/", true),
            ("/a//", "/a/{tenancy}/", false),
            ("/a/t-o", "/a/{tenancy}/", false),
            ("/a/t-o/b", "/a/{tenancy}/", false),
            ("/a/new", "/a/old", false),
        ] {
            assert_eq!(is_of(path, route), expected, "{path} {route}");
        }
    }
}
