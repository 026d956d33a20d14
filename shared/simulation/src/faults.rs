//! What may go wrong at every call.

use crate::world::World;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// Gives the scheduler a turn: the task may be interleaved, delayed or killed here.
pub struct Pause(bool);

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        // Streams that run several calls at once poll only those that were woken.
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A place where everything may happen.
pub const fn pause() -> Pause {
    Pause(false)
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// It happens and is answered.
    Happens,
    /// It does not happen, and says so.
    Throttled,
    /// It happens, and the answer is lost.
    ReplyLost,
}

/// Runs a call under its outcome: `effect` happens at one instant.
pub async fn call<T, E>(world: &World, unavailable: impl Fn(&str) -> E, effect: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    pause().await;
    let call_outcome = world.call_outcome();
    if call_outcome == CallOutcome::Throttled {
        return Err(unavailable("throttled"));
    }
    if call_outcome == CallOutcome::ReplyLost {
        crate::oracle::reply_lost(&mut world.lock());
    }
    let result = effect();
    pause().await;
    if call_outcome == CallOutcome::ReplyLost { Err(unavailable("reply lost")) } else { result }
}
