//! What the stand-ins for providers with an HTTP interface are made of.

use axum::Router;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// A server on 127.0.0.1 with threads of its own, so that stopping it cuts every connection at once.
pub struct Served {
    /// Where it listens; kept when it is started again.
    pub port: u16,
    app: Router,
    runtime: Option<Runtime>,
}

impl Served {
    /// Starts it on a free port.
    pub fn start(app: Router) -> Self {
        let mut served = Self {
            port: 0,
            app,
            runtime: None,
        };
        served.start_again();
        served
    }

    /// Starts it after [`Served::stop`].
    pub fn start_again(&mut self) {
        assert!(self.runtime.is_none(), "it runs");
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        let runtime = runtime.expect("a runtime");
        let (told, hears) = std::sync::mpsc::channel();
        let (app, port) = (self.app.clone(), self.port);
        runtime.spawn(async move {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
            let listener = listener.expect("the port is free");
            let at = listener.local_addr().expect("a bound port has a number");
            told.send(at.port()).expect("somebody waits");
            axum::serve(listener, app).await
        });
        self.port = hears.recv().expect("it listens");
        self.runtime = Some(runtime);
    }

    /// Cuts all connections and listens no more.
    pub fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Not dropped: that would wait, which no asynchronous test may.
            runtime.shutdown_background();
        }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A client that gives up soon, for what providers bring.
pub fn client() -> reqwest::Client {
    // Somebody may have installed it before: it is the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().timeout(Duration::from_secs(30));
    client.no_proxy().build().expect("a client")
}

/// Brings JSON as a provider does, with the header that proves it; the answer's status.
pub async fn bring_json(to: &str, body: String, (header, proof): (&str, &str)) -> u16 {
    let asked = client()
        .post(to)
        .header("content-type", "application/json")
        .header(header, proof)
        .body(body);
    let answer = asked.send().await.expect("the bridge answers");
    answer.status().as_u16()
}
