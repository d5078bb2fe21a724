//! The gate against panics in the SDK: who calls the panic machinery in the linked module.
//!
//! One panic that formats its message links `core::fmt` and costs kilobytes, and a panic in a page's event handler is a
//! defect anyway. So every caller is either avoided or listed here with its reason.

use std::collections::BTreeSet;

use rustc_demangle::demangle;
use walrus::ir::{Call, Visitor, dfs_in_order};
use walrus::{FunctionId, FunctionKind, Module};

/// Parts of the names of functions that panic.
const PANICS: [&str; 8] = [
    "panic_fmt",
    "slice_error_fail",
    "slice_index_fail",
    "panic_bounds_check",
    "unwrap_failed",
    "expect_failed",
    "assert_failed",
    "panic_const",
];

/// Callers that may stay: start of the demangled name, and why.
const ALLOWED: &[(&str, &str)] = &[
    ("core::panicking::", "the panic machinery calls itself"),
    ("core::option::unwrap_failed", "the panic machinery calls itself"),
    ("core::option::expect_failed", "the panic machinery calls itself"),
    ("core::result::unwrap_failed", "the panic machinery calls itself"),
    ("core::slice::index::", "the panic machinery calls itself"),
    ("core::str::slice_error_fail", "the panic machinery calls itself"),
    ("core::cell::panic_already", "the panic machinery calls itself"),
    ("std::thread::local::panic_access_error", "only while a thread ends, which a page's thread never does"),
    ("alloc::alloc::handle_alloc_error", "out of memory has no other way out"),
    ("alloc::raw_vec::handle_error", "out of memory has no other way out"),
    ("alloc::raw_vec::capacity_overflow", "out of memory has no other way out"),
    ("alloc::raw_vec::RawVecInner<A>::shrink", "a vector shrinks to its own length, which fits"),
];

/// One call of a panic function.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PanicCall {
    caller: String,
    callee: String,
}

/// Lists the callers that are not allowed; `None` when there are none.
pub(crate) fn violation(linked: &Module) -> Option<String> {
    let calls = panic_calls(linked);
    let refused: Vec<_> = calls
        .iter()
        .filter(|call| !is_allowed(&call.caller))
        .map(|call| format!("\n    {} calls {}", call.caller, call.callee))
        .collect();
    (!refused.is_empty()).then(|| {
        format!(
            "the SDK can panic:{}\n  Use `get`, `split_first`, `try_borrow_mut` and the like instead of indexing and unwrapping, \
             or list the caller in xtask/src/sdk/panics.rs with its reason.",
            refused.concat()
        )
    })
}

fn is_allowed(caller: &str) -> bool {
    ALLOWED.iter().any(|(start, _)| caller.trim_start_matches('<').starts_with(start))
}

fn panic_calls(module: &Module) -> BTreeSet<PanicCall> {
    let mut calls = BTreeSet::new();
    for (id, function) in module.funcs.iter_local() {
        let mut callees = Callees::default();
        dfs_in_order(&mut callees, function, function.entry_block());
        for callee in callees.0 {
            let callee = name(module, callee);
            if PANICS.iter().any(|part| callee.contains(part)) {
                calls.insert(PanicCall { caller: name(module, id), callee });
            }
        }
    }
    calls
}

/// The function's name without hash; its index where it has none.
fn name(module: &Module, id: FunctionId) -> String {
    let function = module.funcs.get(id);
    match (&function.name, &function.kind) {
        (Some(name), _) => format!("{:#}", demangle(name)),
        (None, FunctionKind::Import(import)) => module.imports.get(import.import).name.clone(),
        (None, _) => format!("function {}", id.index()),
    }
}

#[derive(Default)]
struct Callees(Vec<FunctionId>);

impl Visitor<'_> for Callees {
    fn visit_call(&mut self, call: &Call) {
        self.0.push(call.func);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use walrus::FunctionBuilder;

    /// A module in which each of the pairs is one function that calls another.
    fn module(pairs: &[(&str, &str)]) -> Module {
        let mut module = Module::default();
        for (caller, callee) in pairs {
            let mut called = FunctionBuilder::new(&mut module.types, &[], &[]);
            called.name((*callee).to_owned());
            let called = called.finish(vec![], &mut module.funcs);
            let mut calling = FunctionBuilder::new(&mut module.types, &[], &[]);
            calling.name((*caller).to_owned()).func_body().call(called);
            calling.finish(vec![], &mut module.funcs);
        }
        module
    }

    #[test]
    fn a_caller_of_ours_is_refused_by_name() {
        let error = violation(&module(&[("rum_sdk::outbox::push", "core::panicking::panic_bounds_check")])).unwrap();
        assert!(error.contains("rum_sdk::outbox::push calls core::panicking::panic_bounds_check"), "{error}");
    }

    #[test]
    fn allowed_callers_and_other_calls_pass() {
        let module = module(&[
            ("core::panicking::panic", "core::panicking::panic_fmt"),
            ("rum_sdk::outbox::push", "rum_sdk::outbox::flush"),
        ]);
        assert_eq!(violation(&module), None);
    }
}
