use proptest::prelude::{Just, Strategy};
use proptest::{prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::{Cors, CorsError, CorsMethod, CorsPattern, CorsRequest, CorsRule, MAX_ID_CHARACTERS, MAX_RULES};

fn patterns(texts: &[&str]) -> Vec<CorsPattern> {
    texts.iter().copied().map(CorsPattern::from).collect()
}

fn rule(origins: &[&str], methods: &[CorsMethod], headers: &[&str]) -> CorsRule {
    CorsRule {
        origins: patterns(origins),
        methods: methods.to_vec(),
        headers: patterns(headers),
        ..CorsRule::default()
    }
}

/// The configuration of the user guide's example, and what it says of requests.
#[test]
fn the_first_rule_that_matches_answers() {
    use CorsMethod::{Delete, Get, Post, Put};
    let cors = Cors::new(vec![
        rule(&["http://www.example1.com"], &[Put, Post, Delete], &["*"]),
        rule(&["http://*.example2.com", "https://start*end"], &[Put], &["x-amz-*", "Content-Type"]),
        rule(&["*"], &[Get], &[]),
    ])
    .expect("rules");
    for (origin, method, headers, expected) in [
        ("http://www.example1.com", "PUT", Some("x-anything, Y"), Some("http://www.example1.com")),
        ("http://www.example1.com", "GET", None, Some("*")),
        ("http://www.example1.com", "HEAD", None, None),
        ("HTTP://www.example1.com", "PUT", None, None),
        ("http://www.example1.com:80", "PUT", None, None),
        ("http://a.b.example2.com", "PUT", None, Some("http://*.example2.com")),
        ("http://example2.com", "PUT", None, None),
        ("https://startend", "PUT", None, Some("https://start*end")),
        ("https://starend", "PUT", None, None),
        ("http://a.example2.com", "PUT", Some("X-Amz-Date,content-type"), Some("http://*.example2.com")),
        ("http://a.example2.com", "PUT", Some("x-amz-date, authorization"), None),
        ("http://a.example2.com", "PUT", Some(" , "), Some("http://*.example2.com")),
        ("null", "GET", None, Some("*")),
        ("http://a", "GET", Some("range"), None),
        ("http://a", "get", None, None),
        ("http://a", "PATCH", None, None),
    ] {
        let found = cors.find(CorsRequest { origin, method, headers });
        let found = found.map(|(_, pattern)| pattern.as_str());
        assert_eq!(found, expected, "{origin} {method} {headers:?}");
    }
}

#[test]
fn what_is_no_rule_is_refused() {
    let good = || rule(&["*"], &[CorsMethod::Get], &["*"]);
    assert!(Cors::new(vec![good(); MAX_RULES]).is_ok());
    assert_eq!(Cors::new(vec![good(); MAX_RULES + 1]), Err(CorsError::TooManyRules));
    assert_eq!(Cors::new(Vec::new()), Err(CorsError::Incomplete));
    let with = |change: fn(&mut CorsRule)| {
        let mut changed = good();
        change(&mut changed);
        Cors::new(vec![good(), changed]).map(|_| ())
    };
    let unusable = |element, text: &str| Err(CorsError::Unusable { element, text: text.to_owned() });
    for (change, expected) in [
        ((|rule| rule.id = Some("é".repeat(MAX_ID_CHARACTERS))) as fn(&mut CorsRule), Ok(())),
        (|rule| rule.id = Some("é".repeat(MAX_ID_CHARACTERS + 1)), Err(CorsError::LongId)),
        (|rule| rule.origins.clear(), Err(CorsError::Incomplete)),
        (|rule| rule.methods.clear(), Err(CorsError::Incomplete)),
        (|rule| rule.headers.clear(), Ok(())),
        (
            |rule| rule.origins = patterns(&["http://*.*"]),
            Err(CorsError::Wildcards { element: "AllowedOrigin", text: "http://*.*".to_owned() }),
        ),
        (
            |rule| rule.headers = patterns(&["**"]),
            Err(CorsError::Wildcards { element: "AllowedHeader", text: "**".to_owned() }),
        ),
        (|rule| rule.origins = patterns(&["http://a\r\nb"]), unusable("AllowedOrigin", "http://a\r\nb")),
        (|rule| rule.origins = patterns(&[""]), unusable("AllowedOrigin", "")),
        (|rule| rule.headers = patterns(&["a b"]), unusable("AllowedHeader", "a b")),
        (|rule| rule.expose = vec!["etag, x".to_owned()], unusable("ExposeHeader", "etag, x")),
        (|rule| rule.expose = vec!["x-*".to_owned()], Err(CorsError::ExposesWildcard("x-*".to_owned()))),
        (|rule| rule.expose = vec!["ETag".to_owned()], Ok(())),
    ] {
        assert_eq!(with(change), expected);
    }
}

/// Letters that make patterns meet texts often.
fn text() -> impl Strategy<Value = String> {
    "[ab]{0,5}"
}

proptest! {
    /// A pattern is for what its star can be filled in to, and for nothing else.
    #[test]
    fn a_star_is_any_text(start in text(), end in text(), between in text(), other in text()) {
        let pattern = CorsPattern::from(format!("{start}*{end}").as_str());
        let same = |left: &[u8], right: &[u8]| left == right;
        let filled = format!("{start}{between}{end}");
        prop_assert!(pattern.matches(&filled, same));
        let model = (0..=other.len()).any(|at| other[..at] == start && other[at..].ends_with(&end));
        prop_assert_eq!(pattern.matches(&other, same), model);
    }

    /// What is stored is read back as it was.
    #[test]
    fn rules_survive_their_record(
        methods in proptest::collection::vec(prop_oneof![Just(CorsMethod::Get), Just(CorsMethod::Delete)], 1..3),
        id in proptest::option::of(text()),
        max_age_secs in proptest::option::of(0..9_u32),
    ) {
        let mut rule = rule(&["http://*.a"], &methods, &[]);
        (rule.id, rule.max_age_secs) = (id, max_age_secs);
        let cors = Cors::new(vec![rule]).expect("rules");
        let record = serde_json::to_string(&cors).expect("a record");
        prop_assert_eq!(serde_json::from_str::<Cors>(&record).expect("read"), cors);
    }
}
