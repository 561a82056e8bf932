//! Rules of stored files: their names, sizes, types, and whose they are.

use aureole_catalogue::keys::{attachment, ticket, user};
use aureole_catalogue::{EntityKind, Key, Record};
use aureole_storage::attachments;
use aureole_storage::records::Stored;
use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

use crate::error::Result;
use crate::rules::generic;
use crate::save::{Draft, Save};

/// Where programs put the content, the first one first.
const CONTENT: &[Key] = &[attachment::DATA_BASE64, attachment::DATA, attachment::FILE];

/// Media types by the end of a file's name, for programs that give none.
const TYPES: &[(&str, &str)] = &[
    ("txt", "text/plain"),
    ("log", "text/plain"),
    ("csv", "text/csv"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("json", "application/json"),
    ("xml", "application/xml"),
    ("pdf", "application/pdf"),
    ("zip", "application/zip"),
    ("eml", "message/rfc822"),
    ("msg", "application/vnd.ms-outlook"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("svg", "image/svg+xml"),
    ("webp", "image/webp"),
];
/// What a file is of which nothing is known.
pub const UNKNOWN_TYPE: &str = "application/octet-stream";

pub async fn before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    file_name(save, draft);
    content(save, draft).await?;
    owner(save, draft).await
}

/// Stores a new content, and lets go of the one that it replaces.
pub async fn after(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let version = draft.record.int(attachment::VERSION);
    let old = draft.before.as_ref().map_or(0, |before| before.int(attachment::VERSION));
    if version == old {
        return Ok(());
    }
    let (tenant, now) = (save.tenant(), save.now);
    attachments::put(&mut save.tx, tenant, version, draft.change.text(attachment::DATA_BASE64))
        .await?;
    Ok(attachments::release(&mut save.tx, tenant, &[old], now).await?)
}

/// Lets go of the content that a file had before it was put back as it was.
pub async fn restored(save: &mut Save<'_>, draft: &Draft) -> Result<()> {
    let version = draft.record.int(attachment::VERSION);
    let old = draft.before.as_ref().map_or(0, |before| before.int(attachment::VERSION));
    if version == old {
        return Ok(());
    }
    let (tenant, now) = (save.tenant(), save.now);
    Ok(attachments::release(&mut save.tx, tenant, &[old], now).await?)
}

/// Lets go of the contents of deleted files: they stay for as long as history can bring them back.
pub async fn deleted(save: &mut Save<'_>, stored: &[Stored]) -> Result<()> {
    let schema = EntityKind::Attachment.entity().schema;
    let version = |stored: &Stored| Record::from_doc(schema, &stored.doc).int(attachment::VERSION);
    let files: Vec<i64> = stored.iter().map(version).collect();
    let (tenant, now) = (save.tenant(), save.now);
    Ok(attachments::release(&mut save.tx, tenant, &files, now).await?)
}

fn file_name(save: &mut Save<'_>, draft: &Draft) {
    let name = draft.record.text(attachment::FILENAME);
    let given = draft.change.has(attachment::FILENAME);
    if name.trim().is_empty() {
        generic::required(save, draft, attachment::FILENAME);
    } else if given && name.chars().any(|sign| sign.is_control() || matches!(sign, '/' | '\\')) {
        save.problem(draft.at("filename"), "must be a file's name, without a path");
    }
}

/// Reads the content that the body has, checks it, and brings it into its canonical form.
async fn content(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let schema = draft.entity().schema;
    let given = CONTENT.iter().find(|key| !draft.change.text(**key).is_empty());
    let Some(key) = given.copied() else {
        if draft.is_new && draft.record.text(attachment::LINK).is_empty() {
            save.problem(draft.at("data_base64"), "is required, or a link");
        }
        return content_type(save, draft, "", false);
    };
    let (declared, encoded) = data_url(draft.change.text(key));
    let declared = declared.to_owned();
    let path = draft.at(schema.fields[key.0].name);
    let Some(bytes) = decoded(encoded) else {
        save.problem(path, "must be base64");
        return content_type(save, draft, &declared, true);
    };
    let most = save.app.config.limits.attachment_bytes;
    if bytes.len() > most {
        save.problem(path, format!("must be at most {most} bytes, not {}", bytes.len()));
    }
    let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let content = STANDARD.encode(bytes);
    let (tenant, version) = (save.tenant(), draft.record.int(attachment::VERSION));
    let may_be_same = version > 0 && draft.record.int(attachment::SIZE) == size;
    if may_be_same && attachments::is(&mut save.tx, tenant, version, &content).await? {
        // What was read is posted back.
        return content_type(save, draft, &declared, false);
    }
    draft.record.set(attachment::SIZE, size);
    draft.change.set(attachment::DATA_BASE64, Some(content.into()));
    let now = save.now_text.clone();
    draft.record.set(attachment::LAST_UPDATED, now);
    let version = save.tx.reserve_ids(tenant, attachments::COUNTER, 1).await?;
    draft.record.set(attachment::VERSION, version);
    content_type(save, draft, &declared, true)
}

/// The media type of a `data:` address (empty when the text is none) and its base64.
fn data_url(text: &str) -> (&str, &str) {
    let parts = text.trim().strip_prefix("data:").and_then(|rest| rest.split_once(','));
    match parts {
        Some((head, data)) => (head.split(';').next().unwrap_or("").trim(), data),
        None => ("", text),
    }
}

/// Base64 as programs write it: with or without padding, broken into lines or not.
fn decoded(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &ALPHABET,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    if text.bytes().any(|byte| byte.is_ascii_whitespace()) {
        let bare: String = text.chars().filter(|sign| !sign.is_ascii_whitespace()).collect();
        return LENIENT.decode(bare).ok();
    }
    LENIENT.decode(text).ok()
}

/// The type that the body names, else that of its `data:` address, else by the file's name. Without
/// a new content the type stays.
fn content_type(
    save: &mut Save<'_>,
    draft: &mut Draft,
    declared: &str,
    is_new: bool,
) -> Result<()> {
    let given = draft.change.text(attachment::CONTENT_TYPE).trim().to_ascii_lowercase();
    let stored = draft.record.text(attachment::CONTENT_TYPE);
    let found = match (given.as_str(), declared) {
        ("", "") if !stored.is_empty() && !is_new => stored,
        ("", "") => by_name(draft.record.text(attachment::FILENAME)),
        ("", declared) => declared,
        (given, _) => given,
    }
    .to_owned();
    if !is_media_type(&found) {
        save.problem(draft.at("content_type"), "must be a media type such as text/plain");
        return Ok(());
    }
    draft.record.set(attachment::IS_IMAGE, found.starts_with("image/"));
    draft.record.set(attachment::CONTENT_TYPE, found);
    Ok(())
}

fn by_name(name: &str) -> &'static str {
    let end = name.rsplit_once('.').map_or("", |(_, end)| end).to_ascii_lowercase();
    TYPES.iter().find(|(known, _)| *known == end).map_or(UNKNOWN_TYPE, |(_, found)| found)
}

/// `type/subtype`, in plain characters, so that it can stand in a header.
fn is_media_type(text: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
    };
    text.split_once('/').is_some_and(|(kind, subtype)| plain(kind) && plain(subtype))
}

/// A file on a ticket or user is its client's; another client's is refused.
async fn owner(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let pairs = [
        (EntityKind::Ticket, attachment::TICKET_ID, ticket::CLIENT_ID),
        (EntityKind::User, attachment::USER_ID, user::CLIENT_ID),
    ];
    for (kind, key, owner) in pairs {
        let id = draft.record.int(key);
        let moved = draft.is_new || draft.changes(key) || draft.changes(attachment::CLIENT_ID);
        if id <= 0 || !moved {
            continue;
        }
        let Some((_, record)) = save.load(kind, id).await? else { continue };
        let client = record.int(owner);
        let given = draft.record.int(attachment::CLIENT_ID);
        if given > 0 && draft.change.int(attachment::CLIENT_ID) > 0 && given != client {
            let what = kind.entity().singular;
            save.problem(
                draft.at("client_id"),
                format!("is not client {client}, to which {what} {id} belongs"),
            );
        } else {
            draft.record.set(attachment::CLIENT_ID, client);
        }
        return Ok(());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_read_as_programs_write_them() {
        for text in ["aGVsbG8=", "aGVsbG8", "aGVs\r\nbG8="] {
            assert_eq!(decoded(text).as_deref(), Some(&b"hello"[..]), "{text:?}");
        }
        assert_eq!(data_url("data:text/plain;base64,aGk="), ("text/plain", "aGk="));
        assert_eq!(data_url("data:;base64,aGk="), ("", "aGk="));
        for wrong in ["***", "a", "aGVsbG8=aGVsbG8="] {
            assert_eq!(decoded(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn media_types_fit_into_a_header() {
        assert!(is_media_type("application/vnd.a+json") && is_media_type("text/x-c"));
        for wrong in ["", "text", "/plain", "text/", "text/plain; charset=utf-8", "a/b\r\nc: d"] {
            assert!(!is_media_type(wrong), "{wrong:?}");
        }
    }
}
