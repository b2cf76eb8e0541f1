//! History: what many nights show that no single one does.
//!
//! A *night* is one run of pair mode whose base is a *reference*: a commit that stays the same from night to night. The
//! effects of a case against its reference, night after night, are its *series*. They are ratios of two programs that
//! ran in the same session, so they mean the same on every machine and on every day.
//!
//! [`line`](mod@line) is one case of one night, [`folder`] keeps them, [`series`] puts them in order. [`search`] looks for
//! levels that change, with [`step`] and [`drift`] as its two tests, [`ranks`] as their tables, and [`likeness`] as their
//! caution. [`judged`] says what it comes to. All but [`folder`] is pure; `simulation` shows the error rates.

pub mod drift;
pub mod folder;
pub mod judged;
pub mod likeness;
pub mod line;
pub mod ranks;
pub mod search;
pub mod series;
pub mod step;

#[cfg(test)]
mod simulation;
#[cfg(test)]
pub(crate) mod synthetic;
