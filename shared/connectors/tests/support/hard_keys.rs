//! Keys that S3 takes and that are easily got wrong
//! ([object key names](https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html)).

/// Longest key, in bytes.
const MOST: usize = 1_024;

/// Whatever can be written in XML and in a URL.
const PLAIN: &[&str] = &[
    "",
    " ",
    "   ",
    " leading",
    "trailing ",
    "a//b",
    "//",
    "///x",
    "+",
    "a+b c",
    "a b",
    "%2F",
    "%",
    "%zz",
    "a%20b",
    "&<>\"'",
    "&amp;",
    "]]>",
    "?versionId=1",
    "#x",
    "a=b;c",
    "{}",
    "*",
    "\u{1f600}",
    "\u{e9}",
    "e\u{301}",
    "\u{202e}x",
    "\\",
    "x.",
    ".x",
];

/// What a client, a parser or a path may change under way.
const CHANGED: &[&str] = &[
    "a/../b",
    "a/./b",
    ".",
    "a/..",
    "a\tb",
    "a\nb",
    "a\rb",
    "\r\n",
    "\t",
    "a\u{1}b",
    "\u{8}",
    "\u{b}\u{c}",
    "\u{1f}",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "\u{fffe}",
    "\u{ffff}",
    "\u{10ffff}",
];

/// Keys that begin so, and are easy for every service.
pub fn plain(prefix: &str) -> Vec<String> {
    let longest = ["x", "\u{65e5}"].map(|fill| {
        let room = (MOST - prefix.len()) / fill.len();
        fill.repeat(room)
    });
    let all = PLAIN.iter().map(|name| (*name).to_owned()).chain(longest);
    all.map(|name| format!("{prefix}{name}")).collect()
}

/// Every hard key that begins so.
pub fn all(prefix: &str) -> Vec<String> {
    plain(prefix).into_iter().chain(CHANGED.iter().map(|name| format!("{prefix}{name}"))).collect()
}
