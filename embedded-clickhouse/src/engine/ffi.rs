//! `libchdb`, loaded at run time and wrapped so that nothing outside this module is unsafe.
//!
//! The declarations are those of chdb-core's `chdb.h` (26.7); its handles are opaque, and its authors treat a changed signature as a
//! break. All buffers are passed with their lengths, so no text needs a terminator.
#![expect(unsafe_code, reason = "the library is a C interface")]

use std::ffi::{CStr, CString, c_char, c_double, c_int, c_void};
use std::ops::DerefMut;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{self, NonNull};
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

/// One session of the engine: its own current database, settings and temporary tables; one statement at a time.
pub(crate) struct Connection {
    library: Library,
    pointer: NonNull<Connection_>,
}

// SAFETY: the library ties a connection to no thread; that one statement runs at a time is held by `&mut self`.
unsafe impl Send for Connection {}

/// What the engine's own parser says of a text of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Classification {
    pub(crate) statements: u32,
    pub(crate) class: StatementClass,
}

/// What a statement does to anything that outlives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatementClass {
    /// Nothing: SELECT, SHOW, DESCRIBE, EXPLAIN.
    Read,
    /// Changes a database.
    Change,
    /// Changes something beside the databases, such as an SQL function.
    ChangeGlobal,
    /// SET, USE, SYSTEM, KILL, or a write outside the engine (INTO OUTFILE, INSERT INTO FUNCTION).
    Control,
    /// Did not parse.
    Unknown,
}

/// A statement's `{name:Type}` parameters with their values.
pub(crate) type Parameters = [(String, String)];

impl Connection {
    fn functions(&self) -> &Functions {
        &self.library.0
    }

    fn raw(&self) -> Connection_ {
        // SAFETY: `pointer` came from `chdb_connect` and is closed only on drop.
        unsafe { *self.pointer.as_ptr() }
    }

    /// Asks the engine's parser what `sql` is, without running it.
    pub(crate) fn classify(&mut self, sql: &[u8]) -> Classification {
        let size = u32::try_from(size_of::<Analysis>()).unwrap_or_default();
        let mut analysis = Analysis { struct_size: size, statement_count: 0, flags: 0, query_class: u32::MAX };
        // SAFETY: text with its length, no database to judge against, and a struct of the size it states.
        let state = unsafe {
            (self.functions().chdb_classify_query_n)(self.raw(), sql.as_ptr().cast(), sql.len(), ptr::null(), 0, &raw mut analysis)
        };
        let class = match (state, analysis.query_class) {
            (0, 0) => StatementClass::Read,
            (0, 1) => StatementClass::Change,
            (0, 2) => StatementClass::ChangeGlobal,
            (0, 3) => StatementClass::Control,
            _ => StatementClass::Unknown,
        };
        Classification { statements: analysis.statement_count, class }
    }

    /// Runs one statement, and keeps its whole reply in memory.
    pub(crate) fn query(&mut self, sql: &[u8], format: &str, parameters: &Parameters) -> Result<QueryResult, EngineFault> {
        let result = self.run(self.functions().chdb_query_with_params_n, sql, format, parameters);
        QueryResult::new(self.library.clone(), result)
    }

    fn run(&mut self, function: RunQuery, sql: &[u8], format: &str, parameters: &Parameters) -> Result_ {
        let list = ParameterList::new(parameters);
        let (sql_start, format_start) = (sql.as_ptr().cast(), format.as_ptr().cast());
        // SAFETY: every text goes with its length and outlives the call; the four lists have `list.count` items each.
        unsafe {
            function(
                self.raw(),
                sql_start,
                sql.len(),
                format_start,
                format.len(),
                list.names.as_ptr(),
                list.name_lengths.as_ptr(),
                list.values.as_ptr(),
                list.value_lengths.as_ptr(),
                list.count,
            )
        }
    }

    /// Runs one INSERT, given without its FORMAT clause, with its data in any number of pieces.
    pub(crate) fn insert<'data>(
        &mut self,
        sql: &[u8],
        format: &str,
        parameters: &Parameters,
        data: impl IntoIterator<Item = &'data [u8]>,
    ) -> Result<QueryResult, EngineFault> {
        let list = ParameterList::new(parameters);
        let (sql_start, format_start) = (sql.as_ptr().cast(), format.as_ptr().cast());
        // SAFETY: as in `run`.
        let pointer = unsafe {
            (self.functions().chdb_stream_insert_with_params_n)(
                self.raw(),
                sql_start,
                sql.len(),
                format_start,
                format.len(),
                list.names.as_ptr(),
                list.name_lengths.as_ptr(),
                list.values.as_ptr(),
                list.value_lengths.as_ptr(),
                list.count,
            )
        };
        let stream = InsertStream { connection: self, pointer };
        stream.check()?;
        for piece in data {
            stream.append(piece)?;
        }
        stream.finish()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: open until here; streams and inserts on it hold or borrow the connection, so they are gone.
        unsafe { (self.functions().chdb_close_conn)(self.pointer.as_ptr()) };
    }
}

/// An INSERT at work; dropped before `finish`, it is cancelled.
struct InsertStream<'connection> {
    connection: &'connection Connection,
    pointer: InsertStream_,
}

impl InsertStream<'_> {
    fn check(&self) -> Result<(), EngineFault> {
        // SAFETY: the handle is never null and lives until drop; the text is terminated and copied at once.
        let error = unsafe { (self.connection.functions().chdb_stream_insert_error)(self.pointer) };
        read_text(error).map_or(Ok(()), |error| Err(EngineFault(error)))
    }

    fn append(&self, piece: &[u8]) -> Result<(), EngineFault> {
        // SAFETY: a piece with its length; the library copies it.
        let state = unsafe { (self.connection.functions().chdb_stream_append)(self.pointer, piece.as_ptr().cast(), piece.len()) };
        if state == 0 { Ok(()) } else { self.check() }
    }

    fn finish(self) -> Result<QueryResult, EngineFault> {
        // SAFETY: called once, on a live handle.
        let result = unsafe { (self.connection.functions().chdb_stream_done)(self.pointer) };
        QueryResult::new(self.connection.library.clone(), result)
    }
}

impl Drop for InsertStream<'_> {
    fn drop(&mut self) {
        // SAFETY: destroyed once, here.
        unsafe { (self.connection.functions().chdb_destroy_insert_stream)(self.pointer) };
    }
}

/// A SELECT at work, with the connection it occupies; dropped before its end, it is cancelled.
pub(crate) struct QueryStream<C: DerefMut<Target = Connection>> {
    // Before `connection`, because it must be destroyed before the connection is closed.
    handle: QueryResult,
    connection: C,
}

impl<C: DerefMut<Target = Connection>> QueryStream<C> {
    /// Starts a SELECT whose reply is fetched in chunks, each a complete document of `format`.
    pub(crate) fn start(mut connection: C, sql: &[u8], format: &str, parameters: &Parameters) -> Result<Self, EngineFault> {
        let function = connection.functions().chdb_stream_query_with_params_n;
        let result = connection.run(function, sql, format, parameters);
        Ok(Self { handle: QueryResult::new(connection.library.clone(), result)?, connection })
    }

    /// The next chunk; an empty one is the end.
    pub(crate) fn fetch(&mut self) -> Result<QueryResult, EngineFault> {
        let library = self.connection.library.clone();
        // SAFETY: both handles are live, and `&mut self` keeps calls apart.
        let result = unsafe { (library.0.chdb_stream_fetch_result)(self.connection.raw(), self.handle.pointer) };
        QueryResult::new(library, result)
    }
}

impl<C: DerefMut<Target = Connection>> Drop for QueryStream<C> {
    fn drop(&mut self) {
        // SAFETY: both handles are live; cancelling a finished stream does nothing.
        unsafe { (self.connection.functions().chdb_stream_cancel_query)(self.connection.raw(), self.handle.pointer) };
    }
}

/// What a statement did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Statistics {
    pub(crate) elapsed_seconds: f64,
    pub(crate) result_rows: u64,
    pub(crate) result_bytes: u64,
    pub(crate) read_rows: u64,
    pub(crate) read_bytes: u64,
    pub(crate) written_rows: u64,
    pub(crate) written_bytes: u64,
}

/// A reply, or a chunk of one, in the library's memory.
pub(crate) struct QueryResult {
    library: Library,
    pointer: Result_,
}

// SAFETY: a result is a buffer of its own, tied to no thread and to no connection, and only read after its creation.
unsafe impl Send for QueryResult {}
// SAFETY: as above; nothing writes through a shared reference.
unsafe impl Sync for QueryResult {}

impl QueryResult {
    fn new(library: Library, pointer: Result_) -> Result<Self, EngineFault> {
        if pointer.is_null() {
            return Err(EngineFault("Code: 1002. DB::Exception: the engine gave no result. (UNKNOWN_EXCEPTION)".to_owned()));
        }
        let result = Self { library, pointer };
        // SAFETY: a live result; the text is terminated and copied at once.
        let error = unsafe { (result.library.0.chdb_result_error)(pointer) };
        read_text(error).map_or(Ok(result), |error| Err(EngineFault(error)))
    }

    pub(crate) fn statistics(&self) -> Statistics {
        let functions = &self.library.0;
        // SAFETY: plain reads of a live result.
        unsafe {
            Statistics {
                elapsed_seconds: (functions.chdb_result_elapsed)(self.pointer),
                result_rows: (functions.chdb_result_rows_read)(self.pointer),
                result_bytes: (functions.chdb_result_bytes_read)(self.pointer),
                read_rows: (functions.chdb_result_storage_rows_read)(self.pointer),
                read_bytes: (functions.chdb_result_storage_bytes_read)(self.pointer),
                written_rows: (functions.chdb_result_rows_written)(self.pointer),
                written_bytes: (functions.chdb_result_bytes_written)(self.pointer),
            }
        }
    }
}

impl AsRef<[u8]> for QueryResult {
    fn as_ref(&self) -> &[u8] {
        let functions = &self.library.0;
        // SAFETY: buffer and length belong together, live as long as the result, and nobody writes to them any more.
        unsafe {
            let (start, length) = ((functions.chdb_result_buffer)(self.pointer), (functions.chdb_result_length)(self.pointer));
            if start.is_null() || length == 0 { &[] } else { std::slice::from_raw_parts(start.cast(), length) }
        }
    }
}

impl Drop for QueryResult {
    fn drop(&mut self) {
        // SAFETY: destroyed once, here.
        unsafe { (self.library.0.chdb_destroy_query_result)(self.pointer) };
    }
}

/// Parameters as the library takes them: four parallel lists that borrow from the texts.
struct ParameterList {
    names: Vec<Text>,
    name_lengths: Vec<usize>,
    values: Vec<Text>,
    value_lengths: Vec<usize>,
    count: usize,
}

impl ParameterList {
    fn new(parameters: &Parameters) -> Self {
        Self {
            names: parameters.iter().map(|(name, _)| name.as_ptr().cast()).collect(),
            name_lengths: parameters.iter().map(|(name, _)| name.len()).collect(),
            values: parameters.iter().map(|(_, value)| value.as_ptr().cast()).collect(),
            value_lengths: parameters.iter().map(|(_, value)| value.len()).collect(),
            count: parameters.len(),
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
