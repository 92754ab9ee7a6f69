//! A proxy that makes faults: it stands before the AWS stand-in and does to single requests what
//! networks and busy services do. It counts requests, too.
//!
//! A request's action is the operation (`SendMessageBatch`) where the protocol names it, else
//! method and path (`PUT /bucket/key?partNumber=2`). A rule acts on actions that contain its
//! pattern.

mod http;
mod sqs;

use http::{Request, Response};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What is done to a request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It reaches the service after this, and is answered then.
    Delay(Duration),
    /// It is taken and never answered; the service does not see it.
    Silence,
    /// The connection is cut; the service does not see it.
    Cut,
    /// The service does it, but the answer is lost with the connection.
    LoseAnswer,
    /// The answer's body breaks off in the middle.
    BreakBody,
    /// Refused with a status and an AWS error code; the service does not see it.
    Refuse(u16, &'static str),
    /// A batch of which these entries (by place) are refused, though nobody is at fault but the
    /// service; it sees the others only.
    RefuseEntries(Vec<usize>),
    /// A receive whose messages the next receive delivers once more.
    Twice,
    /// Answered as done at once; the service sees it only after this.
    Late(Duration),
}

#[derive(Debug)]
struct Rule {
    pattern: String,
    fault: Fault,
    times: usize,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    counts: BTreeMap<String, usize>,
    again: Vec<Value>,
}

/// A proxy on 127.0.0.1; ends with the runtime that started it, or when dropped.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub port: u16,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// A proxy before the service on this port. It changes nothing until a rule says so.
    pub async fn before(upstream: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let port = listener
            .local_addr()
            .expect("a bound port has a number")
            .port();
        let state = Arc::new(Mutex::new(State::default()));
        let accepting = tokio::spawn(accept(listener, upstream, state.clone()));
        Self {
            port,
            state,
            accepting,
        }
    }

    /// Does this to the next `times` requests whose action contains `pattern`. Rules are asked in
    /// the order in which they were given.
    pub fn fault(&self, pattern: &str, times: usize, fault: Fault) {
        let pattern = pattern.to_owned();
        lock(&self.state).rules.push(Rule {
            pattern,
            fault,
            times,
        });
    }

    /// From now on nothing is done to any request.
    pub fn heal(&self) {
        lock(&self.state).rules.clear();
    }

    /// Requests so far whose action contains `pattern`.
    pub fn count(&self, pattern: &str) -> usize {
        let state = lock(&self.state);
        let counted = state
            .counts
            .iter()
            .filter(|(action, _)| action.contains(pattern));
        counted.map(|(_, n)| n).sum()
    }

    /// Starts counting anew.
    pub fn forget(&self) {
        lock(&self.state).counts.clear();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl State {
    /// Counts a request and says what shall be done to it.
    fn judge(&mut self, action: &str) -> Option<Fault> {
        *self.counts.entry(action.to_owned()).or_default() += 1;
        let live = |rule: &&mut Rule| rule.times > 0 && action.contains(&rule.pattern);
        let rule = self.rules.iter_mut().find(live)?;
        rule.times -= 1;
        Some(rule.fault.clone())
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state
        .lock()
        .expect("no panic while the proxy's state is held")
}

async fn accept(listener: TcpListener, upstream: u16, state: Arc<Mutex<State>>) {
    let mut clients = tokio::task::JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        clients.spawn(serve(client, upstream, state.clone()));
        // Ended ones are taken out, so that the set does not grow.
        while clients.try_join_next().is_some() {}
    }
}

/// Serves one connection until either side ends it. An error ends it too: that is a cut.
async fn serve(client: TcpStream, upstream: u16, state: Arc<Mutex<State>>) {
    let _ = client.set_nodelay(true);
    let mut client = http::Link::new(client);
    while let Ok(Some(request)) = http::read_request(&mut client).await {
        let fault = lock(&state).judge(&request.action());
        let answered = answer(request, fault, upstream, &state).await;
        let Ok(Some((response, whole))) = answered else {
            return;
        };
        if http::write_response(&mut client, &response, whole)
            .await
            .is_err()
            || !whole
        {
            return;
        }
    }
}

/// The answer, and whether it arrives whole; `None` cuts the connection.
async fn answer(
    request: Request,
    fault: Option<Fault>,
    upstream: u16,
    state: &Mutex<State>,
) -> std::io::Result<Option<(Response, bool)>> {
    let whole = |response| Ok(Some((response, true)));
    match fault {
        None => {
            let is_receive = request.action() == "ReceiveMessage";
            let response = http::forward(&request, upstream).await?;
            let again = if is_receive {
                std::mem::take(&mut lock(state).again)
            } else {
                vec![]
            };
            whole(sqs::with_messages(response, again))
        }
        Some(Fault::Delay(pause)) => {
            tokio::time::sleep(pause).await;
            whole(http::forward(&request, upstream).await?)
        }
        Some(Fault::Silence) => std::future::pending().await,
        Some(Fault::Cut) => Ok(None),
        Some(Fault::LoseAnswer) => http::forward(&request, upstream).await.map(|_| None),
        Some(Fault::BreakBody) => Ok(Some((http::forward(&request, upstream).await?, false))),
        Some(Fault::Refuse(status, code)) => whole(Response::error(&request, status, code)),
        Some(Fault::RefuseEntries(places)) => {
            whole(sqs::refuse_entries(request, &places, upstream).await?)
        }
        Some(Fault::Twice) => {
            let response = http::forward(&request, upstream).await?;
            lock(state).again.extend(sqs::messages(&response));
            whole(response)
        }
        Some(Fault::Late(pause)) => {
            let done = sqs::all_done(&request);
            tokio::spawn(async move {
                tokio::time::sleep(pause).await;
                let _ = http::forward(&request, upstream).await;
            });
            whole(done)
        }
    }
}
