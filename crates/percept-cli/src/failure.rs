//! How a command ends when it does not end well: what happened, what to do, and the exit code.

use std::fmt::{self, Display};
use std::io::IsTerminal;
use std::process::ExitCode;

use miette::Diagnostic;

/// Which exit code a failure has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The work failed: exit code 1.
    Work,
    /// The call was wrong: exit code 2.
    Call,
}

/// A failure as the user sees it.
#[derive(Debug)]
pub struct Failure {
    fault: Fault,
    what: String,
    advice: Option<String>,
}

impl Failure {
    /// The work failed: a broken file, a full disk, a loss that went NaN.
    pub fn work(error: impl Display) -> Self {
        Self::new(Fault::Work, error.to_string())
    }

    /// The call was wrong: a file that is not there, an unknown key, a flag that makes no sense.
    pub fn call(error: impl Display) -> Self {
        Self::new(Fault::Call, error.to_string())
    }

    /// Messages of percept's crates read `what happened; what to do`: the two parts are shown apart. Where the
    /// end says what is, not what to do, the message stays whole.
    fn new(fault: Fault, message: String) -> Self {
        let whole = |end: &str| ["it is ", "they are "].iter().any(|start| end.starts_with(start));
        match message.rsplit_once("; ") {
            Some((what, advice)) if !whole(advice) => {
                Self { fault, what: what.to_string(), advice: Some(advice.to_string()) }
            }
            _ => Self { fault, what: message, advice: None },
        }
    }

    /// In one line, for a list of what was left out.
    pub fn line(&self) -> String {
        match &self.advice {
            Some(advice) => format!("{}; {advice}", self.what),
            None => self.what.clone(),
        }
    }

    /// Shows the report on stderr and gives the exit code: boxes and colours on a terminal, plain words elsewhere.
    pub fn report(self) -> ExitCode {
        let code = match self.fault {
            Fault::Work => 1,
            Fault::Call => 2,
        };
        let text = match std::io::stderr().is_terminal() {
            true => format!("{:?}", miette::Report::new(self)),
            false => self.plain(),
        };
        crate::screen::say(text.trim_end());
        ExitCode::from(code)
    }

    fn plain(&self) -> String {
        match &self.advice {
            Some(advice) => format!("error: {}\n help: {advice}", self.what),
            None => format!("error: {}", self.what),
        }
    }
}

impl From<percept_bundle::NoFolder> for Failure {
    fn from(error: percept_bundle::NoFolder) -> Self {
        Self::call(error)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}

impl Diagnostic for Failure {
    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.advice.as_ref().map(|advice| Box::new(advice) as Box<dyn Display>)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_and_what_to_do_are_shown_apart() {
        let failure = Failure::work("a.png: the file is cut off (at 12; of 40 bytes); copy it again");
        assert_eq!(
            failure.plain(),
            "error: a.png: the file is cut off (at 12; of 40 bytes)\n help: copy it again"
        );
        assert_eq!(Failure::call("no such thing").plain(), "error: no such thing");
        assert_eq!(
            Failure::call("`lr` must be above 0; it is -1").plain(),
            "error: `lr` must be above 0; it is -1"
        );
    }
}
