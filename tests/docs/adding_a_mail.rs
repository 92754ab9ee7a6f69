//! The mail of `docs/adding-a-mail.md` is one that the mailer takes, and its examples hold.

use crate::page::{self, read, root};
use common::compose;
use std::fs;

const PAGE: &str = "docs/adding-a-mail.md";

#[test]
fn the_pages_mail_is_taken_and_its_examples_hold() {
    let page = read(PAGE);
    let text = page::block(&page, "toml").expect("a mail");
    let folder = tempfile::tempdir().expect("a folder");
    let put = |text: &str| {
        let mail = folder.path().join("closed");
        fs::create_dir_all(&mail).expect("a folder");
        fs::write(mail.join("mail.toml"), text).expect("the mail");
        let mails = compose::mails(Some(folder.path())).expect("it is taken");
        let faults = mails.check();
        faults.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(put(text), Vec::<String>::new());
    let other = put(&text.replacen("Kasus {case} ditutup", "Perkara {case} ditutup", 1));
    assert_eq!(
        other.len(),
        1,
        "an example that does not hold is told: {other:?}"
    );
}

#[test]
fn the_folder_that_the_page_names_holds_the_shipped_ones() {
    assert!(root().join("common/mails/confirm/mail.toml").exists());
    assert!(read(PAGE).contains("`common/mails/<name>/mail.toml`"));
}
