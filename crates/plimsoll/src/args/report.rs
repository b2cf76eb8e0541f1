//! `plimsoll report`.

use std::path::PathBuf;

use clap::Args;

use super::format::TypedTelling;
use crate::cmd::report::ReportSettings;

#[derive(Args)]
pub(super) struct TypedReport {
    /// A report as `--format json` prints it; what the last `ab` of this workspace kept unless given.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    telling: TypedTelling,
}

impl TypedReport {
    pub(super) fn into_settings(self) -> ReportSettings {
        ReportSettings {
            file: self.file,
            telling: self.telling.into_telling(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::args::{Command, tests::command};
    use crate::tell::Format;

    #[test]
    fn several_forms_may_be_asked_for_at_once() {
        let line = "report run.json --format markdown --report html=a=b.html --report junit=j.xml";
        let Command::Report(settings) = command(line) else {
            panic!("another command");
        };
        assert_eq!(settings.file.expect("given"), Path::new("run.json"));
        assert_eq!(settings.telling.forms.format, Format::Markdown);
        let files = settings.telling.forms.files;
        assert_eq!(files[0], (Format::Html, "a=b.html".into()));
        assert_eq!(files[1], (Format::Junit, "j.xml".into()));
    }
}
