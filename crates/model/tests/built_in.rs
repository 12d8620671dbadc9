//! The built-in model files load.

use understory_model::Model;

#[test]
fn the_built_in_model_loads() {
    let model = Model::built_in().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(model.entities().filter(|entity| entity.name != "example").count(), 42);
}
