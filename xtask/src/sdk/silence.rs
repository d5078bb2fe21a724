//! Makes panics trap at once, without a word.
//!
//! In a browser without a panic hook nobody reads what a panic says, and a trap is how it ends anyway. So the functions that all
//! panics go through trap themselves, and what only messages say, texts and the places in source files, is blank.

use walrus::{FunctionBuilder, FunctionId, FunctionKind, Module};

/// Parts of the names of the functions that say something and never return.
const SPEAKERS: [&str; 3] = ["::panicking::panic_fmt", "::alloc::handle_alloc_error", "wasm_bindgen::throw_str"];

/// What they say, where it is there.
const SAID: [&str; 8] = [
    "FnOnce called more than once",
    "RefCell already borrowed",
    "RefCell already mutably borrowed",
    "Tried to shrink to a larger capacity",
    "called `Option::unwrap_throw()` on a `None` value",
    "called `Result::unwrap_throw()` on an `Err` value",
    "capacity overflow",
    "closure invoked recursively or after being dropped",
];

/// Lets the speakers trap and blanks the paths.
pub(super) fn silence(module: &mut Module) {
    let is_speaker = |name: &String| SPEAKERS.iter().any(|part| name.contains(part));
    let speakers: Vec<_> = module
        .funcs
        .iter_local()
        .filter(|(id, _)| module.funcs.get(*id).name.as_ref().is_some_and(is_speaker))
        .map(|(id, _)| id)
        .collect();
    for speaker in speakers {
        trap(module, speaker);
    }
    let texts: Vec<_> = module.data.iter().map(walrus::Data::id).collect();
    for text in texts {
        let data = &mut module.data.get_mut(text).value;
        blank_paths(data);
        for said in SAID {
            blank(data, said.as_bytes());
        }
    }
}

fn trap(module: &mut Module, id: FunctionId) {
    let (parameters, results) = module.types.params_results(module.funcs.get(id).ty());
    let (parameters, results) = (parameters.to_vec(), results.to_vec());
    let arguments = parameters.iter().map(|&kind| module.locals.add(kind)).collect();
    let mut builder = FunctionBuilder::new(&mut module.types, &parameters, &results);
    builder.func_body().unreachable();
    module.funcs.get_mut(id).kind = FunctionKind::Local(builder.local_func(arguments));
}

/// The compiler ends the paths, unlike other texts, with a zero.
fn blank_paths(data: &mut [u8]) {
    for text in data.split_mut(|&byte| byte == 0) {
        if text.starts_with(b"/") && text.ends_with(b".rs") {
            text.fill(0);
        }
    }
}

fn blank(data: &mut [u8], text: &[u8]) {
    let mut from = 0;
    while let Some(at) = data[from..].windows(text.len()).position(|part| part == text) {
        from += at;
        data[from..from + text.len()].fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use walrus::ValType;

    #[test]
    fn a_panic_traps_before_it_calls_anything() {
        let mut module = Module::default();
        let mut function = |name: &str, calls: Option<FunctionId>| {
            let mut builder = FunctionBuilder::new(&mut module.types, &[ValType::I32], &[]);
            builder.name(name.to_owned());
            let argument = module.locals.add(ValType::I32);
            if let Some(callee) = calls {
                builder.func_body().local_get(argument).call(callee);
            }
            builder.finish(vec![argument], &mut module.funcs)
        };
        let hook = function("std::panicking::panic_with_hook", None);
        let panic = function("core::panicking::panic_fmt", Some(hook));
        let ours = function("rum_sdk::receive", Some(panic));
        module.exports.add("receive", ours);
        silence(&mut module);
        walrus::passes::gc::run(&mut module);
        let left: Vec<_> = module.funcs.iter().map(walrus::Function::id).collect();
        assert_eq!(left, [panic, ours]);
    }

    #[test]
    fn only_paths_are_blanked() {
        let mut data = *b"/a/b.rs,\0\0/c/d.rs\0x/e.rs\0";
        blank_paths(&mut data);
        assert_eq!(&data, b"/a/b.rs,\0\0\0\0\0\0\0\0\0\0x/e.rs\0");
    }

    #[test]
    fn a_text_is_blanked_wherever_it_is() {
        let mut data = *b"said,kept,said";
        blank(&mut data, b"said");
        assert_eq!(&data, b"\0\0\0\0,kept,\0\0\0\0");
    }
}
