//! Every route of the administration API and of the portal that changes something has a name in the audit log.
//!
//! Names stand in the tables of `audited.rs`: of acts, and of reads that carry a document and are sent with POST for it.

use std::collections::BTreeSet;

use super::Finding;
use super::routes::routes;
use crate::workspace::Workspace;

/// Where routes are, and the table beside them.
const ROUTERS: [(&str, &str); 2] =
    [("crates/admin/src/", "crates/admin/src/audited.rs"), ("crates/portal/src/", "crates/portal/src/audited.rs")];
/// The functions of axum that take what is no read.
const CHANGES: [&str; 4] = ["post", "put", "patch", "delete"];

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>, String> {
    let mut findings = Vec::new();
    for (folder, table) in ROUTERS {
        let named = named_routes(&workspace.read(table)?);
        if named.is_empty() {
            return Err(format!("{table}: no line of the form (\"POST\", \"/v1/…\", \"noun.verb\") found"));
        }
        for file in workspace.files()?.iter().filter(|file| file.starts_with(folder) && file.ends_with(".rs")) {
            if file.as_str() == table {
                continue;
            }
            for route in routes(&workspace.read(file)?, &CHANGES) {
                if !named.contains(&route) {
                    let (method, path) = &route;
                    findings.push(format!("{file}: {method} {path} has no line in {table}"));
                }
            }
        }
    }
    Ok(findings)
}

/// Method and path of each line of the tables.
fn named_routes(text: &str) -> BTreeSet<(String, String)> {
    let tuples = text.split('(').filter(|part| part.trim_start().starts_with('"')).map(strings);
    let routes = tuples.filter_map(|found| Some((found.first()?.clone(), found.get(1)?.clone())));
    routes.filter(|(method, path)| CHANGES.contains(&method.to_lowercase().as_str()) && path.starts_with('/')).collect()
}

/// The texts between quotes up to the end of the tuple.
fn strings(tuple: &str) -> Vec<String> {
    let end = tuple.find(')').unwrap_or(tuple.len());
    tuple[..end].split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_table_are_read() {
        let text = "x(y) [(\"POST\", \"/v1/a\", \"a.b\"),\n    (\n        \"PUT\",\n        \"/v1/b\",\n        \"b.c\",\n    ),\n]";
        let found: Vec<_> = named_routes(text).into_iter().collect();
        assert_eq!(found, [("POST".to_owned(), "/v1/a".to_owned()), ("PUT".to_owned(), "/v1/b".to_owned())]);
    }
}
