//! From a statement's result to an HTTP reply.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

use super::blocks;
use super::execute::{Answer, AnswerBody};
use super::fault::Fault;
use super::formats::media_type;
use super::parameters::RequestParameters;
use crate::engine::Statistics;

/// What the request said about its reply.
pub(crate) struct Options {
    query_id: String,
    compress: bool,
}

const MAX_QUERY_ID_BYTES: usize = 256;

impl Options {
    /// Takes the request's query id; a request without one gets one.
    pub(crate) fn new(parameters: &mut RequestParameters) -> Self {
        let given = parameters.query_id.take().filter(|id| !id.is_empty() && id.len() <= MAX_QUERY_ID_BYTES);
        Self { query_id: given.unwrap_or_else(random_id), compress: parameters.compress_reply }
    }

    pub(crate) fn render(self, answer: Answer, version: &str) -> Response<Body> {
        let summary = summary(&answer.statistics);
        let mut response = Response::new(self.body(answer.body, version));
        let headers = response.headers_mut();
        let media_type = answer.format.as_deref().map_or("text/plain; charset=UTF-8", media_type);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert("x-clickhouse-timezone", HeaderValue::from_static("UTC"));
        headers.insert("x-clickhouse-server-display-name", HeaderValue::from_static("embedded"));
        let format = answer.format.unwrap_or_default();
        for (name, value) in
            [("x-clickhouse-query-id", &self.query_id), ("x-clickhouse-format", &format), ("x-clickhouse-summary", &summary)]
        {
            if let Ok(value) = HeaderValue::from_str(value)
                && !value.is_empty()
            {
                headers.insert(name, value);
            }
        }
        response
    }

    fn body(&self, body: AnswerBody, version: &str) -> Body {
        let compress = self.compress;
        let pack = move |chunk: Bytes| if compress { blocks::pack(&chunk).into() } else { chunk };
        match body {
            AnswerBody::Whole(whole) => Body::from(pack(whole)),
            AnswerBody::Stream(first, rest) => {
                let version = version.to_owned();
                let chunks = stream::once(async { Ok(first) }).chain(received(rest)).filter(|chunk| {
                    let empty = chunk.as_ref().is_ok_and(Bytes::is_empty);
                    async move { !empty }
                });
                Body::from_stream(chunks.flat_map(move |chunk| match chunk {
                    Ok(chunk) => stream::iter(vec![Ok(pack(chunk))]).left_stream(),
                    // As ClickHouse does when the status line is gone already: the error's text ends the data, and the reply is cut
                    // off so that no client takes it for whole.
                    Err(fault) => {
                        let text = Ok(pack(fault.text(&version).into()));
                        let cut = stream::once(async {
                            // Lets the connection write what it has before it learns of the end.
                            tokio::task::yield_now().await;
                            Err(fault)
                        });
                        stream::iter([text]).chain(cut).right_stream()
                    }
                }))
            }
        }
    }
}

fn received(chunks: mpsc::Receiver<Result<Bytes, Fault>>) -> impl stream::Stream<Item = Result<Bytes, Fault>> {
    stream::unfold(chunks, |mut chunks| async move { chunks.recv().await.map(|chunk| (chunk, chunks)) })
}

fn summary(statistics: &Statistics) -> String {
    let elapsed = std::time::Duration::try_from_secs_f64(statistics.elapsed_seconds).unwrap_or_default().as_nanos();
    format!(
        "{{\"read_rows\":\"{}\",\"read_bytes\":\"{}\",\"written_rows\":\"{}\",\"written_bytes\":\"{}\",\
         \"total_rows_to_read\":\"0\",\"result_rows\":\"{}\",\"result_bytes\":\"{}\",\"elapsed_ns\":\"{elapsed}\"}}",
        statistics.read_rows,
        statistics.read_bytes,
        statistics.written_rows,
        statistics.written_bytes,
        statistics.result_rows,
        statistics.result_bytes,
    )
}

/// A random UUID, as ClickHouse gives out.
fn random_id() -> String {
    let mut bytes = [0; 16];
    // Without randomness the id is of no use, and of no harm.
    let _ = getrandom::fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut id = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            id.push('-');
        }
        let _ = write!(id, "{byte:02x}");
    }
    id
}
