//! Rebuilds the crate when a model file comes: the compiler sees changed files, but not new ones.

fn main() {
    println!("cargo:rerun-if-changed=../../model");
}
