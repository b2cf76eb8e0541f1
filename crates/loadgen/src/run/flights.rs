//! What is open: every operation that was started and has not ended.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use parking_lot::{Mutex, MutexGuard};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::driver::{Driver, Sightings, Start, What};
use crate::sample::Times;
use crate::schedule::Entry;

/// One operation that was started and has not ended.
pub(super) struct Flight {
    pub(super) start: Start,
    pub(super) times: Times,
    /// Who waits for its end.
    user: Option<oneshot::Sender<()>>,
}

/// What all parts of a run hold on to.
pub(super) struct Course {
    pub(super) driver: Arc<dyn Driver>,
    /// The instant from which all times are counted.
    pub(super) begin: Instant,
    timeout: Duration,
    runtime: Handle,
    flights: Mutex<Flights>,
}

/// Starts operations; clones share what is open.
#[derive(Clone)]
pub(super) struct Launcher {
    course: Arc<Course>,
    sightings: Sightings,
}

/// Everything that is open, and how much ever was.
#[derive(Default)]
pub(super) struct Flights {
    by_id: HashMap<u64, Flight>,
    pub(super) started: u64,
    /// The most that were open at once.
    pub(super) most_open: u64,
}

impl Course {
    /// Must be made on the runtime on which operations are to run.
    pub(super) fn new(driver: Arc<dyn Driver>, begin: Instant, timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            driver,
            begin,
            timeout,
            runtime: Handle::current(),
            flights: Mutex::default(),
        })
    }

    pub(super) fn flights(&self) -> MutexGuard<'_, Flights> {
        self.flights.lock()
    }

    /// Asks the system to give an operation up, without waiting for it.
    pub(super) fn cancel(&self, start: Start) {
        let driver = self.driver.clone();
        self.runtime
            .spawn(async move { driver.cancel(&start).await });
    }

    /// Takes out what has been open for too long.
    pub(super) fn overdue(&self) -> Vec<Flight> {
        let now = self.begin.elapsed();
        let mut flights = self.flights();
        let is_overdue = |flight: &Flight| now > flight.times.intended + self.timeout;
        let overdue = flights.by_id.values().filter(|flight| is_overdue(flight));
        let ids: Vec<u64> = overdue.map(|flight| flight.start.id).collect();
        ids.into_iter().filter_map(|id| flights.close(id)).collect()
    }
}

impl Launcher {
    pub(super) fn new(course: Arc<Course>, sightings: Sightings) -> Self {
        Self { course, sightings }
    }

    /// The instant from which all times are counted.
    pub(super) fn begin(&self) -> Instant {
        self.course.begin
    }

    /// Starts an operation on a task of its own.
    pub(super) fn launch(&self, id: u64, entry: &Entry, intended: Duration) {
        let start = self.open(id, entry, intended, None);
        let launcher = self.clone();
        self.course
            .runtime
            .spawn(async move { launcher.submit(&start).await });
    }

    /// Starts an operation for a user, who has nothing else to do, and waits until it has ended or was given up.
    ///
    /// Breaks if the run was broken off before.
    pub(super) async fn launch_and_wait(
        &self,
        id: u64,
        entry: &Entry,
        intended: Duration,
    ) -> ControlFlow<()> {
        let (ended_tx, mut ended_rx) = oneshot::channel();
        let start = self.open(id, entry, intended, Some(ended_tx));
        let ended = tokio::select! {
            biased;
            ended = &mut ended_rx => ended,
            () = self.submit(&start) => ended_rx.await,
        };
        // The sender is dropped unused when the run is broken off.
        match ended {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    async fn submit(&self, start: &Start) {
        self.sightings.tell(start.id, What::Sent);
        self.course.driver.start(start, &self.sightings).await;
    }

    fn open(
        &self,
        id: u64,
        entry: &Entry,
        intended: Duration,
        user: Option<oneshot::Sender<()>>,
    ) -> Start {
        let start = Start {
            id,
            operation: entry.operation,
            tenant: entry.tenant,
            agent: entry.agent,
        };
        let times = Times {
            intended,
            ..Times::default()
        };
        self.course.flights().open(Flight { start, times, user });
        start
    }
}

impl Flights {
    fn open(&mut self, flight: Flight) {
        self.started += 1;
        self.by_id.insert(flight.start.id, flight);
        self.most_open = self.most_open.max(self.by_id.len() as u64);
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut Flight> {
        self.by_id.get_mut(&id)
    }

    pub(super) fn close(&mut self, id: u64) -> Option<Flight> {
        self.by_id.remove(&id)
    }

    pub(super) fn take_all(&mut self) -> Vec<Flight> {
        std::mem::take(&mut self.by_id).into_values().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }
}

impl Flight {
    /// Lets the user go on, if there is one.
    pub(super) fn tell_user(&mut self) {
        if let Some(user) = self.user.take() {
            // A user who has left wants to know no more.
            let _ = user.send(());
        }
    }
}
