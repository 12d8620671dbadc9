//! Rebuilds the crate when a migration comes: the compiler sees changed files, but not new ones.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
