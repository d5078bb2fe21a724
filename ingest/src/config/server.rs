//! Where beacons are taken, and what one connection or all of them may cost.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Shorter keys can be guessed.
const LEAST_ADMIN_KEY: usize = 16;

/// `[server]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Path that takes beacons. Content blockers know the usual ones, so a site may choose its own.
    pub path: String,
    /// Certificate and key; without them the service speaks plain HTTP.
    pub tls: Option<TlsFiles>,
    /// How long the head of a request, or a TLS handshake, may take to arrive.
    pub header_timeout_seconds: u64,
    /// How long a body may take to arrive, and an answer to be taken.
    pub body_timeout_seconds: u64,
    /// How long a connection may stay open between requests. Longer than that of a proxy in front, or the proxy meets closed connections.
    pub idle_timeout_seconds: u64,
    /// Most open connections; one more is answered with 503 and closed.
    pub max_connections: u32,
    /// Most requests at work; one more is answered with 503. Each holds at most one body of 64 KiB.
    pub max_requests_in_flight: u32,
    /// Networks of the proxies in front, such as `10.0.0.0/8`. Only these are believed about whom they forward for.
    pub trusted_proxies: Vec<IpNet>,
    /// The header in which the trusted proxies say it. The other one is whatever the client sent, and is not read.
    pub forwarded_header: ForwardedHeader,
    /// How long open requests and the spool may take to finish after SIGTERM.
    pub shutdown_grace_seconds: u64,
    /// Who knows it may see `/health/detailed`; without one nobody may. Better set by `BEAMLINE_SERVER__ADMIN_KEY` than in a file.
    pub admin_key: Option<String>,
}

/// `[server.tls]`: PEM files, read at start and again on SIGHUP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The certificate and the chain behind it.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// How a proxy names the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`, a list of addresses to which every proxy appends its peer.
    XForwardedFor,
    /// `Forwarded` of RFC 7239, in the same order.
    Forwarded,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            path: rum_protocol::DEFAULT_PATH.into(),
            tls: None,
            header_timeout_seconds: 10,
            body_timeout_seconds: 10,
            idle_timeout_seconds: 75,
            max_connections: 4096,
            max_requests_in_flight: 1024,
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::XForwardedFor,
            shutdown_grace_seconds: 20,
            admin_key: None,
        }
    }
}

impl Server {
    /// See [`Server::header_timeout_seconds`].
    pub const fn header_timeout(&self) -> Duration {
        Duration::from_secs(self.header_timeout_seconds)
    }

    /// See [`Server::body_timeout_seconds`].
    pub const fn body_timeout(&self) -> Duration {
        Duration::from_secs(self.body_timeout_seconds)
    }

    /// See [`Server::idle_timeout_seconds`].
    pub const fn idle_timeout(&self) -> Duration {
        Duration::from_secs(self.idle_timeout_seconds)
    }

    /// See [`Server::shutdown_grace_seconds`].
    pub const fn shutdown_grace(&self) -> Duration {
        Duration::from_secs(self.shutdown_grace_seconds)
    }

    /// Whether this address is one of [`Server::trusted_proxies`].
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(&address))
    }

    /// What is wrong with the section, if anything.
    pub(super) fn complaint(&self) -> Option<String> {
        if !self.path.starts_with('/') || self.path.contains(['{', '}', '?', '*']) {
            return Some(format!("server.path {:?} must be a plain path that begins with '/'", self.path));
        }
        if self.admin_key.as_ref().is_some_and(|key| key.len() < LEAST_ADMIN_KEY) {
            return Some(format!("server.admin_key must have at least {LEAST_ADMIN_KEY} characters"));
        }
        let seconds = [
            ("header_timeout_seconds", self.header_timeout_seconds),
            ("body_timeout_seconds", self.body_timeout_seconds),
            ("idle_timeout_seconds", self.idle_timeout_seconds),
        ];
        if let Some((name, _)) = seconds.iter().find(|(_, seconds)| !(1..=86_400).contains(seconds)) {
            return Some(format!("server.{name} must be from 1 to 86400"));
        }
        let counts = [("max_connections", self.max_connections), ("max_requests_in_flight", self.max_requests_in_flight)];
        counts
            .iter()
            .find(|(_, count)| !(1..=1_000_000).contains(count))
            .map(|(name, _)| format!("server.{name} must be from 1 to 1000000"))
    }
}
