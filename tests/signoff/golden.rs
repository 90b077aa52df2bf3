//! Whole reports as they were looked at and found good.

use crate::sample::{complete, mixed};

#[test]
fn a_finished_quarter_reads_so() {
    insta::assert_snapshot!("complete_md", complete().markdown());
    insta::assert_snapshot!("complete_html", without_style(&complete().html()));
}

#[test]
fn a_quarter_with_everything_in_it_reads_so() {
    insta::assert_snapshot!("mixed_md", mixed().markdown());
    insta::assert_snapshot!("mixed_html", without_style(&mixed().html()));
}

/// The look is not what these are about.
fn without_style(html: &str) -> String {
    let (before, rest) = html.split_once("<style>").unwrap();
    let (_, after) = rest.split_once("</style>").unwrap();
    format!("{before}{after}")
}
