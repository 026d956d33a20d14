//! Requests to whoever somebody else names: webhooks, callbacks, key sets of issuers. All of them go by one library, so that none
//! leads into the network of the functions, and none waits or reads without end.
//!
//! [`Outgoing::send`] asks one URL and follows nobody. It is `https`, at an address that the whole internet reaches. What a name
//! stands for is looked up once; every address of it is judged, and the connection goes to these and no other, while certificate
//! and `Host` are the name's. A redirect is an answer like any other. Time and length are bounded by a [`Policy`]; who does not
//! answer is left alone for a while ([`Trip`]).
//!
//! Paths and queries may be secrets (Slack's are): what fails names the host and nothing else of a URL.
//!
//! [`webhook`] signs what is sent, and verifies what others signed, as [Standard Webhooks](https://www.standardwebhooks.com) has it.
#![forbid(unsafe_code)]

mod addresses;
mod allowed;
mod answer;
mod breaker;
mod client;
mod connection;
mod failure;
mod request;
mod resolve;
mod target;
pub mod webhook;

pub use addresses::is_public;
pub use allowed::{Allowed, InvalidPlace};
pub use answer::Answer;
pub use breaker::Trip;
pub use client::{Outgoing, Policy};
pub use failure::{Failure, Why};
pub use request::{InvalidHeader, Request};
pub use resolve::{Resolve, SystemResolver};
