//! What the processor does with a mail: fetch and read it, judge it, carry it out, answer it.

pub mod bounce;
pub mod carry_out;
pub mod judge;
pub mod notice;
pub mod opened;
pub mod orders;
pub mod outgoing;
pub mod workbook;
