//! What a bench process and its referee say to each other, over one Unix socket per process.
//!
//! ```text
//! process ── hello ──────────────────────────► referee
//!         ◄───────────────────────────── go ──          one byte: it is your turn
//!         ── sample ─────────────────────────►          the turn is over; this was measured
//!         ◄───────────────────────────── go ──
//!         ── sample ─────────────────────────►  …       until the process ends and the socket closes
//! ```
//!
//! All numbers are little-endian 64-bit words; every message of a process is one [`Message::LENGTH`] long.

/// The version of this conversation; sides that differ in it do not take turns.
pub const VERSION: u64 = 1;

/// The environment variable that names the socket: its descriptor and its inode.
///
/// The inode tells a socket that is really ours from whatever has the same descriptor in a grandchild.
pub const VARIABLE: &str = "PLIMSOLL_TURNS";

/// What the referee sends to give a turn.
pub const GO: u8 = b'g';

const HELLO: u64 = 1;
const SAMPLE: u64 = 2;

/// What a process says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Message {
    /// Its suite takes turns, in this version.
    Hello {
        /// [`VERSION`] of the bench side.
        version: u64,
    },
    /// A sample was taken, and the turn is over.
    Sample(Turn),
}

/// What one turn measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Turn {
    /// The sample as Criterion is told: wall time, or what a routine that times itself returned.
    pub value_ns: f64,
    /// CPU time of the measuring thread while the clock ran; over the whole turn where a routine times itself.
    pub cpu_ns: u64,
    /// CPU time of all other threads of the process during the turn.
    pub elsewhere_ns: u64,
    /// How often the kernel took the core away during the turn.
    pub n_involuntary_switches: u32,
    /// Page faults during the turn, minor and major.
    pub n_page_faults: u32,
}

impl Message {
    /// Bytes of every message.
    pub const LENGTH: usize = 40;

    /// The message as it is sent.
    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
        let words = match self {
            Self::Hello { version } => [HELLO, version, 0, 0, 0],
            Self::Sample(turn) => {
                let counts =
                    u64::from(turn.n_involuntary_switches) << 32 | u64::from(turn.n_page_faults);
                let value = turn.value_ns.to_bits();
                [SAMPLE, value, turn.cpu_ns, turn.elsewhere_ns, counts]
            }
        };
        let mut bytes = [0; Self::LENGTH];
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// Reads a message; `None` if it is none of ours.
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Option<Self> {
        let mut words = bytes.chunks_exact(8).map(|chunk| {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            u64::from_le_bytes(word)
        });
        let mut next = || words.next().unwrap_or_default();
        let (kind, first, cpu_ns, elsewhere_ns, counts) = (next(), next(), next(), next(), next());
        match kind {
            HELLO => Some(Self::Hello { version: first }),
            SAMPLE => Some(Self::Sample(Turn {
                value_ns: f64::from_bits(first),
                cpu_ns,
                elsewhere_ns,
                n_involuntary_switches: (counts >> 32) as u32,
                n_page_faults: counts as u32,
            })),
            _ => None,
        }
    }
}

/// The value of [`VARIABLE`], always of the same length: a longer environment would move the stack of one side.
pub fn address(descriptor: i32, inode: u64) -> String {
    format!("{descriptor:>10} {inode:>20}")
}

/// Reads the value of [`VARIABLE`]: descriptor and inode.
pub fn parse_address(text: &str) -> Option<(i32, u64)> {
    let mut words = text.split_whitespace();
    let descriptor = words.next()?.parse().ok()?;
    let inode = words.next()?.parse().ok()?;
    words.next().is_none().then_some((descriptor, inode))
}

#[cfg(test)]
mod tests {
    use super::{Message, Turn, VERSION, address, parse_address};

    #[test]
    fn a_message_survives_the_wire() {
        let turn = Turn {
            value_ns: 2.5e6,
            cpu_ns: 2_400_000,
            elsewhere_ns: 7,
            n_involuntary_switches: 3,
            n_page_faults: u32::MAX,
        };
        for message in [Message::Hello { version: VERSION }, Message::Sample(turn)] {
            assert_eq!(Message::from_bytes(&message.to_bytes()), Some(message));
        }
    }

    #[test]
    fn a_message_of_another_kind_is_none() {
        assert_eq!(Message::from_bytes(&[0; Message::LENGTH]), None);
        assert_eq!(Message::from_bytes(&[b'x'; Message::LENGTH]), None);
    }

    #[test]
    fn an_address_has_one_length_and_is_read_back() {
        for (descriptor, inode) in [(3, 1), (1_023, u64::MAX)] {
            let text = address(descriptor, inode);
            assert_eq!(text.len(), address(0, 0).len());
            assert_eq!(parse_address(&text), Some((descriptor, inode)));
        }
        for text in ["", "3", "x 1", "3 x", "3 1 1"] {
            assert_eq!(parse_address(text), None, "{text:?}");
        }
    }
}
