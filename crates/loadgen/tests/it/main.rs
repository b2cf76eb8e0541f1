//! What a user of scenario files sees: every shipped file works, and every mistake is named.

mod platforms;
mod scenarios;
