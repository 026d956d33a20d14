//! Futures driven poll by poll, so that they can be dropped at every await.
#![allow(clippy::expect_used)]

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

/// Polls a future until it is done.
///
/// # Panics
/// It never is.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    poll_for(future, u64::MAX).0.expect("it ends")
}

/// Polls so many times; a future that is not done by then is dropped, as a process that dies drops it. Answers what it
/// came to, and after how many polls.
pub fn poll_for<T>(future: impl Future<Output = T>, polls: u64) -> (Option<T>, u64) {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for n in 0..polls {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return (Some(value), n);
        }
    }
    (None, polls)
}
