"""An OpenID provider on this machine: Authlib's authorization server, its tokens in the form of RFC 9068.

    issuer.py           prints its address on a line, and serves until its standard input ends

    POST /clients       {"id", "claims", "seconds"}: somebody who can ask for tokens, what these say of them, and for how long
    POST /token         grant_type=client_credentials; the scope is the audience of the token
    GET  /keys_fetched  how often its keys were asked for
    GET  /forged/KIND   a token that says the same as `of`, and that the provider did not make
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import threading

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import flask  # noqa: E402
from authlib.integrations.flask_oauth2 import AuthorizationServer  # noqa: E402
from authlib.oauth2.rfc6749 import ClientMixin, grants  # noqa: E402
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator  # noqa: E402
from joserfc import jwt  # noqa: E402
from joserfc.jwk import KeySet, RSAKey  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

SECRET = "not-much-of-a-secret"


def new_key():
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)


class Client(ClientMixin):
    def __init__(self, id, claims, seconds):
        self.id, self.claims, self.seconds = id, claims, seconds

    def get_client_id(self):
        return self.id

    def get_allowed_scope(self, scope):
        return scope

    def check_client_secret(self, client_secret):
        return hmac.compare_digest(client_secret, SECRET)

    def check_endpoint_auth_method(self, method, endpoint):
        return method == "client_secret_basic"

    def check_grant_type(self, grant_type):
        return grant_type == "client_credentials"


class Tokens(JWTBearerTokenGenerator):
    def __init__(self, provider):
        super().__init__(provider.url, expires_generator=lambda client, grant_type: client.seconds)
        self.provider = provider

    def get_jwks(self):
        return KeySet([self.provider.key])

    def get_audiences(self, client, user, scope):
        return scope

    def get_extra_claims(self, client, grant_type, user, scope):
        return client.claims


class Provider:
    def __init__(self):
        self.app = flask.Flask(__name__)
        self.server = make_server("127.0.0.1", 0, self.app, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.key = new_key()
        self.clients = {}
        self.keys_fetched = 0
        oauth = AuthorizationServer(self.app, query_client=self.clients.get, save_token=lambda token, request: None)
        oauth.register_grant(grants.ClientCredentialsGrant)
        oauth.register_token_generator("default", Tokens(self))
        for path, method, view in [
            ("/.well-known/openid-configuration", "GET", self.configuration),
            ("/jwks", "GET", self.jwks),
            ("/token", "POST", oauth.create_token_response),
            ("/clients", "POST", self.add_client),
            ("/keys_fetched", "GET", lambda: {"times": self.keys_fetched}),
            ("/forged/<kind>", "GET", self.forged),
        ]:
            self.app.add_url_rule(path, path, view, methods=[method])

    def configuration(self):
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/jwks",
            "token_endpoint": f"{self.url}/token",
            "grant_types_supported": ["client_credentials"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": [],
            "subject_types_supported": ["public"],
        }

    def jwks(self):
        self.keys_fetched += 1
        return KeySet([self.key]).as_dict(private=False)

    def add_client(self):
        given = flask.request.get_json()
        self.clients[given["id"]] = Client(given["id"], given.get("claims", {}), given.get("seconds", 300))
        return {}

    def forged(self, kind):
        """What somebody can make of a token and of the public key."""
        header, claims, signature = flask.request.args["of"].split(".")
        header = json.loads(base64.urlsafe_b64decode(header + "=="))
        if kind == "none":
            return forge({**header, "alg": "none"}, claims, lambda message: b"")
        if kind == "hs256":
            public = self.key.as_pem(private=False)
            return forge({**header, "alg": "HS256"}, claims, lambda message: hmac.digest(public, message, hashlib.sha256))
        # Signed as it has to be, by another key, which it names or not.
        own, said = new_key(), json.loads(base64.urlsafe_b64decode(claims + "=="))
        named = own.kid if kind == "unknown_key" else header["kid"]
        return {"token": jwt.encode({**header, "kid": named}, said, own)}


def forge(header, claims, sign):
    encoded = [base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"="), claims.encode()]
    message = b".".join(encoded)
    return {"token": (message + b"." + base64.urlsafe_b64encode(sign(message)).rstrip(b"=")).decode()}


def main():
    provider = Provider()
    print(provider.url, flush=True)
    threading.Thread(target=provider.server.serve_forever, daemon=True).start()
    sys.stdin.read()


main()
