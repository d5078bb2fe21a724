//! Empties the places of the function table that nothing can reach.
//!
//! What is in the table counts as used for every later pass. Two kinds of functions are there for no use: what wasm-bindgen's
//! descriptors mentioned, since descriptors are gone after binding, and what the standard library would do with a panic's message,
//! which in a browser without a panic hook nobody reads. A place that is reached against all reason traps, as the panic would.

use walrus::{ElementItems, FunctionBuilder, FunctionId, Module, ValType};

/// Parts of the names of functions that only a dead place mentions.
const DEAD: [&str; 8] = [
    // Called through exports where they are used at all.
    "wasm_bindgen::convert::closures::_::invoke::",
    // Asynchronous functions, which the SDK does not have.
    "js_sys::futures::jspi::",
    // The message of a panic.
    "::panicking::panic_handler::",
    "::panicking::begin_panic::",
    "::alloc::default_alloc_error_hook",
    "::string::String as core[",
    "::cell::BorrowError as ",
    "::cell::BorrowMutError as ",
];

/// Replaces the dead places' functions by one that traps. Returns how many there were.
pub(super) fn empty_dead_places(module: &mut Module) -> usize {
    let dead: Vec<FunctionId> = module
        .funcs
        .iter()
        .filter(|function| function.name.as_ref().is_some_and(|name| DEAD.iter().any(|part| name.contains(part))))
        .map(walrus::Function::id)
        .collect();
    let mut trap = FunctionBuilder::new(&mut module.types, &[] as &[ValType], &[]);
    trap.func_body().unreachable();
    let trap = trap.finish(Vec::new(), &mut module.funcs);
    let mut emptied = 0;
    for element in module.elements.iter_mut() {
        if let ElementItems::Functions(functions) = &mut element.items {
            for function in functions.iter_mut().filter(|function| dead.contains(function)) {
                *function = trap;
                emptied += 1;
            }
        }
    }
    emptied
}

#[cfg(test)]
mod tests {
    use super::*;
    use walrus::{ConstExpr, ElementKind, ir::Value};

    #[test]
    fn only_the_dead_places_trap() {
        let mut module = Module::default();
        let table = module.tables.add_local(false, 2, None, walrus::RefType::FUNCREF);
        let mut function = |name: &str| {
            let mut builder = FunctionBuilder::new(&mut module.types, &[], &[]);
            builder.name(name.to_owned());
            builder.finish(Vec::new(), &mut module.funcs)
        };
        let live = function("rum_sdk::monitor::Monitor::receive");
        let dead = function("wasm_bindgen::convert::closures::_::invoke::h0");
        let kind = ElementKind::Active { table, offset: ConstExpr::Value(Value::I32(0)) };
        let element = module.elements.add(kind, ElementItems::Functions(vec![live, dead]));
        assert_eq!(empty_dead_places(&mut module), 1);
        match &module.elements.get(element).items {
            ElementItems::Functions(functions) => {
                assert_eq!(functions[0], live);
                assert!(functions[1] != live && functions[1] != dead);
            }
            ElementItems::Expressions(..) => panic!("the places changed their kind"),
        }
    }
}
