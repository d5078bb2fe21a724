//! The country of a network address, from a database the operator supplies.

use std::net::IpAddr;

use maxminddb::{MaxMindDbError, Reader, path};

/// A database of networks in the `MaxMind` DB format, version 2.
pub struct Countries(Reader<Vec<u8>>);

impl std::fmt::Debug for Countries {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Countries({})", self.0.metadata.database_type)
    }
}

impl Countries {
    /// Reads a database's bytes.
    ///
    /// # Errors
    /// If they are no such database.
    pub fn new(bytes: Vec<u8>) -> Result<Self, MaxMindDbError> {
        Reader::from_source(bytes).map(Self)
    }

    /// The ISO 3166-1 code of two capital letters; absent if the database does not know it.
    pub fn of(&self, address: IpAddr) -> Option<String> {
        let found = self.0.lookup(address).ok()?;
        let code = |name: &'static str| found.decode_path::<&str>(&path![name, "iso_code"]).ok().flatten();
        let code = code("country").or_else(|| code("registered_country"))?;
        (code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())).then(|| code.to_owned())
    }
}
