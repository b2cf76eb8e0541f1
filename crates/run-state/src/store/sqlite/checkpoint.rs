//! Moving the log into the file, beside the writes and not in them.
//!
//! Left to itself SQLite does this in the commit by which the log reaches 1,000 pages: of forty runs that are saved one pays for
//! copying them all and for two syncs more than its own, which is what the slowest hundredth of all writes was made of.
//! Here a thread does it with a connection of its own, while others go on to write.
//!
//! The log is used again from its start once all of it was moved and nobody reads from it. Where writers leave no gap for
//! that, it would grow for ever; so a writer who finds it too long moves the rest himself.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;
use rusqlite::hooks::Wal;

/// Pages by which the log grows between two moves: 4 MB. A sync each for some forty writes of 100 KB.
const PAGES_BETWEEN: i32 = 1_000;

/// Pages of the log above which a writer moves the rest himself: 64 MB.
const MOST_PAGES: i32 = 16_000;

/// The thread, which ends with this.
#[derive(Debug)]
pub(super) struct Checkpointer {
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Moves what a writer writes, with another connection to the same file.
    pub(super) fn of(writer: &mut Connection, own: Connection) -> rusqlite::Result<Self> {
        // One request that waits says all there is to say.
        let (due_tx, due_rx) = sync_channel(1);
        // In place of SQLite's own, which is such a hook, too.
        writer.wal_hook(Some(on_commit(due_tx)))?;
        let thread = std::thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || move_when_due(&own, &due_rx));
        // Without a thread the writers do it all, every so often.
        Ok(Self {
            thread: thread.ok(),
        })
    }
}

impl Drop for Checkpointer {
    /// After the writer, whose end ends the thread.
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a commit does that leaves so many pages in the log.
fn on_commit(
    due_tx: SyncSender<()>,
) -> impl FnMut(&mut Wal, i32) -> rusqlite::Result<()> + Send + 'static {
    let mut asked_at = 0;
    move |wal, n_pages| {
        if n_pages < asked_at {
            // The log has begun anew.
            asked_at = 0;
        }
        if n_pages - asked_at >= PAGES_BETWEEN {
            asked_at = n_pages;
            // Full if the thread has not come to the last request yet, which is as good as this one.
            let _ = due_tx.try_send(());
        }
        if n_pages >= MOST_PAGES {
            // What fails now, the next commit tries again; the write itself has happened.
            let _ = wal.checkpoint();
        }
        Ok(())
    }
}

fn move_when_due(connection: &Connection, due_rx: &Receiver<()>) {
    while due_rx.recv().is_ok() {
        // What fails now is tried again when more is due.
        let _ = connection.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(()));
    }
}
