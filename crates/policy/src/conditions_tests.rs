use serde_json::json;

use crate::fixture::{Ask, document};
use crate::{Policy, PolicyError};

/// A policy that allows everything to everyone under one condition, written `operator key value|value`.
fn under(condition: &str, version: &str) -> Result<Policy, PolicyError> {
    let mut words = condition.splitn(3, ' ');
    let (operator, key) = (words.next().unwrap(), words.next().unwrap());
    let values: Vec<_> = words.next().into_iter().flat_map(|values| values.split('|')).collect();
    let statement = json!({
        "Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": {operator: {key: values}}
    });
    Policy::parse(json!({"Version": version, "Statement": [statement]}).to_string().as_bytes())
}

fn check(rows: &[(&str, &str, bool)]) {
    for (condition, question, expected) in rows {
        let policy = under(condition, "2012-10-17").unwrap_or_else(|error| panic!("{condition}: {error}"));
        assert_eq!(Ask::parse(question).is_allowed_by(&policy), *expected, "{condition} / {question}");
    }
}

#[test]
fn string_operators() {
    check(&[
        ("StringEquals aws:username bob", "user=bob", true),
        ("StringEquals aws:username bob", "user=Bob", false),
        ("StringEquals aws:username ann|bob", "user=bob", true),
        ("StringEquals aws:username b*", "user=bob", false),
        ("StringEquals aws:username bob", "", false),
        ("StringEquals aws:username bo", "user=bob", false),
        ("StringNotEquals aws:username bob", "user=bob", false),
        ("StringNotEquals aws:username bob", "user=ann", true),
        ("StringNotEquals aws:username ann|bob", "user=bob", false),
        ("StringNotEquals aws:username bob", "", true),
        ("StringEqualsIgnoreCase aws:username BOB", "user=bob", true),
        ("StringEqualsIgnoreCase aws:username bob", "user=BoB", true),
        ("StringEqualsIgnoreCase aws:username bob", "user=bobby", false),
        ("StringEqualsIgnoreCase aws:username B*", "user=bob", false),
        ("StringNotEqualsIgnoreCase aws:username BOB", "user=bob", false),
        ("StringNotEqualsIgnoreCase aws:username BOB", "user=ann", true),
        ("StringLike aws:username b*", "user=bob", true),
        ("StringLike aws:username b?b", "user=bob", true),
        ("StringLike aws:username b?", "user=bob", false),
        ("StringLike aws:username B*", "user=bob", false),
        ("StringLike aws:username *", "user=bob", true),
        ("StringLike aws:username *", "", false),
        ("StringLike aws:username x*|b*", "user=bob", true),
        ("StringNotLike aws:username b*", "user=bob", false),
        ("StringNotLike aws:username b*", "user=ann", true),
        ("StringNotLike aws:username b*", "", true),
        ("StringEqualsIfExists aws:username bob", "", true),
        ("StringEqualsIfExists aws:username bob", "user=ann", false),
        ("StringEqualsIfExists aws:username bob", "user=bob", true),
        ("StringNotEqualsIfExists aws:username bob", "", true),
        ("StringNotEqualsIfExists aws:username bob", "user=bob", false),
        ("StringLikeIfExists s3:x-amz-acl public-*", "", true),
        ("StringLikeIfExists s3:x-amz-acl public-*", "h:x-amz-acl=public-read", true),
        ("StringLikeIfExists s3:x-amz-acl public-*", "h:x-amz-acl=private", false),
        ("StringEquals aws:SecureTransport true", "tls=yes", true),
        ("StringEquals aws:SourceIp 192.0.2.7", "ip=192.0.2.7", true),
        ("StringLike aws:SourceIp 192.0.2.*", "ip=192.0.2.7", true),
        ("StringEquals s3:max-keys 10", "q:max-keys=10", true),
    ]);
}

#[test]
fn numeric_operators() {
    check(&[
        ("NumericEquals s3:max-keys 10", "q:max-keys=10", true),
        ("NumericEquals s3:max-keys 10.0", "q:max-keys=10", true),
        ("NumericEquals s3:max-keys 10|20", "q:max-keys=20", true),
        ("NumericEquals s3:max-keys 10", "q:max-keys=11", false),
        ("NumericEquals s3:max-keys 10", "q:max-keys=ten", false),
        ("NumericEquals s3:max-keys 10", "", false),
        ("NumericNotEquals s3:max-keys 10", "q:max-keys=10", false),
        ("NumericNotEquals s3:max-keys 10", "q:max-keys=11", true),
        ("NumericNotEquals s3:max-keys 10", "", true),
        ("NumericLessThan s3:max-keys 10", "q:max-keys=9", true),
        ("NumericLessThan s3:max-keys 10", "q:max-keys=10", false),
        ("NumericLessThan s3:max-keys 10|20", "q:max-keys=15", true),
        ("NumericLessThanEquals s3:max-keys 10", "q:max-keys=10", true),
        ("NumericLessThanEquals s3:max-keys 10", "q:max-keys=11", false),
        ("NumericGreaterThan s3:max-keys 10", "q:max-keys=11", true),
        ("NumericGreaterThan s3:max-keys 10", "q:max-keys=10", false),
        ("NumericGreaterThanEquals s3:max-keys 10", "q:max-keys=10", true),
        ("NumericGreaterThanEquals s3:max-keys -1", "q:max-keys=0", true),
        ("NumericLessThanIfExists s3:max-keys 10", "", true),
        ("NumericLessThanIfExists s3:max-keys 10", "q:max-keys=11", false),
        ("NumericGreaterThan s3:signatureAge 600000", "signed=2026-07-01T00:00:00Z now=2026-07-01T00:10:01Z", true),
        ("NumericGreaterThan s3:signatureAge 600000", "signed=2026-07-01T00:00:00Z now=2026-07-01T00:10:00Z", false),
        ("NumericGreaterThan s3:signatureAge 600000", "now=2026-07-01T00:10:00Z", false),
        ("NumericGreaterThan aws:EpochTime 1782864000", "now=2026-07-01T00:00:01Z", true),
        ("NumericGreaterThan aws:EpochTime 1782864000", "now=2026-07-01T00:00:00Z", false),
    ]);
}

#[test]
fn date_operators() {
    check(&[
        ("DateEquals aws:CurrentTime 2026-07-01", "now=2026-07-01T00:00:00.900Z", true),
        ("DateEquals aws:CurrentTime 2026-07-01", "now=2026-07-01T00:00:01Z", false),
        ("DateNotEquals aws:CurrentTime 2026-07-01", "now=2026-07-01T00:00:00Z", false),
        ("DateNotEquals aws:CurrentTime 2026-07-01", "now=2026-07-02T00:00:00Z", true),
        ("DateLessThan aws:CurrentTime 2026-07-01T12:00:00Z", "now=2026-07-01T11:59:59Z", true),
        ("DateLessThan aws:CurrentTime 2026-07-01T12:00:00Z", "now=2026-07-01T12:00:00Z", false),
        ("DateLessThan aws:CurrentTime 2026-07-01T12:00:00+02:00", "now=2026-07-01T11:00:00Z", false),
        ("DateLessThanEquals aws:CurrentTime 2026-07-01T12:00:00Z", "now=2026-07-01T12:00:00Z", true),
        ("DateGreaterThan aws:CurrentTime 2026-07-01", "now=2026-07-02T00:00:00Z", true),
        ("DateGreaterThan aws:CurrentTime 2026-07-01", "now=2026-07-01T00:00:00Z", false),
        ("DateGreaterThanEquals aws:CurrentTime 2026-07-01", "now=2026-07-01T00:00:00Z", true),
        ("DateGreaterThan aws:CurrentTime 1782864000", "now=2026-07-01T00:00:01Z", true),
        ("DateLessThan aws:EpochTime 2026-07-01", "now=2026-06-30T00:00:00Z", true),
        ("DateLessThan aws:EpochTime 1782864000", "now=2026-06-30T00:00:00Z", true),
        ("DateLessThan aws:CurrentTime 2026-07-01", "", false),
        ("DateLessThanIfExists aws:CurrentTime 2026-07-01", "", true),
        ("DateGreaterThan aws:TokenIssueTime 2026-07-01", "issued=2026-07-02", true),
        ("DateGreaterThan aws:TokenIssueTime 2026-07-01", "issued=2026-06-02", false),
        ("DateGreaterThan aws:TokenIssueTime 2026-07-01", "now=2026-07-02", false),
    ]);
}

#[test]
fn bool_null_and_binary_operators() {
    check(&[
        ("Bool aws:SecureTransport true", "tls=yes", true),
        ("Bool aws:SecureTransport true", "tls=no", false),
        ("Bool aws:SecureTransport false", "tls=no", true),
        ("Bool aws:SecureTransport FALSE", "tls=no", true),
        ("Bool aws:SecureTransport true|false", "tls=no", true),
        ("Bool aws:SecureTransport true", "", false),
        ("BoolIfExists aws:SecureTransport true", "", true),
        ("BoolIfExists aws:SecureTransport true", "tls=no", false),
        ("Bool aws:PrincipalIsAWSService false", "", true),
        ("Bool aws:ViaAWSService true", "", false),
        ("Null aws:username true", "", true),
        ("Null aws:username true", "user=bob", false),
        ("Null aws:username false", "user=bob", true),
        ("Null aws:username false", "", false),
        ("Null s3:ExistingObjectTag/project true", "", true),
        ("Null s3:x-amz-acl false", "h:x-amz-acl=private", true),
        ("Null commonhold:Groups true", "", false),
        ("BinaryEquals aws:UserAgent Ym90bzM=", "h:user-agent=boto3", true),
        ("BinaryEquals aws:UserAgent Ym90bzM=", "h:user-agent=boto4", false),
        ("BinaryEquals aws:UserAgent AAAA|Ym90bzM=", "h:user-agent=boto3", true),
        ("BinaryEquals aws:UserAgent Ym90bzM=", "", false),
        ("BinaryEqualsIfExists aws:UserAgent Ym90bzM=", "", true),
    ]);
}

#[test]
fn address_operators() {
    check(&[
        ("IpAddress aws:SourceIp 192.0.2.0/24", "ip=192.0.2.7", true),
        ("IpAddress aws:SourceIp 192.0.2.0/24", "ip=198.51.100.7", false),
        ("IpAddress aws:SourceIp 192.0.2.7", "ip=192.0.2.7", true),
        ("IpAddress aws:SourceIp 10.0.0.0/8|192.0.2.0/24", "ip=192.0.2.7", true),
        ("IpAddress aws:SourceIp 192.0.2.0/24", "ip=::ffff:192.0.2.7", true),
        ("IpAddress aws:SourceIp 192.0.2.0/24", "ip=2001:db8::7", false),
        ("IpAddress aws:SourceIp 2001:db8::/32", "ip=2001:db8::7", true),
        ("IpAddress aws:SourceIp 2001:db8::/32", "ip=2001:db9::7", false),
        ("IpAddress aws:SourceIp 192.0.2.0/24", "", false),
        ("IpAddressIfExists aws:SourceIp 192.0.2.0/24", "", true),
        ("NotIpAddress aws:SourceIp 192.0.2.0/24", "ip=192.0.2.7", false),
        ("NotIpAddress aws:SourceIp 192.0.2.0/24", "ip=198.51.100.7", true),
        ("NotIpAddress aws:SourceIp 192.0.2.0/24|198.51.100.0/24", "ip=198.51.100.7", false),
        ("NotIpAddress aws:SourceIp 192.0.2.0/24", "ip=2001:db8::7", true),
        ("NotIpAddress aws:SourceIp 192.0.2.0/24", "", true),
    ]);
}

#[test]
fn arn_operators() {
    check(&[
        ("ArnEquals aws:PrincipalArn arn:aws:iam::lab-o:user/bob", "user=bob role=USER", true),
        ("ArnEquals aws:PrincipalArn arn:aws:iam::lab-o:user/bob", "user=bob", false),
        ("ArnEquals aws:PrincipalArn arn:aws:iam:::user/bob", "user=bob", true),
        ("ArnEquals aws:PrincipalArn arn:aws:iam::lab-o:user/b*", "user=bob role=USER", true),
        ("ArnLike aws:PrincipalArn arn:aws:iam::*:user/b?b", "user=bob role=USER", true),
        ("ArnLike aws:PrincipalArn arn:*:*:*:*:bob", "user=bob", false),
        (
            "ArnLike aws:PrincipalArn arn:aws:iam::lab-o:user/ann|arn:aws:iam::lab-o:user/bob",
            "user=bob role=USER",
            true,
        ),
        ("ArnLike aws:PrincipalArn arn:aws:iam::lab-o:user/*", "", false),
        ("ArnLikeIfExists aws:PrincipalArn arn:aws:iam::lab-o:user/*", "", true),
        ("ArnNotEquals aws:PrincipalArn arn:aws:iam::lab-o:user/bob", "user=bob role=USER", false),
        ("ArnNotLike aws:PrincipalArn arn:aws:iam::lab-o:user/a*", "user=bob role=USER", true),
        ("ArnNotLike aws:PrincipalArn arn:aws:iam::lab-o:user/a*", "", true),
        ("ArnLike aws:PrincipalArn arn:aws:iam::${aws:PrincipalAccount}:user/*", "user=bob role=USER", true),
    ]);
}

#[test]
fn operators_on_many_values() {
    check(&[
        ("ForAnyValue:StringEquals commonhold:Groups ops|qa", "groups=dev,qa", true),
        ("ForAnyValue:StringEquals commonhold:Groups ops|qa", "groups=dev", false),
        ("ForAnyValue:StringLike commonhold:Groups lab-*", "groups=dev,lab-x", true),
        ("ForAnyValue:StringNotEquals commonhold:Groups qa", "groups=dev,qa", true),
        ("ForAnyValue:StringNotEquals commonhold:Groups qa", "groups=qa", false),
        ("ForAllValues:StringEquals commonhold:Groups ops|qa", "groups=qa,ops", true),
        ("ForAllValues:StringEquals commonhold:Groups ops|qa", "groups=qa,dev", false),
        ("ForAllValues:StringEquals commonhold:Groups ops|qa", "", true),
        ("ForAllValues:StringNotLike commonhold:Groups ext-*", "groups=qa,dev", true),
        ("ForAllValues:StringNotLike commonhold:Groups ext-*", "groups=qa,ext-1", false),
        ("ForAnyValue:StringEquals s3:RequestObjectTagKeys a", "", false),
        ("ForAnyValue:StringNotEquals s3:RequestObjectTagKeys a", "", false),
        ("ForAnyValue:StringEqualsIfExists s3:RequestObjectTagKeys a", "", true),
        ("ForAllValues:StringEquals s3:RequestObjectTagKeys a", "", true),
        ("ForAnyValue:StringEquals aws:username bob", "user=bob", true),
        ("ForAnyValue:StringEquals aws:username bob", "", false),
        ("ForAllValues:StringEquals aws:username bob", "", true),
        ("ForAllValues:StringEquals aws:username bob", "user=ann", false),
    ]);
}

#[test]
fn every_key_answers() {
    check(&[
        ("StringEquals aws:userid bob", "user=bob", true),
        ("StringEquals aws:userid anonymous", "", true),
        ("StringEquals aws:PrincipalType Anonymous", "", true),
        ("StringEquals aws:PrincipalType User", "user=bob", true),
        ("StringEquals aws:PrincipalAccount lab-o", "user=bob role=USER", true),
        ("StringEquals aws:PrincipalAccount lab-o", "user=bob", false),
        ("StringEquals aws:ResourceAccount lab-o", "", true),
        ("StringEquals s3:ResourceAccount lab-x", "", false),
        ("StringEquals commonhold:Role USER", "user=bob role=USER", true),
        ("StringEquals commonhold:Role USER", "user=bob", false),
        ("StringEquals AWS:UserName bob", "user=bob", true),
        ("StringLike aws:Referer https://example.org/*", "h:referer=https://example.org/a", true),
        ("StringLike aws:Referer https://example.org/*", "h:referer=https://example.com/a", false),
        ("StringLike aws:Referer https://example.org/*", "", false),
        ("StringLike Referer *example.com", "h:referer=https://example.com", true),
        ("StringLike aws:UserAgent *rclone*", "h:user-agent=x-rclone/1", true),
        ("StringEquals s3:prefix home/", "q:prefix=home/ action=ListBucket key=", true),
        ("StringEquals s3:prefix home/", "action=ListBucket key=", false),
        ("StringLike s3:prefix home/*|", "q:prefix= action=ListBucket key=", true),
        ("StringEquals s3:delimiter /", "q:delimiter=/ action=ListBucket key=", true),
        ("StringEquals s3:VersionId null", "version=null action=GetObjectVersion", true),
        ("StringEquals s3:VersionId null", "", false),
        ("StringEquals s3:signatureversion AWS4-HMAC-SHA256", "user=bob signed=2026-07-01", true),
        ("StringEquals s3:signatureversion AWS", "user=bob v2=2026-07-01", true),
        ("StringEquals s3:signatureversion AWS", "user=bob signed=2026-07-01", false),
        ("StringEquals s3:authType REST-HEADER", "user=bob signed=2026-07-01", true),
        ("StringEquals s3:authType REST-QUERY-STRING", "user=bob v2=2026-07-01", true),
        ("StringEquals s3:authType REST-HEADER", "", false),
        ("StringEquals s3:x-amz-acl bucket-owner-full-control", "h:x-amz-acl=bucket-owner-full-control", true),
        ("StringEquals s3:x-amz-acl bucket-owner-full-control", "", false),
        ("StringLike s3:x-amz-grant-full-control id=*", "h:x-amz-grant-full-control=id=ann", true),
        ("StringEquals s3:x-amz-grant-read id=ann", "h:x-amz-grant-read=id=ann", true),
        ("StringEquals s3:x-amz-grant-read-acp id=ann", "h:x-amz-grant-read-acp=id=ann", true),
        ("StringEquals s3:x-amz-grant-write id=ann", "h:x-amz-grant-write=id=ann", true),
        ("StringEquals s3:x-amz-grant-write-acp id=ann", "h:x-amz-grant-write-acp=id=ann", true),
        ("StringEquals s3:x-amz-content-sha256 UNSIGNED-PAYLOAD", "h:x-amz-content-sha256=UNSIGNED-PAYLOAD", true),
        ("StringLike s3:x-amz-copy-source data/pub/*", "h:x-amz-copy-source=/data/pub/x", true),
        ("StringLike s3:x-amz-copy-source data/pub/*", "h:x-amz-copy-source=data/%70ub/x?versionId=null", true),
        ("StringLike s3:x-amz-copy-source data/pub/*", "h:x-amz-copy-source=data/priv/x", false),
        ("StringEquals s3:x-amz-metadata-directive REPLACE", "h:x-amz-metadata-directive=REPLACE", true),
        ("StringEquals s3:x-amz-object-ownership ObjectWriter", "h:x-amz-object-ownership=ObjectWriter", true),
        ("StringEquals s3:x-amz-server-side-encryption AES256", "h:x-amz-server-side-encryption=AES256", true),
        ("StringEquals s3:x-amz-storage-class STANDARD", "h:x-amz-storage-class=STANDARD", true),
        ("StringLike s3:x-amz-website-redirect-location /*", "h:x-amz-website-redirect-location=/a", true),
        ("StringEquals s3:if-none-match *", "h:if-none-match=*", true),
        ("Null s3:if-none-match false", "", false),
        ("StringEquals s3:ExistingObjectTag/project x", "", false),
        ("StringNotEquals s3:RequestObjectTag/project x", "", true),
    ]);
}

#[test]
fn variables_stand_for_what_the_request_has() {
    check(&[
        ("StringEquals s3:prefix home/${aws:username}/", "user=bob q:prefix=home/bob/", true),
        ("StringEquals s3:prefix home/${aws:username}/", "user=ann q:prefix=home/bob/", false),
        ("StringEquals s3:prefix home/${aws:username}/", "q:prefix=home//", false),
        ("StringLike s3:prefix home/${aws:username}/*", "user=bob q:prefix=home/bob/2026", true),
        ("StringLike s3:prefix ${AWS:UserName}*", "user=bob q:prefix=bob/2026", true),
        ("StringEquals s3:prefix ${aws:username, 'guest'}", "q:prefix=guest", true),
        ("StringEquals s3:prefix ${aws:username, 'guest'}", "user=bob q:prefix=guest", false),
        ("StringEquals s3:prefix ${aws:username,''}", "q:prefix=", true),
        ("StringEquals s3:prefix ${aws:username}${aws:username}", "user=bob q:prefix=bobbob", true),
        ("StringNotEquals s3:prefix ${aws:username}", "q:prefix=x", true),
        ("StringLike s3:prefix a${*}b", "q:prefix=a*b", true),
        ("StringLike s3:prefix a${*}b", "q:prefix=aXb", false),
        ("StringLike s3:prefix a${?}b", "q:prefix=a?b", true),
        ("StringLike s3:prefix a${?}b", "q:prefix=aXb", false),
        ("StringEquals s3:prefix ${$}{x}", "q:prefix=${x}", true),
        ("StringEquals s3:prefix $5", "q:prefix=$5", true),
        ("StringEqualsIgnoreCase s3:prefix HOME/${aws:username}", "user=Bob q:prefix=home/bOB", true),
        // A wildcard in what the request says is a character like any other.
        ("StringLike aws:UserAgent ${s3:prefix}", "q:prefix=* h:user-agent=x", false),
        ("StringLike aws:UserAgent ${s3:prefix}", "q:prefix=* h:user-agent=*", true),
    ]);
    let old = under("StringEquals s3:prefix ${aws:username}", "2008-10-17").unwrap();
    assert!(Ask::parse("user=bob q:prefix=${aws:username}").is_allowed_by(&old));
    assert!(!Ask::parse("user=bob q:prefix=bob").is_allowed_by(&old));
}

#[test]
fn all_conditions_of_a_statement_must_hold() {
    let policy = Policy::parse(
        document(
            r#""Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*", "Condition": {
                "IpAddress": {"aws:SourceIp": "192.0.2.0/24"},
                "StringEquals": {"aws:username": ["bob", "ann"], "s3:signatureversion": "AWS4-HMAC-SHA256"},
                "NumericLessThanIfExists": {"s3:max-keys": 10},
                "Bool": {"aws:SecureTransport": true}}"#,
        )
        .as_bytes(),
    )
    .unwrap();
    for (question, expected) in [
        ("user=bob ip=192.0.2.7 signed=2026-07-01 tls=yes", true),
        ("user=eve ip=192.0.2.7 signed=2026-07-01 tls=yes", false),
        ("user=bob ip=192.0.3.7 signed=2026-07-01 tls=yes", false),
        ("user=bob ip=192.0.2.7 v2=2026-07-01 tls=yes", false),
        ("user=bob ip=192.0.2.7 signed=2026-07-01 tls=no", false),
        ("user=bob ip=192.0.2.7 signed=2026-07-01 tls=yes q:max-keys=11", false),
        ("user=bob ip=192.0.2.7 signed=2026-07-01 tls=yes q:max-keys=9", true),
    ] {
        assert_eq!(Ask::parse(question).is_allowed_by(&policy), expected, "{question}");
    }
}

#[test]
fn conditions_that_are_not_understood_are_named() {
    let condition = |text: &str| {
        let elements = r#""Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*""#;
        Policy::parse(document(&format!(r#"{elements}, "Condition": {text}"#)).as_bytes())
    };
    for (text, element) in [
        (r#"[]"#, ""),
        (r#"{"StringLke": {"aws:username": "b"}}"#, ".StringLke"),
        (r#"{"StringLke": {}}"#, ".StringLke"),
        (r#"{"stringequals": {"aws:username": "b"}}"#, ".stringequals"),
        (r#"{"StringEquals": "x"}"#, ".StringEquals"),
        (r#"{"StringEquals": {"aws:usernam": "b"}}"#, ".StringEquals.aws:usernam"),
        (r#"{"StringEquals": {"aws:SourceVpc": "b"}}"#, ".StringEquals.aws:SourceVpc"),
        (r#"{"StringEquals": {"aws:MultiFactorAuthPresent": "true"}}"#, ".StringEquals.aws:MultiFactorAuthPresent"),
        (r#"{"StringEquals": {"s3:ExistingObjectTag/": "b"}}"#, ".StringEquals.s3:ExistingObjectTag/"),
        (r#"{"StringEquals": {"aws:username": null}}"#, ".StringEquals.aws:username"),
        (r#"{"StringEquals": {"aws:username": {"a": "b"}}}"#, ".StringEquals.aws:username"),
        (r#"{"StringEquals": {"aws:username": [["b"]]}}"#, ".StringEquals.aws:username"),
        (r#"{"StringEquals": {"aws:username": "${"}}"#, ".StringEquals.aws:username"),
        (r#"{"StringEquals": {"aws:username": "${aws:frob}"}}"#, ".StringEquals.aws:username"),
        (r#"{"StringEquals": {"aws:username": "${aws:userid, x}"}}"#, ".StringEquals.aws:username"),
        (r#"{"StringEquals": {"aws:username": "${commonhold:Groups}"}}"#, ".StringEquals.aws:username"),
        (r#"{"StringEquals": {"commonhold:Groups": "qa"}}"#, ".StringEquals.commonhold:Groups"),
        (r#"{"NumericEquals": {"s3:max-keys": "ten"}}"#, ".NumericEquals.s3:max-keys"),
        (r#"{"NumericEquals": {"s3:max-keys": "NaN"}}"#, ".NumericEquals.s3:max-keys"),
        (r#"{"NumericEquals": {"aws:username": "1"}}"#, ".NumericEquals.aws:username"),
        (r#"{"NumericFrob": {"s3:max-keys": "1"}}"#, ".NumericFrob"),
        (r#"{"DateEquals": {"aws:CurrentTime": "today"}}"#, ".DateEquals.aws:CurrentTime"),
        (r#"{"DateEquals": {"s3:prefix": "2026-07-01"}}"#, ".DateEquals.s3:prefix"),
        (r#"{"Bool": {"aws:SecureTransport": "yes"}}"#, ".Bool.aws:SecureTransport"),
        (r#"{"Bool": {"aws:username": "true"}}"#, ".Bool.aws:username"),
        (r#"{"Null": {"aws:username": "maybe"}}"#, ".Null.aws:username"),
        (r#"{"Null": {"aws:username": ["true", "false"]}}"#, ".Null.aws:username"),
        (r#"{"NullIfExists": {"aws:username": "true"}}"#, ".NullIfExists"),
        (r#"{"ForAnyValue:Null": {"aws:username": "true"}}"#, ".ForAnyValue:Null"),
        (r#"{"ForSomeValue:StringEquals": {"aws:username": "b"}}"#, ".ForSomeValue:StringEquals"),
        (r#"{"IpAddress": {"aws:SourceIp": "192.0.2.0/33"}}"#, ".IpAddress.aws:SourceIp"),
        (r#"{"IpAddress": {"aws:Referer": "192.0.2.0/24"}}"#, ".IpAddress.aws:Referer"),
        (r#"{"BinaryEquals": {"aws:UserAgent": "???"}}"#, ".BinaryEquals.aws:UserAgent"),
        (r#"{"BinaryEquals": {"aws:CurrentTime": "AAAA"}}"#, ".BinaryEquals.aws:CurrentTime"),
        (r#"{"ArnLike": {"aws:PrincipalArn": "arn:*:bob"}}"#, ".ArnLike.aws:PrincipalArn"),
        (r#"{"ArnLike": {"aws:username": "arn:aws:iam:::user/b"}}"#, ".ArnLike.aws:username"),
    ] {
        let error = condition(text).expect_err(text);
        assert_eq!(error.element, format!("Statement[0].Condition{element}"), "{text}: {error}");
    }
}

#[test]
fn numbers_and_booleans_may_stand_for_their_texts() {
    for (values, question, expected) in [
        (r#"{"Bool": {"aws:SecureTransport": true}}"#, "tls=yes", true),
        (r#"{"NumericLessThanEquals": {"s3:max-keys": 10}}"#, "q:max-keys=10", true),
        (r#"{"NumericLessThanEquals": {"s3:max-keys": [1.5, "2"]}}"#, "q:max-keys=2", true),
        (r#"{"StringEquals": {"aws:username": []}}"#, "user=bob", false),
        (r#"{"StringNotEquals": {"aws:username": []}}"#, "user=bob", true),
        (r#"{}"#, "", true),
    ] {
        let elements = r#""Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*""#;
        let policy = Policy::parse(document(&format!(r#"{elements}, "Condition": {values}"#)).as_bytes()).unwrap();
        assert_eq!(Ask::parse(question).is_allowed_by(&policy), expected, "{values} {question}");
    }
}
