//! Whose request it is. Anyone can send the headers of a proxy, so only listed proxies are believed, and they only about their own peer:
//! a list is read from its end, and the first address that is no trusted proxy is the client.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

use crate::config::{ForwardedHeader, Server};

pub(super) fn client_address(server: &Server, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let mut client = peer.to_canonical();
    if !server.trusts(client) {
        return client;
    }
    let (name, parse): (_, fn(&str) -> Option<IpAddr>) = match server.forwarded_header {
        ForwardedHeader::XForwardedFor => ("x-forwarded-for", address),
        ForwardedHeader::Forwarded => ("forwarded", forwarded_for),
    };
    let values = headers.get_all(name).iter().collect::<Vec<_>>();
    let hops = values.iter().rev().flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
    for hop in hops {
        // What cannot be read may hide anyone; the hop that wrote it is the last that is known.
        let Some(before) = parse(hop.trim()) else { break };
        client = before;
        if !server.trusts(client) {
            break;
        }
    }
    client
}

/// The `for` of one element of RFC 7239; `None` for obfuscated and unknown ones.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let node = pairs.filter(|(name, _)| name.eq_ignore_ascii_case("for")).map(|(_, value)| value).next()?;
    address(node.trim_matches('"'))
}

/// An address, also with a port, also in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address = text.parse().ok().or_else(bare).or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn check(header: ForwardedHeader, peer: &str, lines: &[(&'static str, &'static str)], expected: &str) {
        let server = Server {
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
            forwarded_header: header,
            ..Server::default()
        };
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let found = client_address(&server, peer.parse().unwrap(), &headers);
        assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer} {lines:?}");
    }

    #[test]
    fn peer_fault_first_hop_of_x_forwarded_for_believed() {
        let check = |peer, lines: &[_], expected| check(ForwardedHeader::XForwardedFor, peer, lines, expected);
        // Not from a proxy: a lie.
        check("192.0.2.7", &[("x-forwarded-for", "198.51.100.1")], "192.0.2.7");
        // The client sent one itself; the proxy appended the truth.
        check("10.0.0.1", &[("x-forwarded-for", "198.51.100.1, 192.0.2.7")], "192.0.2.7");
        // Several proxies, several lines.
        check("10.0.0.1", &[("x-forwarded-for", "198.51.100.1, 192.0.2.7"), ("x-forwarded-for", "10.1.1.1,10.2.2.2")], "192.0.2.7");
        check("::ffff:10.0.0.1", &[("x-forwarded-for", "[2001:db9::1]:443")], "2001:db9::1");
        check("10.0.0.1", &[("x-forwarded-for", "192.0.2.7:5555")], "192.0.2.7");
        // Unreadable: the last hop that is known.
        check("10.0.0.1", &[("x-forwarded-for", "192.0.2.7, unknown")], "10.0.0.1");
        check("10.0.0.1", &[("x-forwarded-for", "192.0.2.7, , 10.3.3.3")], "10.3.3.3");
        check("10.0.0.1", &[("forwarded", "for=192.0.2.7")], "10.0.0.1");
        check("10.0.0.1", &[], "10.0.0.1");
    }

    #[test]
    fn forwarded_is_read_where_the_proxies_write_it() {
        let check = |peer, lines: &[_], expected| check(ForwardedHeader::Forwarded, peer, lines, expected);
        check("10.0.0.1", &[("forwarded", "for=198.51.100.1, For=\"[2001:db9::7]:80\";proto=https")], "2001:db9::7");
        check("10.0.0.1", &[("forwarded", "proto=http; for=192.0.2.7;by=10.0.0.1")], "192.0.2.7");
        check("10.0.0.1", &[("forwarded", "for=192.0.2.7, for=_hidden")], "10.0.0.1");
        check("10.0.0.1", &[("x-forwarded-for", "192.0.2.7"), ("forwarded", "for=unknown")], "10.0.0.1");
    }
}
