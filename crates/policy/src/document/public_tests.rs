use crate::Policy;
use crate::fixture::document;

/// The statement's elements beside action and resource, and whether the policy is public.
#[test]
fn the_meaning_of_public() {
    let everyone = r#""Effect": "Allow", "Principal": "*""#;
    let condition = |text: &str| format!(r#"{everyone}, "Condition": {text}"#);
    for (elements, expected) in [
        (everyone.to_owned(), true),
        (r#""Effect": "Deny", "Principal": "*""#.to_owned(), false),
        (r#""Effect": "Allow", "Principal": {"AWS": "*"}"#.to_owned(), true),
        (r#""Effect": "Allow", "Principal": {"anonymous": ["*"]}"#.to_owned(), true),
        (r#""Effect": "Allow", "Principal": {"user": ["*"]}"#.to_owned(), true),
        (r#""Effect": "Allow", "Principal": {"user": ["*+lab-o"]}"#.to_owned(), false),
        (r#""Effect": "Allow", "Principal": {"group": ["lab-o-members"]}"#.to_owned(), false),
        (r#""Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::lab-o:root"}"#.to_owned(), false),
        (r#""Effect": "Deny", "NotPrincipal": {"user": ["bob"]}"#.to_owned(), false),
        (condition(r#"{"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}"#), false),
        (condition(r#"{"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "10.0.0.0/8"]}}"#), false),
        (condition(r#"{"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}"#), true),
        (condition(r#"{"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "0.0.0.0/1"]}}"#), true),
        (condition(r#"{"IpAddress": {"aws:SourceIp": "2001:db8::/32"}}"#), false),
        (condition(r#"{"IpAddress": {"aws:SourceIp": "2000::/3"}}"#), true),
        (condition(r#"{"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}"#), true),
        (condition(r#"{"IpAddressIfExists": {"aws:SourceIp": "192.0.2.0/24"}}"#), true),
        (condition(r#"{"StringEquals": {"aws:username": "bob"}}"#), false),
        (condition(r#"{"StringLike": {"aws:username": "b*"}}"#), true),
        (condition(r#"{"StringLike": {"aws:username": "bob"}}"#), false),
        (condition(r#"{"StringEquals": {"aws:username": "${aws:userid}"}}"#), true),
        (condition(r#"{"StringNotEquals": {"aws:username": "bob"}}"#), true),
        (condition(r#"{"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::lab-o:user/bob"}}"#), false),
        (condition(r#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::lab-o:user/*"}}"#), true),
        (condition(r#"{"StringEquals": {"aws:PrincipalAccount": "lab-o"}}"#), false),
        (condition(r#"{"ForAnyValue:StringEquals": {"commonhold:Groups": "qa"}}"#), false),
        (condition(r#"{"ForAllValues:StringEquals": {"commonhold:Groups": "qa"}}"#), true),
        (condition(r#"{"StringLike": {"aws:Referer": "https://example.org/*"}}"#), true),
        (condition(r#"{"Bool": {"aws:SecureTransport": true}}"#), true),
    ] {
        let document = document(&format!(r#"{elements}, "Action": "s3:GetObject", "Resource": "*""#));
        let policy = Policy::parse(document.as_bytes()).unwrap_or_else(|error| panic!("{error}: {document}"));
        assert_eq!(policy.is_public(), expected, "{elements}");
    }
}
