//! What comes back from a statement.

use super::{EngineFault, Library, Result_, read_text};

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
    pub(super) pointer: Result_,
}

// SAFETY: a result is a buffer of its own, tied to no thread and to no connection, and only read after its creation.
unsafe impl Send for QueryResult {}
// SAFETY: as above; nothing writes through a shared reference.
unsafe impl Sync for QueryResult {}

impl QueryResult {
    pub(super) fn new(library: Library, pointer: Result_) -> Result<Self, EngineFault> {
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
