//! Writes small databases in the `MaxMind` DB format, version 2.0, for tests.

use std::net::Ipv4Addr;

/// A database in which these IPv4 networks (address, prefix length) are in these countries.
///
/// # Panics
/// If there are more networks than such a small database holds.
pub fn countries(networks: &[(Ipv4Addr, u8, &str)]) -> Vec<u8> {
    // Nodes of the search tree; a record is another node, a country, or nothing.
    let mut nodes = vec![[Record::Nothing; 2]];
    for (country, (address, length, _)) in networks.iter().enumerate() {
        let mut node = 0;
        for bit in 0..*length {
            let side = (u32::from(*address) >> (31 - bit) & 1) as usize;
            if bit + 1 == *length {
                nodes[node][side] = Record::Country(country);
            } else if let Record::Node(next) = nodes[node][side] {
                node = next;
            } else {
                nodes.push([Record::Nothing; 2]);
                let next = nodes.len() - 1;
                nodes[node][side] = Record::Node(next);
                node = next;
            }
        }
    }
    let mut data = Vec::new();
    let offsets: Vec<usize> = networks
        .iter()
        .map(|(_, _, code)| {
            let offset = data.len();
            data.extend(map(&[("country", map(&[("iso_code", text(code))]))]));
            offset
        })
        .collect();
    let mut bytes = Vec::new();
    for record in nodes.iter().flatten() {
        let value = match record {
            Record::Node(node) => *node,
            Record::Nothing => nodes.len(),
            Record::Country(country) => nodes.len() + 16 + offsets[*country],
        };
        bytes.extend_from_slice(&u32::try_from(value).unwrap().to_be_bytes()[1..]);
    }
    bytes.extend_from_slice(&[0; 16]);
    bytes.extend(data);
    bytes.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
    bytes.extend(map(&[
        ("binary_format_major_version", number(5, 2)),
        ("binary_format_minor_version", number(5, 0)),
        ("build_epoch", number(9, 1)),
        ("database_type", text("Beamline-Test")),
        ("description", map(&[])),
        ("ip_version", number(5, 4)),
        ("languages", vec![0, 4]),
        ("node_count", number(6, u64::try_from(nodes.len()).unwrap())),
        ("record_size", number(5, 24)),
    ]));
    bytes
}

#[derive(Clone, Copy)]
enum Record {
    Nothing,
    Node(usize),
    Country(usize),
}

/// The control byte of a type and a size, and for types above 7 the byte behind it.
fn control(kind: u8, size: usize) -> Vec<u8> {
    let size = u8::try_from(size).ok().filter(|size| *size < 29).expect("texts and maps are short");
    if kind > 7 { vec![size, kind - 7] } else { vec![kind << 5 | size] }
}

fn text(text: &str) -> Vec<u8> {
    [control(2, text.len()), text.into()].concat()
}

fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let pairs = entries.iter().flat_map(|(key, value)| [text(key), value.clone()]);
    std::iter::once(control(7, entries.len())).chain(pairs).flatten().collect()
}

/// An unsigned number of type 5 (16 bits), 6 (32) or 9 (64).
fn number(kind: u8, value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let used: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
    [control(kind, used.len()), used].concat()
}
