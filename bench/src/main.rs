//! Ratios measured side by side in one run: what Understory adds to its engine, and what it saves.
//!
//! `./x bench` prints a line for each. Absolute times are noisy on shared machines; the ratios, whose two sides take
//! turns, less so. Nothing here is a test.

mod project;
mod reads;
mod start;
mod writes;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    println!("{:<58} {:>10} {:>10} {:>8}  target", "what", "ours", "against", "ratio");
    runtime.block_on(async {
        writes::one_writer().await?;
        writes::eight_projects().await?;
        reads::full_project().await?;
        start::thousand_projects().await
    })
}

/// Prints one comparison.
fn report(what: &str, ours: f64, against: f64, unit: &str, ratio: f64, target: &str) {
    println!("{what:<58} {ours:>8.3}{unit} {against:>8.3}{unit} {ratio:>7.2}x  {target}");
}

/// The middle of some measurements.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
