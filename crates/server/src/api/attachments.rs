//! GET /Attachment/{id}: the stored file itself, or what is known of it.

use aureole_catalogue::keys::attachment;
use aureole_catalogue::render::View;
use aureole_catalogue::{Problems, Record, Show};
use aureole_storage::Db;
use aureole_storage::records;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderName;
use http::header::{
    CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::api::get::{not_modified, sees};
use crate::api::list::row;
use crate::endpoints::Endpoint;
use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::reply::{self, BodyError, Reply};
use crate::rights;
use crate::rules::attachments::UNKNOWN_TYPE;

/// The signs of a file's name that RFC 8187 lets stand.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

/// The content, as the PowerShell module saves it; the record as JSON for programs that accept
/// JSON, or with `includedetails`, which adds the content as `data_base64`.
pub async fn get(call: &Call, endpoint: &'static Endpoint, id: i64) -> Result<Reply> {
    rights::check(&call.caller, endpoint, false)?;
    let mut problems = Problems::default();
    let details = call.params.flag("includedetails", &mut problems);
    call.check_params(&[endpoint.get_params], &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    let entity = endpoint.kind.entity();
    let prepared = call.app.prepared(endpoint.kind, View::Full, Show::NONE);
    let mut db = call.db.clone();
    let stored = records::get(&mut db, &prepared.select, call.caller.tenant_id, id).await?;
    let missing = || ApiError::missing(entity.singular, id);
    let stored = stored.ok_or_else(missing)?;
    if !sees(call, &mut db, entity, &stored).await? {
        return Err(missing());
    }
    let record = Record::from_doc(entity.schema, &stored.doc);
    let file = record.int(attachment::VERSION);
    let as_json = details || file <= 0 || accepts_json(call.header("accept"));
    let [of_record, of_content] = etags(stored.rev);
    let etag = if as_json { of_record } else { of_content };
    if let Some(reply) = not_modified(call, &etag) {
        return Ok(reply);
    }
    let parts = Parts { db, tenant: call.caller.tenant_id, file, next: 0 };
    let mut reply = if !as_json {
        content(&record, parts)
    } else {
        let mut head = Vec::new();
        prepared.plan.open(&row(&stored, &[]), &mut Vec::new(), &mut head);
        described(head, parts, details && file > 0)
    };
    reply::set(&mut reply, ETAG, &etag);
    reply::set(&mut reply, VARY, "Accept");
    Ok(reply)
}

/// Two replies under one address, so two tags: of the record and of its content.
pub fn etags(rev: i64) -> [String; 2] {
    [format!("\"{rev}\""), format!("\"{rev}-content\"")]
}

/// True when a program asks for JSON by name.
fn accepts_json(accept: Option<&str>) -> bool {
    accept.is_some_and(|accept| accept.split(',').any(crate::wire::is_json))
}

/// The parts of a content that are still to be sent.
struct Parts {
    db: Db,
    tenant: i64,
    file: i64,
    next: i64,
}

impl Parts {
    /// The next part as base64; `None` behind the last one.
    async fn next(&mut self) -> std::result::Result<Option<String>, BodyError> {
        let (tenant, file, part) = (self.tenant, self.file, self.next);
        self.next += 1;
        let found = aureole_storage::attachments::part(&mut self.db, tenant, file, part).await;
        found.map_err(BodyError::from)
    }
}

/// The file. Whatever it is, a browser saves it and runs nothing in it.
fn content(record: &Record, parts: Parts) -> Reply {
    let chunks = futures_util::stream::unfold(Some(parts), |parts| async move {
        let mut parts = parts?;
        let bytes = match parts.next().await {
            Ok(None) => return None,
            Ok(Some(text)) => STANDARD.decode(text).map_err(BodyError::from),
            Err(error) => Err(error),
        };
        match bytes {
            Ok(bytes) => Some((Ok(Bytes::from(bytes)), Some(parts))),
            Err(error) => Some((Err(error), None)),
        }
    });
    let mut reply = reply::stream(chunks);
    let kind = match record.text(attachment::CONTENT_TYPE) {
        "" => UNKNOWN_TYPE,
        kind => kind,
    };
    let headers: [(HeaderName, &str); 5] = [
        (CONTENT_TYPE, kind),
        (CONTENT_LENGTH, &record.int(attachment::SIZE).to_string()),
        (CONTENT_DISPOSITION, &disposition(record.text(attachment::FILENAME))),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    ];
    for (name, value) in headers {
        reply::set(&mut reply, name, value);
    }
    reply
}

/// The file's name in plain signs, and, when it has others, whole as RFC 6266 has it.
fn disposition(name: &str) -> String {
    let is_plain = |sign: char| sign == ' ' || sign.is_ascii_graphic() && !"\"\\%".contains(sign);
    let plain: String = name.chars().map(|sign| if is_plain(sign) { sign } else { '_' }).collect();
    match plain == name {
        true => format!("attachment; filename=\"{plain}\""),
        false => format!(
            "attachment; filename=\"{plain}\"; filename*=UTF-8''{}",
            utf8_percent_encode(name, NAME)
        ),
    }
}

/// The record, and behind its fields the content when it is asked for.
fn described(mut head: Vec<u8>, parts: Parts, with_content: bool) -> Reply {
    if !with_content {
        head.push(b'}');
        return reply::json(200, head);
    }
    head.extend_from_slice(b",\"data_base64\":\"");
    let chunks = futures_util::stream::unfold(Some((Some(head), parts)), |state| async move {
        let (head, mut parts) = state?;
        if let Some(head) = head {
            return Some((Ok(Bytes::from(head)), Some((None, parts))));
        }
        match parts.next().await {
            Ok(Some(text)) => Some((Ok(Bytes::from(text)), Some((None, parts)))),
            Ok(None) => Some((Ok(Bytes::from_static(b"\"}")), None)),
            Err(error) => Some((Err(error), None)),
        }
    });
    reply::stream(chunks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_into_the_header() {
        assert_eq!(disposition("a b.txt"), "attachment; filename=\"a b.txt\"");
        assert_eq!(
            disposition("é\"\n.txt"),
            "attachment; filename=\"___.txt\"; filename*=UTF-8''%C3%A9%22%0A.txt"
        );
    }
}
