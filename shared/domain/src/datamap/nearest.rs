//! What somebody may have meant.

/// The name most like one that is none of them, if any is like it.
pub fn nearest<'a>(given: &str, names: &[&'a str]) -> Option<&'a str> {
    let alike = |name: &str| strsim::jaro_winkler(&name.to_lowercase(), &given.to_lowercase());
    names.iter().copied().max_by(|a, b| alike(a).total_cmp(&alike(b))).filter(|name| alike(name) > 0.8)
}
