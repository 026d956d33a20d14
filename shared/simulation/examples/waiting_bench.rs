//! Messages and calls of requests that wait in line for one slot, for the bench: one line of JSON for each number of them.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../tests/suite/waits/drive.rs"]
mod drive;

fn main() {
    for count in std::env::args().skip(1).filter_map(|n| n.parse::<u128>().ok()) {
        let drive::Waited { messages, calls, hold_calls } = drive::all_erased(count);
        println!(r#"{{"waiting": {count}, "messages": {messages}, "calls": {calls}, "hold_calls": {hold_calls}}}"#);
    }
}
