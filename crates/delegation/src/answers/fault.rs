//! Why an answer of the person was not taken. Nothing was changed then, unless it says so.

/// Why a Question could not be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// There is no such Question.
    #[error("there is no question {0}; list them with `approvals list --all`")]
    Unknown(String),
    /// It was settled before.
    #[error("this question is already {0}; nothing was changed")]
    Settled(String),
    /// Its time is over.
    #[error("this question has expired; the agent has to try again")]
    Expired,
    /// A rule above the grants asked, so the answer holds for this call alone.
    #[error("a rule that stands above all grants asks here, so this can only be allowed once")]
    OnlyOnce,
    /// The time asked for cannot be used.
    #[error("a time of {0} seconds cannot be used; use 60 seconds to 30 days")]
    BadTime(i64),
    /// The person has to be there each time.
    #[error("a yes to this needs you to be there each time, so it can only be allowed once")]
    EachTime,
    /// Something it is about changed while it was looked at.
    #[error(
        "the server changed this tool while you looked at it, so the answer is void; nothing was sent"
    )]
    Changed,
    /// The argument cannot be held.
    #[error("{0} cannot be held fixed: its value is too long, or it is no pointer")]
    CannotHold(String),
    /// What is remembered would not be heard.
    #[error("the grant that asks is as narrow as this answer, so it would ask again")]
    TooBroad,
    /// This kind of Question is answered once.
    #[error("this question is answered with a plain yes or no, not for a time")]
    CannotLast,
    /// A consent needs the number that the page or the agent shows.
    #[error(
        "this question is answered with the number that the page or the agent shows, and with an agent"
    )]
    NumberNeeded,
    /// There is no number to this Question.
    #[error("this question is answered with a plain yes or no; it has no number")]
    NoNumber,
    /// Only a sign-in gives more scopes.
    #[error("this question is answered by signing in, or by a denial; nothing was changed")]
    SignInNeeded,
    /// A Server's form is answered by filling it in.
    #[error("this question is a form of the server: it is answered by filling it in")]
    FormNeeded,
    /// There is no form.
    #[error("this question has no form to fill in")]
    NoForm,
    /// What was typed is not what the form takes.
    #[error("this cannot be sent: {}", .0.join(" "))]
    Unfit(Vec<String>),
    /// The page is not one to be opened.
    #[error("this page is not opened: {0}")]
    Unopened(&'static str),
    /// Only a Server's question can be left without an answer.
    #[error("this question is answered with yes or no; it cannot be cancelled")]
    CannotCancel,
    /// The number that was picked is not the one that is shown.
    #[error(
        "another number is shown there, so nobody was let in; if you asked for this, try again from the agent"
    )]
    WrongNumber,
}
