//! Gives the names between module and glue one or two letters, and drops the exports the glue never calls.
//!
//! The functions the module imports become one object, `imports`: a bundler would give each of a namespace's a getter.
//!
//! wasm-bindgen's names are long, hashed and repeated in both files, where neither wasm-opt nor a JavaScript minifier may touch
//! them. Every replacement is asserted: a name that is not where it should be fails the build.

use std::collections::HashSet;
use std::fmt::Write;

use anyhow::{Result, bail, ensure};
use walrus::Module;

use super::bind::GLUE;
use super::{silence, table};

/// What the name of the module that every import comes from begins with; the build's own digits follow.
const MODULE: &str = "b";

/// Renames in `module` and returns `glue` with the same names.
///
/// All imports come to be from one module that no other build's imports are from, so that no glue is ever linked to a module that it
/// was not made for.
pub(super) fn shorten(module: &mut Module, glue: &str) -> Result<String> {
    let glue = drop_unused_shims(glue)?;
    drop_unused_exports(module, &glue);
    table::empty_dead_places(module);
    silence::silence(module);
    walrus::passes::gc::run(module);
    let glue = shorten_exports(module, glue)?;
    let glue = shorten_imports(module, glue)?;
    let name = format!("{MODULE}{:x}", crc32fast::hash(&module.emit_wasm()));
    for import in module.imports.iter_mut() {
        import.module.clone_from(&name);
    }
    Ok(glue)
}

/// Removes glue functions that call an export and are called by nobody: shims of closures that only descriptors mention.
fn drop_unused_shims(glue: &str) -> Result<String> {
    const START: &str = "\nfunction wasm_bindgen__convert__";
    const END: &str = "\n}\n";
    let mut kept = glue.to_owned();
    let mut from = 0;
    while let Some(at) = kept[from..].find(START).map(|at| from + at) {
        let name: String = kept[at + "\nfunction ".len()..].chars().take_while(|&c| is_word(c)).collect();
        let Some(length) = kept[at..].find(END).map(|end| end + END.len() - 1) else {
            bail!("the glue's function `{name}` has no end")
        };
        let outside = word_count(&kept[..at], &name) + word_count(&kept[at + length..], &name);
        if outside == 0 {
            kept.replace_range(at..at + length, "");
        } else {
            from = at + length;
        }
    }
    Ok(kept)
}

fn drop_unused_exports(module: &mut Module, glue: &str) {
    let unused: Vec<_> = module
        .exports
        .iter()
        .filter(|export| word_count(glue, &format!("wasm.{}", export.name)) == 0)
        .map(walrus::Export::id)
        .collect();
    for id in unused {
        module.exports.delete(id);
    }
    walrus::passes::gc::run(module);
}

fn shorten_exports(module: &mut Module, mut glue: String) -> Result<String> {
    // Members of the exports object collide with nothing.
    let mut names = ShortNames::avoiding("");
    for export in module.exports.iter_mut() {
        let short = names.next_free();
        glue = replace_word(&glue, &format!("wasm.{}", export.name), &format!("wasm.{short}"))?;
        export.name = short;
    }
    Ok(glue)
}

fn shorten_imports(module: &mut Module, mut glue: String) -> Result<String> {
    let glue_module = format!("./{GLUE}");
    let mut names = ShortNames::avoiding(&glue);
    let mut imports = Vec::new();
    for import in module.imports.iter_mut() {
        ensure!(
            import.module == glue_module,
            "`{}` is imported from `{}`, past the glue; the loader knows one module only",
            import.name,
            import.module
        );
        let short = names.next_free();
        let count = word_count(&glue, &import.name);
        ensure!(count == 1, "the glue names the import `{}` {count} times instead of once", import.name);
        glue = replace_word(&glue, &import.name, &short)?;
        glue = glue.replace(&format!("export function {short}("), &format!("function {short}("));
        imports.push(short.clone());
        import.name = short;
    }
    let _ = writeln!(glue, "export const imports = {{ {} }};", imports.join(", "));
    Ok(glue)
}

/// `a`, `b`, … `Z`, `aa`, … without those that are words of a text.
struct ShortNames {
    taken: HashSet<String>,
    next: usize,
}

impl ShortNames {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    /// Two-letter words a function cannot be called.
    const RESERVED: [&str; 4] = ["as", "do", "if", "in"];

    fn avoiding(text: &str) -> Self {
        let mut taken: HashSet<_> = text.split(|c| !is_word(c)).filter(|word| word.len() <= 2).map(str::to_owned).collect();
        taken.extend(Self::RESERVED.map(str::to_owned));
        Self { taken, next: 0 }
    }

    fn next_free(&mut self) -> String {
        loop {
            let name = Self::nth(self.next);
            self.next += 1;
            if !self.taken.contains(&name) {
                return name;
            }
        }
    }

    fn nth(n: usize) -> String {
        let (letters, count) = (Self::LETTERS, Self::LETTERS.len());
        let last = char::from(letters[n % count]);
        if n < count { last.to_string() } else { format!("{}{last}", Self::nth(n / count - 1)) }
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}

fn word_count(text: &str, word: &str) -> usize {
    word_starts(text, word).count()
}

/// Where `word` stands in `text` with no letter before or after it.
fn word_starts<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = usize> + 't {
    text.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

fn replace_word(text: &str, word: &str, by: &str) -> Result<String> {
    let mut replaced = String::with_capacity(text.len());
    let mut copied = 0;
    for at in word_starts(text, word) {
        replaced.push_str(&text[copied..at]);
        replaced.push_str(by);
        copied = at + word.len();
    }
    ensure!(copied > 0, "the glue does not name `{word}`");
    replaced.push_str(&text[copied..]);
    Ok(replaced)
}

#[cfg(test)]
mod tests {
    use super::*;
    use walrus::{FunctionBuilder, ValType};

    /// A module that imports `__wbg_now_1` and exports `init`, `unused` and, if asked for, `closure_1`.
    fn module(import_from: &str) -> Module {
        let mut module = Module::default();
        let nothing = module.types.add(&[], &[ValType::F64]);
        let (now, _) = module.add_import_func(import_from, "__wbg_now_1", nothing);
        for name in ["init", "unused"] {
            let mut function = FunctionBuilder::new(&mut module.types, &[], &[ValType::F64]);
            function.func_body().call(now);
            let function = function.finish(vec![], &mut module.funcs);
            module.exports.add(name, function);
        }
        module
    }

    const GLUE_TEXT: &str = "export function init(config) {\n    return wasm.init(config);\n}\nexport function __wbg_now_1() {\n    return \
                             Date.now();\n}\nlet a, wasm;";

    #[test]
    fn both_sides_get_the_same_short_names() {
        let mut module = module("./rum_sdk_bg.js");
        let glue = shorten(&mut module, GLUE_TEXT).unwrap();
        assert!(glue.contains("wasm.a(config)"), "{glue}");
        assert!(glue.contains("export function init("), "the public name stays: {glue}");
        assert!(glue.contains("\nfunction b()"), "`a` is a word of the glue: {glue}");
        assert!(glue.ends_with("export const imports = { b };\n"), "{glue}");
        let imports: Vec<_> = module.imports.iter().map(|i| (i.module.as_str(), i.name.as_str())).collect();
        assert!(matches!(imports[..], [(from, "b")] if from.starts_with(MODULE)), "{imports:?}");
        let exports: Vec<_> = module.exports.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(exports, ["a"], "an export the glue never names is dropped");
    }

    #[test]
    fn modules_that_differ_import_from_modules_of_different_names() {
        let imported_from = |constant| {
            let mut module = module("./rum_sdk_bg.js");
            let mut function = FunctionBuilder::new(&mut module.types, &[], &[ValType::F64]);
            function.func_body().f64_const(constant);
            let function = function.finish(vec![], &mut module.funcs);
            module.exports.add("answer", function);
            shorten(&mut module, &format!("{GLUE_TEXT}\nwasm.answer();")).unwrap();
            module.imports.iter().next().unwrap().module.clone()
        };
        assert_ne!(imported_from(1.0), imported_from(2.0));
        assert_eq!(imported_from(1.0), imported_from(1.0));
    }

    #[test]
    fn an_import_past_the_glue_fails() {
        let error = shorten(&mut module("./snippets/patch.js"), GLUE_TEXT).unwrap_err().to_string();
        assert!(error.contains("past the glue"), "{error}");
    }

    #[test]
    fn an_import_the_glue_does_not_define_fails() {
        let error = shorten(&mut module("./rum_sdk_bg.js"), "wasm.init").unwrap_err().to_string();
        assert!(error.contains("0 times"), "{error}");
    }

    #[test]
    fn only_uncalled_shims_are_dropped() {
        let shim = |name: &str| {
            format!("\nfunction wasm_bindgen__convert__{name}(a) {{\n    wasm.wasm_bindgen__convert__{name}(a);\n}}\n")
        };
        let glue = format!("use(wasm_bindgen__convert__h1);{}{}end", shim("h1"), shim("h12"));
        assert_eq!(drop_unused_shims(&glue).unwrap(), format!("use(wasm_bindgen__convert__h1);{}\nend", shim("h1")));
    }

    #[test]
    fn short_names_are_all_different_and_none_is_reserved() {
        let mut names = ShortNames::avoiding("b");
        let made: Vec<_> = (0..400).map(|_| names.next_free()).collect();
        assert_eq!(made[..3], ["a", "c", "d"]);
        assert_eq!(made.iter().collect::<HashSet<_>>().len(), 400);
        assert!(!made.contains(&"do".to_owned()));
    }
}
