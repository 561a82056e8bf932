//! Tokens that are believed, and forged ones of every kind.

use super::*;
use jsonwebtoken::EncodingKey;

const NOW_MS: i64 = 1_800_000_000_000;

fn keys() -> (Keys, SigningKey) {
    let stored = generate(NOW_MS).unwrap();
    let keys = Keys::default();
    keys.replace(std::slice::from_ref(&stored), &Vault::default()).unwrap();
    (keys, stored)
}

fn claims() -> AccessClaims {
    let grantee = Grantee {
        subject: "1.agent.1",
        tenant_id: 1,
        client_id: "demo",
        agent_id: 1,
        user_id: 0,
        user_name: "",
        grant: "g",
    };
    AccessClaims::new(&grantee, "all".to_owned(), NOW_MS)
}

/// A token with the header and claims given, signed with `key` by `algorithm`.
fn forge(algorithm: Algorithm, key: &EncodingKey, header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

fn header(stored: &SigningKey) -> Value {
    json!({"typ": "at+jwt", "alg": "ES256", "kid": stored.kid})
}

fn with(mut value: Value, name: &str, new: impl Into<Value>) -> Value {
    value[name] = new.into();
    value
}

fn ours(stored: &SigningKey, header: &Value, claims: &Value) -> String {
    let key = EncodingKey::from_ec_pem(stored.private_pem.as_bytes()).unwrap();
    forge(Algorithm::ES256, &key, header, claims)
}

#[test]
fn a_token_says_what_was_signed_until_it_ends() {
    let (keys, _) = keys();
    let token = keys.sign_access(&claims(), NOW_MS).unwrap();
    let verified = keys.verify_access(&token, NOW_MS).unwrap();
    assert_eq!((verified.tid, verified.aid, verified.cid.as_str()), (1, 1, "demo"));
    assert_eq!(verified.exp - verified.iat, 3_600);
    let end_ms = NOW_MS + 3_605_000;
    assert!(keys.verify_access(&token, end_ms - 1).is_ok());
    assert_eq!(keys.verify_access(&token, end_ms), Err(BadToken::Expired));
}

#[test]
fn two_tokens_are_never_the_same() {
    let (keys, _) = keys();
    let token = || keys.sign_access(&claims(), NOW_MS).unwrap();
    assert_ne!(token(), token());
}

#[test]
fn the_newest_key_signs_once_every_node_can_know_it_and_all_verify() {
    let (keys, old) = keys();
    let before = keys.sign_access(&claims(), NOW_MS).unwrap();
    let new = generate(NOW_MS + 1).unwrap();
    keys.replace(&[new.clone(), old], &Vault::default()).unwrap();
    let kid = |token: &str| jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let early = keys.sign_access(&claims(), NOW_MS + ACTIVATION_MS).unwrap();
    assert_eq!(kid(&early), kid(&before), "another node may not have read the new key");
    let after = keys.sign_access(&claims(), NOW_MS + 1 + ACTIVATION_MS).unwrap();
    assert_eq!(kid(&after), new.kid);
    assert!(
        keys.verify_access(&before, NOW_MS).is_ok() && keys.verify_access(&after, NOW_MS).is_ok()
    );
    assert_eq!(keys.jwks()["keys"].as_array().unwrap().len(), 2);
}

#[test]
fn published_keys_verify_the_tokens() {
    let (keys, _) = keys();
    let jwk: jsonwebtoken::jwk::Jwk =
        serde_json::from_value(keys.jwks()["keys"][0].clone()).unwrap();
    let key = DecodingKey::from_jwk(&jwk).unwrap();
    let token = keys.sign_access(&claims(), NOW_MS).unwrap();
    assert!(jsonwebtoken::decode::<AccessClaims>(&token, &key, &validation()).is_ok());
    assert!(!keys.jwks().to_string().contains("\"d\""), "the private half stays here");
}

#[test]
fn other_algorithms_are_refused() {
    let (keys, stored) = keys();
    let claims = serde_json::to_value(claims()).unwrap();
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    for name in ["none", "None", "NONE", ""] {
        let unsigned = with(header(&stored), "alg", name);
        let message = format!("{}.{}", encode(&unsigned), encode(&claims));
        for token in [format!("{message}."), message] {
            assert_eq!(keys.verify_access(&token, NOW_MS), Err(BadToken::Invalid), "{name}");
        }
    }
    // The public key is no secret: nothing may be signed with it.
    let secret = SecretKey::from_pkcs8_pem(&stored.private_pem).unwrap();
    let public = secret.public_key().to_public_key_pem(LineEnding::LF).unwrap();
    let key = EncodingKey::from_secret(public.as_bytes());
    let hs256 = forge(Algorithm::HS256, &key, &with(header(&stored), "alg", "HS256"), &claims);
    assert_eq!(keys.verify_access(&hs256, NOW_MS), Err(BadToken::Invalid));
    let lying = forge(Algorithm::HS256, &key, &header(&stored), &claims);
    assert_eq!(keys.verify_access(&lying, NOW_MS), Err(BadToken::Invalid));
}

#[test]
fn other_keys_are_refused() {
    let (keys, stored) = keys();
    let claims = serde_json::to_value(claims()).unwrap();
    let other = generate(NOW_MS).unwrap();
    let stolen_kid = ours(&other, &header(&stored), &claims);
    assert_eq!(keys.verify_access(&stolen_kid, NOW_MS), Err(BadToken::Invalid));
    let unknown = ours(&other, &header(&other), &claims);
    assert_eq!(keys.verify_access(&unknown, NOW_MS), Err(BadToken::UnknownKey));
    let anonymous = ours(&stored, &json!({"typ": "at+jwt", "alg": "ES256"}), &claims);
    assert_eq!(keys.verify_access(&anonymous, NOW_MS), Err(BadToken::Invalid));
}

#[test]
fn tokens_made_for_something_else_are_refused() {
    let (keys, stored) = keys();
    let good = serde_json::to_value(claims()).unwrap();
    assert!(keys.verify_access(&ours(&stored, &header(&stored), &good), NOW_MS).is_ok());
    let mut forged = vec![
        ours(&stored, &with(header(&stored), "typ", "JWT"), &good),
        ours(&stored, &with(header(&stored), "crit", json!(["exp"])), &good),
    ];
    for (name, value) in [
        ("iss", json!("https://elsewhere.example")),
        ("iss", json!(["aureole"])),
        ("iss", Value::Null),
        ("aud", json!("demo")),
        ("aud", Value::Null),
        ("exp", json!("soon")),
        ("exp", Value::Null),
        ("nbf", json!(NOW_MS / 1_000 + 60)),
        ("nbf", json!(i64::MAX)),
        ("tid", json!("1")),
        ("sub", Value::Null),
    ] {
        forged.push(ours(&stored, &header(&stored), &with(good.clone(), name, value)));
    }
    let id_claims = json!({"iss": "aureole", "aud": "aureole-api", "sub": "1"});
    forged.push(keys.sign_id(&id_claims, NOW_MS).unwrap());
    for token in forged {
        assert_eq!(keys.verify_access(&token, NOW_MS), Err(BadToken::Invalid), "{token}");
    }
}

#[test]
fn damaged_tokens_are_refused() {
    let (keys, stored) = keys();
    let token = keys.sign_access(&claims(), NOW_MS).unwrap();
    for end in 0..token.len() {
        assert!(keys.verify_access(&token[..end], NOW_MS).is_err(), "cut at {end}");
    }
    let mut parts = token.split('.');
    let (head, _, signature) =
        (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let richer = with(serde_json::to_value(claims()).unwrap(), "tid", 2);
    let swapped = format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(richer.to_string()));
    assert_eq!(keys.verify_access(&swapped, NOW_MS), Err(BadToken::Invalid));
    for text in
        ["", ".", "..", "...", "a.b.c", "Bearer", &format!("{token}.{token}"), &format!("{token}A")]
    {
        assert_eq!(keys.verify_access(text, NOW_MS), Err(BadToken::Invalid), "{text}");
    }
    let long = ours(&stored, &header(&stored), &json!({"pad": "x".repeat(MAX_TOKEN_BYTES)}));
    assert_eq!(keys.verify_access(&long, NOW_MS), Err(BadToken::Invalid));
}
