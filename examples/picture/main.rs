//! Draws the pictures of the README from the program's own screens: `cargo run --example picture`.

mod pictures;

use std::{fs, path::Path};

fn main() -> std::io::Result<()> {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    for (name, picture) in pictures::all() {
        fs::write(assets.join(name), picture)?;
    }
    Ok(())
}
