//! `libchdb`, loaded at run time and wrapped so that nothing outside this module is unsafe.
//!
//! The declarations are those of chdb-core's `chdb.h` (26.7); its handles are opaque, and its authors treat a changed signature as a
//! break. All buffers are passed with their lengths, so no text needs a terminator.
#![expect(unsafe_code, reason = "the library is a C interface")]

mod connection;
mod result;

pub(crate) use connection::{Connection, QueryStream, StatementClass};
pub(crate) use result::{QueryResult, Statistics};

use std::ffi::{CStr, CString, c_char, c_double, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

use libloading::os::unix::{Library as Handle, RTLD_LOCAL, RTLD_NOW};

/// glibc's flag: keeps the library mapped although its handle is closed. Unloading it crashes the process at exit.
const RTLD_NODELETE: c_int = 0x1000;

type Connection_ = *mut c_void;
type Result_ = *mut c_void;
type InsertStream_ = *mut c_void;
type Text = *const c_char;
type Texts = *const *const c_char;
type Lengths = *const usize;
type RunQuery = unsafe extern "C" fn(Connection_, Text, usize, Text, usize, Texts, Lengths, Texts, Lengths, usize) -> Result_;
type OpenInsert =
    unsafe extern "C" fn(Connection_, Text, usize, Text, usize, Texts, Lengths, Texts, Lengths, usize) -> InsertStream_;

#[repr(C)]
struct Analysis {
    struct_size: u32,
    statement_count: u32,
    flags: u32,
    query_class: u32,
}

macro_rules! functions {
    ($($name:ident: $type:ty,)*) => {
        /// The library's functions. The pointers stay valid for the life of the process, because the library is never unloaded.
        struct Functions { $($name: $type,)* }

        impl Functions {
            fn load(handle: &Handle) -> Result<Self, libloading::Error> {
                // SAFETY: the types are those of `chdb.h` for these names.
                Ok(unsafe { Self { $($name: *handle.get::<$type>(concat!(stringify!($name), "\0").as_bytes())?,)* } })
            }
        }
    };
}

functions! {
    chdb_version: unsafe extern "C" fn() -> Text,
    chdb_set_signal_handlers_enabled: unsafe extern "C" fn(c_int),
    chdb_connect: unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut Connection_,
    chdb_close_conn: unsafe extern "C" fn(*mut Connection_),
    chdb_classify_query_n: unsafe extern "C" fn(Connection_, Text, usize, Text, usize, *mut Analysis) -> c_int,
    chdb_query_with_params_n: RunQuery,
    chdb_stream_query_with_params_n: RunQuery,
    chdb_stream_fetch_result: unsafe extern "C" fn(Connection_, Result_) -> Result_,
    chdb_stream_cancel_query: unsafe extern "C" fn(Connection_, Result_),
    chdb_destroy_query_result: unsafe extern "C" fn(Result_),
    chdb_result_buffer: unsafe extern "C" fn(Result_) -> Text,
    chdb_result_length: unsafe extern "C" fn(Result_) -> usize,
    chdb_result_error: unsafe extern "C" fn(Result_) -> Text,
    chdb_result_elapsed: unsafe extern "C" fn(Result_) -> c_double,
    chdb_result_rows_read: unsafe extern "C" fn(Result_) -> u64,
    chdb_result_bytes_read: unsafe extern "C" fn(Result_) -> u64,
    chdb_result_storage_rows_read: unsafe extern "C" fn(Result_) -> u64,
    chdb_result_storage_bytes_read: unsafe extern "C" fn(Result_) -> u64,
    chdb_result_rows_written: unsafe extern "C" fn(Result_) -> u64,
    chdb_result_bytes_written: unsafe extern "C" fn(Result_) -> u64,
    chdb_stream_insert_with_params_n: OpenInsert,
    chdb_stream_append: unsafe extern "C" fn(InsertStream_, *const c_void, usize) -> c_int,
    chdb_stream_done: unsafe extern "C" fn(InsertStream_) -> Result_,
    chdb_stream_insert_error: unsafe extern "C" fn(InsertStream_) -> Text,
    chdb_destroy_insert_stream: unsafe extern "C" fn(InsertStream_),
}

/// Why the library could not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LibraryError {
    #[error("the library {path} cannot be loaded")]
    Load { path: String, source: libloading::Error },
    #[error("the library's path is not valid: it holds a zero byte")]
    Path,
    #[error("the engine refused to open its data directory; its own words, if any, are on standard error")]
    Connect,
}

/// What the engine says about a statement it could not run, usually beginning `Code: <number>. DB::Exception:`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct EngineFault(pub(crate) String);

/// The loaded library.
#[derive(Clone)]
pub(crate) struct Library(Arc<Functions>);

impl Library {
    /// Loads the library for the rest of the process's life, and keeps it from taking over the process's signals.
    pub(crate) fn load(path: &Path) -> Result<Self, LibraryError> {
        let fault = |source| LibraryError::Load { path: path.display().to_string(), source };
        // SAFETY: runs the initialisers of ClickHouse's library, which have no preconditions.
        let handle = unsafe { Handle::open(Some(path), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) }.map_err(fault)?;
        let functions = Functions::load(&handle).map_err(fault)?;
        std::mem::forget(handle);
        // SAFETY: takes a number, and is called before the first connection as required.
        unsafe { (functions.chdb_set_signal_handlers_enabled)(0) };
        Ok(Self(Arc::new(functions)))
    }

    /// The library's own version, such as `26.7.3`.
    pub(crate) fn version(&self) -> String {
        // SAFETY: returns a static, terminated text.
        let text = unsafe { (self.0.chdb_version)() };
        read_text(text).unwrap_or_default()
    }

    /// Opens a connection. The first one starts the engine, with the data directory named in the configuration file.
    pub(crate) fn connect(&self, data: &Path, config_file: &Path) -> Result<Connection, LibraryError> {
        let argument = |name: &str, path: &Path| {
            CString::new([name.as_bytes(), path.as_os_str().as_bytes()].concat()).map_err(|_| LibraryError::Path)
        };
        let arguments = [c"clickhouse".to_owned(), argument("--path=", data)?, argument("--config-file=", config_file)?];
        let mut pointers = arguments.each_ref().map(|argument| argument.as_ptr().cast_mut());
        // SAFETY: `pointers` holds three terminated texts that live through the call; the library only reads them.
        let connection = unsafe { (self.0.chdb_connect)(3, pointers.as_mut_ptr()) };
        match NonNull::new(connection) {
            Some(pointer) => Ok(Connection { library: self.clone(), pointer }),
            None => Err(LibraryError::Connect),
        }
    }
}

fn read_text(text: Text) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not null; the library's texts are terminated and live as long as the handle just asked.
    Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}
