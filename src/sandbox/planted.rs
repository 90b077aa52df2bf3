//! What is odd in the country, by kind and place.

/// A kind of oddity the country holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Oddity {
    /// The newest value has a digit too many.
    TenTimes,
    /// The newest value has a digit too few.
    TenthPart,
    /// The newest value is 0 after quarters of 5 and more.
    FalseZero,
    /// A value in an integer element has words in it.
    TextInNumber,
    /// A value in an integer element is below zero.
    Negative,
    /// A value in an integer element has a fraction.
    Fraction,
    /// A value carries a comment of the data clerk.
    Comment,
    /// A value is marked for follow-up.
    FollowUp,
    /// The facility sent nothing for the newest quarter.
    StoppedReporting,
    /// Two open cases have the external id; both are listed.
    SharedExternalId,
    /// The case has no external id.
    NoExternalId,
    /// The organisation unit has no case.
    WithoutCase,
    /// The case is closed.
    Closed,
    /// The name has letters with marks.
    AccentedName,
    /// The name is longer than any column.
    LongName,
    /// The name holds terminal control sequences.
    HostileName,
    /// The data set is not assigned to the facility, which sent nothing of it for the newest quarter.
    NotAssigned,
    /// All rows of the element were deleted softly.
    Deleted,
    /// The organisation unit was closed before the newest quarter. Its values are there all the same.
    UnitClosed,
    /// The report is complete and has no row of an element that does not keep zeros.
    ZeroNotStored,
    /// The report is registered complete, and there is no row of the data set.
    CompleteEmpty,
    /// DHIS2 writes the name of the facility otherwise than its case.
    NamesDiffer,
    /// Beside the rows of the parts there is one of the default category option combination with their total.
    TotalAndBreakdown,
    /// There is no row of a part that stood for a fifth or more of the value in each of the quarters before.
    CategoryGone,
    /// There is one more row, of a category option combination that belongs to other data elements.
    UnknownCategory,
    /// A row was changed days after the report was registered complete.
    EditedAfterComplete,
    /// The report was registered complete about 41 days after the quarter ended.
    CompletedLate,
    /// All parts are those of the quarter before.
    Copied,
    /// There is one more row, of another attribute option combination: part of it was paid by somebody else.
    SeveralAttributes,
}

/// One planted oddity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planted {
    /// The facility's id in DHIS2, where there is one.
    pub external_id: Option<String>,
    /// The case, where there is one.
    pub case_id: Option<String>,
    /// The case property whose newest value is odd, or stands in the report that is odd.
    pub property: Option<String>,
    /// What it is.
    pub what: Oddity,
}
