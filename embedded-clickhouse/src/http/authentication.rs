//! Who asks: the writing user, one of the reading users, or nobody known.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// May do everything inside the database.
    Writer,
    /// May only read.
    Reader,
    /// May only read rows of some tenants: the reader of this number.
    Tenant(usize),
}

/// A user name and a key, as given or as expected.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) key: String,
}

/// The users known.
pub(crate) struct Users {
    pub(crate) writer: Login,
    pub(crate) reader: Login,
    pub(crate) tenants: Vec<Login>,
}

impl Users {
    /// Takes the login from the first place that has one: the `X-ClickHouse-User` and `-Key` headers, HTTP basic authentication, the
    /// `user` and `password` parameters. Absent when there is none, or it is wrong.
    pub(crate) fn authenticate(&self, headers: &HeaderMap, in_query: Option<Login>) -> Option<Role> {
        let given = login_from_own_headers(headers).or_else(|| login_from_basic(headers)).or(in_query)?;
        // All are always compared, so that the time taken tells neither which user exists nor how much of a key was right.
        let (writer, reader) = (same(&given, &self.writer), same(&given, &self.reader));
        let tenants: Vec<_> = self.tenants.iter().map(|tenant| same(&given, tenant)).collect();
        if writer.into() {
            Some(Role::Writer)
        } else if reader.into() {
            Some(Role::Reader)
        } else {
            tenants.into_iter().position(bool::from).map(Role::Tenant)
        }
    }
}

fn same(given: &Login, expected: &Login) -> subtle::Choice {
    given.user.as_bytes().ct_eq(expected.user.as_bytes()) & given.key.as_bytes().ct_eq(expected.key.as_bytes())
}

fn login_from_own_headers(headers: &HeaderMap) -> Option<Login> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Some(Login { user: text("x-clickhouse-user")?, key: text("x-clickhouse-key").unwrap_or_default() })
}

fn login_from_basic(headers: &HeaderMap) -> Option<Login> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, key) = decoded.split_once(':')?;
    Some(Login { user: user.to_owned(), key: key.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(user: &str, key: &str) -> Login {
        Login { user: user.to_owned(), key: key.to_owned() }
    }

    fn check(headers: &[(&str, &str)], in_query: Option<Login>, role: Option<Role>) {
        let tenants = vec![login("shop", "s1"), login("blog", "b1")];
        let users = Users { writer: login("beamline", "w:1"), reader: login("read", "r1"), tenants };
        let headers: HeaderMap = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let name = |role: Option<Role>| format!("{role:?}");
        assert_eq!(name(users.authenticate(&headers, in_query)), name(role), "{headers:?}");
    }

    #[test]
    fn three_places_for_a_login() {
        let basic = format!("Basic {}", STANDARD.encode("beamline:w:1"));
        check(&[("authorization", &basic)], None, Some(Role::Writer));
        check(&[("x-clickhouse-user", "read"), ("x-clickhouse-key", "r1")], None, Some(Role::Reader));
        check(&[], Some(login("beamline", "w:1")), Some(Role::Writer));
        check(&[], Some(login("blog", "b1")), Some(Role::Tenant(1)));
    }

    #[test]
    fn anything_else_is_nobody() {
        check(&[], None, None);
        check(&[], Some(login("beamline", "r1")), None);
        check(&[], Some(login("read", "w:1")), None);
        check(&[], Some(login("read", "")), None);
        check(&[], Some(login("shop", "b1")), None);
        check(&[], Some(login("default", "")), None);
        check(&[("authorization", "Basic ???")], None, None);
        check(&[("authorization", "Bearer w:1")], None, None);
        check(&[("x-clickhouse-user", "read")], Some(login("read", "r1")), None);
    }
}
