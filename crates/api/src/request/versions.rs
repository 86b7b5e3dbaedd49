//! Versions of links against lost updates: `ETag` and `If-Match` (RFC 9110 §8.8.3 and §13.1.1).
//!
//! The tag of a link is the number of its version, which each change of it makes one greater. Its clicks
//! are no part of that: they change by themselves.

use actix_web::HttpRequest;
use actix_web::http::header::{self, EntityTag, Header as _};
use utoipa::IntoParams;
use waypost_core::Link;
use waypost_service::Precondition;

use crate::errors::ApiError;

/// The tag of the version of a link.
pub(crate) fn tag(link: &Link) -> header::ETag {
    header::ETag(EntityTag::new_strong(link.version.to_string()))
}

/// The versions that a request may change, as its description says.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) struct IfMatch {
    /// The `ETag` of the version to change. The request fails if the link has another version
    #[param(rename = "If-Match")]
    if_match: Option<String>,
}

/// Which versions the client wants to change.
///
/// # Errors
/// `BAD_REQUEST` for a header that is no list of tags.
pub(crate) fn precondition(request: &HttpRequest) -> Result<Precondition, ApiError> {
    if !request.headers().contains_key(header::IF_MATCH) {
        return Ok(Precondition::None);
    }
    let given = header::IfMatch::parse(request).map_err(|_| {
        ApiError::bad_request("`If-Match` must be `*` or a list of tags in quotes, such as \"3\"")
    })?;
    Ok(match given {
        header::IfMatch::Any => Precondition::None,
        header::IfMatch::Items(tags) => {
            Precondition::OneOf(tags.iter().filter_map(version).collect())
        }
    })
}

/// The version of a tag. A weak one matches nothing, and neither does what is no number, or another
/// spelling of one: tags are compared by their characters (RFC 9110 §8.8.3.2).
fn version(tag: &EntityTag) -> Option<u32> {
    let version: u32 = tag.tag().parse().ok()?;
    (!tag.weak && version.to_string() == tag.tag()).then_some(version)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn read(header: &str) -> Result<Precondition, ()> {
        let request = TestRequest::default().insert_header((header::IF_MATCH, header));
        precondition(&request.to_http_request()).map_err(|_| ())
    }

    #[test]
    fn tags_are_versions() {
        assert_eq!(read("*"), Ok(Precondition::None));
        assert_eq!(read("\"3\""), Ok(Precondition::OneOf(vec![3])));
        assert_eq!(read("\"3\", \"5\""), Ok(Precondition::OneOf(vec![3, 5])));
        assert_eq!(read("W/\"3\""), Ok(Precondition::OneOf(vec![])));
        for other in ["\"x\"", "\"03\"", "\"+3\"", "\"\""] {
            assert_eq!(read(other), Ok(Precondition::OneOf(vec![])), "{other}");
        }
        let without = precondition(&TestRequest::default().to_http_request());
        assert_eq!(without.ok(), Some(Precondition::None));
    }
}
