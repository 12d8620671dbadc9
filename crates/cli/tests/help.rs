//! Help is part of the interface: it changes with `UPDATE=1 cargo test -p understory-cli --test help` only.

mod cli;

use std::path::Path;

use cli::Cli;

#[test]
fn help_is_as_stored() {
    let cli = Cli::new();
    let mut text = String::new();
    let mut calls: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(call) = calls.pop() {
        let mut args: Vec<&str> = call.iter().map(String::as_str).collect();
        args.push("--help");
        let help = cli.ok(&args);
        let below = subcommands(&help).into_iter().rev();
        calls.extend(below.map(|name| [call.as_slice(), &[name]].concat()));
        text.push_str(&format!("$ understory {}\n{help}\n", args.join(" ")));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/help.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = stored.lines().zip(text.lines()).find(|(stored, printed)| stored != printed);
    assert!(stored == text, "help changed: {differing:?}; look at it, and store it with UPDATE=1");
}

/// The commands that a help text lists.
fn subcommands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = listed.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}
