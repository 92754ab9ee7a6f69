//! What `docs/` and the README say is done and compared with what comes.

mod adding_a_channel;
mod adding_a_code;
mod adding_a_mail;
mod logged;
mod named;
mod page;
mod reader;
mod rules;
