//! Waiting for something that happens elsewhere: by asking again until a deadline, never by sleeping a fixed time.

use std::future::Future;
use std::time::Duration;

/// Asks every 20 ms until `probe` answers, at most `limit`.
///
/// # Errors
/// Names `what` when the time is over.
pub async fn eventually<T, F, P>(what: &str, limit: Duration, mut probe: P) -> anyhow::Result<T>
where
    P: FnMut() -> F,
    F: Future<Output = Option<T>>,
{
    let asking = async {
        loop {
            if let Some(found) = probe().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(limit, asking)
        .await
        .map_err(|_| anyhow::anyhow!("waited {} s in vain: {what}", limit.as_secs()))
}
