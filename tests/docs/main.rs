//! What `docs/` and the README say is done and compared with what comes.

mod adding_a_code;
mod named;
mod page;
mod rules;
