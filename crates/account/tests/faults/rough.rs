//! Servers without manners: below HTTP, or never finished. They live as long as the test's runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What it does once it was asked.
#[derive(Debug, Clone)]
pub enum Manner {
    /// Says nothing.
    Hang,
    /// Says one byte a second of an answer that it began.
    Drip,
    /// Ends in the middle of what it promised.
    Cut,
    /// Says this, and ends.
    Say(Vec<u8>),
    /// Sends a head without end.
    HeadWithoutEnd,
    /// Sends a body without end.
    BodyWithoutEnd,
    /// Sends a body that unpacks to ten thousand times its size, as it says.
    Bomb,
    /// Hangs up.
    HangUp,
}

/// Opens one; gives its address. `stopped` is set when it made the clock of timers stand, so that waiting costs no time.
pub fn rough(manner: Manner, stopped: Arc<AtomicBool>) -> String {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let base = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    listener.set_nonblocking(true).unwrap();
    let listener = TcpListener::from_std(listener).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(attend(stream, manner.clone(), stopped.clone()));
        }
    });
    base
}

async fn attend(mut stream: TcpStream, manner: Manner, stopped: Arc<AtomicBool>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let mut some = [0u8; 1024];
        match stream.read(&mut some).await {
            Ok(0) | Err(_) => return,
            Ok(count) => head.extend_from_slice(&some[..count]),
        }
    }
    let stand_still = || {
        if !stopped.swap(true, Ordering::SeqCst) {
            tokio::time::pause();
        }
    };
    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    match manner {
        Manner::Hang => {
            stand_still();
            std::future::pending::<()>().await;
        }
        Manner::Drip => {
            stand_still();
            let _ =
                stream.write_all(format!("{HEAD}content-length: 9000\r\n\r\n").as_bytes()).await;
            while stream.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        Manner::Cut => {
            let said = format!("{HEAD}content-length: 500\r\n\r\n{{\"access_token\":");
            let _ = stream.write_all(said.as_bytes()).await;
        }
        Manner::Say(said) => drop(stream.write_all(&said).await),
        Manner::HeadWithoutEnd => {
            let _ = stream.write_all(HEAD.as_bytes()).await;
            while stream.write_all(b"x-more: of the same, and more, and more\r\n").await.is_ok() {}
        }
        Manner::BodyWithoutEnd => {
            let head = format!("{HEAD}transfer-encoding: chunked\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
            let piece = [b"1000\r\n".as_slice(), &[b' '; 4096], b"\r\n"].concat();
            // Sixteen megabytes stand for without end: a test that fails must not fill the memory.
            for _ in 0..4096 {
                if stream.write_all(&piece).await.is_err() {
                    return;
                }
            }
            let _ = stream.write_all(b"0\r\n\r\n").await;
        }
        Manner::Bomb => {
            let head = format!("{HEAD}content-encoding: gzip\r\ncontent-length: 20\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]).await;
            let _ = stream.write_all(&[0u8; 10]).await;
        }
        Manner::HangUp => {}
    }
}
