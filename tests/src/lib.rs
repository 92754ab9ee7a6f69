//! Stories and fears, played against real servers. What every test program shares is here.

pub mod bench;
pub mod servers;
pub mod world;
