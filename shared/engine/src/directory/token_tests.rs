//! Tokens that another program made, with keys that nobody has any more: `token_vectors.json` is of Python's `cryptography`.

use super::*;
use serde_json::json;

/// Noon of 2 November 2026, UTC: each token is of a minute before and for a minute after.
const NOON: i64 = 1_793_620_800;

struct Vectors(Value);

impl Vectors {
    fn read() -> Self {
        Self(serde_json::from_str(include_str!("token_vectors.json")).expect("JSON"))
    }

    fn token(&self, name: &str) -> String {
        self.0["tokens"][name].as_str().unwrap_or_else(|| panic!("no token {name}")).to_owned()
    }

    /// The keys that are published, or those of them that are named.
    fn keys(&self, only: &[&str]) -> IssuerKeys {
        let named = |key: &&Value| only.is_empty() || only.iter().any(|id| key["kid"] == *id);
        let keys: Vec<&Value> = self.0["jwks"]["keys"].as_array().expect("keys").iter().filter(named).collect();
        IssuerKeys::read(json!({ "keys": keys }).to_string().as_bytes()).expect("keys")
    }
}

fn issuer() -> Issuer {
    Issuer {
        issuer: "https://login.acme.example".parse().expect("an address"),
        audiences: ["oubli".to_owned()].into(),
        algorithms: SigningAlgorithm::ALL.into(),
        jwks_uri: None,
        subject_claim: "sub".to_owned(),
        roles: None,
        teams: None,
        clock_skew_seconds: 30,
        create_members: false,
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn verified(token: &str, issuer: &Issuer, keys: &IssuerKeys, second: i64) -> Result<String, TokenRefused> {
    Token::read(token)?.verify(issuer, keys, at(second)).map(|(_, subject)| subject.subject)
}

#[test]
fn a_token_of_each_algorithm_is_taken() {
    let vectors = Vectors::read();
    for name in ["rs256", "ps256", "es256", "eddsa"] {
        let told = verified(&vectors.token(name), &issuer(), &vectors.keys(&[]), NOON);
        assert_eq!(told.as_deref(), Ok("248289761001"), "{name}");
    }
    let told = verified(&vectors.token("no_kid"), &issuer(), &vectors.keys(&["r1"]), NOON);
    assert_eq!(told.as_deref(), Ok("248289761001"), "there is one key only");
}

#[test]
fn each_wrong_token_is_refused_for_its_own_reason() {
    use TokenRefused as R;
    let vectors = Vectors::read();
    for (name, why) in [
        ("none", R::OtherAlgorithm),
        ("none_capitalised", R::OtherAlgorithm),
        ("hs256_pem", R::OtherAlgorithm),
        ("hs256_der", R::OtherAlgorithm),
        ("hs256_pkcs1", R::OtherAlgorithm),
        ("hs256_shared", R::OtherAlgorithm),
        ("rs512", R::OtherAlgorithm),
        ("no_kid", R::KeyNotNamed),
        ("unknown_kid", R::NoSuchKey),
        ("kid_for_encryption", R::NoSuchKey),
        ("kid_of_another_kind", R::OtherKey),
        ("rs256_by_a_ps256_key", R::OtherKey),
        ("other_signer", R::WrongSignature),
        ("own_key_in_the_header", R::WrongSignature),
        ("es256_of_zeros", R::WrongSignature),
        ("crit", R::Critical),
        ("logout", R::OtherType),
    ] {
        assert_eq!(verified(&vectors.token(name), &issuer(), &vectors.keys(&[]), NOON), Err(why), "{name}");
    }
    let good = vectors.token("rs256");
    let judged = |issuer: &Issuer, second: i64| verified(&good, issuer, &vectors.keys(&[]), second).map(drop);
    assert_eq!(judged(&issuer(), NOON), Ok(()));
    let other = Issuer { issuer: "https://other.example".parse().expect("an address"), ..issuer() };
    assert_eq!(judged(&other, NOON), Err(R::OtherIssuer));
    let other = Issuer { audiences: ["somebody".to_owned()].into(), ..issuer() };
    assert_eq!(judged(&other, NOON), Err(R::OtherAudience));
    assert_eq!(judged(&issuer(), NOON + 90), Err(R::Expired), "a minute, and what clocks may differ");
    assert_eq!(judged(&issuer(), NOON - 91), Err(R::FromTheFuture));
    let other = Issuer { subject_claim: "oid".to_owned(), ..issuer() };
    assert_eq!(judged(&other, NOON), Err(R::NoSubject));
    assert_eq!(verified(&good, &issuer(), &vectors.keys(&["o1"]), NOON), Err(R::NoSuchKey), "a key that was withdrawn");
    assert_eq!(verified(&good, &issuer(), &vectors.keys(&["k1"]), NOON), Err(R::NoSuchKey), "no key that both sides have");
}

#[test]
fn the_issuer_and_not_the_token_says_how_it_is_signed() {
    let vectors = Vectors::read();
    for (name, own) in [
        ("rs256", SigningAlgorithm::Rs256),
        ("ps256", SigningAlgorithm::Ps256),
        ("es256", SigningAlgorithm::Es256),
        ("eddsa", SigningAlgorithm::EdDsa),
    ] {
        for taken in SigningAlgorithm::ALL {
            let only = Issuer { algorithms: [taken].into(), ..issuer() };
            let told = verified(&vectors.token(name), &only, &vectors.keys(&[]), NOON).map(drop);
            let expected = if taken == own { Ok(()) } else { Err(TokenRefused::OtherAlgorithm) };
            assert_eq!(told, expected, "{name} where {taken} is taken");
        }
    }
}

#[test]
fn what_was_changed_is_refused() {
    let vectors = Vectors::read();
    let (good, other) = (vectors.token("rs256"), vectors.token("eddsa"));
    let parts: Vec<&str> = good.split('.').collect();
    let claims = BASE64URL_NOPAD.decode(parts[1].as_bytes()).expect("base64url");
    let forged = String::from_utf8(claims).expect("text").replace("248289761001", "248289761002");
    let forged = BASE64URL_NOPAD.encode(forged.as_bytes());
    let theirs = other.rsplit('.').next().expect("a signature");
    for (text, why) in [
        (format!("{}.{forged}.{}", parts[0], parts[2]), TokenRefused::WrongSignature),
        (format!("{}.{}.{theirs}", parts[0], parts[1]), TokenRefused::WrongSignature),
        (format!("{}.{}.", parts[0], parts[1]), TokenRefused::WrongSignature),
        (format!("{}.{}", parts[0], parts[1]), TokenRefused::Malformed),
        (format!("{good}.{theirs}"), TokenRefused::Malformed),
        (format!("{good}="), TokenRefused::WrongSignature),
        (format!("{}=.{}.{}", parts[0], parts[1], parts[2]), TokenRefused::Malformed),
        ("a.b.c".to_owned(), TokenRefused::Malformed),
        ("..".to_owned(), TokenRefused::Malformed),
        (format!("{}.W10.{}", parts[0], parts[2]), TokenRefused::Malformed),
        (format!("{good}{}", "a".repeat(MOST_BYTES)), TokenRefused::TooLong),
    ] {
        assert_eq!(verified(&text, &issuer(), &vectors.keys(&[]), NOON), Err(why), "{text:.60}");
    }
}

#[test]
fn a_header_is_read_as_strictly_as_it_is_written() {
    let header = |header: Value| {
        let claims = json!({ "iss": "https://login.acme.example", "aud": "oubli" });
        let [header, claims] = [header, claims].map(|part| BASE64URL_NOPAD.encode(part.to_string().as_bytes()));
        Token::read(&format!("{header}.{claims}.AAAA")).map(drop)
    };
    for kind in ["JWT", "jwt", "at+jwt", "application/at+jwt"] {
        assert_eq!(header(json!({ "alg": "RS256", "typ": kind })), Ok(()), "{kind}");
    }
    assert_eq!(header(json!({ "alg": "RS256" })), Ok(()));
    for (wrong, why) in [
        (json!({ "typ": "JWT" }), TokenRefused::Malformed),
        (json!({ "alg": ["RS256"] }), TokenRefused::Malformed),
        (json!({ "alg": "RS256", "kid": 1 }), TokenRefused::Malformed),
        (json!({ "alg": "RS256", "typ": null }), TokenRefused::Malformed),
        (json!({ "alg": "RS256", "typ": "dpop+jwt" }), TokenRefused::OtherType),
        (json!({ "alg": "RS256", "typ": "secevent+jwt" }), TokenRefused::OtherType),
        (json!({ "alg": "RS256", "crit": [] }), TokenRefused::Critical),
        (json!({ "alg": "RS256", "crit": null }), TokenRefused::Critical),
    ] {
        assert_eq!(header(wrong.clone()), Err(why), "{wrong}");
    }
}

#[test]
fn what_a_token_says_of_itself_leads_only_to_what_somebody_can_have_set() {
    let token = |claims: Value| {
        let [header, claims] =
            [json!({ "alg": "RS256" }), claims].map(|part| BASE64URL_NOPAD.encode(part.to_string().as_bytes()));
        format!("{header}.{claims}.AAAA")
    };
    let said = |claims: Value| {
        let text = token(claims);
        let token = Token::read(&text).expect("a token");
        token.said().map(|(issuer, audiences)| (issuer.to_string(), audiences.len()))
    };
    let acme = "https://login.acme.example";
    assert_eq!(said(json!({ "iss": acme, "aud": ["a", "b", "a"] })), Some((acme.to_owned(), 2)));
    assert_eq!(said(json!({ "iss": acme, "aud": ["a".repeat(257)] })), Some((acme.to_owned(), 0)));
    for nobody in [
        json!({ "aud": "a" }),
        json!({ "iss": acme }),
        json!({ "iss": [acme], "aud": "a" }),
        json!({ "iss": format!("{acme}/{}", "a".repeat(600)), "aud": "a" }),
        json!({ "iss": "login", "aud": "a" }),
    ] {
        assert_eq!(said(nobody.clone()), None, "{nobody}");
    }
}

#[test]
fn signatures_are_those_of_the_rfc() {
    // RFC 7515, appendices A.2 and A.3.
    const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let rsa = json!({ "keys": [{ "kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ" }] });
    let ec = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" }] });
    for (header, signature, keys, algorithm) in [
        (
            "eyJhbGciOiJSUzI1NiJ9",
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
            rsa,
            SigningAlgorithm::Rs256,
        ),
        (
            "eyJhbGciOiJFUzI1NiJ9",
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            ec,
            SigningAlgorithm::Es256,
        ),
    ] {
        let keys = IssuerKeys::read(keys.to_string().as_bytes()).expect("keys");
        let key = keys.key(None, algorithm).expect("a key");
        let claims = key.verify(&format!("{header}.{CLAIMS}.{signature}"), algorithm).expect("verified");
        assert_eq!(claims.text("iss"), Some("joe"), "{algorithm}");
        let flipped = format!("{header}.{CLAIMS}.A{}", &signature[1..]);
        assert_eq!(key.verify(&flipped, algorithm).err(), Some(TokenRefused::WrongSignature), "{algorithm}");
    }
}
