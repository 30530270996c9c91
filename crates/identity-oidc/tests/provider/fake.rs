//! An OpenID Connect provider on a port of this machine: real HTTP, real keys, and as wrong as a test wants it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaKeyPair, RsaPublicKeyComponents,
};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

/// A key with which the provider signs.
pub(crate) enum SigningKey {
    Rsa(Box<RsaKeyPair>),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// The one RSA key of these tests: to make one takes long.
    pub(crate) fn rsa() -> Self {
        let pem = PrivatePkcs8KeyDer::from_pem_slice(include_bytes!("rsa_test_key.pem")).expect("PEM");
        Self::Rsa(Box::new(RsaKeyPair::from_pkcs8(pem.secret_pkcs8_der()).expect("an RSA key")))
    }

    pub(crate) fn p256() -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("made");
        Self::P256(EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).expect("a key"))
    }

    pub(crate) fn ed25519() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("made");
        Self::Ed25519(Ed25519KeyPair::from_pkcs8(document.as_ref()).expect("a key"))
    }

    /// The public half, in its set.
    pub(crate) fn jwk(&self, id: &str) -> Value {
        let encode = |bytes: &[u8]| BASE64_URL.encode(bytes);
        match self {
            Self::Rsa(key) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(key.public());
                json!({"kty": "RSA", "kid": id, "use": "sig", "n": encode(&public.n), "e": encode(&public.e)})
            }
            Self::P256(key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "kid": id, "use": "sig", "crv": "P-256", "x": encode(x), "y": encode(y)})
            }
            Self::Ed25519(key) => {
                json!({"kty": "OKP", "kid": id, "crv": "Ed25519", "x": encode(key.public_key().as_ref())})
            }
        }
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let padding: &dyn ring::signature::RsaEncoding =
                    if algorithm.starts_with("PS") { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(padding, &random, message, &mut signature).expect("signed");
                signature
            }
            Self::P256(key) => key.sign(&random, message).expect("signed").as_ref().to_vec(),
            Self::Ed25519(key) => key.sign(message).as_ref().to_vec(),
        }
    }

    /// A token of this header and these claims.
    pub(crate) fn token(&self, header: &Value, claims: &Value) -> String {
        let algorithm = header["alg"].as_str().unwrap_or_default();
        let signed = unsigned(header, claims);
        format!("{signed}.{}", BASE64_URL.encode(self.sign(algorithm, signed.as_bytes())))
    }
}

/// Header and payload, encoded.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", BASE64_URL.encode(header.to_string()), BASE64_URL.encode(claims.to_string()))
}

/// What the provider says.
#[derive(Default)]
struct State {
    keys: Vec<Value>,
    /// What stands in the discovery document in the place of the truth.
    discovery: Vec<(&'static str, Value)>,
    is_down: bool,
    key_requests: usize,
    /// The token that a code is exchanged for, and the challenge and redirection that the code is bound to.
    codes: HashMap<String, (String, String, String)>,
}

/// The provider.
#[derive(Clone)]
pub(crate) struct FakeProvider {
    pub(crate) issuer: String,
    state: Arc<Mutex<State>>,
}

impl FakeProvider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port");
        let issuer = format!("http://{}/realm", listener.local_addr().expect("an address"));
        let provider = Self { issuer, state: Arc::default() };
        let of_task = provider.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let provider = of_task.clone();
                tokio::spawn(async move {
                    let service = service_fn(|request| provider.answer(request));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        provider
    }

    pub(crate) fn publish(&self, keys: Vec<Value>) {
        self.state.lock().keys = keys;
    }

    pub(crate) fn set_down(&self, is_down: bool) {
        self.state.lock().is_down = is_down;
    }

    pub(crate) fn say_in_discovery(&self, name: &'static str, value: Value) {
        self.state.lock().discovery.push((name, value));
    }

    /// How often the keys were asked for.
    pub(crate) fn key_requests(&self) -> usize {
        self.state.lock().key_requests
    }

    /// A code that is exchanged for `token` by whoever knows what `challenge` was made from.
    pub(crate) fn give_code(&self, code: &str, token: String, challenge: &str, redirect_uri: &str) {
        let bound = (token, challenge.to_owned(), redirect_uri.to_owned());
        self.state.lock().codes.insert(code.to_owned(), bound);
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let mut state = self.state.lock();
        let document = match parts.uri.path() {
            _ if state.is_down => None,
            "/realm/.well-known/openid-configuration" => {
                let mut document = json!({
                    "issuer": self.issuer,
                    "jwks_uri": format!("{}/keys", self.issuer),
                    "authorization_endpoint": format!("{}/authorize", self.issuer),
                    "token_endpoint": format!("{}/token", self.issuer),
                });
                for (name, value) in &state.discovery {
                    document[*name] = value.clone();
                }
                Some(document)
            }
            "/realm/keys" => {
                state.key_requests += 1;
                Some(json!({"keys": state.keys}))
            }
            "/realm/token" => exchange(&mut state, &parts.headers, &body),
            _ => None,
        };
        let mut response = Response::new(Full::from(document.as_ref().map(Value::to_string).unwrap_or_default()));
        if document.is_none() {
            *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
        }
        Ok(response)
    }
}

/// The token endpoint: RFC 6749 section 4.1.3 and RFC 7636 section 4.6.
fn exchange(state: &mut State, headers: &http::HeaderMap, body: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(body).ok()?;
    let fields: HashMap<&str, String> = text
        .split('&')
        .filter_map(|field| {
            let (name, value) = field.split_once('=')?;
            Some((name, percent_encoding::percent_decode_str(value).decode_utf8().ok()?.into_owned()))
        })
        .collect();
    let authorization = headers.get("authorization")?.to_str().ok()?;
    let expected = base64::engine::general_purpose::STANDARD.encode("commonhold:the%20secret");
    let (token, challenge, redirect_uri) = state.codes.remove(fields.get("code")?)?;
    let made_from = BASE64_URL.encode(Sha256::digest(fields.get("code_verifier")?));
    let is_right = authorization == format!("Basic {expected}")
        && fields.get("grant_type")? == "authorization_code"
        && made_from == challenge
        && *fields.get("redirect_uri")? == redirect_uri;
    is_right.then(|| json!({"access_token": "x", "token_type": "Bearer", "id_token": token}))
}
