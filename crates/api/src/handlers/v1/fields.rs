//! The fields that clients send for a link: to create it, to change some fields, or to replace all.

use serde::{Deserialize, Deserializer, de};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;
use waypost_core::{
    Description, LinkContent, LinkDetails, ShortCode, Tag, TargetUrl, Title, Visibility, expiry,
};
use waypost_service::{LinkPatch, NewLink, Shortener};

use crate::errors::{ApiError, ErrorCode};
use crate::views::links::VisibilityName;

/// A field that can be absent, `null` (its default), or a value.
type Field<T> = Option<Option<T>>;

fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Field<T>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn present_time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Field<OffsetDateTime>, D::Error> {
    optional_time(deserializer).map(Some)
}

/// Reads a time (RFC 3339), or `null`.
///
/// # Errors
/// For anything else.
pub(crate) fn optional_time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<OffsetDateTime>, D::Error> {
    let value = Option::<serde_json::Value>::deserialize(deserializer)?;
    let text = value
        .as_ref()
        .map(|value| value.as_str().unwrap_or_default());
    let time = text
        .map(|text| OffsetDateTime::parse(text, &Rfc3339))
        .transpose();
    time.map_err(|_| {
        de::Error::custom("must be a time with a time zone, such as 2027-01-31T23:59:00Z")
    })
}

/// Reads a value that must not be `null`.
fn value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// The fields of a link. An absent field gets its default in a new link and in a replacement, and
/// keeps its value in a change; `null` always means the default.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LinkFields)]
pub(crate) struct Fields {
    /// The destination: an absolute http or https URL of at most 2,048 bytes, without user name and
    /// password, that does not point to this server. What surrounds a pasted URL is removed: white
    /// space, hidden characters, brackets and quotes, with the line breaks in them. Required for
    /// a new link and a replacement.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String, required = false, example = "https://example.com/", format = "uri", max_length = 2048)]
    url: Option<String>,
    /// The code: letters a-z in either case, digits, `-` and `_`, beginning and ending with a
    /// letter or digit; or several such segments with slashes between them. Default for a new link:
    /// generated. Required for a replacement. Previous codes of a link keep working.
    #[serde(default, deserialize_with = "value")]
    #[schema(
        value_type = String,
        required = false,
        example = "Team-Wiki",
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(/[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*$"
    )]
    code: Option<String>,
    /// The title: one line of at most 200 characters. Default: empty.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 200, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")]
    title: Field<String>,
    /// The description, of at most 2,000 characters. Default: empty.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 2000)]
    description: Field<String>,
    /// Who can find and follow the link. Default: `public`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<VisibilityName>)]
    visibility: Field<String>,
    /// Words that group links: at most 20, each of 1 to 64 letters, digits and `-_.:+#`, without
    /// regard to case. Default: none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<String>>, max_items = 20, example = json!(["docs"]))]
    tags: Field<Vec<String>>,
    /// When the link expires and is answered with 410 (RFC 3339, from 1970 to 9999). Default:
    /// never.
    #[serde(default, deserialize_with = "present_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Field<OffsetDateTime>,
    /// Whether the link is disabled and answered with 410. Default: `false`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<bool>)]
    disabled: Field<bool>,
    /// Whether the query of the visitor is added to that of the destination. Default: `false`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<bool>)]
    forward_query: Field<bool>,
    /// Whether the link is a template: each `$name` (letters, digits and `_`, not beginning with a
    /// digit) in the path, query or fragment of `url` is filled with a segment of the visitor's path
    /// after the code, in the order of their first appearance; `%24` is a dollar sign. Otherwise `$`
    /// is an ordinary character. Refused if there is no `$name`; a change of `url` alone to one
    /// without `$name` switches it off. Default: `false`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<bool>)]
    template: Field<bool>,
}

impl Fields {
    /// Returns a change of the given fields.
    ///
    /// # Errors
    /// The first field that is invalid.
    pub(super) fn patch(&self, shortener: &Shortener) -> Result<LinkPatch, ApiError> {
        let tags = |tags: Option<&Vec<String>>| {
            Tag::parse_all(tags.into_iter().flatten().map(String::as_str))
        };
        let text =
            |text: &Field<String>| text.as_ref().map(|text| text.clone().unwrap_or_default());
        let visibility = |name: &Option<String>| match name {
            None => Ok(Visibility::default()),
            Some(name) => name.parse(),
        };
        Ok(LinkPatch {
            target: self
                .url
                .as_deref()
                .map(|url| target(url, shortener))
                .transpose()?,
            code: self.code.as_deref().map(code).transpose()?,
            title: text(&self.title)
                .map(|text| Title::parse(&text))
                .transpose()?,
            description: text(&self.description)
                .map(|text| Description::parse(&text))
                .transpose()?,
            visibility: self
                .visibility
                .as_ref()
                .map(visibility)
                .transpose()
                .map_err(|error| ApiError::bad_request(error.to_string()))?,
            tags: self
                .tags
                .as_ref()
                .map(|given| tags(given.as_ref()))
                .transpose()?,
            expires_at: self
                .expires_at
                .map(|at| at.map(expiry).transpose())
                .transpose()?,
            disabled: self.disabled.map(Option::unwrap_or_default),
            forward_query: self.forward_query.map(Option::unwrap_or_default),
            template: self.template.map(Option::unwrap_or_default),
        })
    }

    /// Returns a new link.
    ///
    /// # Errors
    /// The first field that is missing or invalid.
    pub(super) fn new_link(&self, shortener: &Shortener) -> Result<NewLink, ApiError> {
        let patch = self.patch(shortener)?;
        Ok(NewLink {
            target: patch.target.clone().ok_or_else(|| missing("url"))?,
            code: patch.code.clone(),
            details: details(patch),
        })
    }

    /// Returns a replacement of all fields.
    ///
    /// # Errors
    /// The first field that is missing or invalid.
    pub(super) fn replacement(&self, shortener: &Shortener) -> Result<LinkPatch, ApiError> {
        let patch = self.patch(shortener)?;
        Ok(LinkPatch::all_of(LinkContent {
            code: patch.code.clone().ok_or_else(|| missing("code"))?,
            target: patch.target.clone().ok_or_else(|| missing("url"))?,
            details: details(patch),
        }))
    }
}

fn target(url: &str, shortener: &Shortener) -> Result<TargetUrl, ApiError> {
    let invalid = |error: waypost_core::TargetUrlError| {
        ApiError::new(ErrorCode::UrlInvalid, error.to_string())
    };
    shortener.target(url).map_err(invalid)
}

fn code(text: &str) -> Result<ShortCode, ApiError> {
    let invalid =
        |error: waypost_core::CodeError| ApiError::new(ErrorCode::CodeInvalid, error.to_string());
    ShortCode::parse(text).map_err(invalid)
}

fn details(patch: LinkPatch) -> LinkDetails {
    LinkDetails {
        title: patch.title.unwrap_or_default(),
        description: patch.description.unwrap_or_default(),
        visibility: patch.visibility.unwrap_or_default(),
        tags: patch.tags.unwrap_or_default(),
        expires_at: patch.expires_at.flatten(),
        disabled: patch.disabled.unwrap_or_default(),
        forward_query: patch.forward_query.unwrap_or_default(),
        template: patch.template.unwrap_or_default(),
    }
}

fn missing(field: &str) -> ApiError {
    ApiError::bad_request(format!("invalid body: `{field}` is missing"))
}
