//! The channel of `docs/adding-a-channel.md` is one that the bridge takes, and its cases hold.

use crate::page::{self, read, root};
use common::channel;

const PAGE: &str = "docs/adding-a-channel.md";

#[test]
fn the_pages_channel_is_taken_and_its_cases_hold() {
    let page = read(PAGE);
    let text = page::block(&page, "toml").expect("a channel");
    let read = channel::read("sms_second.toml", text).expect("it is taken");
    assert_eq!(read.cases.len(), 4);
    let other = text.replacen("pieces = 2", "pieces = 3", 1);
    let faults = channel::read("sms_second.toml", &other).expect_err("a case that does not hold");
    assert_eq!(faults.len(), 1, "{faults:?}");
}

#[test]
fn the_folder_that_the_page_names_holds_the_shipped_ones() {
    assert!(root().join("daemons/bridge/channels/sms.toml").exists());
    assert!(read(PAGE).contains("`daemons/bridge/channels/<name>.toml`"));
}
