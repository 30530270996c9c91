use types::BucketName;

use crate::Policy;
use crate::fixture::{Ask, document};

fn about(resource: &str) -> Policy {
    let elements = format!(r#""Effect": "Allow", "Principal": "*", "Action": "s3:*", {resource}"#);
    Policy::parse(document(&elements).as_bytes()).unwrap_or_else(|error| panic!("{error}: {resource}"))
}

/// The element, and whether it means: bucket `data`, and in it the keys `a`, `a/b`, `home/bob/x`.
#[test]
fn what_a_resource_means() {
    for (resource, expected) in [
        (r#""Resource": "*""#, [true, true, true, true]),
        (r#""Resource": ["*"]"#, [true, true, true, true]),
        (r#""Resource": []"#, [false, false, false, false]),
        (r#""Resource": "arn:aws:s3:::*""#, [true, true, true, true]),
        (r#""Resource": "arn:aws:s3:::data""#, [true, false, false, false]),
        (r#""Resource": "arn:aws:s3:::data/*""#, [false, true, true, true]),
        (r#""Resource": ["arn:aws:s3:::data", "arn:aws:s3:::data/*"]"#, [true, true, true, true]),
        (r#""Resource": "arn:aws:s3:::data*""#, [true, true, true, true]),
        (r#""Resource": "arn:aws:s3::*:data""#, [true, false, false, false]),
        (r#""Resource": "arn:aws:s3::lab-o:data/*""#, [false, true, true, true]),
        (r#""Resource": "arn:aws:s3::other:data/*""#, [false, false, false, false]),
        (r#""Resource": "arn:aws-cn:s3:::data/a""#, [false, true, false, false]),
        (r#""Resource": "arn:aws:s3:::da?a/a""#, [false, true, false, false]),
        (r#""Resource": "arn:aws:s3:::data/a""#, [false, true, false, false]),
        (r#""Resource": "arn:aws:s3:::data/a*""#, [false, true, true, false]),
        (r#""Resource": "arn:aws:s3:::data/?""#, [false, true, false, false]),
        (r#""Resource": "arn:aws:s3:::data/*/*""#, [false, false, true, true]),
        (r#""Resource": "arn:aws:s3:::DATA/*""#, [false, false, false, false]),
        (r#""Resource": "arn:aws:s3:::data/home/${aws:username}/*""#, [false, false, false, true]),
        (r#""Resource": "arn:aws:s3:::data/${aws:username}/*""#, [false, false, false, false]),
        (r#""Resource": "arn:aws:s3:::other/*""#, [false, false, false, false]),
        (r#""Resource": "/*""#, [true, true, true, true]),
        (r#""Resource": "/""#, [true, false, false, false]),
        (r#""Resource": """#, [true, false, false, false]),
        (r#""Resource": "/data""#, [true, false, false, false]),
        (r#""Resource": "data/*""#, [true, true, true, true]),
        (r#""Resource": "/data/a*""#, [false, true, true, false]),
        (r#""Resource": "/a/*""#, [false, false, true, false]),
        (r#""Resource": "a""#, [false, true, false, false]),
        (r#""Resource": ["/a/*", "/home/*"]"#, [false, false, true, true]),
        (r#""NotResource": "arn:aws:s3:::data/*""#, [true, false, false, false]),
        (r#""NotResource": "arn:aws:s3:::data/a*""#, [true, false, false, true]),
        (r#""NotResource": "arn:aws:s3:::data/home/${aws:username}/*""#, [true, true, true, false]),
        (r#""NotResource": "/a/*""#, [true, true, false, true]),
        (r#""NotResource": "*""#, [false, false, false, false]),
        (r#""NotResource": []"#, [true, true, true, true]),
    ] {
        let policy = about(resource);
        let found = ["action=ListBucket key=", "key=a", "key=a/b", "key=home/bob/x"]
            .map(|question| Ask::parse(&format!("user=bob {question}")).is_allowed_by(&policy));
        assert_eq!(found, expected, "{resource}");
    }
}

#[test]
fn an_unknown_variable_means_nothing() {
    let policy = about(r#""Resource": "arn:aws:s3:::data/home/${aws:username}/*""#);
    assert!(!Ask::parse("key=home//x").is_allowed_by(&policy));
    assert!(!Ask::parse("key=home/${aws:username}/x").is_allowed_by(&policy));
    let literal = document(
        r#""Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "arn:aws:s3:::data/${aws:username}""#,
    );
    let old = Policy::parse(literal.replace("2012", "2008").as_bytes()).unwrap();
    assert!(Ask::parse("user=bob key=${aws:username}").is_allowed_by(&old));
    assert!(!Ask::parse("user=bob key=bob").is_allowed_by(&old));
}

#[test]
fn resources_that_are_not_understood_are_named() {
    for resource in [
        r#""Resource": null"#.to_owned(),
        r#""Resource": {"a": "b"}"#.to_owned(),
        r#""Resource": ["*", 5]"#.to_owned(),
        r#""Resource": "arn:aws:s3:::""#.to_owned(),
        r#""Resource": "arn:aws:sqs:::data""#.to_owned(),
        r#""Resource": "arn:aws:s3:eu-west-1::data""#.to_owned(),
        r#""Resource": "arn:*""#.to_owned(),
        r#""Resource": "arn:aws:s3:::""#.to_owned(),
        r#""Resource": "arn:aws:s3::Lab_O:data""#.to_owned(),
        r#""Resource": "arn:gcp:s3:::data""#.to_owned(),
        r#""Resource": "arn:aws:s3:::data/${""#.to_owned(),
        r#""Resource": "arn:aws:s3:::data/${aws:frob}""#.to_owned(),
        format!(r#""Resource": "arn:aws:s3:::data/{}""#, "x".repeat(2048)),
    ] {
        let elements = format!(r#""Effect": "Allow", "Principal": "*", "Action": "s3:*", {resource}"#);
        let error = Policy::parse(document(&elements).as_bytes()).expect_err(&resource);
        assert_eq!(error.element, "Statement[0].Resource", "{resource}: {error}");
    }
}

#[test]
fn a_policy_about_another_bucket_is_refused() {
    let bucket = BucketName::new("data").unwrap();
    for (resource, expected) in [
        (r#""Resource": "*""#, None),
        (r#""Resource": []"#, None),
        (r#""Resource": "/x""#, None),
        (r#""Resource": "arn:aws:s3:::data""#, None),
        (r#""Resource": "arn:aws:s3:::data/*""#, None),
        (r#""Resource": "arn:aws:s3:::da*""#, None),
        (r#""Resource": "arn:aws:s3:::*/x""#, None),
        (r#""Resource": "arn:aws:s3:::d?ta/x""#, None),
        (r#""Resource": "arn:aws:s3:::data/${aws:username}/*""#, None),
        (r#""Resource": "arn:aws:s3:::other""#, Some("Statement[0].Resource")),
        (r#""Resource": "arn:aws:s3:::other/*""#, Some("Statement[0].Resource")),
        (r#""Resource": ["arn:aws:s3:::data/*", "arn:aws:s3:::other/*"]"#, Some("Statement[0].Resource")),
        (r#""Resource": "arn:aws:s3:::ot*/x""#, Some("Statement[0].Resource")),
        (r#""Resource": "arn:aws:s3:::data2/*""#, Some("Statement[0].Resource")),
        (r#""NotResource": "arn:aws:s3:::other/*""#, Some("Statement[0].NotResource")),
    ] {
        let outcome = about(resource).check_resources(&bucket);
        assert_eq!(outcome.err().map(|error| error.element).as_deref(), expected, "{resource}");
    }
}
