//! Secrets at rest: sealed with XChaCha20-Poly1305 before they are stored, opened only to be used.
//!
//! A sealed value is an [`ENVELOPE`] text that names its key and is bound to its [`Place`]: moved to
//! another record, field or tenant it does not open. Keys come from a file or a setting; the first
//! seals, all of them open, so that keys can be changed while servers run (see [`rotate`]).

pub mod rotate;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::engine::{DecodePaddingMode, general_purpose::STANDARD_NO_PAD};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key as CipherKey, XChaCha20Poly1305, XNonce};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// How a sealed value begins; then the key's id, a colon, and nonce and ciphertext in base64.
pub const ENVELOPE: &str = "sealed:1:";
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// Editors and tools disagree on the padding of a key.
const KEY_TEXT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a secret can't be stored; the end of a sentence that starts with its field.
pub const NO_KEY: &str = "can't be stored: the server has no key to encrypt secrets with; its \
    administrator has to set secret_key_file or AUREOLE_SECRET_KEY";

/// The text of keys in the settings; it never shows in a debug print.
#[derive(Clone, Default, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct KeyText(pub String);

impl fmt::Debug for KeyText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.0.is_empty() { "(none)" } else { "(hidden)" })
    }
}

/// Where a secret belongs: it opens nowhere else.
pub struct Place(String);

impl Place {
    /// `tenant` is 0 for what belongs to none. `kind` is a kind of record (`Client`) or a table,
    /// `record` its id, `field` the field's or column's name.
    pub fn new(tenant: i64, kind: &str, record: impl fmt::Display, field: &str) -> Place {
        Place(format!("aureole\0{tenant}\0{kind}\0{record}\0{field}"))
    }
}

/// Why a sealed value does not open; never says anything about the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("it is sealed with the key {0}, which this server does not have")]
    UnknownKey(String),
    #[error("it was changed, or belongs to another place")]
    Wrong,
}

struct Key {
    id: String,
    cipher: XChaCha20Poly1305,
}

impl Key {
    fn new(bytes: &[u8; KEY_BYTES]) -> Key {
        let digest = Sha256::new().chain_update(b"aureole key id").chain_update(bytes).finalize();
        let id = digest[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        Key { id, cipher: XChaCha20Poly1305::new(&CipherKey::from(*bytes)) }
    }
}

/// The keys of this process, and how to learn of new ones. The default has none.
#[derive(Default)]
pub struct Vault {
    keys: ArcSwap<Vec<Key>>,
    file: Option<PathBuf>,
    /// When the file was last written, as far as its keys were read.
    read: Mutex<Option<SystemTime>>,
    demo: bool,
}

impl Vault {
    /// The keys of the settings: `text` (the setting itself) or those in `file`; none of both is a
    /// vault that stores nothing.
    ///
    /// # Errors
    /// One line that says what is wrong with the setting; never a key.
    pub fn new(text: &KeyText, file: &str) -> Result<Vault, String> {
        let file = (!file.is_empty()).then(|| PathBuf::from(file));
        if file.is_some() && !text.0.is_empty() {
            return Err("secret_key and secret_key_file are both set: one of them".to_owned());
        }
        let mut read = None;
        let keys = match &file {
            Some(path) => {
                let (keys, written) = read_file(path)?;
                read = written;
                keys
            }
            None => parse(&text.0).map_err(|wrong| format!("secret_key {wrong}"))?,
        };
        let demo = text.0 == demo_key().0;
        Ok(Vault { keys: ArcSwap::from_pointee(keys), file, read: Mutex::new(read), demo })
    }

    /// True when secrets can be stored.
    pub fn has_key(&self) -> bool {
        !self.keys.load().is_empty()
    }

    /// True when what every server of this database needs may be sealed too: the demo's key is
    /// known to everybody, and other commands on its database run without it.
    pub fn is_lasting(&self) -> bool {
        self.has_key() && !self.demo
    }

    /// The id of the key that seals.
    pub fn key_id(&self) -> Option<String> {
        self.keys.load().first().map(|key| key.id.clone())
    }

    /// The sealed form of a secret; `None` without a key.
    pub fn seal(&self, place: &Place, secret: &str) -> Option<String> {
        let keys = self.keys.load();
        let key = keys.first()?;
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload { msg: secret.as_bytes(), aad: place.0.as_bytes() };
        // Only a text beyond 256 GB fails.
        let ciphertext = key.cipher.encrypt(&XNonce::from(nonce), payload).ok()?;
        let sealed = [nonce.as_slice(), &ciphertext].concat();
        Some(format!("{ENVELOPE}{}:{}", key.id, STANDARD_NO_PAD.encode(sealed)))
    }

    /// The secret in an envelope.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, place: &Place, envelope: &str) -> Result<String, OpenError> {
        let (id, sealed) = parts(envelope).ok_or(OpenError::Wrong)?;
        let keys = self.keys.load();
        let key = keys.iter().find(|key| key.id == id);
        let key = key.ok_or_else(|| OpenError::UnknownKey(id.to_owned()))?;
        let sealed = STANDARD_NO_PAD.decode(sealed).map_err(|_| OpenError::Wrong)?;
        let (nonce, ciphertext) = sealed.split_first_chunk().ok_or(OpenError::Wrong)?;
        let nonce: &[u8; NONCE_BYTES] = nonce;
        let payload = Payload { msg: ciphertext, aad: place.0.as_bytes() };
        let secret = key.cipher.decrypt(&XNonce::from(*nonce), payload);
        String::from_utf8(secret.map_err(|_| OpenError::Wrong)?).map_err(|_| OpenError::Wrong)
    }

    /// Reads the file of keys again when it was written since; a file that can't be read is logged,
    /// and the old keys stay. Cheap enough for every two seconds.
    pub fn refresh(&self) {
        let Some(path) = &self.file else { return };
        let written = std::fs::metadata(path).and_then(|data| data.modified()).ok();
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if written.is_none() || written == *read {
            return;
        }
        match read_file(path) {
            Ok((keys, written)) => {
                self.keys.store(Arc::new(keys));
                *read = written;
            }
            Err(error) => tracing::warn!(error, "the keys for secrets stay as they were"),
        }
    }
}

/// The key's id and the rest of an envelope.
fn parts(envelope: &str) -> Option<(&str, &str)> {
    envelope.strip_prefix(ENVELOPE)?.split_once(':')
}

/// True for the text of a sealed value.
pub fn is_envelope(text: &str) -> bool {
    text.starts_with(ENVELOPE)
}

/// True when `id` is the key that sealed this.
fn is_under(envelope: &str, id: &str) -> bool {
    parts(envelope).is_some_and(|(key, _)| key == id)
}

/// Puts `changed` in place of every envelope in a value that is about to be shown.
pub fn hide(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) if is_envelope(text) => *text = "changed".to_owned(),
        serde_json::Value::Array(items) => items.iter_mut().for_each(hide),
        serde_json::Value::Object(map) => map.values_mut().for_each(hide),
        _ => {}
    }
}

/// A new random key as text: 32 bytes in base64.
pub fn generate_key() -> String {
    STANDARD.encode(rand::random::<[u8; KEY_BYTES]>())
}

/// The key of `serve --demo`, as well known as the demo's passwords.
pub fn demo_key() -> KeyText {
    KeyText(STANDARD.encode(Sha256::digest(b"the key of aureole's demo, which everybody knows")))
}

/// Checks the text of keys.
///
/// # Errors
/// The end of a sentence that starts with the setting; never the text.
pub fn check(text: &str) -> Result<(), String> {
    parse(text).map(drop)
}

fn parse(text: &str) -> Result<Vec<Key>, String> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let texts = lines.flat_map(|line| line.split([',', ' ', '\t', '\r']));
    let texts = texts.filter(|text| !text.is_empty());
    texts
        .map(|text| {
            let bytes = KEY_TEXT.decode(text).ok();
            let bytes: Option<[u8; KEY_BYTES]> = bytes.and_then(|bytes| bytes.try_into().ok());
            bytes.map(|bytes| Key::new(&bytes))
        })
        .collect::<Option<Vec<Key>>>()
        .ok_or_else(|| {
            "has to be 32 random bytes in base64, as aureole generate-key prints; several keys are \
             separated by commas or lines, the first one seals"
                .to_owned()
        })
}

type Keys = (Vec<Key>, Option<SystemTime>);

fn read_file(path: &Path) -> Result<Keys, String> {
    let place = path.display();
    let written = std::fs::metadata(path).and_then(|data| data.modified()).ok();
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("secret_key_file {place} can't be read: {error}"))?;
    let keys = parse(&text).map_err(|wrong| format!("secret_key_file {place} {wrong}"))?;
    if keys.is_empty() {
        return Err(format!("secret_key_file {place} has no key"));
    }
    Ok((keys, written))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn vault(text: &str) -> Vault {
        Vault::new(&KeyText(text.to_owned()), "").unwrap()
    }

    fn place(record: i64) -> Place {
        Place::new(1, "Client", record, "new_jirakey")
    }

    #[test]
    fn a_secret_opens_in_its_place_only() {
        let vault = vault(KEY);
        let sealed = vault.seal(&place(1), "hush").unwrap();
        assert!(is_envelope(&sealed) && !sealed.contains("hush"), "{sealed}");
        assert_ne!(sealed, vault.seal(&place(1), "hush").unwrap(), "the nonce is random");
        assert_eq!(vault.open(&place(1), &sealed).unwrap(), "hush");
        for other in [
            place(2),
            Place::new(2, "Client", 1, "new_jirakey"),
            Place::new(1, "Supplier", 1, "new_jirakey"),
            Place::new(1, "Client", 1, "new_servicenowkey"),
        ] {
            assert_eq!(vault.open(&other, &sealed), Err(OpenError::Wrong));
        }
    }

    #[test]
    fn a_changed_envelope_does_not_open() {
        let vault = vault(KEY);
        let sealed = vault.seal(&place(1), "hush").unwrap();
        let body = sealed.rfind(':').unwrap() + 1;
        for at in body..sealed.len() {
            let other = if sealed.as_bytes()[at] == b'A' { "B" } else { "A" };
            let mut changed = sealed.clone();
            changed.replace_range(at..=at, other);
            assert!(vault.open(&place(1), &changed).is_err(), "{changed}");
        }
        for cut in 0..sealed.len() {
            assert!(vault.open(&place(1), &sealed[..cut]).is_err());
        }
    }

    #[test]
    fn the_first_key_seals_and_all_open() {
        let (old, new) = (vault(KEY), generate_key());
        let sealed = old.seal(&place(1), "hush").unwrap();
        let both = vault(&format!("{new},{KEY}"));
        assert_eq!(both.open(&place(1), &sealed).unwrap(), "hush");
        let again = both.seal(&place(1), "hush").unwrap();
        assert_eq!(vault(&new).open(&place(1), &again).unwrap(), "hush");
        let id = old.key_id().unwrap();
        assert_eq!(vault(&new).open(&place(1), &sealed), Err(OpenError::UnknownKey(id)));
    }

    #[test]
    fn a_wrong_key_is_refused_without_being_named() {
        for text in ["c2VjcmV0", "not base64!", &format!("{KEY},c2VjcmV0")] {
            let error = check(text).unwrap_err();
            assert!(!error.contains("c2VjcmV0") && !error.contains("not base64"), "{error}");
        }
        assert!(check("").is_ok() && !vault("").has_key());
        assert!(vault("").seal(&place(1), "hush").is_none());
        assert_eq!(format!("{:?}", KeyText(KEY.to_owned())), "(hidden)");
    }

    #[test]
    fn the_file_is_read_again_when_it_was_written() {
        let folder = std::env::temp_dir().join(format!("aureole-vault-{}", generate_key().len()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{}.key", rand::random::<u64>()));
        std::fs::write(&file, format!("# first\n{KEY}\n")).unwrap();
        let vault = Vault::new(&KeyText::default(), file.to_str().unwrap()).unwrap();
        let first = vault.key_id();
        std::fs::write(&file, format!("{}\n{KEY}\n", generate_key())).unwrap();
        *vault.read.lock().unwrap() = Some(SystemTime::UNIX_EPOCH);
        vault.refresh();
        assert_ne!(vault.key_id(), first);
        std::fs::remove_file(&file).unwrap();
    }
}
