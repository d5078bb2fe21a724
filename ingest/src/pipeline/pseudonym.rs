//! Replaces attribute values that name a user by a code that tells equal from different for a day, and nothing else.

use std::sync::{PoisonError, RwLock};

use ring::hmac;
use rum_protocol::Attributes;

/// Bytes of a salt.
pub const SALT_BYTES: usize = 32;
/// Bytes of a code that are kept: enough that two of a million users differ.
const CODE_BYTES: usize = 12;

/// The secret of the day. Without it a code cannot be recomputed from a guessed name, nor one day's codes be matched to another's.
pub struct Salt(RwLock<hmac::Key>);

impl std::fmt::Debug for Salt {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Salt")
    }
}

impl Salt {
    /// A salt of these bytes.
    pub fn new(bytes: &[u8; SALT_BYTES]) -> Self {
        Self(RwLock::new(key(bytes)))
    }

    /// Takes the next day's bytes; those of before are forgotten.
    pub fn rotate(&self, bytes: &[u8; SALT_BYTES]) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = key(bytes);
    }

    /// HMAC-SHA-256 of project and value, cut and in hexadecimal digits.
    pub(crate) fn code(&self, project_id: &str, value: &str) -> String {
        let key = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut context = hmac::Context::with_key(&key);
        context.update(&(project_id.len() as u64).to_le_bytes());
        context.update(project_id.as_bytes());
        context.update(value.as_bytes());
        let digits = context.sign().as_ref().iter().take(CODE_BYTES).fold(0, |digits: u128, byte| digits << 8 | u128::from(*byte));
        format!("~{digits:0width$x}", width = 2 * CODE_BYTES)
    }
}

fn key(bytes: &[u8; SALT_BYTES]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, bytes)
}

/// Replaces the values of the attributes with these names.
pub(super) fn hash_attributes(attributes: &mut Attributes, names: &[String], salt: &Salt, project_id: &str) {
    for name in names {
        if let Some(value) = attributes.get_mut(name) {
            *value = salt.code(project_id, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_equal_for_a_day_and_a_project() {
        let salt = Salt::new(&[1; SALT_BYTES]);
        let code = salt.code("shop", "ada");
        assert_eq!((code.len(), salt.code("shop", "ada")), (25, code.clone()));
        assert_ne!(salt.code("blog", "ada"), code);
        assert_ne!(salt.code("shop", "grace"), code);
        assert_ne!(salt.code("sho", "pada"), code);
        salt.rotate(&[2; SALT_BYTES]);
        assert_ne!(salt.code("shop", "ada"), code);
        salt.rotate(&[1; SALT_BYTES]);
        assert_eq!(salt.code("shop", "ada"), code, "after a restart on the same day");
    }
}
