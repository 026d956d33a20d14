//! Names of files that not every system takes.

/// Names that Windows gives to devices, without the digit that some have.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];
const NUMBERED_DEVICES: [&str; 2] = ["com", "lpt"];

/// Whether Windows takes a name for a device, whatever its ending.
pub fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let digit = |rest: &str| matches!(rest, "¹" | "²" | "³") || (rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit()));
    DEVICES.contains(&stem.as_str()) || NUMBERED_DEVICES.iter().any(|name| stem.strip_prefix(name).is_some_and(digit))
}
