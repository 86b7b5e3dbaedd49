//! What comes in for a link: a new one, a change of some fields, a replacement of all.

use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;
use utoipa::ToSchema;
use waypost_core::{
    Description, LinkContent, LinkDetails, ShortCode, Tag, TargetUrl, Title, Visibility, expiry,
};
use waypost_service::{LinkPatch, NewLink, Shortener};

use crate::errors::{ApiError, ErrorCode};
use crate::views::links::VisibilityName;

/// What a field may say beside being absent: `null`, which is its default, or a value.
type Field<T> = Option<Option<T>>;

fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Field<T>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn present_time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Field<OffsetDateTime>, D::Error> {
    time::serde::rfc3339::option::deserialize(deserializer).map(Some)
}

/// A value that cannot be `null`.
fn value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// What is said of a link. In a new one and in a replacement an absent field has its default, in a change
/// it stays as it is; `null` is the default everywhere.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LinkFields)]
pub(crate) struct Fields {
    /// Where the link leads: an absolute http or https URL of at most 2,048 bytes, without user name
    /// and password, that does not lead back to this server. Each `$name` in its path, query or fragment
    /// stands for a segment that visitors have in their path behind the code; `%24` is a dollar sign. A new
    /// link and a replacement need one.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String, required = false, example = "https://example.com/", format = "uri", max_length = 2048)]
    url: Option<String>,
    /// The code to use: letters a-z in either case, digits, `-` and `_`, beginning and ending with a
    /// letter or digit; or several such segments with slashes between them. A new link without it gets one; a replacement needs one. The code that a link
    /// had before goes on leading to it.
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
    /// What it is called: one line of at most 200 characters. Default: empty.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 200, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")]
    title: Field<String>,
    /// What it is for: at most 2,000 characters. Default: empty.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 2000)]
    description: Field<String>,
    /// Whom it is for. Default: `public`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<VisibilityName>)]
    visibility: Field<String>,
    /// Words that it has in common with others: at most 20, each of 1 to 64 letters, digits and
    /// `-_.:+#`. Upper and lower case are the same. Default: none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<String>>, max_items = 20, example = json!(["docs"]))]
    tags: Field<Vec<String>>,
    /// From when on it leads nowhere and is answered 410 (RFC 3339, from 1970 to 9999). Default: never.
    #[serde(default, deserialize_with = "present_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Field<OffsetDateTime>,
    /// Whether it leads nowhere and is answered 410. Default: `false`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<bool>)]
    disabled: Field<bool>,
    /// Whether the query of a visitor is added to that of the target. Default: `false`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<bool>)]
    forward_query: Field<bool>,
}

impl Fields {
    /// What to change. Nothing that is absent.
    ///
    /// # Errors
    /// What is not acceptable of it.
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
        })
    }

    /// A new link.
    ///
    /// # Errors
    /// What is missing or not acceptable of it.
    pub(super) fn new_link(&self, shortener: &Shortener) -> Result<NewLink, ApiError> {
        let patch = self.patch(shortener)?;
        Ok(NewLink {
            target: patch.target.clone().ok_or_else(|| missing("url"))?,
            code: patch.code.clone(),
            details: details(patch),
        })
    }

    /// A replacement of all fields.
    ///
    /// # Errors
    /// What is missing or not acceptable of it.
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
    }
}

fn missing(field: &str) -> ApiError {
    ApiError::bad_request(format!("invalid body: `{field}` is missing"))
}
