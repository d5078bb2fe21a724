//! Connections, and the statements that run on them.

use std::ops::DerefMut;
use std::ptr::{self, NonNull};

use super::result::QueryResult;
use super::{Analysis, Connection_, EngineFault, Functions, InsertStream_, Library, Result_, RunQuery, Text, read_text};

/// One session of the engine: its own current database, settings and temporary tables; one statement at a time.
pub(crate) struct Connection {
    pub(super) library: Library,
    pub(super) pointer: NonNull<Connection_>,
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
        if state == 0 {
            return Ok(());
        }
        self.check()?;
        Err(EngineFault("Code: 1002. DB::Exception: the engine refused a piece of the data. (UNKNOWN_EXCEPTION)".to_owned()))
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
