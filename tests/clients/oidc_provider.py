"""An OpenID Connect provider of one test run, over HTTP on a free port of this machine: it signs tokens for whoever asks, and logs
browsers in by the code flow with PKCE."""

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

CLIENT_ID = "commonhold-tests"


class OidcProvider:
    """Signs ID tokens with a key that it can change. People are in the `groups` that it has for them."""

    def __init__(self):
        self.keys = {}
        self.codes = {}
        self.groups = {}
        self.remembered = None
        self.asked = []
        self.change_key()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def change_key(self) -> None:
        """From now on tokens are signed with a new key; the old one is no longer published."""
        self.key_id = f"key-{time.monotonic_ns()}"
        self.keys = {self.key_id: rsa.generate_private_key(public_exponent=65537, key_size=2048)}

    def token(self, user: str, **claims) -> str:
        """An ID token of `user`; `claims` take the place of the usual ones."""
        now = int(time.time())
        usual = {"iss": self.issuer, "sub": f"sub-{user}", "aud": CLIENT_ID, "iat": now, "exp": now + 300, "preferred_username": user, "groups": self.groups.get(user, [])}
        signed = ".".join(encode(json.dumps(part).encode()) for part in (
            {"alg": "RS256", "typ": "JWT", "kid": self.key_id}, usual | claims
        ))
        signature = self.keys[self.key_id].sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{encode(signature)}"

    def document(self, path: str):
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.issuer,
                "jwks_uri": f"{self.issuer}/keys",
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
            }
        if path == "/keys":
            return {"keys": [jwk(key_id, key) for key_id, key in self.keys.items()]}
        return None

    def authorize(self, query: dict) -> tuple[str | None, str]:
        """Where to send a browser, or the page that asks who is there. Who logged in before is not asked, unless the client wants
        it (`prompt=login`)."""
        assert query["response_type"] == "code" and query["code_challenge_method"] == "S256", query
        assert query["client_id"] == CLIENT_ID and "openid" in query["scope"].split(), query
        if "user" in query:
            self.remembered = (query["user"], int(time.time()))
        elif not self.remembered or query.get("prompt") == "login":
            self.asked.append(query)
            hidden = "".join(
                f'<input type="hidden" name="{name}" value="{html.escape(value)}">' for name, value in query.items()
            )
            return None, f'<!doctype html><form action="/authorize">{hidden}<input id="user" name="user"><button>Log in</button></form>'
        code = secrets.token_urlsafe(16)
        self.codes[code] = query | {"who": self.remembered}
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}", ""

    def redeem(self, form: dict) -> dict | None:
        """The tokens for a code, once, for who holds its verifier."""
        query = self.codes.pop(form.get("code"), None)
        if query is None or form["grant_type"] != "authorization_code" or form["redirect_uri"] != query["redirect_uri"]:
            return None
        if encode(hashlib.sha256(form["code_verifier"].encode()).digest()) != query["code_challenge"]:
            return None
        user, at = query["who"]
        return {"token_type": "Bearer", "access_token": "none", "id_token": self.token(user, nonce=query["nonce"], auth_time=at)}

    def _handler(self):
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                url = urlsplit(self.path)
                if url.path == "/authorize":
                    to, page = provider.authorize(dict(parse_qsl(url.query)))
                    self.send_response(302 if to else 200)
                    if to:
                        self.send_header("Location", to)
                    self.send_header("Content-Type", "text/html; charset=utf-8")
                    self.send_header("Content-Length", str(len(page.encode())))
                    self.end_headers()
                    self.wfile.write(page.encode())
                    return
                document = provider.document(self.path)
                body = json.dumps(document).encode()
                self.send_response(200 if document else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
                answer = provider.redeem(form) if self.path == "/token" else None
                body = json.dumps(answer or {"error": "invalid_grant"}).encode()
                self.send_response(200 if answer else 400)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        return Handler


def jwk(key_id: str, key) -> dict:
    public = key.public_key().public_numbers()
    n, e = (encode(number.to_bytes((number.bit_length() + 7) // 8, "big")) for number in (public.n, public.e))
    return {"kty": "RSA", "kid": key_id, "use": "sig", "alg": "RS256", "n": n, "e": e}


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
