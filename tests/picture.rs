//! The pictures of the README are what the program draws today.

#[path = "../examples/picture/pictures.rs"]
mod pictures;

use std::{fs, path::Path};

#[test]
fn the_pictures_are_those_of_this_program() {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    let drawn = pictures::all();
    let old: Vec<&str> = drawn
        .iter()
        .filter(|(name, picture)| fs::read_to_string(assets.join(name)).ok().as_deref() != Some(picture))
        .map(|(name, _)| *name)
        .collect();
    assert!(old.is_empty(), "of assets, {old:?} show an older program; renew them with: cargo run --example picture");
}
