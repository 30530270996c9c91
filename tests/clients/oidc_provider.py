"""An OpenID Connect provider of one test run, over HTTP on a free port of this machine."""

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

CLIENT_ID = "commonhold-tests"


class OidcProvider:
    """Signs ID tokens with a key that it can change."""

    def __init__(self):
        self.keys = {}
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
        usual = {"iss": self.issuer, "sub": f"sub-{user}", "aud": CLIENT_ID, "iat": now, "exp": now + 300, "preferred_username": user}
        signed = ".".join(encode(json.dumps(part).encode()) for part in (
            {"alg": "RS256", "typ": "JWT", "kid": self.key_id}, usual | claims
        ))
        signature = self.keys[self.key_id].sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{encode(signature)}"

    def document(self, path: str):
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}
        if path == "/keys":
            return {"keys": [jwk(key_id, key) for key_id, key in self.keys.items()]}
        return None

    def _handler(self):
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                document = provider.document(self.path)
                body = json.dumps(document).encode()
                self.send_response(200 if document else 404)
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
