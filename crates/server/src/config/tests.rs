//! Mistakes are named by place, variables override, and the reference page is the settings.

use std::path::{Path, PathBuf};

use super::load::Place;
use super::settings::SECTIONS;
use super::values::Listen;
use super::*;

/// The page that `commonhold config reference` prints.
const PAGE: &str = include_str!("../../../../docs/configuration.md");

fn load_text(text: &str) -> Result<Config, ConfigError> {
    load_with(text, &[])
}

fn load_with(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("commonhold.toml");
    std::fs::write(&path, text).expect("written");
    load(Some(&path), &environment(variables))
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn nothing_needs_to_be_set() {
    let config = load(None, &Environment::new()).expect("the defaults are good");
    assert_eq!(config, Config::default());
    assert_eq!(load_text("").expect("an empty file is good"), config);
    assert_eq!(config.admin_socket_path(), Path::new("./commonhold-data/admin.sock"));
}

#[test]
fn mistakes_are_named_by_line_and_column() {
    for (text, line, column, part) in [
        ("data_dir = 5", 1, 12, "string"),
        ("data_dir = \"a\"\ndata_dirs = \"b\"", 2, 1, "unknown setting \"data_dirs\""),
        ("s3_tls = \"off\"", 1, 1, "write it below [listen]"),
        ("\n[listen]\n  s4 = \"x\"", 3, 3, "s3, s3_tls"),
        ("[listen]\ns3 = \"9000\"", 2, 6, "127.0.0.1:9000"),
        ("[listen]\ns3 = \"localhost:9000\"", 2, 6, "IP address"),
        ("listen = 9000", 1, 10, "[listen]"),
        ("[listen]\ns3 = \"off\"", 2, 6, "neither"),
        ("[portal]\ncolour = \"#ffffff\"", 2, 10, "darker"),
        ("[portal]\norigins = [\"https://a.example\", \"b.example\"]", 2, 11, "scheme, host and port"),
        ("[portal]\nstore_url = \"https://a.example/s3\"", 2, 13, "scheme, host and port"),
        ("[operators]\npeople = [\"ann\", \"a b\"]", 2, 10, "user name"),
        ("[operators]\ngroups = \"t-o-managers\"", 2, 10, "roles in tenancies"),
        ("[listen]\nlegacy = \"127.0.0.1:9000\"", 2, 10, "taken by listen.s3"),
        ("[listen]\n\ns3_tls = \"127.0.0.1:9443\"", 3, 10, "tls.certificates"),
        ("[listen]\ns3 = \"127.0.0.1:1\"\nmetrics = \"127.0.0.1:1\"", 3, 11, "taken by listen.s3"),
        ("[domains]\ninternal = [\"a.example\", \"http://b\"]", 2, 12, "without scheme"),
        ("[domains]\ninternal = 7", 2, 12, "a domain, or a list"),
        ("[domains]\nexternal = [\"s3.localhost\"]", 2, 12, "domains.internal too"),
        ("default_tenancy = \"Big\"", 1, 19, "lower-case"),
        ("[s3]\nregion = \"über\"", 2, 10, "us-east-1"),
        ("[tls]\ncertificates = [{ cert = \"a\" }]", 2, 17, "key"),
        ("[tls]\ncertificates = [{ cert = \"a\", kye = \"b\" }]", 2, 31, "kye"),
        ("[log]\nformat = \"xml\"", 2, 10, "text"),
        ("[log]\nlevel = \"info,=x=\"", 2, 9, "warn, info"),
        ("[limits]\nconnections = 0", 2, 15, "1 to 1000000"),
        ("[limits]\nconnections = -1", 2, 15, "whole number"),
        ("[limits]\nshutdown_timeout_seconds = 3601", 2, 28, "0 to 3600"),
        ("[limits]\n# ünïcödé\nidle_timeout_seconds = \"ü\" # x", 3, 24, "whole number"),
        ("[log\nlevel = 1", 1, 5, ""),
    ] {
        let error = load_text(text).expect_err(text);
        let Place::File { line: at_line, column: at_column, .. } = error.place else {
            panic!("{text}: {error} has no place");
        };
        assert_eq!((at_line, at_column), (line, column), "{text}: {error}");
        assert!(error.message.contains(part), "{text}: {error}");
        assert!(error.to_string().contains("commonhold.toml:"), "{error}");
    }
}

#[test]
fn variables_override_every_setting() {
    let config = load_with(
        "default_tenancy = \"from-file\"\n[listen]\ns3 = \"127.0.0.1:1\"\ns3_tls = \"127.0.0.1:2\"",
        &[
            ("COMMONHOLD_DATA_DIR", "/data"),
            ("COMMONHOLD_LISTEN_S3", "0.0.0.0:80"),
            ("COMMONHOLD_LISTEN_METRICS", "off"),
            ("COMMONHOLD_DEFAULT_TENANCY", ""),
            ("COMMONHOLD_DOMAINS_INTERNAL", "a.example, b.example"),
            ("COMMONHOLD_TLS_CERTIFICATES", "[{ cert = \"a.pem\", key = \"a.key\" }]"),
            ("COMMONHOLD_LOG_FORMAT", "json"),
            ("COMMONHOLD_LIMITS_CONNECTIONS", "7"),
        ],
    )
    .expect("good");
    assert_eq!(config.data_dir, PathBuf::from("/data"));
    assert_eq!(config.listen.s3.to_string(), "0.0.0.0:80");
    assert_eq!(config.listen.s3_tls.to_string(), "127.0.0.1:2");
    assert_eq!(config.listen.metrics, Listen::Off);
    assert_eq!(config.default_tenancy.expect("the file's").as_str(), "from-file");
    assert_eq!(config.domains.internal.iter().map(Domain::as_str).collect::<Vec<_>>(), ["a.example", "b.example"]);
    assert_eq!(config.tls.certificates[0].key, PathBuf::from("a.key"));
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.limits.connections, 7);
}

#[test]
fn a_mistake_in_a_variable_names_it() {
    for (variable, value, part) in [
        ("COMMONHOLD_LISTEN_S3", "9000", "127.0.0.1:9000"),
        ("COMMONHOLD_LIMITS_CONNECTIONS", "many", "whole number"),
        ("COMMONHOLD_LIMITS_CONNECTIONS", "0", "out of range"),
        ("COMMONHOLD_TLS_CERTIFICATES", "a.pem", "TOML array"),
        ("COMMONHOLD_DOMAINS_EXTERNAL", "a,,b", "no domain"),
    ] {
        let error = load(None, &environment(&[(variable, value)])).expect_err(value);
        assert_eq!(error.place, Place::Variable(variable.to_owned()), "{error}");
        assert!(error.message.contains(part), "{error}");
    }
}

#[test]
fn strange_variables_are_noticed() {
    let names = environment(&[
        ("COMMONHOLD_LISTEN_S4", "x"),
        ("COMMONHOLD_LISTEN_S3", "x"),
        ("COMMONHOLD_MASTER_KEY", "x"),
        ("PATH", "x"),
    ]);
    assert_eq!(unknown_variables(&names), ["COMMONHOLD_LISTEN_S4"]);
}

#[test]
fn paths_of_the_file_start_from_its_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.toml");
    let text = "data_dir = \"data\"\n[listen]\nadmin_socket = \"/run/a.sock\"\n[tls]\ncertificates = [{ cert = \"c\", key = \"/k\" }]";
    std::fs::write(&path, text).expect("written");
    let config = load(Some(&path), &Environment::new()).expect("good");
    assert_eq!(config.data_dir, folder.path().join("data"));
    assert_eq!(config.admin_socket_path(), Path::new("/run/a.sock"));
    assert_eq!(config.tls.certificates[0].cert, folder.path().join("c"));
    assert_eq!(config.tls.certificates[0].key, Path::new("/k"));
    let missing = load(Some(Path::new("/nonexistent.toml")), &Environment::new()).expect_err("not there");
    assert!(missing.to_string().starts_with("/nonexistent.toml: "), "{missing}");
}

#[test]
fn what_is_shown_loads_again() {
    let text = "data_dir = \"/d\"\ndefault_tenancy = \"t\"\n[tls]\ncertificates = [{ cert = \"/c\", key = \"/k\" }]\n[log]\nlevel = \"a=warn\"";
    let config = load_text(text).expect("good");
    let shown = show(&config);
    assert_eq!(load_text(&shown).expect(&shown), config);
}

#[test]
fn the_reference_page_is_the_settings() {
    for section in &SECTIONS {
        for setting in section.settings {
            assert!(!setting.text.is_empty(), "{} has no text", section.path(setting));
        }
    }
    assert!(reference() == PAGE, "docs/configuration.md is old: cargo run -- config reference > docs/configuration.md");
}
