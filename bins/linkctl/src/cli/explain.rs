//! The arguments of `linkctl explain`.

use std::net::IpAddr;
use std::str::FromStr;

use clap::Args;
use waypost_core::Email;

/// A visit to explain.
#[derive(Debug, Clone, Args)]
pub(crate) struct Explain {
    /// URL that the visitor opens, or a path of the server
    pub(crate) url: String,
    /// Email address of the user who visits: signed in, unless they are disabled [default: not signed
    /// in]
    #[arg(long, value_name = "EMAIL")]
    pub(crate) user: Option<Email>,
    /// IP address of the connection
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) ip: IpAddr,
    /// Request header: 'Name: value'; can be repeated
    #[arg(long = "header", value_name = "HEADER")]
    pub(crate) headers: Vec<Header>,
}

/// A header of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// In lower case.
    pub(crate) name: String,
    pub(crate) value: String,
}

impl FromStr for Header {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text
            .split_once(':')
            .ok_or("expected a name, `:` and a value")?;
        Ok(Self {
            name: name.trim().to_ascii_lowercase(),
            value: value.trim().to_owned(),
        })
    }
}
