//! A provider and its tokens, over real HTTP: what is accepted, and everything that is not.

mod fake;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL;
use identity_oidc::{Algorithm, OidcConfig, OidcError, Prompt, Provider, VerifiedIdentity};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use types::{Clock, ManualClock, SeededEntropy, Timestamp};

use fake::{FakeProvider, SigningKey, unsigned};

const NOW_S: u64 = 1_800_000_000;

struct World {
    fake: FakeProvider,
    clock: Arc<ManualClock>,
    provider: Provider,
}

impl World {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(edit: impl FnOnce(&mut OidcConfig)) -> Self {
        let fake = FakeProvider::start().await;
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(NOW_S)));
        let mut config = OidcConfig {
            issuer: fake.issuer.clone(),
            client_id: "commonhold".to_owned(),
            audiences: vec!["notebooks".to_owned()],
            client_secret: Some("the secret".to_owned().into()),
            user_claim: "preferred_username".to_owned(),
            groups_claim: "groups".to_owned(),
            algorithms: vec![Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa],
            skew_seconds: 60,
        };
        edit(&mut config);
        let provider = Provider::new(config, tls(), Arc::clone(&clock) as Arc<dyn Clock>).expect("a provider");
        Self { fake, clock, provider }
    }

    fn claims(&self) -> Value {
        json!({
            "iss": self.fake.issuer,
            "sub": "8d0f-11",
            "aud": "commonhold",
            "exp": NOW_S + 300,
            "iat": NOW_S,
            "preferred_username": "ann",
            "email": "ann@example.org",
            "email_verified": true,
            "groups": ["ops", "cmip6", "ops"],
        })
    }

    fn claims_with(&self, name: &str, value: Value) -> Value {
        let mut claims = self.claims();
        if value.is_null() {
            claims.as_object_mut().expect("an object").remove(name);
        } else {
            claims[name] = value;
        }
        claims
    }
}

fn tls() -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    Arc::new(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// In a word, what became of a token.
fn outcome(result: Result<VerifiedIdentity, OidcError>) -> String {
    match result {
        Ok(identity) => format!("{} in {}", identity.user, identity.groups.join(" ")),
        Err(OidcError::Malformed(_)) => "malformed".to_owned(),
        Err(OidcError::AlgorithmNotAllowed(name)) => format!("not {name}"),
        Err(OidcError::UnknownKey) => "unknown key".to_owned(),
        Err(OidcError::WrongSignature) => "wrong signature".to_owned(),
        Err(OidcError::Expired) => "expired".to_owned(),
        Err(OidcError::NotYetValid) => "not yet".to_owned(),
        Err(OidcError::Claim { claim, .. }) => format!("claim {claim}"),
        Err(OidcError::Away(_)) => "away".to_owned(),
    }
}

#[tokio::test]
async fn tokens_of_each_kind_of_key_are_accepted() {
    let world = World::new().await;
    let (rsa, p256, ed25519) = (SigningKey::rsa(), SigningKey::p256(), SigningKey::ed25519());
    let encryption = json!({"kty": "RSA", "kid": "enc", "use": "enc", "n": "AQAB", "e": "AQAB"});
    let strange = json!({"kty": "future", "kid": "x"});
    world.fake.publish(vec![encryption, strange, json!("nonsense"), rsa.jwk("r"), p256.jwk("p"), ed25519.jwk("e")]);
    for (key, header) in [
        (&rsa, json!({"alg": "RS256", "kid": "r", "typ": "JWT"})),
        (&rsa, json!({"alg": "PS256", "kid": "r"})),
        (&p256, json!({"alg": "ES256", "kid": "p"})),
        (&p256, json!({"alg": "ES256"})),
        (&ed25519, json!({"alg": "EdDSA", "kid": "e"})),
    ] {
        let identity = world.provider.verify(&key.token(&header, &world.claims())).await.expect("accepted");
        assert_eq!((identity.user.as_str(), identity.subject.as_str()), ("ann", "8d0f-11"), "{header}");
        assert_eq!(identity.groups, ["cmip6", "ops"]);
        assert_eq!(identity.email.as_deref(), Some("ann@example.org"));
        assert_eq!(identity.expires, Timestamp::from_secs(NOW_S + 300));
    }
    assert_eq!(world.fake.key_requests(), 1, "the keys are held");
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let world = World::new().await;
    let (rsa, p256, stranger) = (SigningKey::rsa(), SigningKey::p256(), SigningKey::p256());
    world.fake.publish(vec![rsa.jwk("r"), p256.jwk("p")]);
    let claims = world.claims();
    let good = p256.token(&json!({"alg": "ES256", "kid": "p"}), &claims);
    let parts: Vec<&str> = good.split('.').collect();
    let other = world.claims_with("preferred_username", json!("bob"));
    let payload_of = |claims: &Value| BASE64_URL.encode(claims.to_string());

    // The shared-secret algorithms with the public key as the secret, which a careless verifier would accept.
    let public = rsa.jwk("r")["n"].as_str().map(|n| BASE64_URL.decode(n).expect("base64")).expect("a modulus");
    let confused = unsigned(&json!({"alg": "HS256", "kid": "r"}), &claims);
    let mac = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &public), confused.as_bytes());
    let confused = format!("{confused}.{}", BASE64_URL.encode(mac.as_ref()));

    for (token, expected) in [
        (good.clone(), "ann in cmip6 ops"),
        (format!("{}.", unsigned(&json!({"alg": "none"}), &claims)), "not none"),
        (format!("{}.", unsigned(&json!({"alg": "None", "kid": "p"}), &claims)), "not None"),
        (confused, "not HS256"),
        (rsa.token(&json!({"alg": "RS512", "kid": "r"}), &claims), "not RS512"),
        (stranger.token(&json!({"alg": "ES256", "kid": "p"}), &claims), "wrong signature"),
        (stranger.token(&json!({"alg": "ES256", "kid": "stranger"}), &claims), "unknown key"),
        // The key in the token's own header does not count.
        (stranger.token(&json!({"alg": "ES256", "kid": "p", "jwk": stranger.jwk("p")}), &claims), "wrong signature"),
        (stranger.token(&json!({"alg": "ES256", "jku": "https://evil.example.org/keys"}), &claims), "wrong signature"),
        // A key of one kind under the algorithm of another.
        (p256.token(&json!({"alg": "RS256", "kid": "p"}), &claims), "unknown key"),
        (rsa.token(&json!({"alg": "ES256", "kid": "r"}), &claims), "unknown key"),
        (p256.token(&json!({"alg": "ES256", "kid": "p", "crit": ["b64"], "b64": false}), &claims), "malformed"),
        (format!("{}.{}.{}", parts[0], payload_of(&other), parts[2]), "wrong signature"),
        (format!("{}.{}.{}", parts[0], parts[1], BASE64_URL.encode([0; 64])), "wrong signature"),
        (format!("{}.{}.", parts[0], parts[1]), "wrong signature"),
        (format!("{}.{}", parts[0], parts[1]), "malformed"),
        (format!("{good}.x"), "malformed"),
        (good.replace('.', ". "), "malformed"),
        (format!("!{good}"), "malformed"),
        (format!("{}{good}", "x".repeat(20_000)), "malformed"),
        (String::new(), "malformed"),
        ("..".to_owned(), "malformed"),
    ] {
        assert_eq!(outcome(world.provider.verify(&token).await), expected, "{token:.120}");
    }
    // In the signature of ECDSA every bit counts.
    let signature = BASE64_URL.decode(parts[2]).expect("base64");
    for at in 0..signature.len() {
        let mut signature = signature.clone();
        signature[at] ^= 1;
        let forged = format!("{}.{}.{}", parts[0], parts[1], BASE64_URL.encode(signature));
        assert_eq!(outcome(world.provider.verify(&forged).await), "wrong signature", "byte {at}");
    }
}

#[tokio::test]
async fn claims_are_held_against_the_configuration_and_the_clock() {
    let world = World::new().await;
    let key = SigningKey::p256();
    world.fake.publish(vec![key.jwk("p")]);
    let issuer = world.fake.issuer.as_str();
    for (claim, value, expected) in [
        ("iss", json!(format!("{issuer}/")), "claim iss"),
        ("iss", json!("https://id.example.org"), "claim iss"),
        ("iss", Value::Null, "claim iss"),
        ("aud", json!("another"), "claim aud"),
        ("aud", json!(["another"]), "claim aud"),
        ("aud", Value::Null, "claim aud"),
        ("aud", json!(7), "claim aud"),
        ("aud", json!("notebooks"), "ann"),
        ("aud", json!(["commonhold"]), "ann"),
        ("aud", json!(["commonhold", "another"]), "claim azp"),
        ("azp", json!("another"), "claim azp"),
        ("azp", json!("notebooks"), "ann"),
        ("exp", json!(NOW_S - 59), "ann"),
        ("exp", json!(NOW_S - 60), "expired"),
        ("exp", json!(0), "expired"),
        ("exp", Value::Null, "claim exp"),
        ("exp", json!("soon"), "claim exp"),
        ("exp", json!(-1), "claim exp"),
        ("exp", json!(1e300), "claim exp"),
        ("exp", json!(NOW_S as f64 + 10.5), "ann"),
        ("nbf", json!(NOW_S + 60), "ann"),
        ("nbf", json!(NOW_S + 61), "not yet"),
        ("nbf", json!({}), "claim nbf"),
        ("iat", json!(NOW_S + 61), "not yet"),
        ("iat", Value::Null, "ann"),
        ("sub", Value::Null, "claim sub"),
        ("preferred_username", Value::Null, "claim preferred_username"),
        ("preferred_username", json!(""), "claim preferred_username"),
        ("preferred_username", json!("a b/c"), "claim preferred_username"),
        ("groups", json!("ops"), "ann"),
        ("groups", Value::Null, "ann"),
        ("groups", json!([1]), "claim groups"),
        ("groups", json!({"ops": true}), "claim groups"),
        ("email", json!(7), "ann"),
    ] {
        let token = key.token(&json!({"alg": "ES256", "kid": "p"}), &world.claims_with(claim, value.clone()));
        let found = outcome(world.provider.verify(&token).await);
        let found = found.split(" in").next().unwrap_or_default();
        assert_eq!(found, expected, "{claim} {value}");
    }
    let token = key.token(&json!({"alg": "ES256", "kid": "p"}), &json!("no object"));
    assert_eq!(outcome(world.provider.verify(&token).await), "malformed");
}

#[tokio::test]
async fn an_address_is_a_name_only_where_it_was_verified() {
    let world = World::with(|config| config.user_claim = "email".to_owned()).await;
    let key = SigningKey::p256();
    world.fake.publish(vec![key.jwk("p")]);
    for (verified, expected) in [
        (json!(true), "ann@example.org in cmip6 ops"),
        (json!(false), "claim email_verified"),
        (Value::Null, "claim email_verified"),
    ] {
        let token = key.token(&json!({"alg": "ES256"}), &world.claims_with("email_verified", verified));
        assert_eq!(outcome(world.provider.verify(&token).await), expected);
    }
}

#[tokio::test]
async fn keys_are_changed_without_notice_and_are_not_asked_for_too_often() {
    let world = World::new().await;
    let (first, second) = (SigningKey::p256(), SigningKey::p256());
    world.fake.publish(vec![first.jwk("1")]);
    let with = |key: &SigningKey, id: &str| {
        key.token(&json!({"alg": "ES256", "kid": id}), &world.claims_with("exp", json!(NOW_S + 1_000_000)))
    };
    let ask = async |token: String| outcome(world.provider.verify(&token).await);
    assert_eq!(ask(with(&first, "1")).await, "ann in cmip6 ops");
    // Whoever makes up key names does not have the provider asked each time.
    for n in 0..20 {
        assert_eq!(ask(with(&second, &format!("made up {n}"))).await, "unknown key");
    }
    assert_eq!(world.fake.key_requests(), 1);

    world.fake.publish(vec![first.jwk("1"), second.jwk("2")]);
    world.clock.advance_secs(30);
    assert_eq!(ask(with(&second, "2")).await, "ann in cmip6 ops", "a new key");
    assert_eq!(world.fake.key_requests(), 2);
    world.fake.publish(vec![second.jwk("2")]);
    assert_eq!(ask(with(&first, "1")).await, "ann in cmip6 ops", "the set is held");
    world.clock.advance_secs(3600);
    assert_eq!(ask(with(&first, "1")).await, "unknown key", "a key that was taken back, after an hour");

    // The provider goes away: the keys that are held go on, for a day.
    world.fake.set_down(true);
    world.clock.advance_secs(3600);
    assert_eq!(ask(with(&second, "2")).await, "ann in cmip6 ops");
    assert_eq!(ask(with(&first, "1")).await, "unknown key");
    world.clock.advance_secs(24 * 3600);
    assert_eq!(ask(with(&second, "2")).await, "away");
    world.fake.set_down(false);
    assert_eq!(ask(with(&second, "2")).await, "away", "it is not asked at once again");
    world.clock.advance_secs(5);
    assert_eq!(ask(with(&second, "2")).await, "ann in cmip6 ops");
}

#[tokio::test]
async fn many_tokens_at_once_ask_the_provider_once() {
    let world = Arc::new(World::new().await);
    let key = SigningKey::p256();
    world.fake.publish(vec![key.jwk("p")]);
    let token = key.token(&json!({"alg": "ES256", "kid": "p"}), &world.claims());
    let asked: Vec<_> = (0..32)
        .map(|_| {
            let (world, token) = (Arc::clone(&world), token.clone());
            tokio::spawn(async move { outcome(world.provider.verify(&token).await) })
        })
        .collect();
    for asked in asked {
        assert_eq!(asked.await.expect("ended"), "ann in cmip6 ops");
    }
    assert_eq!(world.fake.key_requests(), 1);
}

#[tokio::test]
async fn a_provider_that_says_strange_things_is_not_trusted() {
    let key = SigningKey::p256();
    for (name, value) in [
        ("issuer", json!("https://other.example.org")),
        ("issuer", json!(7)),
        ("jwks_uri", json!("http://keys.example.org/")),
        ("jwks_uri", json!("file:///etc/passwd")),
        ("token_endpoint", json!("http://id.example.org/token")),
        ("jwks_uri", Value::Null),
    ] {
        let world = World::new().await;
        world.fake.publish(vec![key.jwk("p")]);
        world.fake.say_in_discovery(name, value.clone());
        let token = key.token(&json!({"alg": "ES256", "kid": "p"}), &world.claims());
        assert_eq!(outcome(world.provider.verify(&token).await), "away", "{name} {value}");
    }
    let world = World::new().await;
    world.fake.publish(vec![json!("x".repeat(600 * 1024))]);
    let token = key.token(&json!({"alg": "ES256", "kid": "p"}), &world.claims());
    assert_eq!(outcome(world.provider.verify(&token).await), "away", "an answer without end");
}

#[tokio::test]
async fn a_browser_logs_in_by_the_code_flow() {
    const BACK: &str = "https://portal.example.org/log-in/back";
    let world = World::new().await;
    let key = SigningKey::p256();
    world.fake.publish(vec![key.jwk("p")]);
    let entropy = SeededEntropy::new(1);
    let begun = world.provider.authorization_request(BACK, Prompt::AsNeeded, &entropy).await.expect("begun");
    let again = world.provider.authorization_request(BACK, Prompt::AsNeeded, &entropy).await.expect("begun");
    assert!(begun.state != again.state && begun.nonce != again.nonce && begun.verifier != again.verifier);
    let parameter = |name: &str| {
        let start = begun.url.find(&format!("{name}=")).expect(name) + name.len() + 1;
        let value = begun.url[start..].split('&').next().unwrap_or_default();
        percent_encoding::percent_decode_str(value).decode_utf8().expect("text").into_owned()
    };
    assert!(
        begun.url.starts_with(&format!("{}/authorize?response_type=code&client_id=commonhold&", world.fake.issuer))
    );
    assert_eq!((parameter("redirect_uri").as_str(), parameter("state")), (BACK, begun.state.clone()));
    assert_eq!(
        (parameter("code_challenge_method").as_str(), parameter("scope").as_str()),
        ("S256", "openid profile email")
    );
    assert!(!begun.url.contains(begun.verifier.as_str()));

    let token = |nonce: Value| key.token(&json!({"alg": "ES256", "kid": "p"}), &world.claims_with("nonce", nonce));
    let challenge = parameter("code_challenge");
    let give = |code: &str, nonce: Value| world.fake.give_code(code, token(nonce), &challenge, BACK);
    let nonce = begun.nonce.as_str();
    let exchange =
        async |code: &str, verifier: &str| outcome(world.provider.exchange(code, BACK, verifier, nonce).await);
    give("good", json!(nonce));
    assert_eq!(exchange("good", &begun.verifier).await, "ann in cmip6 ops");
    assert_eq!(exchange("good", &begun.verifier).await, "away", "a code is good once");
    give("stolen", json!(nonce));
    assert_eq!(exchange("stolen", &again.verifier).await, "away", "another log-in's verifier");
    give("replayed", json!(again.nonce));
    assert_eq!(exchange("replayed", &begun.verifier).await, "claim nonce");
    give("without", Value::Null);
    assert_eq!(exchange("without", &begun.verifier).await, "claim nonce");
}

/// Who is to show again who they are is asked there, and when they were is told.
#[tokio::test]
async fn a_password_can_be_asked_for_again() {
    let world = World::new().await;
    let key = SigningKey::p256();
    world.fake.publish(vec![key.jwk("p")]);
    let entropy = SeededEntropy::new(1);
    for (prompt, asks) in [(Prompt::AsNeeded, false), (Prompt::LogIn, true)] {
        let begun = world.provider.authorization_request("https://portal.example.org/", prompt, &entropy).await;
        let url = begun.expect("begun").url;
        assert_eq!(url.contains("&prompt=login&max_age=0"), asks, "{url}");
    }
    let at = |moment: Value| key.token(&json!({"alg": "ES256", "kid": "p"}), &world.claims_with("auth_time", moment));
    for (moment, expected) in [(json!(77), Some(77)), (json!(77.5), Some(77)), (Value::Null, None)] {
        let told = world.provider.verify(&at(moment.clone())).await.expect("accepted").authenticated;
        assert_eq!(told.map(Timestamp::as_secs), expected, "{moment}");
    }
}
