//! Runs one statement on a thread of its own, because the engine's calls block.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::authentication::Role;
use super::fault::{Fault, Reason};
use super::formats::Chunks;
use super::statement::{CAPPED, Job, Work};
use crate::engine::{Gateway, Lease, LeaseError, QueryResult, QueryStream, StatementClass, Statistics};
use crate::settings::Limits;
use crate::sql;

/// How long a client may leave a chunk of a streamed reply unread.
const READ_TIMEOUT: Duration = Duration::from_mins(1);
/// Chunks waiting for the client; the engine pauses meanwhile.
const CHUNKS_AHEAD: usize = 2;
/// The statements among the engine's "control" class that the writer may run. The others of that class write files.
const CONTROL_KEYWORDS: [&str; 11] =
    ["set", "use", "kill", "system", "attach", "detach", "create", "alter", "drop", "backup", "restore"];

/// A statement's result.
pub(crate) struct Answer {
    /// What was done when the reply begins.
    pub(crate) statistics: Statistics,
    pub(crate) format: Option<String>,
    pub(crate) body: AnswerBody,
}

pub(crate) enum AnswerBody {
    Whole(Bytes),
    /// The first chunk, which has the header if there is one, and the others as they come.
    Stream(Bytes, mpsc::Receiver<Result<Bytes, Fault>>),
}

/// Runs the job, holding the permit until it has ended, which for a streamed reply is later than the answer.
pub(crate) async fn run(gateway: Arc<Gateway>, job: Job, limits: Limits, permit: OwnedSemaphorePermit) -> Result<Answer, Fault> {
    let (send, receive) = oneshot::channel();
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let mut answer = Some(send);
        if let Err(fault) = execute(&gateway, job, limits, &mut answer)
            && let Some(answer) = answer
        {
            let _ = answer.send(Err(fault));
        }
    });
    receive.await.unwrap_or_else(|_| Err(Fault::new(Reason::UnknownException, "the statement's thread ended early")))
}

type Reply = Option<oneshot::Sender<Result<Answer, Fault>>>;

fn send(reply: &mut Reply, answer: Answer) {
    if let Some(reply) = reply.take() {
        // The client may have left.
        let _ = reply.send(Ok(answer));
    }
}

fn execute(gateway: &Gateway, job: Job, limits: Limits, reply: &mut Reply) -> Result<(), Fault> {
    let mut lease = prepare(gateway, &job, limits)?;
    match job.work {
        Work::Insert { statement, judged, format, data } => {
            judge(&mut lease, job.role, job.read_only, &judged)?;
            let result = lease.insert(&statement, &format, &job.parameters, data.iter().map(|piece| &piece[..]))?;
            make_durable(gateway)?;
            // Given back before the client learns of the end, because its next request may be of the same session.
            drop(lease);
            send(reply, Answer { statistics: result.statistics(), format: None, body: AnswerBody::Whole(Bytes::new()) });
        }
        Work::Query { sql, format, streamed } => {
            let class = judge(&mut lease, job.role, job.read_only, &sql)?;
            if let (StatementClass::Read, Some(chunks)) = (class, streamed) {
                let stream = QueryStream::start(lease, &sql, &format, &job.parameters)?;
                return stream_reply(stream, chunks, format, reply);
            }
            if class == StatementClass::Read && job.role == Role::Writer {
                bound_reply(&mut lease, &job.settings, limits.reply_bytes)?;
            }
            let result = lease.query(&sql, &format, &job.parameters)?;
            if class != StatementClass::Read {
                make_durable(gateway)?;
            }
            if result.as_ref().len() as u64 > limits.reply_bytes {
                return Err(Fault::new(Reason::ReplyTooLarge, &format!("the reply is larger than {} bytes", limits.reply_bytes)));
            }
            let statistics = result.statistics();
            drop(lease);
            send(reply, Answer { statistics, format: Some(format), body: AnswerBody::Whole(Bytes::from_owner(result)) });
        }
    }
    Ok(())
}

fn prepare(gateway: &Gateway, job: &Job, limits: Limits) -> Result<Lease, Fault> {
    let mut lease = match &job.session {
        Some((name, timeout)) => gateway.lease_session(name, *timeout)?,
        None => gateway.lease()?,
    };
    if let Some(database) = &job.database {
        lease.use_database(database, gateway.database())?;
    }
    lease.set(job.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
    if job.role != Role::Writer {
        bound_read(&mut lease, &job.settings, limits)?;
    }
    if let Some(role) = &job.engine_role {
        lease.set_role(role)?;
    }
    Ok(lease)
}

/// Puts a reader's statement within bounds; a request may ask for narrower ones.
fn bound_read(lease: &mut Lease, wanted: &[(String, String)], limits: Limits) -> Result<(), Fault> {
    let read = limits.read;
    let bounds = CAPPED.into_iter().zip([read.seconds, read.rows, read.result_rows, read.result_bytes.min(limits.reply_bytes)]);
    for (name, bound) in bounds {
        let asked = wanted.iter().find(|(wanted, _)| wanted == name).and_then(|(_, value)| value.parse().ok());
        let value = asked.filter(|value| *value > 0).unwrap_or(bound).min(bound);
        lease.set([(name, value.to_string().as_str())])?;
    }
    lease.set([("timeout_overflow_mode", "throw")])?;
    if let Some(memory) = read.memory_bytes.or(limits.memory_bytes.map(|memory| memory / 2)) {
        lease.set([("max_memory_usage", memory.to_string().as_str())])?;
    }
    Ok(())
}

/// Lets only one statement through, and only one that this user may run.
fn judge(lease: &mut Lease, role: Role, read_only: bool, sql: &[u8]) -> Result<StatementClass, Fault> {
    let found = lease.classify(sql);
    match (found.class, found.statements) {
        (StatementClass::Unknown, _) => return Err(syntax_fault(lease, sql)),
        (_, 1) => {}
        (_, 0) => return Err(Fault::new(Reason::SyntaxError, "Empty query")),
        _ => return Err(Fault::new(Reason::SyntaxError, "Multi-statements are not allowed")),
    }
    let allowed = match found.class {
        StatementClass::Read => true,
        StatementClass::Change | StatementClass::ChangeGlobal => !read_only,
        StatementClass::Control => !read_only && sql::begins_with(sql, &CONTROL_KEYWORDS),
        StatementClass::Unknown => false,
    };
    match (allowed, role) {
        (true, _) => Ok(found.class),
        (false, Role::Writer) if read_only => Err(Fault::new(Reason::Readonly, "Cannot change anything in a GET request")),
        (false, Role::Writer) => {
            Err(Fault::new(Reason::AccessDenied, "Statements that write outside the database are not available"))
        }
        (false, Role::Reader | Role::Tenant(_)) => {
            Err(Fault::new(Reason::AccessDenied, "Not enough privileges: this user may only read, and only into the reply"))
        }
    }
}

/// The engine's own words on what it cannot parse. The text is not run: some of it may parse.
fn syntax_fault(lease: &mut Lease, sql: &[u8]) -> Fault {
    let escaped = String::from_utf8_lossy(sql).replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\0', "\\0");
    let parameters = [("text".to_owned(), escaped)];
    match lease.query(b"SELECT formatQuery({text:String}) FORMAT Null", "Null", &parameters) {
        Err(fault) => fault.into(),
        Ok(_) => Fault::new(Reason::SyntaxError, "the statement is not understood"),
    }
}

/// Stops the engine from building a reply that cannot be sent. A request may ask for less.
fn bound_reply(lease: &mut Lease, settings: &[(String, String)], bytes: u64) -> Result<(), Fault> {
    if settings.iter().all(|(name, _)| name != "max_result_bytes" && name != "result_overflow_mode") {
        lease.set([("max_result_bytes", bytes.to_string().as_str())])?;
    }
    Ok(())
}

fn make_durable(gateway: &Gateway) -> Result<(), Fault> {
    let fault = |error| Fault::new(Reason::CannotFsync, &format!("Cannot make the deduplication records durable: {error}"));
    gateway.sync_deduplication_logs().map_err(fault)
}

fn stream_reply(mut stream: QueryStream<Lease>, chunks: Chunks, format: String, reply: &mut Reply) -> Result<(), Fault> {
    let first = stream.fetch()?;
    let statistics = first.statistics();
    let first = Bytes::from_owner(first);
    let header = if first.is_empty() { Bytes::new() } else { first.slice(..chunks.header_bytes(&first).ok_or_else(headless)?) };
    let (send_chunk, receive_chunks) = mpsc::channel(CHUNKS_AHEAD);
    let ended = first.is_empty();
    let answer = Answer { statistics, format: Some(format), body: AnswerBody::Stream(first, receive_chunks) };
    if !ended {
        send(reply, answer);
        forward(&mut stream, &header, &send_chunk);
        // As above: `send_chunk`, whose end is the reply's end, goes after it.
        drop(stream);
        return Ok(());
    }
    drop(stream);
    send(reply, answer);
    Ok(())
}

/// Sends the chunks on until the last, an error, or the client's end.
fn forward(stream: &mut QueryStream<Lease>, header: &[u8], chunks: &mpsc::Sender<Result<Bytes, Fault>>) {
    let runtime = Handle::current();
    loop {
        let chunk = match stream.fetch().map_err(Fault::from) {
            Ok(chunk) if chunk.as_ref().is_empty() => return,
            Ok(chunk) => without_header(chunk, header).ok_or_else(headless),
            Err(fault) => Err(fault),
        };
        let failed = chunk.is_err();
        // Fails when the client has left, or does not read on.
        let sent = runtime.block_on(chunks.send_timeout(chunk, READ_TIMEOUT));
        if failed || sent.is_err() {
            return;
        }
    }
}

fn headless() -> Fault {
    Fault::new(Reason::UnknownException, "the engine's reply has no header")
}

fn without_header(chunk: QueryResult, header: &[u8]) -> Option<Bytes> {
    let chunk = Bytes::from_owner(chunk);
    chunk.starts_with(header).then(|| chunk.slice(header.len()..))
}

impl From<LeaseError> for Fault {
    fn from(error: LeaseError) -> Self {
        match error {
            LeaseError::Engine(fault) => fault.into(),
            LeaseError::Locked(_) => Self::new(Reason::SessionIsLocked, &error.to_string()),
            LeaseError::TooMany => Self::new(Reason::TooManySimultaneousQueries, &error.to_string()),
            LeaseError::Library(_) => Self::new(Reason::UnknownException, &error.to_string()),
        }
    }
}
