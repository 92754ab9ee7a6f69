//! What `make bench` measures, with the true programs and servers of its own. It reports and asserts
//! nothing: figures of one machine say little about another, and a busy machine must not fail.

pub mod engine;
pub mod figures;
pub mod herds;
pub mod machine;
pub mod officers;
pub mod process;
pub mod resting;
pub mod sqs;
pub mod stage;
pub mod texts;

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Invented officers.
    pub officers: usize,
    /// Owners of animals in the large run of herds; each has two animals.
    pub owners: usize,
    /// Texts of the run for speed.
    pub texts: usize,
    /// Texts after which memory is looked at again; 0: not.
    pub long: usize,
    /// Seconds of the run for latency.
    pub latency_s: u64,
    /// Mails.
    pub mails: usize,
    /// Texts that go by SQS.
    pub sqs: usize,
    /// Seconds in which an idle daemon's calls are counted; 0: not.
    pub idle_s: u64,
}

impl Size {
    /// Some minutes.
    pub const FULL: Self = Self {
        officers: 20_000,
        owners: 1_000_000,
        texts: 30_000,
        long: 200_000,
        latency_s: 20,
        mails: 1_000,
        sqs: 2_000,
        idle_s: 65,
    };

    /// Under a minute, for a look while one works on something.
    pub const QUICK: Self = Self {
        officers: 4_000,
        owners: 50_000,
        texts: 10_000,
        long: 0,
        latency_s: 4,
        mails: 200,
        sqs: 500,
        idle_s: 0,
    };
}
