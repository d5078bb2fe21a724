//! Takes out of the glue what this SDK does not need.
//!
//! wasm-bindgen writes its helpers for every engine and for gigabytes of text. Each cut names the exact text it replaces, so that
//! another version of wasm-bindgen fails the build instead of shipping something else.

use anyhow::{Result, bail};

struct Cut {
    what: &'static str,
    /// In the glue if and only if the helper is.
    marker: &'static str,
    from: &'static str,
    to: &'static str,
}

const CUTS: &[Cut] = &[
    Cut {
        what: "the renewal of the text decoder after two gigabytes, for Safari",
        marker: "function decodeText(",
        from: "const MAX_SAFARI_DECODE_BYTES = 2146435072;
let numBytesDecoded = 0;
function decodeText(bytes) {
    numBytesDecoded += bytes.length;
    if (numBytesDecoded >= MAX_SAFARI_DECODE_BYTES) {
        cachedTextDecoder = new TextDecoder('utf-8', { ignoreBOM: true });
        cachedTextDecoder.decode();
        numBytesDecoded = bytes.length;
    }
    return cachedTextDecoder.decode(bytes);
}",
        to: "function decodeText(bytes) {
    return cachedTextDecoder.decode(bytes);
}",
    },
    Cut {
        what: "the polyfill of encodeInto",
        marker: "encodeInto' in",
        from: "if (!('encodeInto' in cachedTextEncoder)) {
    cachedTextEncoder.encodeInto = function (arg, view) {
        const buf = cachedTextEncoder.encode(arg);
        view.set(buf);
        return {
            read: arg.length,
            written: buf.length
        };
    };
}
",
        to: "",
    },
    Cut {
        what: "the fast path for long ASCII texts",
        marker: "function passStringToWasm0(",
        from: "    if (realloc === undefined) {
        const buf = cachedTextEncoder.encode(arg);
        const ptr = malloc(buf.length, 1) >>> 0;
        getUint8ArrayMemory0().subarray(ptr, ptr + buf.length).set(buf);
        WASM_VECTOR_LEN = buf.length;
        return ptr;
    }

    let len = arg.length;
    let ptr = malloc(len, 1) >>> 0;

    const mem = getUint8ArrayMemory0();

    let offset = 0;

    for (; offset < len; offset++) {
        const code = arg.charCodeAt(offset);
        if (code > 0x7F) break;
        mem[ptr + offset] = code;
    }
    if (offset !== len) {
        if (offset !== 0) {
            arg = arg.slice(offset);
        }
        ptr = realloc(ptr, len, len = offset + arg.length * 3, 1) >>> 0;
        const view = getUint8ArrayMemory0().subarray(ptr + offset, ptr + len);
        const ret = cachedTextEncoder.encodeInto(arg, view);

        offset += ret.written;
        ptr = realloc(ptr, len, offset, 1) >>> 0;
    }

    WASM_VECTOR_LEN = offset;
    return ptr;
",
        to: "    const buf = cachedTextEncoder.encode(arg);
    const ptr = malloc(buf.length, 1) >>> 0;
    getUint8ArrayMemory0().set(buf, ptr);
    WASM_VECTOR_LEN = buf.length;
    return ptr;
",
    },
    Cut {
        what: "the reallocation that only the fast path used",
        marker: "function passStringToWasm0(",
        from: "function passStringToWasm0(arg, malloc, realloc)",
        to: "function passStringToWasm0(arg, malloc)",
    },
    Cut {
        what: "its argument",
        marker: ", wasm.__wbindgen_realloc",
        from: "wasm.__wbindgen_malloc, wasm.__wbindgen_realloc",
        to: "wasm.__wbindgen_malloc",
    },
    Cut {
        what: "the keeping of an exception of `setTimeout`, which Rust would only throw again",
        marker: "handleError(function",
        from: "() { return handleError(function (",
        to: "(",
    },
    Cut {
        what: "the end of the keeping",
        marker: ", arguments); }",
        from: "}, arguments); }",
        to: "}",
    },
    Cut {
        what: "the writing of every text that may be absent",
        marker: "var ptr1 = isLikeNone(ret) ? 0 : passStringToWasm0(",
        from: "    var ptr1 = isLikeNone(ret) ? 0 : passStringToWasm0(ret, wasm.__wbindgen_malloc);
    var len1 = WASM_VECTOR_LEN;
    getDataViewMemory0().setInt32((arg0 >>> 0) + 4 * 1, len1, true);
    getDataViewMemory0().setInt32((arg0 >>> 0) + 4 * 0, ptr1, true);
",
        to: "    returnText(arg0, ret);
",
    },
    Cut {
        what: "the writing of every text that is there",
        marker: "const ptr1 = passStringToWasm0(ret, ",
        from: "    const ptr1 = passStringToWasm0(ret, wasm.__wbindgen_malloc);
    const len1 = WASM_VECTOR_LEN;
    getDataViewMemory0().setInt32((arg0 >>> 0) + 4 * 1, len1, true);
    getDataViewMemory0().setInt32((arg0 >>> 0) + 4 * 0, ptr1, true);
",
        to: "    returnText(arg0, ret);
",
    },
    Cut {
        what: "the registry of closures that Rust forgot, of which there are none",
        marker: "const CLOSURE_DTORS",
        from: "const CLOSURE_DTORS = (typeof FinalizationRegistry === 'undefined')
    ? { register: () => {}, unregister: () => {} }
    : new FinalizationRegistry(state => wasm.__wbindgen_destroy_closure(state.a, state.b));
",
        to: "",
    },
    Cut {
        what: "the entries in it",
        marker: "CLOSURE_DTORS.register(",
        from: "    CLOSURE_DTORS.register(real, state, state);
",
        to: "",
    },
    Cut {
        what: "the end of the entries in it",
        marker: "CLOSURE_DTORS.unregister(",
        from: "            CLOSURE_DTORS.unregister(state);
",
        to: "",
    },
    Cut {
        what: "the guard of closures that take arguments, or call themselves",
        marker: "function makeMutClosure(",
        from: "    const state = { a: arg0, b: arg1, cnt: 1 };
    const real = (...args) => {

        // First up with a closure we increment the internal reference
        // count. This ensures that the Rust closure environment won't
        // be deallocated while we're invoking it.
        state.cnt++;
        const a = state.a;
        state.a = 0;
        try {
            return f(a, state.b, ...args);
        } finally {
            state.a = a;
            real._wbg_cb_unref();
        }
    };
    real._wbg_cb_unref = () => {
        if (--state.cnt === 0) {
            wasm.__wbindgen_destroy_closure(state.a, state.b);
            state.a = 0;
        }
    };
",
        to: "    let count = 1;
    const real = () => {
        count++;
        f(arg0, arg1);
        real._wbg_cb_unref();
    };
    real._wbg_cb_unref = () => {
        if (--count === 0) wasm.__wbindgen_destroy_closure(arg0, arg1);
    };
",
    },
    Cut {
        what: "the view of the memory that is kept, although a new one costs little",
        marker: "cachedDataViewMemory0",
        from: "let cachedDataViewMemory0 = null;
function getDataViewMemory0() {
    if (cachedDataViewMemory0 === null || cachedDataViewMemory0.buffer.detached === true || (cachedDataViewMemory0.buffer.detached === undefined && cachedDataViewMemory0.buffer !== wasm.memory.buffer)) {
        cachedDataViewMemory0 = new DataView(wasm.memory.buffer);
    }
    return cachedDataViewMemory0;
}
",
        to: "function getDataViewMemory0() {
    return new DataView(wasm.memory.buffer);
}
",
    },
    Cut {
        what: "the same of its numbers",
        marker: "cachedFloat64ArrayMemory0",
        from: "let cachedFloat64ArrayMemory0 = null;
function getFloat64ArrayMemory0() {
    if (cachedFloat64ArrayMemory0 === null || cachedFloat64ArrayMemory0.byteLength === 0) {
        cachedFloat64ArrayMemory0 = new Float64Array(wasm.memory.buffer);
    }
    return cachedFloat64ArrayMemory0;
}
",
        to: "function getFloat64ArrayMemory0() {
    return new Float64Array(wasm.memory.buffer);
}
",
    },
    Cut {
        what: "the same of its bytes",
        marker: "cachedUint8ArrayMemory0",
        from: "let cachedUint8ArrayMemory0 = null;
function getUint8ArrayMemory0() {
    if (cachedUint8ArrayMemory0 === null || cachedUint8ArrayMemory0.byteLength === 0) {
        cachedUint8ArrayMemory0 = new Uint8Array(wasm.memory.buffer);
    }
    return cachedUint8ArrayMemory0;
}
",
        to: "function getUint8ArrayMemory0() {
    return new Uint8Array(wasm.memory.buffer);
}
",
    },
];

/// What the cuts put calls of. Passing the text may move the memory, so the view of it is made after that.
const RETURN_TEXT: &str = "
function returnText(at, text) {
    const ptr = isLikeNone(text) ? 0 : passStringToWasm0(text, wasm.__wbindgen_malloc);
    const view = getDataViewMemory0();
    view.setInt32(at, ptr, true);
    view.setInt32(at + 4, WASM_VECTOR_LEN, true);
}
";

/// The glue without the cuts.
///
/// # Errors
/// When a helper is there in another form than the one known here.
pub(super) fn trim(glue: &str) -> Result<String> {
    let mut glue = glue.to_owned();
    for cut in CUTS {
        if !glue.contains(cut.marker) {
            continue;
        }
        if !glue.contains(cut.from) {
            bail!("cannot cut {}: wasm-bindgen writes it differently now; adapt xtask/src/sdk/trim.rs", cut.what);
        }
        glue = glue.replace(cut.from, cut.to);
    }
    // Addresses beyond two gigabytes would be negative without.
    glue = glue.replace(" >>> 0", "");
    if glue.contains("returnText(") {
        glue.push_str(RETURN_TEXT);
    }
    pass_unguarded(&glue)
}

/// Without the freeing of arguments when passing one of them fails, which numbers and texts do not.
fn pass_unguarded(glue: &str) -> Result<String> {
    let mut unguarded = String::with_capacity(glue.len());
    let mut lines = glue.lines().peekable();
    while let Some(line) = lines.next() {
        if line.trim() != "try {" || lines.peek().is_none_or(|next| !next.trim().starts_with("ptr")) {
            unguarded.extend([line, "\n"]);
            continue;
        }
        let indent = line.trim_end_matches("try {");
        for line in lines.by_ref().take_while(|line| line.trim() != "} catch (e) {") {
            unguarded.extend([indent, line.trim_start(), "\n"]);
        }
        let end = format!("{indent}}}");
        if !lines.any(|line| line == end) {
            bail!("the guard of arguments has no end: wasm-bindgen writes it differently now; adapt xtask/src/sdk/trim.rs");
        }
    }
    Ok(unguarded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_helper_is_cut() {
        let glue = "let a;\nif (!('encodeInto' in cachedTextEncoder)) {\n    cachedTextEncoder.encodeInto = function (arg, view) {\n        \
                    const buf = cachedTextEncoder.encode(arg);\n        view.set(buf);\n        return {\n            read: arg.length,\n            \
                    written: buf.length\n        };\n    };\n}\nlet b;";
        assert_eq!(trim(glue).unwrap(), "let a;\nlet b;\n");
    }

    #[test]
    fn a_helper_in_an_unknown_form_fails() {
        let error = trim("function decodeText(bytes) { return '' }").unwrap_err();
        assert!(error.to_string().contains("text decoder"), "{error}");
    }

    #[test]
    fn glue_without_texts_stays() {
        assert_eq!(trim("let wasm;\n").unwrap(), "let wasm;\n");
    }

    #[test]
    fn arguments_are_passed_without_a_guard() {
        let glue = "    try {\n        ptr0 = pass(a);\n        ptr1 = pass(b);\n    } catch (e) {\n        if (ptr0) { free(ptr0); }\n        \
                    throw e;\n    }\n    try {\n        call(ptr0, ptr1);\n    } finally {\n    }\n";
        let unguarded = "    ptr0 = pass(a);\n    ptr1 = pass(b);\n    try {\n        call(ptr0, ptr1);\n    } finally {\n    }\n";
        assert_eq!(trim(glue).unwrap(), unguarded);
        assert!(trim("    try {\n        ptr0 = pass(a);\n    } catch (e) {\n").is_err());
    }
}
