//! Ratios measured side by side in one run: what Understory adds to its engine, and what it saves.
//!
//! `./x bench` prints a line for each; `./x bench TOPIC…` does some of the topics only. Absolute times are noisy on
//! shared machines; the ratios, whose two sides take turns, less so. Nothing here is a test.

mod copy;
mod cycle;
mod databases;
mod diff;
mod engines;
mod log;
mod migrate;
mod project;
mod reads;
mod server;
mod start;
mod writes;

use std::time::Instant;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const TOPICS: [&str; 9] = ["writes", "reads", "start", "cycle", "diff", "log", "migrate", "engines", "copy"];

fn main() -> Outcome {
    let named: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = named.iter().find(|name| !TOPICS.contains(&name.as_str())) {
        return Err(format!("there is no topic '{unknown}'; there are {}", TOPICS.join(", ")).into());
    }
    let wanted = |topic: &str| named.is_empty() || named.iter().any(|name| name == topic);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    println!("{:<58} {:>10} {:>10} {:>8}  target", "what", "ours", "against", "ratio");
    TOPICS.into_iter().filter(|topic| wanted(topic)).try_for_each(|topic| runtime.block_on(run(topic)))
}

async fn run(topic: &str) -> Outcome {
    match topic {
        "writes" => {
            writes::one_writer().await?;
            writes::eight_projects().await
        }
        "reads" => reads::full_project().await,
        "start" => start::thousand_projects().await,
        "cycle" => cycle::from_branch_to_merge().await,
        "diff" => diff::one_change().await,
        "log" => log::one_page().await,
        "engines" => engines::both_pairs().await,
        "copy" => copy::there_and_back().await,
        _ => migrate::thousand_projects().await,
    }
}

/// Prints one comparison; `target` says what is asked for, if anything is.
fn report(what: &str, ours: f64, against: f64, unit: &str, ratio: f64, target: &str) {
    println!("{what:<58} {ours:>8.3}{unit} {against:>8.3}{unit} {ratio:>7.2}x  {target}");
}

/// The middle of some measurements.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Milliseconds that some work takes.
fn time(work: impl FnOnce() -> Outcome) -> Outcome<f64> {
    let begun = Instant::now();
    work()?;
    Ok(milliseconds(begun))
}

/// Milliseconds since a moment.
fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}
