//! Answers that are files.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// A file to keep.
pub(crate) struct FileAnswer {
    /// Its media type.
    pub media_type: &'static str,
    /// What to call it.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl IntoResponse for FileAnswer {
    fn into_response(self) -> Response {
        let marked = is_marked(&self.bytes);
        let mut response = (StatusCode::OK, Body::from(self.bytes)).into_response();
        let headers = response.headers_mut();
        keep_mark(headers, marked);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{}\"", self.name)) {
            headers.insert(header::CONTENT_DISPOSITION, disposition);
        }
        response
    }
}

/// Whether a file begins with the byte order mark of UTF-8.
pub(crate) fn is_marked(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xEF\xBB\xBF")
}

/// Has an answer that begins with a byte order mark keep it: the runtime of Lambda reads what is text and has no encoding,
/// and takes the mark off, while its length says that it is there.
pub(crate) fn keep_mark(headers: &mut HeaderMap, marked: bool) {
    if marked {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("identity"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_a_byte_order_mark_is_sent_as_bytes() {
        let encoding = |bytes: &[u8]| {
            let file = FileAnswer { media_type: "text/csv; charset=utf-8", name: "a.csv".to_owned(), bytes: bytes.to_vec() };
            file.into_response().headers().get(header::CONTENT_ENCODING).cloned()
        };
        assert_eq!(encoding("\u{feff}\"a\"".as_bytes()), Some(HeaderValue::from_static("identity")));
        assert_eq!(encoding(b"{}"), None);
    }
}
