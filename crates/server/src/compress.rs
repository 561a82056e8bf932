//! Replies in fewer bytes, for clients that ask for it.
//!
//! A compressed reply is another representation, so its entity tag is another one too: that of the
//! plain reply with the encoding behind it (`"x-gzip"`). Both are strong: the same record is
//! compressed to the same bytes. What clients send back is read without the ending, so an `If-Match`
//! or `If-None-Match` from either fits.

use async_compression::Level;
use async_compression::tokio::bufread::{BrotliEncoder, GzipEncoder, ZstdEncoder};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_MATCH,
    IF_NONE_MATCH,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::{BodyExt, BodyStream, StreamBody};
use hyper::body::{Body as _, Frame};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::io::{ReaderStream, StreamReader};

use crate::reply::{self, Body, BodyError, Reply};

/// Replies up to this size are compressed before they are sent, so that their length is known.
const WHOLE_BYTES: u64 = 256 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Zstd,
    Brotli,
    Gzip,
}

/// In the order in which we choose among what a client likes equally: the least work first.
const ALL: [(Encoding, &str, &str); 3] = [
    (Encoding::Zstd, "zstd", "-zstd\""),
    (Encoding::Brotli, "br", "-br\""),
    (Encoding::Gzip, "gzip", "-gzip\""),
];

impl Encoding {
    fn name(self) -> &'static str {
        ALL.iter().find(|(encoding, ..)| *encoding == self).map_or("", |(_, name, _)| name)
    }

    fn ending(self) -> &'static str {
        ALL.iter().find(|(encoding, ..)| *encoding == self).map_or("\"", |(.., ending)| ending)
    }
}

/// What a request says about encodings.
#[derive(Clone, Copy, Default)]
pub struct Asked {
    wanted: Option<Encoding>,
    /// The encoding of the representation that the client has.
    known: Option<Encoding>,
}

impl Asked {
    /// Reads the headers of a request, and takes the endings off its entity tags.
    pub fn of(headers: &mut HeaderMap) -> Asked {
        let wanted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
        let mut asked = Asked { wanted: wanted.and_then(choose), known: None };
        for name in [IF_MATCH, IF_NONE_MATCH] {
            let Some(text) = headers.get(&name).and_then(|value| value.to_str().ok()) else {
                continue;
            };
            let mut plain = text.to_owned();
            for (encoding, _, ending) in ALL {
                if plain.contains(ending) {
                    plain = plain.replace(ending, "\"");
                    asked.known = Some(encoding);
                }
            }
            if asked.known.is_some()
                && let Ok(plain) = HeaderValue::from_str(&plain)
            {
                headers.insert(name, plain);
            }
        }
        asked
    }

    /// The reply as the client asked for it.
    pub async fn fulfil(self, mut reply: Reply, min_bytes: u64) -> Reply {
        if reply.status() == StatusCode::NOT_MODIFIED {
            if let Some(known) = self.known {
                mark(reply.headers_mut(), known);
            }
            return reply;
        }
        let size = reply.body().size_hint().exact();
        if size.is_some_and(|size| size < min_bytes) || !is_compressible(reply.headers()) {
            return reply;
        }
        reply::vary(&mut reply, "Accept-Encoding");
        let Some(encoding) = self.wanted else { return reply };
        let (mut parts, body) = reply.into_parts();
        let body = match encoded(encoding, body, size).await {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(%error, "a reply could not be compressed");
                parts.status = StatusCode::INTERNAL_SERVER_ERROR;
                reply::full(Bytes::new())
            }
        };
        parts.headers.remove(CONTENT_LENGTH);
        parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
        mark(&mut parts.headers, encoding);
        Reply::from_parts(parts, body)
    }
}

/// Texts that may be sent as another representation. Secrets (`no-store`) are left alone: the length
/// of a compressed reply tells about what is in it.
fn is_compressible(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let kind = text(CONTENT_TYPE);
    let kind = kind.split(';').next().unwrap_or("");
    let is_text = kind.starts_with("text/") && kind != "text/event-stream"
        || matches!(kind, "application/json" | "application/javascript" | "image/svg+xml");
    let control = text(CACHE_CONTROL);
    is_text
        && !headers.contains_key(CONTENT_ENCODING)
        && !control.contains("no-store")
        && !control.contains("no-transform")
}

/// Puts the encoding behind the entity tag.
fn mark(headers: &mut HeaderMap, encoding: Encoding) {
    let tag = headers.get(ETAG).and_then(|value| value.to_str().ok());
    let marked =
        tag.and_then(|tag| tag.strip_suffix('"')).map(|tag| tag.to_owned() + encoding.ending());
    if let Some(marked) = marked.and_then(|tag| HeaderValue::from_str(&tag).ok()) {
        headers.insert(ETAG, marked);
    }
}

/// The encoding of ours that an `Accept-Encoding` likes best.
fn choose(accepted: &str) -> Option<Encoding> {
    let accepted = accepted.to_ascii_lowercase();
    let quality = |name: &str| {
        let mut star = None;
        for part in accepted.split(',') {
            let mut pieces = part.split(';').map(str::trim);
            let coding = pieces.next().unwrap_or("");
            let weight = pieces.find_map(|piece| piece.strip_prefix("q=")).unwrap_or("1");
            let weight = weight.trim().parse::<f32>().ok().filter(|weight| *weight > 0.0);
            let weight = weight.map_or(0, thousandths);
            if coding == name || name == "gzip" && coding == "x-gzip" {
                return weight;
            }
            if coding == "*" {
                star = Some(weight);
            }
        }
        star.unwrap_or(0)
    };
    let best = ALL.iter().map(|(encoding, name, _)| (quality(name), *encoding));
    // The first of equals.
    let (quality, encoding) = best.rev().max_by_key(|(quality, _)| *quality)?;
    (quality > 0).then_some(encoding)
}

#[expect(clippy::cast_possible_truncation, reason = "a quality is between 0 and 1")]
fn thousandths(quality: f32) -> i32 {
    (quality.min(1.0) * 1_000.0) as i32
}

async fn encoded(encoding: Encoding, body: Body, size: Option<u64>) -> std::io::Result<Body> {
    let chunks = BodyStream::new(body).try_filter_map(|frame| async { Ok(frame.into_data().ok()) });
    let plain = StreamReader::new(chunks.map_err(std::io::Error::other));
    let plain = Box::pin(plain);
    match encoding {
        Encoding::Zstd => made(ZstdEncoder::with_quality(plain, Level::Precise(3)), size).await,
        Encoding::Brotli => made(BrotliEncoder::with_quality(plain, Level::Precise(4)), size).await,
        Encoding::Gzip => made(GzipEncoder::with_quality(plain, Level::Precise(5)), size).await,
    }
}

/// A small body at once, a large one while it is sent.
async fn made(
    mut encoder: impl AsyncRead + Send + Unpin + 'static,
    size: Option<u64>,
) -> std::io::Result<Body> {
    if size.is_some_and(|size| size <= WHOLE_BYTES) {
        let mut out = Vec::new();
        encoder.read_to_end(&mut out).await?;
        return Ok(reply::full(out));
    }
    let frames = ReaderStream::with_capacity(encoder, 32 * 1024).map_ok(Frame::data);
    Ok(StreamBody::new(frames.map_err(BodyError::from)).boxed_unsync())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_decides() {
        for (accepted, expected) in [
            ("gzip", Some(Encoding::Gzip)),
            ("gzip, deflate, br", Some(Encoding::Brotli)),
            ("gzip, br, zstd", Some(Encoding::Zstd)),
            ("zstd;q=0.5, gzip;q=0.9", Some(Encoding::Gzip)),
            ("GZIP;Q=1", Some(Encoding::Gzip)),
            ("*", Some(Encoding::Zstd)),
            ("*;q=0.1, zstd;q=0, br;q=0", Some(Encoding::Gzip)),
            ("gzip;q=0", None),
            ("identity", None),
            ("deflate", None),
            ("", None),
        ] {
            assert_eq!(choose(accepted), expected, "{accepted}");
        }
    }

    #[test]
    fn endings_are_taken_off_and_put_on() {
        let mut headers = HeaderMap::new();
        headers.insert(IF_NONE_MATCH, "\"1-gzip\", W/\"2\"".parse().unwrap());
        let asked = Asked::of(&mut headers);
        assert_eq!(headers[IF_NONE_MATCH], "\"1\", W/\"2\"");
        assert_eq!(asked.known, Some(Encoding::Gzip));
        headers.insert(ETAG, "\"1\"".parse().unwrap());
        mark(&mut headers, Encoding::Brotli);
        assert_eq!(headers[ETAG], "\"1-br\"");
    }
}
