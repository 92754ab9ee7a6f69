//! As much of HTTP/1.1 as the proxy needs: whole requests in, whole answers out.

use std::io::{self, Error};
use std::net::Ipv4Addr;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A connection.
pub type Link = BufReader<TcpStream>;

/// A request, whole.
#[derive(Debug, Clone)]
pub struct Request {
    line: String,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// An answer, whole.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// The operation where the protocol names it, else method and path.
    pub fn action(&self) -> String {
        match header(&self.headers, "x-amz-target") {
            Some(target) => target.rsplit('.').next().unwrap_or(target).to_owned(),
            None => self
                .line
                .rsplit_once(' ')
                .map_or(&*self.line, |(start, _)| start)
                .to_owned(),
        }
    }

    fn is_head(&self) -> bool {
        self.line.starts_with("HEAD ")
    }
}

impl Response {
    /// An answer in the JSON protocol.
    pub fn json(body: &serde_json::Value) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type".into(), "application/x-amz-json-1.0".into())],
            body: body.to_string().into_bytes(),
        }
    }

    /// A refusal in the protocol of the request.
    pub fn error(request: &Request, status: u16, code: &str) -> Self {
        let (kind, body) = if header(&request.headers, "x-amz-target").is_some() {
            let body = serde_json::json!({ "__type": code, "message": "made by the proxy" });
            ("application/x-amz-json-1.0", body.to_string())
        } else {
            let message = "<Message>made by the proxy</Message>";
            (
                "application/xml",
                format!("<Error><Code>{code}</Code>{message}</Error>"),
            )
        };
        Self {
            status,
            headers: vec![("content-type".into(), kind.into())],
            body: body.into_bytes(),
        }
    }
}

/// The next request of a connection; `None` when the client is done.
pub async fn read_request(client: &mut Link) -> io::Result<Option<Request>> {
    let Some((line, headers)) = read_head(client).await? else {
        return Ok(None);
    };
    if header(&headers, "expect").is_some() {
        client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let body = read_body(client, &headers, false).await?;
    Ok(Some(Request {
        line,
        headers,
        body,
    }))
}

/// Hands a request on, over a connection of its own, and reads the answer.
pub async fn forward(request: &Request, upstream: u16) -> io::Result<Response> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, upstream)).await?;
    server.set_nodelay(true)?;
    let mut server = Link::new(server);
    let mut head = format!("{}\r\n", request.line);
    for (name, value) in request.headers.iter().filter(|(name, _)| !is_hop(name)) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let length = request.body.len();
    head.push_str(&format!(
        "content-length: {length}\r\nconnection: close\r\n\r\n"
    ));
    server.write_all(head.as_bytes()).await?;
    server.write_all(&request.body).await?;
    server.flush().await?;
    let Some((line, headers)) = read_head(&mut server).await? else {
        return Err(Error::other("the service closed the connection"));
    };
    let status = line.split(' ').nth(1).and_then(|s| s.parse().ok());
    let status = status.ok_or_else(|| Error::other("not an answer"))?;
    let bare = request.is_head() || status == 204 || status == 304;
    let body = if bare {
        vec![]
    } else {
        read_body(&mut server, &headers, true).await?
    };
    let kept = |(name, _): &(String, String)| !is_hop(name) || (bare && name == "content-length");
    Ok(Response {
        status,
        headers: headers.into_iter().filter(kept).collect(),
        body,
    })
}

/// Writes an answer; half of its body when it shall not be whole.
pub async fn write_response(client: &mut Link, response: &Response, whole: bool) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Told\r\n", response.status);
    for (name, value) in &response.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if header(&response.headers, "content-length").is_none() && response.status != 204 {
        head.push_str(&format!("content-length: {}\r\n", response.body.len()));
    }
    head.push_str("\r\n");
    client.write_all(head.as_bytes()).await?;
    let sent = if whole {
        response.body.len()
    } else {
        response.body.len() / 2
    };
    client.write_all(&response.body[..sent]).await?;
    client.flush().await
}

/// First line and headers, names in lower case; `None` at the end of the connection.
async fn read_head(from: &mut Link) -> io::Result<Option<(String, Vec<(String, String)>)>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match from.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) if head.is_empty() => return Ok(None),
            Err(e) => return Err(e),
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.trim_end().split("\r\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let pair = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    Ok(Some((first, lines.filter_map(pair).collect())))
}

async fn read_body(
    from: &mut Link,
    headers: &[(String, String)],
    to_end: bool,
) -> io::Result<Vec<u8>> {
    if header(headers, "transfer-encoding").is_some_and(|e| e.eq_ignore_ascii_case("chunked")) {
        return read_chunks(from).await;
    }
    let mut body = Vec::new();
    match header(headers, "content-length").and_then(|n| n.parse::<usize>().ok()) {
        Some(length) => {
            body.resize(length, 0);
            from.read_exact(&mut body).await?;
        }
        None if to_end => {
            from.read_to_end(&mut body).await?;
        }
        None => {}
    }
    Ok(body)
}

async fn read_chunks(from: &mut Link) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = read_line(from).await?;
        let size = size.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size.trim(), 16).map_err(Error::other)?;
        if size == 0 {
            // Trailers, up to the empty line.
            while !read_line(from).await?.is_empty() {}
            return Ok(body);
        }
        let start = body.len();
        body.resize(start + size, 0);
        from.read_exact(&mut body[start..]).await?;
        read_line(from).await?;
    }
}

async fn read_line(from: &mut Link) -> io::Result<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        line.push(from.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|(n, _)| n == name);
    found.map(|(_, value)| value.as_str())
}

/// Headers that concern one connection only, and the length, which we count ourselves.
fn is_hop(name: &str) -> bool {
    matches!(
        name,
        "connection" | "keep-alive" | "transfer-encoding" | "content-length" | "expect"
    )
}
