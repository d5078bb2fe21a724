//! The ClickHouse HTTP interface in front of the engine.

mod authentication;
mod blocks;
mod body;
mod execute;
mod fault;
mod formats;
mod parameters;
mod reply;
mod statement;
mod tenancy;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Response, Uri};
use axum::routing::get;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::authentication::{Login, Role, Users};
use self::fault::{Fault, Reason};
use self::parameters::RequestParameters;
use self::statement::Job;
use crate::engine::Gateway;
use crate::settings::{EngineSettings, Limits};
use crate::supervisor::Isolation;

/// How long a request waits for others to end.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(10);
/// A reader's body is a statement and nothing else; ClickHouse itself reads no longer ones by default.
const MAX_READER_BODY_BYTES: u64 = 256 << 10;

struct Front {
    gateway: Arc<Gateway>,
    users: Users,
    limits: Limits,
    isolation: Isolation,
    writers: Arc<Semaphore>,
    readers: Arc<Semaphore>,
    tenants: Vec<Arc<Semaphore>>,
}

impl Users {
    fn from_settings(settings: &EngineSettings) -> Self {
        let login = |user: &str, key: &str| Login { user: user.to_owned(), key: key.to_owned() };
        Self {
            writer: login(&settings.write_user, &settings.write_key),
            reader: login(&settings.read_user, &settings.read_key),
            tenants: settings.isolation.readers.iter().map(|reader| login(&reader.user, &reader.key)).collect(),
        }
    }
}

/// Serves until `stop`, then until the requests at work are answered.
pub(crate) async fn serve(
    listener: TcpListener,
    gateway: Arc<Gateway>,
    settings: &EngineSettings,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (limits, isolation) = (settings.limits, settings.isolation.clone());
    let room = || Arc::new(Semaphore::new(limits.concurrent_statements));
    let tenants = isolation.readers.iter().map(|_| room()).collect();
    let users = Users::from_settings(settings);
    let front = Arc::new(Front { gateway, users, limits, isolation, writers: room(), readers: room(), tenants });
    let router = Router::new()
        .route("/", get(answer).post(answer))
        .route("/ping", get(alive))
        .route("/replicas_status", get(alive))
        .with_state(front);
    // A reply's last, small chunk must not wait for the client's acknowledgement of the one before.
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

async fn alive() -> &'static str {
    "Ok.\n"
}

async fn answer(State(front): State<Arc<Front>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    match front.handle(&parts.method, &parts.uri, &parts.headers, body).await {
        Ok(response) => response,
        Err(fault) => fault.into_response(front.gateway.version()),
    }
}

impl Front {
    async fn handle(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: Body) -> Result<Response<Body>, Fault> {
        let mut parameters = RequestParameters::parse(uri.query(), headers)?;
        if method == Method::GET && uri.query().is_none() {
            return Ok(Response::new(Body::from("Ok.\n")));
        }
        let Some(role) = self.users.authenticate(headers, parameters.login.take()) else {
            let what = "Authentication failed: the user or the key is wrong, or missing.";
            return Err(Fault::new(Reason::AuthenticationFailed, what));
        };
        let permit = self.permit(role).await?;
        let limit = match role {
            Role::Writer => self.limits.body_bytes,
            Role::Reader | Role::Tenant(_) => self.limits.body_bytes.min(MAX_READER_BODY_BYTES),
        };
        let pieces = body::read(headers, body, limit, &mut parameters).await?;
        let reply = reply::Options::new(&mut parameters);
        let mut job = Job::new(role, method, parameters, pieces, self.gateway.database())?;
        if let Role::Tenant(number) = role {
            tenancy::restrict(&mut job, &self.isolation, number)?;
        }
        let answer = execute::run(Arc::clone(&self.gateway), job, self.limits, permit).await?;
        Ok(reply.render(answer, self.gateway.version()))
    }

    async fn permit(&self, role: Role) -> Result<OwnedSemaphorePermit, Fault> {
        let room = match role {
            Role::Writer => &self.writers,
            Role::Reader => &self.readers,
            Role::Tenant(number) => self.tenants.get(number).unwrap_or(&self.readers),
        };
        match tokio::time::timeout(QUEUE_TIMEOUT, Arc::clone(room).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Fault::new(
                Reason::TooManySimultaneousQueries,
                &format!("{} statements are at work already", self.limits.concurrent_statements),
            )),
        }
    }
}
