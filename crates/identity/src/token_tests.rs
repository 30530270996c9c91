//! Tokens: made, found, and gone with what they rest on.

use policy::Role;
use types::Timestamp;

use super::{MAX_TOKENS_PER_OWNER, NewToken, TokenText};
use crate::fixture::{DAY_SECS, Fixture, START, tenancy, user};
use crate::{Actor, IdentityError, Revocation, Token};

async fn make(fixture: &Fixture, owner: &str, days: u64) -> Result<Token, IdentityError> {
    let expires = START.plus_secs(days * DAY_SECS);
    let description = format!("for {days} days");
    fixture.identity.create_token(NewToken { tenancy: tenancy("t"), owner: user(owner), description, expires }).await
}

async fn works(fixture: &Fixture, token: &Token) -> bool {
    let found = fixture.identity.token(&token.text).await.expect("asked");
    found.is_some_and(|info| info == token.info)
}

#[test]
fn only_hex_digits_are_a_token() {
    for (text, good) in [
        ("40e1694fb91bbe1530d89f905cb17e83", true),
        ("40E1694FB91BBE1530D89F905CB17E83", false),
        ("40e1694fb91bbe1530d89f905cb17e8", false),
        ("40e1694fb91bbe1530d89f905cb17e83 ", false),
        ("", false),
    ] {
        assert_eq!(TokenText::parse(text).is_some(), good, "{text:?}");
    }
    let token = TokenText::parse("40e1694fb91bbe1530d89f905cb17e83").expect("a token");
    assert!(!format!("{token:?}").contains("40e1"));
}

#[tokio::test]
async fn tokens_are_found_listed_and_deleted() {
    let mut fixture = Fixture::new().await;
    let (first, second) =
        (make(&fixture, "use", 1).await.expect("made"), make(&fixture, "use", 2).await.expect("made"));
    let other = make(&fixture, "man", 1).await.expect("made");
    fixture.restart().await;
    for token in [&first, &second, &other] {
        assert!(works(&fixture, token).await);
    }
    let listed = fixture.identity.tokens(&tenancy("t"), &user("use")).await.expect("listed");
    assert!(listed.len() == 2 && listed.contains(&first) && listed.contains(&second));

    let deleted = async |owner, token: &Token| {
        fixture.identity.delete_token(&tenancy("t"), &user(owner), &token.text).await.expect("asked")
    };
    assert!(!deleted("use", &other).await, "it is another's");
    assert!(deleted("use", &first).await);
    assert!(!deleted("use", &first).await);
    assert!(!works(&fixture, &first).await && works(&fixture, &second).await && works(&fixture, &other).await);
}

#[tokio::test]
async fn who_has_no_role_has_no_token() {
    let fixture = Fixture::new().await;
    for (owner, days, expected) in
        [("ann", 1, "holds no role"), ("nobody", 1, "no user"), ("use", 0, "not in the future")]
    {
        let error = make(&fixture, owner, days).await.expect_err(owner).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// What a token rests on, taken away: each time it stops, and one that rests on something else goes on.
#[tokio::test]
async fn tokens_end_with_what_they_rest_on() {
    let fixture = Fixture::new().await;
    let untouched = make(&fixture, "man", 30).await.expect("made");
    let (identity, name) = (&fixture.identity, user("use"));

    let token = make(&fixture, "use", 1).await.expect("made");
    fixture.clock.set(START.plus_secs(DAY_SECS - 1));
    assert!(works(&fixture, &token).await);
    fixture.clock.set(START.plus_secs(DAY_SECS));
    assert!(!works(&fixture, &token).await, "it has expired");

    let token = make(&fixture, "use", 9).await.expect("made");
    identity.end_sessions(&name).await.expect("ended");
    assert!(!works(&fixture, &token).await, "sessions were ended");
    fixture.clock.advance_secs(1);

    let token = make(&fixture, "use", 9).await.expect("made");
    identity.set_password(&name, "a new password").await.expect("set");
    assert!(!works(&fixture, &token).await, "the password is new");

    let token = make(&fixture, "use", 9).await.expect("made");
    identity.revoke_role(&Actor::Operator, Revocation::of_all(&tenancy("t"), &name, "left")).await.expect("revoked");
    assert!(!works(&fixture, &token).await, "there is no role");
    fixture.grant("use", Role::User, None).await;
    assert!(works(&fixture, &token).await, "it rests on the role, which is there again");

    identity.delete_user(&name).await.expect("deleted");
    assert!(!works(&fixture, &token).await, "there is no such person");
    assert!(works(&fixture, &untouched).await);
    identity.delete_tenancy(&tenancy("t")).await.expect("deleted");
    assert!(!works(&fixture, &untouched).await, "there is no such tenancy");
}

#[tokio::test]
async fn expired_tokens_make_room() {
    let fixture = Fixture::new().await;
    for _ in 0..MAX_TOKENS_PER_OWNER {
        make(&fixture, "use", 1).await.expect("made");
    }
    let error = make(&fixture, "use", 1).await.expect_err("full").to_string();
    assert!(error.contains("at most 100 tokens"), "{error}");
    fixture.clock.set(Timestamp::from_secs(START.as_secs() + DAY_SECS));
    let token = make(&fixture, "use", 2).await.expect("there is room");
    let listed = fixture.identity.tokens(&tenancy("t"), &user("use")).await.expect("listed");
    assert_eq!(listed, [token]);
}
