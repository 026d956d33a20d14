//! Which field names suggest personal data.

/// Words that, alone or as a part of a name, stand for data of a person.
const WORDS: [&str; 27] = [
    "address",
    "avatar",
    "birth",
    "birthday",
    "birthdate",
    "city",
    "customer",
    "dob",
    "email",
    "mail",
    "firstname",
    "fullname",
    "gender",
    "iban",
    "ip",
    "lastname",
    "latitude",
    "longitude",
    "mobile",
    "passport",
    "phone",
    "postcode",
    "ssn",
    "surname",
    "telephone",
    "username",
    "zip",
];

/// Whether a field's name looks like one of personal data: by its words, in snake, kebab or camel case. A hint for
/// people who look for stores a data map forgot; it decides nothing.
pub fn looks_personal(field: &str) -> bool {
    let mut words: Vec<String> = vec![String::new()];
    let mut lower_before = false;
    for c in field.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && lower_before) {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        lower_before = c.is_lowercase();
    }
    let joined: Vec<String> = words.windows(2).map(|w| w.concat()).collect();
    words.iter().chain(&joined).any(|word| WORDS.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_personal_data_are_seen_in_every_case() {
        for field in ["email", "customer_id", "ContactEmail", "first_name", "lastName", "IP", "billing-address", "dateOfBirth"] {
            assert!(looks_personal(field), "{field}");
        }
        for field in ["", "shipped_at", "total", "sku", "description", "recipe", "capacity", "mailroomless"] {
            assert!(!looks_personal(field), "{field}");
        }
    }
}
