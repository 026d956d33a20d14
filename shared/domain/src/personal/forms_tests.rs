//! The rows were written by other implementations: Python's `phonenumbers`, `idna`, `unicodedata` and `decimal`.

use super::*;
use proptest::prelude::*;

fn normal(form: NormalForm, text: &str, country: &str) -> Result<String, InvalidIdentifier> {
    let given = Identifier::parse(text)?;
    form.normalize(&given, (!country.is_empty()).then_some(country)).map(|normal| normal.expose().to_owned())
}

#[test]
fn exact_changes_no_byte() {
    for text in ["007", "Alice", "e\u{301}", "é", "７", "a  b", "ALICE@EXAMPLE.COM"] {
        assert_eq!(normal(NormalForm::Exact, text, ""), Ok(text.to_owned()));
    }
}

#[test]
fn lower_forgets_case_and_how_accents_are_encoded() {
    for &(text, expected) in LOWERS {
        assert_eq!(normal(NormalForm::Lower, text, ""), Ok(expected.to_owned()), "{text}");
    }
}

#[test]
fn addresses_of_one_mailbox_are_one() {
    for &(text, expected) in EMAILS.iter().chain(QUOTED) {
        assert_eq!(normal(NormalForm::Email, text, ""), Ok(expected.to_owned()), "{text}");
    }
}

#[test]
fn what_is_no_address_is_refused() {
    let local = format!("{}@example.com", "x".repeat(65));
    let label = format!("alice@{}.com", "x".repeat(64));
    let domain = format!("alice@{}com", "example.".repeat(32));
    for text in NO_EMAILS.iter().copied().chain([local.as_str(), &label, &domain]) {
        assert_eq!(normal(NormalForm::Email, text, ""), Err(InvalidIdentifier::NotEmail), "{text}");
    }
}

#[test]
fn phone_numbers_are_written_as_from_abroad() {
    for &(country, text, expected) in PHONES {
        assert_eq!(normal(NormalForm::Phone, text, country), Ok(expected.to_owned()), "{country} {text}");
    }
}

#[test]
fn what_is_no_phone_number_is_refused() {
    for &(country, text) in NO_PHONES {
        assert_eq!(normal(NormalForm::Phone, text, country), Err(InvalidIdentifier::NotPhone), "{country} {text}");
    }
}

#[test]
fn numbers_are_equal_however_they_are_written() {
    for &(text, expected) in NUMBERS {
        assert_eq!(normal(NormalForm::Number, text, ""), Ok(expected.to_owned()), "{text}");
    }
}

#[test]
fn what_is_no_number_is_refused() {
    let digits = "9".repeat(1000);
    for text in NO_NUMBERS.iter().copied().chain([digits.as_str()]) {
        assert_eq!(normal(NormalForm::Number, text, ""), Err(InvalidIdentifier::NotNumber), "{text}");
    }
}

#[test]
fn a_form_is_named_as_it_serializes() {
    for form in NormalForm::ALL {
        assert_eq!(serde_json::to_value(form).expect("json"), form.name());
    }
    assert_eq!(NormalForm::default(), NormalForm::Exact);
}

/// Normalizes twice, the second time as another organization would.
fn assert_settled(form: NormalForm, text: &str, country: &str) -> Result<(), TestCaseError> {
    if let Ok(once) = normal(form, text, country) {
        prop_assert_eq!(normal(form, &once, country), Ok(once.clone()));
        prop_assert_eq!(normal(form, &once, ""), Ok(once));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn normalizing_twice_changes_nothing(text in "\\PC{1,30}") {
        for form in NormalForm::ALL {
            assert_settled(form, &text, "DE")?;
        }
    }

    #[test]
    fn normalizing_letters_twice_changes_nothing(text in "[aAHÅßẞſΣσςΑᾳᾼİıIǅŉﬁ\u{301}\u{307}\u{331}\u{334}\u{345} ]{1,12}") {
        assert_settled(NormalForm::Lower, &text, "")?;
    }

    #[test]
    fn normalizing_an_address_twice_changes_nothing(
        local in "[aAßẞΣςᾳİŉ.+\u{301}\u{334}\u{345}]{1,12}|\"[a \\\\@\"]{1,8}\"",
        domain in "[aAüÜßẞΣςé例.。-]{1,12}",
    ) {
        assert_settled(NormalForm::Email, &format!("{local}@{domain}"), "")?;
    }

    #[test]
    fn normalizing_a_phone_number_twice_changes_nothing(
        text in "(\\+|00|0)?[0-9]{2,4}[ /.-]?\\(?[0-9]{1,5}\\)?[ /.-]?[0-9]{1,6}",
        country in prop::sample::select(vec!["DE", "US", "IT", "BR", "AR", "MX", "GB", "JP", ""]),
    ) {
        assert_settled(NormalForm::Phone, &text, country)?;
    }

    #[test]
    fn normalizing_a_number_twice_changes_nothing(text in "[+-]?0{0,3}[0-9]{0,20}\\.?[0-9]{0,20}([eE][+-]?[0-9]{1,3})?") {
        assert_settled(NormalForm::Number, &text, "")?;
    }
}

/// Quotes that change nothing go, those that are needed stay, with no escape to spare (RFC 5321, 4.1.2).
const QUOTED: &[(&str, &str)] = &[
    (r#""alice"@example.com"#, "alice@example.com"),
    (r#""Al\ice"@example.com"#, "alice@example.com"),
    (r#""Alice Smith"@example.com"#, r#""alice smith"@example.com"#),
    (r#""a@b"@example.com"#, r#""a@b"@example.com"#),
    (r#""a\"b\\c\@d"@example.com"#, r#""a\"b\\c@d"@example.com"#),
];

const NO_EMAILS: &[&str] = &[
    "alice",
    "@",
    "@example.com",
    "alice@",
    "alice@.",
    "alice@example..com",
    "alice@.example.com",
    "alice@example.com..",
    "alice smith@example.com",
    "alice\u{a0}smith@example.com",
    "alice @example.com",
    "alice@ example.com",
    "alice@exam ple.com",
    "alice@home@example.com",
    "alice＠example.com",
    "mailto:alice@example.com",
    "Alice <alice@example.com>",
    "<alice@example.com>",
    "\"Alice\" alice@example.com",
    "alice@example.com (Alice)",
    "alice@example.com, bob@example.com",
    "alice@example.com;bob@example.com",
    "alice@example.com?subject=x",
    "alice@example.com:25",
    "alice@[127.0.0.1]",
    "alice@exam_ple.com",
    "alice@-example.com",
    "alice@example-.com",
    "alice@xn--ls8h=.com",
    "alice@xn--99999999.com",
    "alice@a\u{661}\u{6f1}.example",
    "\"\"@example.com",
    "\"alice@example.com",
    "alice\"@example.com",
    "\"al\"ice\"@example.com",
    "\"alice\\\"@example.com",
    "al\\ice@example.com",
];

/// Country of the organization, what it was given, and what is called from abroad.
const PHONES: &[(&str, &str, &str)] = &[
    ("AR", "011 2345-6789", "+541123456789"),
    ("AR", "011 15-2345-6789", "+5491123456789"),
    ("", "+54 9 11 2345-6789", "+5491123456789"),
    ("AR", "00 49 30 901820", "+4930901820"),
    ("DE", "+541123456789", "+541123456789"),
    ("AT", "01 234567890", "+431234567890"),
    ("AT", "0664 123456", "+43664123456"),
    ("", "+43 664 123456", "+43664123456"),
    ("AT", "00 49 30 901820", "+4930901820"),
    ("", "+43 (0)1234567890", "+431234567890"),
    ("AU", "(02) 1234 5678", "+61212345678"),
    ("AU", "0412 345 678", "+61412345678"),
    ("", "+61 412 345 678", "+61412345678"),
    ("AU", "0011 49 30 901820", "+4930901820"),
    ("", "+61 (0)212345678", "+61212345678"),
    ("BE", "012 34 56 78", "+3212345678"),
    ("BE", "0450 00 12 34", "+32450001234"),
    ("", "+32 450 00 12 34", "+32450001234"),
    ("BE", "00 49 30 901820", "+4930901820"),
    ("BR", "(11) 2345-6789", "+551123456789"),
    ("BR", "(11) 96123-4567", "+5511961234567"),
    ("", "+55 11 96123-4567", "+5511961234567"),
    ("BR", "0015 49 30 901820", "+4930901820"),
    ("DE", "+551123456789", "+551123456789"),
    ("CA", "(506) 234-5678", "+15062345678"),
    ("CA", "(506) 234-5678", "+15062345678"),
    ("", "+1 506-234-5678", "+15062345678"),
    ("CA", "011 49 30 901820", "+4930901820"),
    ("CH", "021 234 56 78", "+41212345678"),
    ("CH", "078 123 45 67", "+41781234567"),
    ("", "+41 78 123 45 67", "+41781234567"),
    ("CH", "00 49 30 901820", "+4930901820"),
    ("", "+41 (0)212345678", "+41212345678"),
    ("CN", "010 1234 5678", "+861012345678"),
    ("CN", "131 2345 6789", "+8613123456789"),
    ("", "+86 131 2345 6789", "+8613123456789"),
    ("CN", "00 49 30 901820", "+4930901820"),
    ("CZ", "212 345 678", "+420212345678"),
    ("CZ", "601 123 456", "+420601123456"),
    ("", "+420 601 123 456", "+420601123456"),
    ("CZ", "00 49 30 901820", "+4930901820"),
    ("DE", "030 123456", "+4930123456"),
    ("DE", "01512 3456789", "+4915123456789"),
    ("", "+49 1512 3456789", "+4915123456789"),
    ("DE", "00 33 1 23 45 67 89", "+33123456789"),
    ("", "+49 (0)30123456", "+4930123456"),
    ("DK", "32 12 34 56", "+4532123456"),
    ("DK", "34 41 23 45", "+4534412345"),
    ("", "+45 34 41 23 45", "+4534412345"),
    ("DK", "00 49 30 901820", "+4930901820"),
    ("EG", "02 34567890", "+20234567890"),
    ("EG", "010 01234567", "+201001234567"),
    ("", "+20 10 01234567", "+201001234567"),
    ("EG", "00 49 30 901820", "+4930901820"),
    ("ES", "810 12 34 56", "+34810123456"),
    ("ES", "612 34 56 78", "+34612345678"),
    ("", "+34 612 34 56 78", "+34612345678"),
    ("ES", "00 49 30 901820", "+4930901820"),
    ("FI", "013 1234567", "+358131234567"),
    ("FI", "041 2345678", "+358412345678"),
    ("", "+358 41 2345678", "+358412345678"),
    ("FI", "00 49 30 901820", "+4930901820"),
    ("FR", "01 23 45 67 89", "+33123456789"),
    ("FR", "06 12 34 56 78", "+33612345678"),
    ("", "+33 6 12 34 56 78", "+33612345678"),
    ("FR", "00 49 30 901820", "+4930901820"),
    ("", "+33 (0)123456789", "+33123456789"),
    ("GB", "0121 234 5678", "+441212345678"),
    ("GB", "07400 123456", "+447400123456"),
    ("", "+44 7400 123456", "+447400123456"),
    ("GB", "00 49 30 901820", "+4930901820"),
    ("", "+44 (0)1212345678", "+441212345678"),
    ("GR", "21 2345 6789", "+302123456789"),
    ("GR", "691 234 5678", "+306912345678"),
    ("", "+30 691 234 5678", "+306912345678"),
    ("GR", "00 49 30 901820", "+4930901820"),
    ("HU", "(06 1) 234 5678", "+3612345678"),
    ("HU", "06 20 123 4567", "+36201234567"),
    ("", "+36 20 123 4567", "+36201234567"),
    ("HU", "00 49 30 901820", "+4930901820"),
    ("DE", "+3612345678", "+3612345678"),
    ("IE", "(022) 12345", "+3532212345"),
    ("IE", "085 012 3456", "+353850123456"),
    ("", "+353 85 012 3456", "+353850123456"),
    ("IE", "00 49 30 901820", "+4930901820"),
    ("IL", "02-123-4567", "+97221234567"),
    ("IL", "050-234-5678", "+972502345678"),
    ("", "+972 50-234-5678", "+972502345678"),
    ("IL", "00 49 30 901820", "+4930901820"),
    ("IN", "074104 10123", "+917410410123"),
    ("IN", "081234 56789", "+918123456789"),
    ("", "+91 81234 56789", "+918123456789"),
    ("IN", "00 49 30 901820", "+4930901820"),
    ("IT", "02 1234 5678", "+390212345678"),
    ("IT", "312 345 6789", "+393123456789"),
    ("", "+39 312 345 6789", "+393123456789"),
    ("IT", "00 49 30 901820", "+4930901820"),
    ("DE", "+390212345678", "+390212345678"),
    ("JP", "03-1234-5678", "+81312345678"),
    ("JP", "090-1234-5678", "+819012345678"),
    ("", "+81 90-1234-5678", "+819012345678"),
    ("JP", "010 49 30 901820", "+4930901820"),
    ("KR", "02-212-3456", "+8222123456"),
    ("KR", "010-2000-0000", "+821020000000"),
    ("", "+82 10-2000-0000", "+821020000000"),
    ("KR", "00700 49 30 901820", "+4930901820"),
    ("MX", "200 123 4567", "+522001234567"),
    ("MX", "222 123 4567", "+522221234567"),
    ("", "+52 222 123 4567", "+522221234567"),
    ("MX", "00 49 30 901820", "+4930901820"),
    ("DE", "+522001234567", "+522001234567"),
    ("NG", "02033 12 3456", "+2342033123456"),
    ("NG", "0802 123 4567", "+2348021234567"),
    ("", "+234 802 123 4567", "+2348021234567"),
    ("NG", "009 49 30 901820", "+4930901820"),
    ("NL", "010 123 4567", "+31101234567"),
    ("NL", "06 12345678", "+31612345678"),
    ("", "+31 6 12345678", "+31612345678"),
    ("NL", "00 49 30 901820", "+4930901820"),
    ("", "+31 (0)101234567", "+31101234567"),
    ("NO", "21 23 45 67", "+4721234567"),
    ("NO", "40 61 23 45", "+4740612345"),
    ("", "+47 40 61 23 45", "+4740612345"),
    ("NO", "00 49 30 901820", "+4930901820"),
    ("NZ", "03 234 5678", "+6432345678"),
    ("NZ", "021 123 4567", "+64211234567"),
    ("", "+64 21 123 4567", "+64211234567"),
    ("NZ", "00 49 30 901820", "+4930901820"),
    ("PL", "12 345 67 89", "+48123456789"),
    ("PL", "512 345 678", "+48512345678"),
    ("", "+48 512 345 678", "+48512345678"),
    ("PL", "00 49 30 901820", "+4930901820"),
    ("PT", "21 234 5678", "+351212345678"),
    ("PT", "912 345 678", "+351912345678"),
    ("", "+351 912 345 678", "+351912345678"),
    ("PT", "00 49 30 901820", "+4930901820"),
    ("RU", "8 (301) 123-45-67", "+73011234567"),
    ("RU", "8 (912) 345-67-89", "+79123456789"),
    ("", "+7 912 345-67-89", "+79123456789"),
    ("RU", "810 49 30 901820", "+4930901820"),
    ("DE", "+73011234567", "+73011234567"),
    ("SE", "08-12 34 56", "+468123456"),
    ("SE", "070-123 45 67", "+46701234567"),
    ("", "+46 70 123 45 67", "+46701234567"),
    ("SE", "00 49 30 901820", "+4930901820"),
    ("", "+46 (0)8123456", "+468123456"),
    ("SG", "6123 4567", "+6561234567"),
    ("SG", "8123 4567", "+6581234567"),
    ("", "+65 8123 4567", "+6581234567"),
    ("SG", "001 49 30 901820", "+4930901820"),
    ("TR", "(0212) 345 67 89", "+902123456789"),
    ("TR", "0501 234 56 78", "+905012345678"),
    ("", "+90 501 234 56 78", "+905012345678"),
    ("TR", "00 49 30 901820", "+4930901820"),
    ("UA", "03112 34567", "+380311234567"),
    ("UA", "050 123 4567", "+380501234567"),
    ("", "+380 50 123 4567", "+380501234567"),
    ("UA", "00 49 30 901820", "+4930901820"),
    ("US", "(201) 555-0123", "+12015550123"),
    ("US", "(201) 555-0123", "+12015550123"),
    ("DE", "+1 201-555-0123", "+12015550123"),
    ("US", "011 49 30 901820", "+4930901820"),
    ("DE", "+12015550123", "+12015550123"),
    ("ZA", "010 123 4567", "+27101234567"),
    ("ZA", "071 123 4567", "+27711234567"),
    ("", "+27 71 123 4567", "+27711234567"),
    ("ZA", "00 49 30 901820", "+4930901820"),
    ("GB", "020 7946 0018", "+442079460018"),
    ("DE", "030/901820", "+4930901820"),
    ("DE", "(030) 90 18 20", "+4930901820"),
    ("DE", "٠٣٠٩٠١٨٢٠", "+4930901820"),
    ("DE", "０３０９０１８２０", "+4930901820"),
    ("US", "(650) 253-0000", "+16502530000"),
    ("US", "1-650-253-0000", "+16502530000"),
    ("US", "1.650.253.0000", "+16502530000"),
    ("CA", "650 253 0000", "+16502530000"),
    ("US", "202-555-0173", "+12025550173"),
    ("", "＋４９３０９０１８２０", "+4930901820"),
    ("XX", "+49 30 901820", "+4930901820"),
    ("IT", "06 6982", "+39066982"),
    ("DE", "0900 1234567", "+499001234567"),
    ("", "+800 1234 5678", "+80012345678"),
    ("", "+44 20 7183 8750 -", "+442071838750"),
    ("AR", "011 15-2345-6789", "+5491123456789"),
    ("BR", "0 15 11 2345 6789", "+551123456789"),
];

const NO_PHONES: &[(&str, &str)] = &[
    // An extension is one of many people behind a switchboard.
    ("NZ", "03 3316005 ~ 12"),
    ("GB", "07700 900123"),
    ("MX", "+52 1 55 1234 5678"),
    ("", "030 901820"),
    ("", "0049 30 901820"),
    ("US", "0049 30 901820"),
    ("XX", "030 901820"),
    ("US", "253-0000"),
    ("DE", "110"),
    ("US", "911"),
    ("DE", "12"),
    ("DE", "+49"),
    ("GB", "+44 20 7946 001"),
    ("GB", "+44 20 7946 00188"),
    ("", "+999 123456789"),
    ("US", "(555) 555-5555"),
    ("DE", "49+30901820"),
    ("DE", "030 901820 030 901821"),
    ("DE", "+"),
    ("DE", "--"),
    ("US", "1-800-FLOWERS"),
    ("US", "650 253 0000 ext. 12"),
    ("US", "650 253 0000 x12"),
    ("US", "650 253 0000 #12"),
    ("US", "650 253 0000,,12#"),
    ("", "tel:+49-30-901820"),
    ("", "+49-30-901820;ext=12"),
    ("DE", "Tel. 030 901820"),
    ("US", "letters6502530000@a.example"),
    ("DE", "030 901820 Alice"),
    ("DE", "*030 901820"),
    ("DE", "alice"),
];

const EMAILS: &[(&str, &str)] = &[
    ("alice@example.com", "alice@example.com"),
    ("ALICE@EXAMPLE.COM", "alice@example.com"),
    ("Alice.Smith@Example.Com", "alice.smith@example.com"),
    ("a.l.i.c.e+news@gmail.com", "a.l.i.c.e+news@gmail.com"),
    ("alice@localhost", "alice@localhost"),
    ("alice@example.com.", "alice@example.com"),
    ("alice@münchen.de", "alice@xn--mnchen-3ya.de"),
    ("alice@MÜNCHEN.DE", "alice@xn--mnchen-3ya.de"),
    ("alice@mu\u{308}nchen.de", "alice@xn--mnchen-3ya.de"),
    ("alice@xn--mnchen-3ya.de", "alice@xn--mnchen-3ya.de"),
    ("alice@XN--MNCHEN-3YA.de", "alice@xn--mnchen-3ya.de"),
    ("alice@BÜCHER.example", "alice@xn--bcher-kva.example"),
    ("alice@straße.de", "alice@xn--strae-oqa.de"),
    ("alice@faß.de", "alice@xn--fa-hia.de"),
    ("alice@ελλάδα.gr", "alice@xn--hxakic4aa.gr"),
    ("alice@ΒΌΛΟΣ.com", "alice@xn--nxasmq6b.com"),
    ("alice@βόλος.com", "alice@xn--nxasmm1c.com"),
    ("alice@例え。テスト", "alice@xn--r8jz45g.xn--zckzah"),
    ("alice@例え.テスト", "alice@xn--r8jz45g.xn--zckzah"),
    ("alice@ＥＸＡＭＰＬＥ．com", "alice@example.com"),
    ("alice@пример.рф", "alice@xn--e1afmkfd.xn--p1ai"),
    ("alice@موقع.وزارة", "alice@xn--4gbrim.xn--mgbexc3i"),
    ("alice@उद\u{93e}हरण.भ\u{93e}रत", "alice@xn--p1b6ci4b4b3a.xn--h2brj9c"),
    ("alice@mail.example.co.uk", "alice@mail.example.co.uk"),
    ("JOSÉ@example.com", "josé@example.com"),
    ("Jose\u{301}@example.com", "josé@example.com"),
    ("STRASSE@example.com", "strasse@example.com"),
    (" mara@example.com\u{a0}", "mara@example.com"),
    ("Straße@example.com", "straße@example.com"),
    ("STRAẞE@example.com", "straße@example.com"),
    ("ΑΝΔΡΈΑΣ@example.com", "ανδρέασ@example.com"),
    ("ανδρέας@example.com", "ανδρέασ@example.com"),
    ("ανδρέασ@example.com", "ανδρέασ@example.com"),
    ("İpek@example.com", "i\u{307}pek@example.com"),
    ("ıpek@example.com", "ıpek@example.com"),
    ("ﬁona@example.com", "ﬁona@example.com"),
    ("\u{212a}arl@example.com", "karl@example.com"),
    ("Å@example.com", "å@example.com"),
    ("\u{212b}@example.com", "å@example.com"),
    ("ᾳ\u{334}@example.com", "α\u{334}ι@example.com"),
    ("用户@例子.广告", "用户@xn--fsqu00a.xn--4rr70v"),
    ("o'brien!#$%&*/=?^_`{|}~-@example.com", "o'brien!#$%&*/=?^_`{|}~-@example.com"),
    ("a..b.@docomo.example", "a..b.@docomo.example"),
    ("1@1.example", "1@1.example"),
    (
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx@example.com",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx@example.com",
    ),
];

const NUMBERS: &[(&str, &str)] = &[
    ("7", "7"),
    ("007", "7"),
    (" 7 ", "7"),
    ("7.0", "7"),
    ("7e0", "7"),
    ("+7", "7"),
    ("7E0", "7"),
    ("07.00", "7"),
    ("70e-1", "7"),
    ("0.7e1", "7"),
    ("-7", "-7"),
    ("-007.0", "-7"),
    ("0", "0"),
    ("-0", "0"),
    ("+0", "0"),
    ("0.0", "0"),
    ("-0.00", "0"),
    ("0e5", "0"),
    (".5", "0.5"),
    ("0.50", "0.5"),
    ("5e-1", "0.5"),
    ("-.5", "-0.5"),
    ("5.", "5"),
    ("1e3", "1000"),
    ("1E+3", "1000"),
    ("1e-3", "0.001"),
    ("1.2300e1", "12.3"),
    ("12.34", "12.34"),
    ("1234e-2", "12.34"),
    ("100", "100"),
    ("0.001", "0.001"),
    ("123456789012345678901234567890123456.78", "123456789012345678901234567890123456.78"),
    ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
    ("99999999999999999999999999999999999999000", "99999999999999999999999999999999999999000"),
    ("0.00000000000000000000000000000000000000000000000001", "0.00000000000000000000000000000000000000000000000001"),
    (
        "1e125",
        "100000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "9.99E+125",
        "999000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "-9.99E+125",
        "-999000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "1E-130",
        "0.0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001",
    ),
    (
        "-1e-130",
        "-0.0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001",
    ),
    ("1e-38", "0.00000000000000000000000000000000000001"),
    ("0000000000000000000000000000000000000000000000000000000001", "1"),
    ("1e000000000000000000003", "1000"),
];

const NO_NUMBERS: &[&str] = &[
    "1E126",
    "10e125",
    "9.99e126",
    "1e-131",
    "0.1e-130",
    "1e999999999",
    "1e99999999999",
    "123456789012345678901234567890123456789",
    "1.00000000000000000000000000000000000001",
    "NaN",
    "Infinity",
    "-inf",
    "sNaN",
    "abc",
    ".",
    "-",
    "e5",
    "1e",
    "1e+",
    "+-7",
    "1.2.3",
    "0x7",
    "-1e-999999999",
    "７",
    "٧",
    "1_000",
    "1,000",
    "1 000",
    "1e1.5",
    "−7",
    "7x",
    "--7",
    "1e 5",
    "½",
    "0b1",
    "7f",
    "1e+-5",
    "$7",
];

const LOWERS: &[(&str, &str)] = &[
    ("Alice", "alice"),
    ("ÅSA", "åsa"),
    ("A\u{30a}sa", "åsa"),
    ("\u{212b}sa", "åsa"),
    ("STRAẞE", "straße"),
    ("Straße", "straße"),
    ("ΟΔΥΣΣΕΎΣ", "οδυσσεύς"),
    ("ΣΑΣ", "σας"),
    ("İ", "i\u{307}"),
    ("I", "i"),
    ("ı", "ı"),
    ("H\u{331}", "ẖ"),
    ("ẖ", "ẖ"),
    ("ДМИТРИЙ", "дмитрий"),
    ("ＡＢＣ", "ａｂｃ"),
    ("U-007", "u-007"),
    ("007", "007"),
    ("用户", "用户"),
];
