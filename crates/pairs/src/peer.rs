//! The referee's end of the wire to one process, with the time-outs of both.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::wire::{GO, Message, Turn, VERSION};

/// How long a read waits before it looks around: whether the process is gone, whether the user wants to stop.
const LOOK_AROUND: Duration = Duration::from_millis(50);

/// A process as the referee sees it.
#[derive(Debug)]
pub(crate) struct Peer {
    stream: UnixStream,
    received: Vec<u8>,
    said_hello: bool,
}

/// What a process did with its turn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Answer {
    /// It handed in a sample.
    Sample(Turn),
    /// It ended.
    Ended,
}

/// Why a conversation was broken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It did not answer for so long.
    Silent(Duration),
    /// It said something that is not in our language, or in another version of it.
    Garbled,
    /// The user wants to stop.
    Stopped,
}

/// What the world looks like while a peer is waited for.
pub(crate) trait Surroundings {
    /// Whether the process is gone, although something may still hold its end of the wire.
    fn is_gone(&mut self) -> bool;

    /// Whether the user wants to stop.
    fn is_stopped(&self) -> bool;
}

impl Peer {
    pub(crate) fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(LOOK_AROUND))?;
        Ok(Self {
            stream,
            received: Vec::new(),
            said_hello: false,
        })
    }

    /// Whether the process takes turns at all; known when it has handed in a sample or ended.
    pub(crate) fn said_hello(&self) -> bool {
        self.said_hello
    }

    /// Gives a turn, and waits until it is over.
    pub(crate) fn turn(
        &mut self,
        within: Duration,
        around: &mut dyn Surroundings,
    ) -> Result<Answer, Fault> {
        // A process that is gone cannot be told; reading then says so.
        let _ = self.stream.write_all(&[GO]);
        self.answer(within, around)
    }

    /// Waits for a sample or the end.
    pub(crate) fn answer(
        &mut self,
        within: Duration,
        around: &mut dyn Surroundings,
    ) -> Result<Answer, Fault> {
        // Looks are counted, and not read off a clock: a machine that slept, or a run that was halted, is not late.
        let mut waited = Duration::ZERO;
        loop {
            match self.message()? {
                Some(Message::Hello { version: VERSION }) => self.said_hello = true,
                Some(Message::Sample(turn)) if self.said_hello => return Ok(Answer::Sample(turn)),
                Some(_) => return Err(Fault::Garbled),
                None => {}
            }
            if self.received.len() >= Message::LENGTH {
                continue;
            }
            if around.is_stopped() {
                return Err(Fault::Stopped);
            }
            match self.receive() {
                Received::Bytes => {}
                // Half a message before it is what a killed process leaves, and tells no more than the end itself.
                Received::End => return Ok(Answer::Ended),
                Received::Nothing if around.is_gone() => return Ok(Answer::Ended),
                Received::Nothing if waited >= within => return Err(Fault::Silent(within)),
                Received::Nothing => waited += LOOK_AROUND,
            }
        }
    }

    fn message(&mut self) -> Result<Option<Message>, Fault> {
        let Some(bytes) = self.received.first_chunk::<{ Message::LENGTH }>() else {
            return Ok(None);
        };
        let message = Message::from_bytes(bytes).ok_or(Fault::Garbled)?;
        self.received.drain(..Message::LENGTH);
        Ok(Some(message))
    }

    fn receive(&mut self) -> Received {
        let mut bytes = [0; Message::LENGTH];
        match self.stream.read(&mut bytes) {
            Ok(0) => Received::End,
            Ok(n_bytes) => {
                self.received.extend_from_slice(&bytes[..n_bytes]);
                Received::Bytes
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock
                | io::ErrorKind::TimedOut
                | io::ErrorKind::Interrupted => Received::Nothing,
                // Reset: it went with a turn unread in its socket.
                _ => Received::End,
            },
        }
    }
}

enum Received {
    Bytes,
    Nothing,
    End,
}
