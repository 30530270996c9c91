use crate::Policy;
use crate::fixture::{Ask, document};

fn allowing(principal: &str, effect: &str) -> Policy {
    let elements = format!(r#""Effect": "{effect}", {principal}, "Action": "s3:*", "Resource": "*""#);
    Policy::parse(document(&elements).as_bytes()).unwrap_or_else(|error| panic!("{error}: {principal}"))
}

/// The callers of the table below: nobody; bob, a USER of lab-o in group qa; eve, who is no member and in group
/// other-members and qa; meg, MANAGER of lab-o. None owns the bucket.
const CALLERS: [(&str, char); 4] = [
    ("", '-'),
    ("user=bob role=USER groups=lab-o-members,qa", 'b'),
    ("user=eve groups=other-members,qa", 'e'),
    ("user=meg role=MANAGER groups=lab-o-members", 'm'),
];

/// The element, and whom it allows: `-`, `b`, `e`, `m` as above. The manager is allowed by her role, so she is asked by
/// what a Deny of the same element does.
#[test]
fn whom_a_principal_means() {
    for (principal, expected) in [
        (r#""Principal": "*""#, "-bem"),
        (r#""Principal": {"AWS": "*"}"#, "-bem"),
        (r#""Principal": {"AWS": ["*"]}"#, "-bem"),
        (r#""Principal": {}"#, ""),
        (r#""Principal": {"AWS": []}"#, ""),
        (r#""Principal": {"AWS": "arn:aws:iam::lab-o:user/bob"}"#, "b"),
        (r#""Principal": {"AWS": "arn:aws:iam:::user/bob"}"#, "b"),
        (r#""Principal": {"AWS": "arn:aws:iam::123456789012:user/bob"}"#, "b"),
        (r#""Principal": {"AWS": "arn:aws-cn:iam:::user/bob"}"#, "b"),
        (r#""Principal": {"AWS": "arn:aws:iam::other:user/bob"}"#, ""),
        (r#""Principal": {"AWS": "arn:aws:iam::other:user/eve"}"#, "e"),
        (r#""Principal": {"AWS": "arn:aws:iam::lab-o:user/eve"}"#, ""),
        (r#""Principal": {"AWS": ["arn:aws:iam:::user/bob", "arn:aws:iam:::user/eve"]}"#, "be"),
        (r#""Principal": {"AWS": "arn:aws:iam:::group/qa"}"#, "be"),
        (r#""Principal": {"AWS": "arn:aws:iam::lab-o:group/qa"}"#, "b"),
        (r#""Principal": {"AWS": "arn:aws:iam::other:group/qa"}"#, "e"),
        (r#""Principal": {"AWS": "arn:aws:iam::lab-o:group/lab-o-members"}"#, "bm"),
        (r#""Principal": {"AWS": "arn:aws:iam::lab-o:root"}"#, "bm"),
        (r#""Principal": {"AWS": "arn:aws:iam:::root"}"#, "bm"),
        (r#""Principal": {"AWS": "arn:aws:iam::other:root"}"#, "e"),
        (r#""Principal": {"AWS": "arn:aws:iam::lab-o:role/USER"}"#, "b"),
        (r#""Principal": {"AWS": "arn:aws:iam::lab-o:role/MANAGER"}"#, "m"),
        (r#""Principal": {"AWS": "arn:aws:iam:::role/manager"}"#, "m"),
        (r#""Principal": {"AWS": "arn:aws:iam::other:role/USER"}"#, ""),
        (r#""Principal": {"CanonicalUser": "bob"}"#, "b"),
        (r#""Principal": {"CanonicalUser": ["bob", "meg"]}"#, "bm"),
        (r#""Principal": {"user": ["*"]}"#, "bem"),
        (r#""Principal": {"user": "*"}"#, "bem"),
        (r#""Principal": {"user": ["*@"]}"#, "bem"),
        (r#""Principal": {"user": ["*+lab-o"]}"#, "bm"),
        (r#""Principal": {"user": ["*@lab-o.s3.example.org"]}"#, "bm"),
        (r#""Principal": {"user": ["*@LAB-O.s3.example.org"]}"#, "bm"),
        (r#""Principal": {"user": ["*@other"]}"#, "e"),
        (r#""Principal": {"user": ["bob"]}"#, "b"),
        (r#""Principal": {"user": ["nobody", " bob "]}"#, "b"),
        (r#""Principal": {"user": ["bob@"]}"#, "b"),
        (r#""Principal": {"user": ["bob+lab-o"]}"#, "b"),
        (r#""Principal": {"user": ["bob@lab-o.s3.example.org"]}"#, "b"),
        (r#""Principal": {"user": ["bob+other"]}"#, ""),
        (r#""Principal": {"user": ["eve@other", "bob"]}"#, "be"),
        (r#""Principal": {"user": [""]}"#, ""),
        (r#""Principal": {"user": []}"#, ""),
        (r#""Principal": {"group": ["qa"]}"#, "be"),
        (r#""Principal": {"group": "qa"}"#, "be"),
        (r#""Principal": {"group": ["qa@"]}"#, "be"),
        (r#""Principal": {"group": [" qa+lab-o"]}"#, "b"),
        (r#""Principal": {"group": ["qa+lab-o"]}"#, "b"),
        (r#""Principal": {"group": ["qa@other.s3.example.org"]}"#, "e"),
        (r#""Principal": {"group": ["lab-o-members"]}"#, "bm"),
        (r#""Principal": {"group": [""]}"#, ""),
        (r#""Principal": {"group": ["dev"]}"#, ""),
        (r#""Principal": {"user": [], "group": ["lab-o-members"]}"#, "bm"),
        (r#""Principal": {"user": [""], "group": ["lab-o-members"]}"#, "bm"),
        (r#""Principal": {"user": ["eve"], "group": ["lab-o-members"]}"#, "bem"),
        (r#""Principal": {"user": ["eve"], "AWS": "arn:aws:iam:::user/bob"}"#, "be"),
        (r#""NotPrincipal": {"AWS": "arn:aws:iam:::user/bob"}"#, "-em"),
        (r#""NotPrincipal": {"user": ["bob", "eve"]}"#, "-m"),
        (r#""NotPrincipal": {"group": ["lab-o-members"]}"#, "-e"),
        (r#""NotPrincipal": {"anonymous": ["*"]}"#, "bem"),
        (r#""NotPrincipal": "*""#, ""),
    ] {
        let deny = allowing(principal, "Deny");
        let allow = (!principal.contains("Not")).then(|| allowing(principal, "Allow"));
        let means = |question: &str, letter: char| {
            let ask = Ask::parse(question);
            let denied = ask.reason(&deny).to_string().contains("denies");
            // A manager may anyway; of the others, a Deny must mean those whom an Allow means.
            let allowed = allow.as_ref().is_none_or(|allow| ask.is_allowed_by(allow) == denied);
            assert!(letter == 'm' || allowed, "{principal} {question}");
            denied
        };
        let found: String =
            CALLERS.iter().filter(|(question, letter)| means(question, *letter)).map(|(_, letter)| *letter).collect();
        assert_eq!(found, expected, "{principal}");
    }
}

#[test]
fn what_is_open_to_anonymous_is_open_to_all_and_what_is_shut_is_shut_to_them_alone() {
    let principal = r#""Principal": {"anonymous": ["*"]}"#;
    let (allow, deny) = (allowing(principal, "Allow"), allowing(principal, "Deny"));
    for (question, _) in CALLERS {
        let ask = Ask::parse(question);
        assert!(ask.is_allowed_by(&allow), "{question}");
        assert_eq!(ask.reason(&deny).to_string().contains("denies"), question.is_empty(), "{question}");
    }
    for nobody in [r#""Principal": {"anonymous": []}"#, r#""Principal": {"anonymous": [""]}"#] {
        assert!(!Ask::parse("").is_allowed_by(&allowing(nobody, "Allow")));
    }
}

#[test]
fn names_with_signs_in_them_are_read_both_ways() {
    let policy = allowing(r#""Principal": {"user": ["j.doe@x.org", "tony+starkindustries"]}"#, "Allow");
    for (question, expected) in [
        ("user=j.doe@x.org", true),
        ("user=j.doe groups=x-members", true),
        ("user=j.doe role=USER", false),
        ("user=tony+starkindustries", true),
        ("user=tony groups=starkindustries-members", true),
        ("user=tony role=USER tenancy=starkindustries", true),
        ("user=tony role=USER", false),
    ] {
        assert_eq!(Ask::parse(question).is_allowed_by(&policy), expected, "{question}");
    }
}

#[test]
fn an_operator_is_nobody_whom_a_policy_can_shut_out() {
    let policy = allowing(r#""Principal": "*""#, "Deny");
    assert!(Ask::parse("operator=yes").is_allowed_by(&policy));
}

#[test]
fn principals_that_are_not_understood_are_named() {
    for (principal, element) in [
        (r#""Principal": "bob""#, "Principal"),
        (r#""Principal": ["*"]"#, "Principal"),
        (r#""Principal": null"#, "Principal"),
        (r#""Principal": {"Service": "s3.amazonaws.com"}"#, "Principal.Service"),
        (r#""Principal": {"Federated": "x"}"#, "Principal.Federated"),
        (r#""Principal": {"aws": "*"}"#, "Principal.aws"),
        (r#""Principal": {"AWS": "bob"}"#, "Principal.AWS"),
        (r#""Principal": {"AWS": ""}"#, "Principal.AWS"),
        (r#""Principal": {"AWS": {"a": "b"}}"#, "Principal.AWS"),
        (r#""Principal": {"AWS": "123456789012"}"#, "Principal.AWS"),
        (r#""Principal": {"AWS": "arn:aws:iam::123456789012:root"}"#, "Principal.AWS"),
        (r#""Principal": {"AWS": "arn:aws:iam::lab-o:user/*"}"#, "Principal.AWS"),
        (r#""Principal": {"AWS": "arn:aws:iam::lab-o:user/a/b"}"#, "Principal.AWS"),
        (r#""Principal": {"AWS": "arn:aws:iam::lab-o:user"}"#, "Principal.AWS"),
        (r#""Principal": {"AWS": "arn:aws:iam::Lab_O:user/bob"}"#, "Principal.AWS"),
        (r#""Principal": {"AWS": "arn:aws:iam::lab-o:role/KING"}"#, "Principal.AWS"),
        (r#""Principal": {"AWS": "arn:aws:iam::lab-o:frob/bob"}"#, "Principal.AWS"),
        (r#""Principal": {"AWS": "arn:aws:s3::lab-o:user/bob"}"#, "Principal.AWS"),
        (r#""Principal": {"AWS": "arn:aws:iam:eu:lab-o:user/bob"}"#, "Principal.AWS"),
        (r#""Principal": {"AWS": "arn:aws:sts::lab-o:assumed-role/USER/x"}"#, "Principal.AWS"),
        (r#""Principal": {"CanonicalUser": "*"}"#, "Principal.CanonicalUser"),
        (r#""Principal": {"user": ["b*b"]}"#, "Principal.user"),
        (r#""Principal": {"user": ["b b"]}"#, "Principal.user"),
        (r#""Principal": {"user": ["@x"]}"#, "Principal.user"),
        (r#""Principal": {"user": ["bob+"]}"#, "Principal.user"),
        (r#""Principal": {"user": ["bob@-x"]}"#, "Principal.user"),
        (r#""Principal": {"user": [5]}"#, "Principal.user"),
        (r#""Principal": {"group": ["*"]}"#, "Principal.group"),
        (r#""Principal": {"group": ["q?"]}"#, "Principal.group"),
        (r#""Principal": {"anonymous": ["bob"]}"#, "Principal.anonymous"),
        (r#""Principal": {"everyone": ["*"]}"#, "Principal.everyone"),
        (r#""NotPrincipal": {"user": ["bob"]}"#, "NotPrincipal"),
        (r#""NotPrincipal": {"AWS": "bob"}"#, "NotPrincipal"),
        (r#""Principal": "*", "NotPrincipal": "*""#, ""),
        (r#""Sid": "x""#, ""),
    ] {
        let elements = format!(r#""Effect": "Allow", {principal}, "Action": "s3:*", "Resource": "*""#);
        let error = Policy::parse(document(&elements).as_bytes()).expect_err(principal);
        let expected = ["Statement[0]", element].join(if element.is_empty() { "" } else { "." });
        assert_eq!(error.element, expected, "{principal}: {error}");
    }
}
