//! Every S3 operation has its file, its test and its authorization probe.
//!
//! The list is the match of `perform` in `crates/s3-api/src/operations/mod.rs`, which the compiler holds complete against
//! the route table. An operation with a line of its own has a file of its name beside it, and a test that names it.
//! Operations that share a line are alike: they share the file that the line names, and a test that names the file. All
//! are probed by the authorization coverage.

use std::collections::BTreeSet;

use super::Finding;
use crate::workspace::Workspace;

const FOLDER: &str = "crates/s3-api/src/operations";
const TESTS: &str = "crates/s3-api/tests/";
const PROBES: &str = "crates/s3-api/tests/operations/authorization_coverage.rs";

/// One arm of the match.
#[derive(Debug, PartialEq)]
struct Arm {
    operations: Vec<String>,
    /// The module whose function answers.
    module: String,
}

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>, String> {
    let files = workspace.files()?;
    let arms = parse_arms(&workspace.read(&format!("{FOLDER}/mod.rs"))?);
    if arms.is_empty() {
        return Err(format!("{FOLDER}/mod.rs: no arm of the form `Op::Name => … module::handle(…)` found"));
    }
    let mut tested = BTreeSet::new();
    for file in files.iter().filter(|file| file.starts_with(TESTS) && *file != PROBES) {
        tested.extend(words(&workspace.read(file)?));
    }
    let probed = words(&workspace.read(PROBES)?);
    let mut findings = Vec::new();
    for arm in &arms {
        findings.extend(without_file(arm, &files));
        findings.extend(without_test(arm, &tested));
        findings.extend(without_probe(arm, &probed));
    }
    Ok(findings)
}

/// Arms as rustfmt lays them out: `Op::A`, `| Op::B`, and `=> …module::function(…)` after the last.
fn parse_arms(text: &str) -> Vec<Arm> {
    let mut arms = Vec::new();
    let mut operations = Vec::new();
    for line in text.lines().map(str::trim) {
        let (pattern, action) = line.split_once("=>").map_or((line, None), |(left, right)| (left, Some(right)));
        if !pattern.trim_start_matches("| ").starts_with("Op::") {
            continue;
        }
        operations.extend(pattern.split('|').filter_map(|name| name.trim().strip_prefix("Op::")).map(str::to_owned));
        if let Some(module) = action.and_then(called_module) {
            arms.push(Arm { operations: std::mem::take(&mut operations), module });
        }
    }
    arms
}

/// The module in ` boxed!(put_object::handle(call)),`.
fn called_module(action: &str) -> Option<String> {
    let (before, _) = action.split_once("::")?;
    Some(before.rsplit(|character: char| !is_word(character)).next()?.to_owned())
}

/// The name of the file, and of what a test must name.
fn file_name(arm: &Arm) -> String {
    match arm.operations.as_slice() {
        [operation] => snake_case(operation),
        _ => arm.module.clone(),
    }
}

fn without_file(arm: &Arm, files: &[String]) -> Option<Finding> {
    let path = format!("{FOLDER}/{}.rs", file_name(arm));
    (!files.contains(&path)).then(|| format!("{path}: {} have no file of this name", arm.operations.join(", ")))
}

fn without_test(arm: &Arm, tested: &BTreeSet<String>) -> Option<Finding> {
    let name = file_name(arm);
    let is_tested = arm.operations.iter().any(|operation| tested.contains(operation))
        || tested.iter().any(|word| word.contains(&name));
    (!is_tested).then(|| format!("{TESTS}: no test names {name}"))
}

fn without_probe(arm: &Arm, probed: &BTreeSet<String>) -> Vec<Finding> {
    let unprobed = arm.operations.iter().filter(|operation| !probed.contains(*operation));
    unprobed.map(|operation| format!("{PROBES}: {operation} is not probed")).collect()
}

fn words(text: &str) -> BTreeSet<String> {
    text.split(|character: char| !is_word(character)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// `ListObjectsV2` as `list_objects_v2`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(character.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_registry() {
        let text = "
            Op::PutObject => boxed!(put_object::handle(call)),
            Op::PreflightRequest => preflight_request::answer(),

            Op::GetBucketCors
            | Op::GetBucketTagging
            | Op::GetBucketWebsite => boxed!(absent::handle(call)),
        ";
        let arm = |operations: &[&str], module: &str| Arm {
            operations: operations.iter().map(|&name| name.to_owned()).collect(),
            module: module.to_owned(),
        };
        let expected = [
            arm(&["PutObject"], "put_object"),
            arm(&["PreflightRequest"], "preflight_request"),
            arm(&["GetBucketCors", "GetBucketTagging", "GetBucketWebsite"], "absent"),
        ];
        assert_eq!(parse_arms(text), expected);
    }

    #[test]
    fn finds_what_an_operation_lacks() {
        let arm = Arm { operations: vec!["ListObjectsV2".to_owned()], module: "list_objects_v2".to_owned() };
        let file = format!("{FOLDER}/list_objects_v2.rs");
        assert_eq!(without_file(&arm, &[file]), None);
        assert!(without_file(&arm, &[]).is_some());
        assert_eq!(without_test(&arm, &words("fn list_objects_v2_pages() {}")), None);
        assert!(without_test(&arm, &words("fn list_buckets() {}")).is_some());
        assert!(without_probe(&arm, &words("Operation::ListObjectsV2")).is_empty());
        assert_eq!(without_probe(&arm, &words("Operation::ListObjects")).len(), 1);
    }

    #[test]
    fn names_files_as_operations() {
        assert_eq!(snake_case("ListObjectsV2"), "list_objects_v2");
        assert_eq!(snake_case("GetBucketAcl"), "get_bucket_acl");
    }
}
