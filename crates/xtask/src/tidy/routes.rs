//! The routes of axum in a source file.
//!
//! They are what stands in `.route("…", …)`. A path is a literal, a constant of the same file, or a `format!` of both.

/// Method and path of each route in `text` that is for one of `methods`, by the names of axum's functions.
pub(super) fn routes(text: &str, methods: &[&str]) -> Vec<(String, String)> {
    let mut routes = Vec::new();
    for part in text.split(".route(").skip(1).map(arguments) {
        let path = path_of(part, text);
        for method in methods {
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
        let found: Vec<_> = routes(text, &["post", "put", "patch", "delete"])
            .into_iter()
            .map(|(method, path)| format!("{method} {path}"))
            .collect();
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
}
