//! A TCP connection between the service and its database that can go wrong.

use std::{path::Path, sync::Arc, time::Duration};

use rustix::net::sockopt::set_socket_linger;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::{Launch, Server, Service};

/// What goes wrong from now on, on open connections too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// Every connection is reset as soon as it carries something from the service, in the middle of it.
    Reset,
    /// Nothing is carried any more, and nobody is told.
    Stall,
}

/// Forwards a port of its own to another address until it is dropped.
pub struct Proxy {
    /// HTTP address.
    pub url: String,
    trouble: Arc<watch::Sender<Trouble>>,
    forwarding: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// Forwards to `address`, which is `host:port`.
    ///
    /// # Panics
    /// If there is no free port.
    pub async fn to(address: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let trouble = Arc::new(watch::Sender::new(Trouble::None));
        let (subscribe, address) = (trouble.clone(), address.to_owned());
        let forwarding = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&address).await else { continue };
                // Half a request must be able to arrive.
                let _ = client.set_nodelay(true).and(server.set_nodelay(true));
                tokio::spawn(forward(client, server, subscribe.subscribe()));
            }
        });
        Self { url, trouble, forwarding }
    }

    /// Lets that go wrong from now on.
    pub fn suffer(&self, trouble: Trouble) {
        self.trouble.send_replace(trouble);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.forwarding.abort();
    }
}

async fn forward(client: TcpStream, server: TcpStream, trouble: watch::Receiver<Trouble>) {
    // Without time to linger, closing is resetting.
    for stream in [&client, &server] {
        let _ = set_socket_linger(stream, Some(Duration::ZERO));
    }
    let ((from_client, to_client), (from_server, to_server)) = (split(client), split(server));
    tokio::select! {
        () = carry(from_client, to_server, trouble.clone(), Side::Service) => {}
        () = carry(from_server, to_client, trouble, Side::Database) => {}
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Service,
    Database,
}

/// Returns when the connection is over, whoever ends it.
async fn carry(mut from: ReadHalf<TcpStream>, mut to: WriteHalf<TcpStream>, mut trouble: watch::Receiver<Trouble>, side: Side) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let Ok(length @ 1..) = from.read(&mut buffer).await else { return };
        let now = *trouble.borrow_and_update();
        match now {
            Trouble::None => {
                if to.write_all(&buffer[..length]).await.is_err() {
                    return;
                }
            }
            Trouble::Reset => {
                if side == Side::Service {
                    let _ = to.write_all(&buffer[..length / 2]).await;
                }
                return;
            }
            Trouble::Stall => {
                // What was lost on the way makes the connection useless for good.
                let _ = trouble.wait_for(|trouble| *trouble != Trouble::Stall).await;
                return;
            }
        }
    }
}

/// A server behind a proxy, and a service that uses it.
pub struct Proxied {
    /// The server, which is asked without the proxy.
    pub server: Server,
    /// What is between the two.
    pub proxy: Proxy,
    /// The service.
    pub service: Service,
}

impl Proxied {
    /// Starts all three; `config` is what the service has besides the database.
    ///
    /// # Panics
    /// If one does not start.
    pub async fn start(dir: &Path, config: &str) -> Self {
        let server = Server::start(dir).await;
        let proxy = Proxy::to(server.writer.url.trim_start_matches("http://")).await;
        let service = Service::start(&dir.join("data"), &launch(&server, &proxy, config));
        Self { server, proxy, service }
    }

    /// How another instance with the same database is started.
    pub fn another(&self, config: &str) -> Launch {
        launch(&self.server, &self.proxy, config)
    }
}

fn launch(server: &Server, proxy: &Proxy, config: &str) -> Launch {
    let direct = server.launch();
    let through =
        |(name, value): (String, String)| if value == server.writer.url { (name, proxy.url.clone()) } else { (name, value) };
    Launch { config: format!("{config}{}", direct.config), env: direct.env.into_iter().map(through).collect() }
}
