//! Statements of a policy, as people read and write them. What a statement means is said by the crate `policy` alone; here
//! its document is laid out, and one is added or taken out without a change to the others.

use serde_json::{Map, Value, json};

/// One statement, for a table.
pub(crate) struct Shown {
    pub(crate) index: usize,
    pub(crate) name: String,
    /// `Allow` or `Deny`.
    pub(crate) effect: String,
    pub(crate) actions: Vec<String>,
    pub(crate) applies_to: Vec<String>,
    pub(crate) resources: Vec<String>,
    pub(crate) has_condition: bool,
}

/// The statements of a document that [`policy::Policy`] has understood.
pub(crate) fn all(document: &str) -> Vec<Shown> {
    let Ok(policy) = serde_json::from_str::<Value>(document) else { return Vec::new() };
    statements(&policy).into_iter().enumerate().map(|(index, statement)| shown(index, &statement)).collect()
}

/// The document with a statement more; a new one where there is none.
pub(crate) fn added(document: Option<&str>, bucket: &str, statement: Value) -> String {
    changed(document, bucket, |statements| statements.push(statement))
}

/// The document without the statement at `index`.
pub(crate) fn without(document: &str, bucket: &str, index: usize) -> String {
    changed(Some(document), bucket, |statements| {
        if index < statements.len() {
            statements.remove(index);
        }
    })
}

fn changed(document: Option<&str>, bucket: &str, change: impl FnOnce(&mut Vec<Value>)) -> String {
    let parsed = document.and_then(|document| serde_json::from_str::<Map<String, Value>>(document).ok());
    let mut policy = parsed.unwrap_or_else(|| {
        let mut new = Map::new();
        new.insert("Version".to_owned(), json!("2008-10-17"));
        new.insert("Id".to_owned(), json!(format!("{bucket} policy")));
        new
    });
    let mut list = policy.get("Statement").map(list_of).unwrap_or_default();
    change(&mut list);
    policy.insert("Statement".to_owned(), Value::Array(list));
    format!("{:#}", Value::Object(policy))
}

fn statements(policy: &Value) -> Vec<Value> {
    policy.get("Statement").map(list_of).unwrap_or_default()
}

/// One value may stand for a list of it.
fn list_of(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let list = value.map(list_of).unwrap_or_default();
    list.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect()
}

fn shown(index: usize, statement: &Value) -> Shown {
    let not = |texts: Vec<String>| texts.into_iter().map(|text| format!("all but {text}"));
    let either = |name: &str, opposite: &str| -> Vec<String> {
        texts(statement.get(name)).into_iter().chain(not(texts(statement.get(opposite)))).collect()
    };
    let principals = statement.get("Principal").map(principals);
    let others = statement.get("NotPrincipal").map(|value| not(self::principals(value)).collect());
    Shown {
        index,
        name: texts(statement.get("Sid")).pop().unwrap_or_default(),
        effect: texts(statement.get("Effect")).pop().unwrap_or_default(),
        actions: either("Action", "NotAction"),
        applies_to: principals.or(others).unwrap_or_default(),
        resources: either("Resource", "NotResource"),
        has_condition: statement.get("Condition").is_some(),
    }
}

/// Whom a principal means, in words.
fn principals(value: &Value) -> Vec<String> {
    let Some(kinds) = value.as_object() else { return vec!["everyone".to_owned()] };
    let of_kind = |(kind, names): (&String, &Value)| {
        let word = |name: String| match (kind.as_str(), name.as_str()) {
            (_, "") => None,
            ("anonymous", _) | ("AWS", "*") => Some("everyone".to_owned()),
            ("user", "*") => Some("whoever is logged in".to_owned()),
            ("group", _) => Some(format!("group {name}")),
            _ => Some(name),
        };
        texts(Some(names)).into_iter().filter_map(word).collect::<Vec<_>>()
    };
    kinds.iter().flat_map(of_kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &str = r#"{"Version":"2012-10-17","Statement":[
        {"Sid":"a","Effect":"Allow","Principal":{"user":["ann",""],"group":["lab-o-members"]},"Action":"*","Resource":"*"},
        {"Effect":"Deny","Principal":"*","NotAction":["s3:GetObject"],"Resource":["arn:aws:s3:::b/*"],
         "Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}"#;

    #[test]
    fn statements_are_shown_in_words() {
        let all = all(BOTH);
        assert_eq!(all[0].name, "a");
        assert_eq!(all[0].applies_to, ["group lab-o-members", "ann"]);
        assert_eq!(all[0].actions, ["*"]);
        assert_eq!((all[1].effect.as_str(), all[1].has_condition), ("Deny", true));
        assert_eq!(all[1].applies_to, ["everyone"]);
        assert_eq!(all[1].actions, ["all but s3:GetObject"]);
    }

    #[test]
    fn a_statement_comes_and_goes_and_the_others_stay() {
        let statement =
            json!({"Sid": "new", "Effect": "Allow", "Principal": "*", "Action": "GetObject", "Resource": "*"});
        let more = added(Some(BOTH), "b", statement.clone());
        let names: Vec<_> = all(&more).into_iter().map(|shown| shown.name).collect();
        assert_eq!(names, ["a", "", "new"]);
        let less = without(&more, "b", 0);
        assert_eq!(all(&less).len(), 2);
        assert!(less.contains("aws:SecureTransport"));
        assert_eq!(all(&without(&less, "b", 9)).len(), 2, "one that is not there changes nothing");
        let first = added(None, "b", statement);
        assert!(first.contains("b policy"));
        assert!(policy::Policy::parse(first.as_bytes()).is_ok() && policy::Policy::parse(more.as_bytes()).is_ok());
        let single = r#"{"Statement":{"Sid":"one","Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#;
        assert_eq!(all(single).len(), 1);
    }
}
