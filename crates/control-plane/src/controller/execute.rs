//! The execution of a Query within its pass, and the recording of answers while it runs.

use std::ops::ControlFlow::{self, Break, Continue};

use futures::future::{Either, select};
use parking_lot::Mutex;
use query_api::query::{Response, TokenUsage};
use std::pin::pin;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::api::Failure;
use super::pass::{Ending, Pass};
use crate::execution::TargetOutcome;
use crate::transition::{Effect, Event, Execution, Progress, transition};

impl Pass<'_> {
    /// Asks the targets that have not answered yet.
    pub(super) async fn execute(
        &mut self,
        recorded: Vec<Option<Response>>,
        spent: TokenUsage,
    ) -> ControlFlow<Ending> {
        let shop = self.shop;
        let interrupt = shop.ledger.lock().interrupt(self.lease.key());
        self.lease.start_execution();
        self.worker = None;
        let started = Instant::now();
        let outcomes = if recorded.len() > 1 {
            let board = Board::new(&recorded, spent);
            let query = self.query.clone();
            let posted = |index, outcome: &TargetOutcome| board.post(index, outcome);
            let executing = shop.execute.execute(&query, &recorded, &interrupt, &posted);
            self.recording(executing, &board).await
        } else {
            let executing = shop
                .execute
                .execute(&self.query, &recorded, &interrupt, &|_, _| {});
            tokio::select! {
                outcomes = executing => Some(outcomes),
                () = shop.abandon.cancelled() => None,
            }
        };
        let took = started.elapsed();
        self.executing += took;
        let Some(outcomes) = outcomes else {
            return Break(Ending::Abandoned);
        };
        self.result = Some(Box::new(Execution {
            outcomes,
            spent,
            took,
        }));
        Continue(())
    }

    /// Runs `executing` and writes the answers on the board meanwhile, one write at a time; a write that is under way
    /// at the end is waited for, so that the terminal one comes after it. `None` if the controller is going down.
    async fn recording(
        &mut self,
        executing: impl Future<Output = Vec<TargetOutcome>>,
        board: &Board,
    ) -> Option<Vec<TargetOutcome>> {
        let shop = self.shop;
        let mut executing = pin!(executing);
        loop {
            let news = async {
                board.changed.notified().await;
                sleep(shop.config.record_linger).await;
            };
            tokio::select! {
                biased;
                outcomes = &mut executing => return Some(outcomes),
                () = shop.abandon.cancelled() => {
                    // What has been answered so far spares the next controller these targets.
                    self.record(board).await;
                    return None;
                }
                () = news => {}
            }
            let written = pin!(self.record(board));
            match select(&mut executing, written).await {
                Either::Left((outcomes, written)) => {
                    written.await;
                    return Some(outcomes);
                }
                Either::Right(((), _)) => {}
            }
        }
    }

    /// Writes the answers on the board. What fails here is written with the next answer or at the end.
    async fn record(&mut self, board: &Board) {
        let progress = board.progress.lock().clone();
        for _ in 0..2 {
            let now = self.shop.clock.now();
            let step = transition(&self.query, &Event::Answered(&progress), now);
            let Some(Effect::Record(patch)) = step.effect else {
                return;
            };
            match self.write_status(&patch).await {
                Err(Failure::Conflict) => {
                    if let Break(ending) = self.settle(Err(Failure::Conflict)).await {
                        tracing::debug!(query = %self.lease.key(), ?ending, "answers not recorded");
                        return;
                    }
                }
                Err(failure) => {
                    tracing::debug!(query = %self.lease.key(), ?failure, "answers not recorded");
                    board.changed.notify_one();
                    return;
                }
                Ok(()) => return,
            }
        }
    }
}

/// Where targets post their answers while others still run.
struct Board {
    progress: Mutex<Progress>,
    changed: Notify,
}

impl Board {
    fn new(recorded: &[Option<Response>], spent: TokenUsage) -> Self {
        Self {
            progress: Mutex::new(Progress {
                answers: recorded.to_vec(),
                usage: spent,
            }),
            changed: Notify::new(),
        }
    }

    fn post(&self, index: usize, outcome: &TargetOutcome) {
        let Ok(answer) = &outcome.result else {
            return;
        };
        let mut progress = self.progress.lock();
        progress.usage += answer.usage;
        if let Some(slot) = progress.answers.get_mut(index) {
            *slot = Some(outcome.to_response());
        }
        drop(progress);
        self.changed.notify_one();
    }
}
