//! What is promised, and the rules by which the oracle judges. A rule has a stable name, so that runs can be compared.

use std::fmt;

/// A promise of Oubli.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Promise {
    /// Nothing is touched without a decision for that plan.
    Approved,
    /// What is held stands.
    Held,
    /// Nothing is left behind and called gone.
    Complete,
    /// Everything is counted once.
    Once,
    /// Reversible, then final.
    Reversible,
    /// Nothing newer is overwritten, nothing comes back that others removed.
    NoClobbering,
    /// Every change has its entry.
    Audited,
    /// Organizations are apart.
    Apart,
    /// Exports are sealed.
    Sealed,
    /// What was gathered is forgotten.
    Forgets,
    /// Everything ends.
    Ends,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Approved => "P1",
            Self::Held => "P2",
            Self::Complete => "P3",
            Self::Once => "P4",
            Self::Reversible => "P5",
            Self::NoClobbering => "P6",
            Self::Audited => "P7",
            Self::Apart => "P8",
            Self::Sealed => "P9",
            Self::Forgets => "P10",
            Self::Ends => "ends",
        };
        f.write_str(name)
    }
}

/// One way in which a promise can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    /// The promise.
    pub promise: Promise,
    /// It needs what the engine cannot do yet: judged, and counted apart.
    pub known: bool,
}

/// A rule that was broken, with the first example of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The rule.
    pub rule: Rule,
    /// What happened, without names of people.
    pub how: String,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.rule.promise, self.rule.name, self.how)
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $constant:ident = $promise:ident $name:literal $($known:ident)?;)*) => {
        $($(#[$doc])* pub const $constant: Rule = Rule { name: $name, promise: Promise::$promise, known: rules!(@ $($known)?) };)*
        /// Every rule.
        pub const RULES: &[Rule] = &[$($constant),*];
    };
    (@) => { false };
    (@ known) => { true };
}

rules! {
    /// A record was hidden that no look of this round had found.
    OUTSIDE_PLAN = Approved "hidden-outside-plan";
    /// Hidden before anybody decided about this round's plan.
    UNDECIDED = Approved "hidden-undecided";
    /// The submitter decided.
    OWN_DECISION = Approved "own-decision";
    /// What the decision left out was hidden.
    EXCLUDED = Approved "excluded-hidden";
    /// Hidden after a cancel was settled.
    AFTER_CANCEL = Approved "hidden-after-cancel";
    /// Hidden before its export could be opened.
    BEFORE_EXPORT = Approved "hidden-before-export";
    /// Hidden before the time it was asked for.
    BEFORE_ITS_TIME = Approved "hidden-before-its-time";
    /// Hidden as a producer's though a more specific one finds it.
    OVERLAPPED = Approved "of-a-more-specific-producer";
    /// What was not asked for was hidden.
    OUT_OF_SCOPE = Approved "out-of-scope-hidden";
    /// Approved by somebody to whom another plan had been shown.
    UNSEEN = Approved "approved-unseen";
    /// A store was touched for a person whose identity nobody had confirmed.
    UNVERIFIED = Approved "touched-unverified";
    /// It was found by nothing that was given, told or named.
    ANOTHERS = Approved "of-another-person";
    /// It was found by an identifier on the record of nobody in particular, and nothing told then that it is another's.
    ANOTHERS_UNTOLD = Approved "anothers-where-nothing-tells" known;
    /// Two erasures of one person at once.
    TWO_AT_ONCE = Approved "two-at-once";
    /// One packages what another hides or destroys.
    EXPORT_BESIDE = Approved "export-beside-erasure";
    /// Claimed under a hold, and hidden.
    HELD_HIDDEN = Held "held-hidden";
    /// Hidden while a hold was placed, and not put back.
    HELD_KEPT_AWAY = Held "held-not-put-back";
    /// Claimed under a hold, and destroyed.
    HELD_DESTROYED = Held "held-destroyed";
    /// Copies or keys of held records were destroyed.
    HELD_COPY = Held "held-copy-destroyed";
    /// Under a duty of its own producer.
    DUTY = Held "duty-hidden";
    /// A hold by an identifier that the request does not give, and the map can tell of both that they are one person's.
    HELD_OTHERWISE = Held "held-by-other-identifier";
    /// It carries an identifier of somebody on hold, and nothing tells that it is of the person that the request is about.
    HELD_UNTOLD = Held "held-where-nothing-tells" known;
    /// A duty of another producer of the same record.
    DUTY_OVERLAP = Held "duty-of-overlapping-producer";
    /// It is to stay with something that it is found through, and that stays.
    DUTY_PARENT = Held "duty-of-parent";
    /// It stands, and nothing says so.
    LEFT_BEHIND = Complete "left-behind";
    /// It stands where it was never looked for, and nothing says so.
    UNSEARCHED = Complete "unsearched-not-named";
    /// `completed` is said though something stands.
    NOT_COMPLETE = Complete "completed-though-kept";
    /// Called rejected, cancelled or restored though an earlier round destroyed something.
    UNDONE = Complete "destroyed-called-undone";
    /// It stands under an identifier that was not given, and that the map can tell to be the person's.
    LEFT_OTHERWISE = Complete "left-under-other-identifier";
    /// It stands under an identifier that nothing tells to be the person's.
    LEFT_UNTOLD = Complete "left-where-nothing-tells" known;
    /// An approval passed that names nothing of what was not searched.
    UNACKNOWLEDGED = Complete "not-acknowledged";
    /// Fewer are said to stay than do.
    KEPT_TOO_FEW = Complete "kept-miscounted";
    /// More was processed than there is.
    OVERCOUNTED = Once "overcounted";
    /// Records hidden and records counted differ.
    MISCOUNTED = Once "miscounted";
    /// The claims count something else than the steps do.
    MISCLAIMED = Once "misclaimed";
    /// Called uncertain though its store answered.
    UNCERTAIN = Once "uncertain-for-nothing";
    /// Counted as absent, and nobody else removed it.
    ABSENT_BY_NOBODY = Once "absent-by-nobody";
    /// Bytes counted and bytes hidden differ.
    MISCOUNTED_BYTES = Once "miscounted-bytes";
    /// Destroyed before the window ended.
    EARLY = Reversible "destroyed-early";
    /// A restore ended, and the record is not as it was.
    NOT_RESTORED = Reversible "not-restored";
    /// Something was put back that the restore was not asked for.
    UNASKED = Reversible "restored-unasked";
    /// A key of what is over is still there.
    KEY_KEPT = Reversible "key-kept";
    /// It was hidden past its window, and nobody destroyed it.
    NEVER_PURGED = Reversible "never-purged";
    /// Removed in a version that nobody copied.
    NEWER_REMOVED = NoClobbering "newer-removed";
    /// Removed though it had changed hands.
    OTHERS_REMOVED = NoClobbering "others-removed";
    /// It came back though somebody else had deleted it.
    RESURRECTED = NoClobbering "resurrected";
    /// A version was destroyed that this request had not hidden.
    OTHERS_DESTROYED = NoClobbering "others-destroyed";
    /// The log does not hold together.
    BROKEN_LOG = Audited "broken-log";
    /// A cosignature is kept or shown that does not hold.
    BAD_COSIGNATURE = Audited "bad-cosignature";
    /// A witness that answers did not cosign what everybody sees.
    UNWITNESSED = Audited "not-witnessed";
    /// A change has no entry, or two.
    UNLOGGED = Audited "unlogged";
    /// An entry says something else than what happened.
    MISLOGGED = Audited "mislogged";
    /// A store of another organization was touched.
    TRESPASS = Apart "trespass";
    /// More requests work than the organization lets.
    SLOTS = Apart "too-many-slots";
    /// Requests that wait for a person keep costing messages.
    RESTLESS = Apart "waiting-costs";
    /// An export can be read as it lies there.
    PLAIN_EXPORT = Sealed "plain-export";
    /// A person's name lies in the open.
    PLAIN_NAME = Forgets "plain-name";
    /// An export outlived its end.
    EXPORT_KEPT = Sealed "export-kept";
    /// Names of a request that is over are still there.
    NOT_FORGOTTEN = Forgets "not-forgotten";
    /// A wrapped key is there, and what it belongs to is not, or is forgotten.
    OWNERLESS_KEY = Forgets "key-without-owner";
    /// What was noted of single records outlives their request.
    FLAGS_KEPT = Forgets "flags-kept";
    /// Neither people nor policy end it.
    NEVER_ENDS = Ends "never-ends";
    /// Messages never cease.
    NEVER_QUIET = Ends "never-quiet";
    /// A use case or a handler broke.
    BROKE = Ends "broke";
}
