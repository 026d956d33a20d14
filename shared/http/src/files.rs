//! Answers that are files.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
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
        let mut response = (StatusCode::OK, Body::from(self.bytes)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{}\"", self.name)) {
            headers.insert(header::CONTENT_DISPOSITION, disposition);
        }
        response
    }
}
