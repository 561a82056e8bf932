//! Proof Key for Code Exchange (RFC 7636): only who asked for a code can exchange it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The one method that is accepted: `plain` would show the verifier to whoever sees the address.
pub const METHOD: &str = "S256";

/// SHA-256 in base64url without padding.
const CHALLENGE_BYTES: usize = 43;

/// Whether a text can be a challenge.
#[must_use]
pub fn is_challenge(text: &str) -> bool {
    text.len() == CHALLENGE_BYTES
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Whether a text can be a verifier.
#[must_use]
pub fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}

/// Whether the verifier is the one that the challenge was made of.
#[must_use]
pub fn fits(verifier: &str, challenge: &str) -> bool {
    let made = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    is_verifier(verifier) && made.as_bytes().ct_eq(challenge.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc_fits() {
        let (verifier, challenge) = (
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        );
        assert!(is_challenge(challenge) && fits(verifier, challenge));
        for wrong in
            ["", challenge, &verifier[..42], &format!("{verifier}x"), &verifier.to_uppercase()]
        {
            assert!(!fits(wrong, challenge), "{wrong}");
        }
    }

    #[test]
    fn lengths_and_characters_are_checked() {
        assert!(is_verifier(&"~".repeat(128)) && !is_verifier(&"~".repeat(129)));
        assert!(!is_verifier(&"a".repeat(42)) && !is_verifier(&" ".repeat(43)));
        assert!(!is_challenge(&"=".repeat(43)) && !is_challenge(&"a".repeat(44)));
    }
}
