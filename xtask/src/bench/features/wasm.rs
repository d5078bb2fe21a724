//! How many bytes of a WebAssembly module each of its functions takes.

use std::collections::HashMap;

use anyhow::{Context, Result};
use wasmparser::{KnownCustom, Name, Parser, Payload, TypeRef};

use super::map::{DATA, STRUCTURE, UNNAMED};

/// Bytes by path of Rust. `module` has the names of its functions, which are not counted.
pub(super) fn bytes_by_path(module: &[u8]) -> Result<Vec<(String, usize)>> {
    let mut imported = 0_u32;
    let mut bodies = Vec::new();
    let mut names = HashMap::new();
    let mut data = 0;
    let mut custom = 0;
    for payload in Parser::new(0).parse_all(module) {
        match payload.context("the optimised module is no WebAssembly")? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::CodeSectionEntry(body) => bodies.push(body.range().len()),
            Payload::DataSection(section) => data = section.range().len(),
            Payload::CustomSection(section) => {
                custom += with_header(section.range().len());
                if let KnownCustom::Name(subsections) = section.as_known() {
                    for subsection in subsections {
                        if let Name::Function(functions) = subsection? {
                            for naming in functions {
                                let naming = naming?;
                                names.insert(naming.index, path_of(naming.name));
                            }
                        }
                    }
                }
            }
            _ => {}
        }
    }
    let structure =
        (module.len() - custom).checked_sub(bodies.iter().sum::<usize>() + data).context("a module smaller than its parts")?;
    let numbered = (imported..).zip(bodies);
    let mut bytes: Vec<_> =
        numbered.map(|(index, size)| (names.get(&index).map_or(UNNAMED, String::as_str).to_owned(), size)).collect();
    bytes.extend([(DATA.to_owned(), data), (STRUCTURE.to_owned(), structure)]);
    Ok(bytes)
}

/// A section's bytes with its number and its length, which has seven bits a byte.
fn with_header(length: usize) -> usize {
    let bits = usize::BITS - length.leading_zeros();
    1 + bits.div_ceil(7).max(1) as usize + length
}

/// The path a function is there for: that of ours in its name, or else the one it begins with. `core::ptr::drop_in_place<rum_sdk::a::B>` is
/// there for `rum_sdk::a::B`.
fn path_of(name: &str) -> String {
    let ours = ["rum_sdk::", "rum_protocol::"].iter().filter_map(|crate_name| name.find(crate_name)).min();
    let start = ours.map_or_else(|| name.trim_start_matches(['<', '&']), |at| &name[at..]);
    // `alloc[3ca501edff3f0c7c]::string` has the crate's hash in it.
    let mut path = String::new();
    let mut inside = false;
    for c in start.chars() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            _ if inside => {}
            ':' | '_' => path.push(c),
            c if c.is_ascii_alphanumeric() => path.push(c),
            _ => break,
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use walrus::{FunctionBuilder, Module, ValType};

    use super::*;

    #[test]
    fn a_path_is_the_first_of_ours_or_the_first() {
        let check = |name: &str, expected: &str| assert_eq!(path_of(name), expected);
        check("rum_sdk::outbox::Outbox::push::h1156f44df11de799", "rum_sdk::outbox::Outbox::push::h1156f44df11de799");
        check("core::ptr::drop_in_place<rum_sdk::monitor::Monitor>::h3a", "rum_sdk::monitor::Monitor");
        check("<rum_sdk::browser::options::Fields as serde_core::de::SeqAccess>::next", "rum_sdk::browser::options::Fields");
        check("<alloc[3ca501edff3f0c7c]::string::String as core::clone::Clone>::clone", "alloc::string::String");
        check("compute", "compute");
    }

    #[test]
    fn the_parts_are_the_module_without_its_names() {
        let module = |is_named| {
            let mut module = Module::default();
            let mut function = FunctionBuilder::new(&mut module.types, &[], &[ValType::I32]);
            if is_named {
                function.name("rum_sdk::outbox::push".to_owned());
            }
            function.func_body().i32_const(1_000_000);
            let function = function.finish(vec![], &mut module.funcs);
            module.exports.add("push", function);
            module.emit_wasm()
        };
        let parts = bytes_by_path(&module(true)).unwrap();
        assert_eq!(parts[0].0, "rum_sdk::outbox::push");
        let without = bytes_by_path(&module(false)).unwrap();
        assert_eq!(parts.iter().map(|(_, bytes)| bytes).sum::<usize>(), without.iter().map(|(_, bytes)| bytes).sum::<usize>());
        assert_eq!(without[0].0, UNNAMED);
    }
}
