//! Counting allocations: an allocator that keeps account of what the current thread asks for.
//!
//! A program has it by declaring it its global allocator, as `allocations.rs` does. What other threads allocate is on
//! their own accounts, so that a figure is of the path alone.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use results::allocations::Allocations;

/// The system's allocator, with an account per thread.
#[derive(Debug)]
pub struct Counting;

#[derive(Clone, Copy)]
struct Account {
    count: u64,
    bytes: u64,
    /// Bytes held now, less those held when the account was opened: what was there before may be given back.
    held: i64,
    most_held: i64,
}

impl Account {
    const EMPTY: Self = Self {
        count: 0,
        bytes: 0,
        held: 0,
        most_held: 0,
    };
}

thread_local! {
    // Without a destructor and without an initialiser that allocates, so that an allocator may use it.
    static ACCOUNT: Cell<Account> = const { Cell::new(Account::EMPTY) };
}

/// Runs a routine and says what it allocated on this thread, with what it returned.
///
/// What it returns is still held, and giving it back is not counted.
pub fn counted<T>(routine: impl FnOnce() -> T) -> (T, Allocations) {
    ACCOUNT.set(Account::EMPTY);
    let returned = routine();
    let account = ACCOUNT.get();
    let allocations = Allocations {
        count: account.count,
        bytes: account.bytes,
        peak: account.most_held.max(0).unsigned_abs(),
    };
    (returned, allocations)
}

fn asked(n_bytes: usize) {
    note(1, n_bytes as i64);
}

fn given_back(n_bytes: usize) {
    note(0, -(n_bytes as i64));
}

fn note(count: u64, change: i64) {
    // A thread that ends may free after its account is gone.
    let _ = ACCOUNT.try_with(|cell| {
        let mut account = cell.get();
        account.count += count;
        account.bytes += change.max(0).unsigned_abs();
        account.held += change;
        account.most_held = account.most_held.max(account.held);
        cell.set(account);
    });
}

// SAFETY: each call goes to the system's allocator with the caller's own arguments, and keeping account allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        asked(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        asked(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        given_back(layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    /// One more allocation, of the bytes by which it grows.
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        note(1, new_size as i64 - layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[cfg(test)]
mod tests {
    use std::alloc::{GlobalAlloc as _, Layout};

    use super::{Counting, counted};

    fn layout(n_bytes: usize) -> Layout {
        Layout::from_size_align(n_bytes, 8).expect("a usual layout")
    }

    #[test]
    fn a_growing_buffer_is_counted_by_what_it_grows_and_its_peak_is_what_it_held() {
        let (pointer, allocations) = counted(|| {
            // SAFETY: sizes are not zero, and each pointer is used with the layout that it was made with.
            unsafe {
                let first = Counting.alloc(layout(64));
                let second = Counting.alloc_zeroed(layout(100));
                Counting.dealloc(second, layout(100));
                Counting.realloc(first, layout(64), 128)
            }
        });
        // SAFETY: made just now with this size.
        unsafe { Counting.dealloc(pointer, layout(128)) };
        assert_eq!(
            (allocations.count, allocations.bytes, allocations.peak),
            (3, 64 + 100 + 64, 164)
        );
    }

    #[test]
    fn what_was_held_before_and_what_other_threads_do_is_not_counted() {
        // SAFETY: as above.
        let old = unsafe { Counting.alloc(layout(1_000)) } as usize;
        let ((), allocations) = counted(|| {
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    // SAFETY: as above.
                    unsafe { Counting.dealloc(Counting.alloc(layout(512)), layout(512)) }
                });
            });
            // SAFETY: made above with this layout, and used nowhere else.
            unsafe { Counting.dealloc(old as *mut u8, layout(1_000)) };
        });
        assert_eq!((allocations.count, allocations.peak), (0, 0));
    }
}
