//! Writes the next migration of the built-in model: `write_migration {manage|runtime} NAME`, from the repository.

use std::error::Error;
use std::path::Path;

use understory_model::{Model, ModelFiles, SchemaShape};
use understory_sql::Store;
use understory_sql::migration::generate::write;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [store, name] = arguments.as_slice() else { return Err("usage: write_migration STORE NAME".into()) };
    let model = Model::load(&ModelFiles::of_dir(Path::new("model"))?)?;
    let (store, shape) = match store.as_str() {
        "manage" => (Store::Manage, SchemaShape::of_manage(model.entities())),
        "runtime" => (Store::Runtime, SchemaShape::of_runtime(model.runtime_entities())),
        other => return Err(format!("there is no store {other}").into()),
    };
    match write(Path::new("migrations"), store, name, &shape)? {
        Some(written) => println!("{}: {} changes", written.path.display(), written.changes.changes.len()),
        None => println!("nothing changed"),
    }
    Ok(())
}
