//! Who may take part.

use std::fmt::{self, Display};
use std::net::IpAddr;
use std::str::FromStr;

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST};

use crate::Id;

/// What an address ends in where others can reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken(String);

/// A text that is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token is 8 to 100 letters, digits, `-` and `_`; leave it out to have one made")]
pub struct NoToken;

impl AccessToken {
    /// One that nobody can guess.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        Ok(Self(Id::random()?.to_string()))
    }

    /// Whether `other` is it, in a time that does not tell how much of it is right.
    pub fn is(&self, other: &str) -> bool {
        let differ = self.0.bytes().zip(other.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
        self.0.len() == other.len() && differ == 0
    }

    /// Whether a request brings it as `Authorization: Bearer`.
    pub fn is_in(&self, headers: &HeaderMap) -> bool {
        let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        bearer.and_then(|value| value.strip_prefix("Bearer ")).is_some_and(|token| self.is(token))
    }
}

impl FromStr for AccessToken {
    type Err = NoToken;

    fn from_str(text: &str) -> Result<Self, NoToken> {
        let plain = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
        let fits = (8..=100).contains(&text.len()) && text.bytes().all(plain);
        fits.then(|| Self(text.to_string())).ok_or(NoToken)
    }
}

impl Display for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a request was sent to this machine by one of its own names. A page elsewhere can point a name of its own
/// here (DNS rebinding), but it cannot choose this header.
pub(crate) fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Whether a browser says that another site makes it send this.
pub(crate) fn is_foreign(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(|site| site.as_bytes());
    site.is_some_and(|site| site != b"same-origin" && site != b"none")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(axum::http::HeaderName::from_static(name), value.parse().unwrap())])
    }

    #[test]
    fn a_token_is_all_of_it() {
        let token: AccessToken = "secret-token".parse().unwrap();
        assert!(token.is("secret-token") && token.is_in(&header("authorization", "Bearer secret-token")));
        for other in ["", "secret-toke", "secret-token ", "secret-tokeN", "secret-token-and-more"] {
            assert!(!token.is(other), "{other}");
        }
        for header in
            [header("authorization", "secret-token"), header("cookie", "secret-token"), HeaderMap::new()]
        {
            assert!(!token.is_in(&header));
        }
        for bad in ["short", "with space 1", "a/b/c/d/e/f", "ümlautümlaut", &"x".repeat(101)] {
            assert_eq!(bad.parse::<AccessToken>(), Err(NoToken), "{bad}");
        }
        let random = AccessToken::random().unwrap();
        assert_eq!(random.to_string().parse(), Ok(random));
    }

    #[test]
    fn names_of_this_machine() {
        for own in ["localhost", "LocalHost:8765", "127.0.0.1:1", "127.9.9.9", "[::1]:80", "[::1]"] {
            assert!(is_local(&header("host", own)), "{own}");
        }
        for other in [
            "evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "[2001:db8::1]:80",
            "",
            "127.0.0.1.example",
        ] {
            assert!(!is_local(&header("host", other)), "{other}");
        }
        assert!(!is_local(&HeaderMap::new()));
    }

    #[test]
    fn other_sites_are_told_apart() {
        assert!(is_foreign(&header("sec-fetch-site", "cross-site")));
        assert!(is_foreign(&header("sec-fetch-site", "same-site")));
        assert!(!is_foreign(&header("sec-fetch-site", "same-origin")) && !is_foreign(&HeaderMap::new()));
    }
}
