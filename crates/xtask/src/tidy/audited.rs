//! Every route of the administration API and of the portal that changes something has a name in the audit log.
//!
//! Routes are the lines of their sources that say `.route("…", …)`, with what follows them in the same statement; names
//! stand in the tables of `audited.rs`: of acts, and of reads that carry a document and are sent with POST for it. A path is a
//! literal, a constant of the same file, or a `format!` of both.

use std::collections::BTreeSet;

use super::Finding;
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
            for route in changing_routes(&workspace.read(file)?) {
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

/// Method and path of each route that is not only read.
fn changing_routes(text: &str) -> Vec<(String, String)> {
    let mut routes = Vec::new();
    for part in text.split(".route(").skip(1).map(arguments) {
        let path = path_of(part, text);
        for method in CHANGES {
            let is_named = part.match_indices(method).any(|(at, _)| {
                let before = part[..at].chars().next_back();
                let is_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '/');
                !is_word && part[at + method.len()..].starts_with('(')
            });
            if is_named {
                routes.push((method.to_uppercase(), path.clone()));
            }
        }
    }
    routes
}

/// The arguments of a call whose opening parenthesis `part` follows: up to the one that closes it.
fn arguments(part: &str) -> &str {
    let mut depth = 1;
    let end = part.find(|c: char| {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth == 0
    });
    &part[..end.unwrap_or(part.len())]
}

/// The path of a route whose arguments `part` begins with, in a file of this text.
fn path_of(part: &str, text: &str) -> String {
    let argument = part.split(',').next().unwrap_or(part).trim();
    let constant = |name: &str| {
        let (_, value) = text.split_once(&format!("const {name}: &str = \""))?;
        value.split('"').next()
    };
    let Some(literal) = argument.split('"').nth(1) else {
        return constant(argument).unwrap_or(argument).to_owned();
    };
    let words = literal.split(['{', '}']).filter_map(|name| Some((name, constant(name)?)));
    words.fold(literal.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_read_as_rustfmt_lays_them_out() {
        let text = r#"Router::new()
            .route("/v1/a", post(create).get(list))
            .route("/v1/a/{name}", get(show).patch(set).delete(delete))
            .route(
                "/v1/long",
                axum::routing::put(a::put_it),
            )
            .route(B, get(show).put(replace))
            .route(&format!("{B}/c"), post(explain))
            .route("/v1/read", get(post_it))
            const B: &str = "/v1/b/{x}";
            async fn delete(state: State) {}"#;
        let found: Vec<_> =
            changing_routes(text).into_iter().map(|(method, path)| format!("{method} {path}")).collect();
        assert_eq!(
            found,
            [
                "POST /v1/a",
                "PATCH /v1/a/{name}",
                "DELETE /v1/a/{name}",
                "PUT /v1/long",
                "PUT /v1/b/{x}",
                "POST /v1/b/{x}/c"
            ]
        );
    }

    #[test]
    fn lines_of_the_table_are_read() {
        let text = "x(y) [(\"POST\", \"/v1/a\", \"a.b\"),\n    (\n        \"PUT\",\n        \"/v1/b\",\n        \"b.c\",\n    ),\n]";
        let found: Vec<_> = named_routes(text).into_iter().collect();
        assert_eq!(found, [("POST".to_owned(), "/v1/a".to_owned()), ("PUT".to_owned(), "/v1/b".to_owned())]);
    }
}
