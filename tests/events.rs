//! Every sample event of `events/` is understood by the function it is for, through the Runtime API.

use anyhow::{Context, Result, ensure};
use oubli_tests::{python, root, variable};
use serde_json::Value;

fn invoke(function: &str) -> Result<Value> {
    let event = root().join("events").join(format!("{function}.json"));
    let event = event.to_str().context("a path in UTF-8")?.to_owned();
    let answer = python("invoke.py", &[function, &event, &variable("OUBLI_REVIEWER_KEY")?])?;
    serde_json::from_str(&answer).with_context(|| answer.clone())
}

#[test]
fn intake_answers_its_call() -> Result<()> {
    let answer = invoke("intake")?;
    // A reviewer may not submit: that is said by the engine, behind routing, authentication and parsing.
    ensure!(answer["statusCode"] == 403, "{answer}");
    ensure!(answer["body"].as_str().is_some_and(|b| b.contains("\"forbidden\"")), "{answer}");
    Ok(())
}

#[test]
fn review_answers_its_call() -> Result<()> {
    let answer = invoke("review")?;
    ensure!(answer["statusCode"] == 404, "{answer}");
    ensure!(answer["body"].as_str().is_some_and(|b| b.contains("\"not_found\"")), "{answer}");
    Ok(())
}

#[test]
fn report_answers_its_call() -> Result<()> {
    let answer = invoke("report")?;
    // A reviewer has no certificates made.
    ensure!(answer["statusCode"] == 403, "{answer}");
    ensure!(answer["body"].as_str().is_some_and(|b| b.contains("\"forbidden\"")), "{answer}");
    Ok(())
}

/// Every function but those that have a test of their own here.
fn other_functions() -> Result<Vec<String>> {
    let mut found = Vec::new();
    for folder in std::fs::read_dir(root().join("functions"))? {
        let name = folder?.file_name().into_string().ok().context("a name in UTF-8")?;
        if !["intake", "review", "report", "sweeper"].contains(&name.as_str()) {
            found.push(name);
        }
    }
    Ok(found)
}

#[test]
fn queue_functions_answer_for_each_message() -> Result<()> {
    for function in other_functions()? {
        let answer =
            invoke(&function).with_context(|| format!("{function} needs an event, and a test here unless it reads a queue"))?;
        ensure!(answer["batchItemFailures"] == Value::Array(vec![]), "{function}: {answer}");
    }
    Ok(())
}

#[test]
fn the_sweeper_sweeps() -> Result<()> {
    ensure!(invoke("sweeper")? == Value::Null);
    Ok(())
}
