use super::*;

#[test]
fn a_name_is_read_word_by_word_whatever_its_case() {
    for (name, expected) in [
        ("customer_id", "customer id"),
        ("IPAddress", "ip address"),
        ("userID", "user id"),
        ("addressLine2", "address line"),
        ("due-date", "due date"),
        ("Prénom", "prenom"),
        ("hausStraße", "haus strasse"),
        ("__typename", "typename"),
        ("", ""),
    ] {
        assert_eq!(words(name).join(" "), expected, "{name}");
    }
}

#[test]
fn names_of_personal_data_are_seen_in_every_case_and_language() {
    for field in [
        "email",
        "customer_id",
        "ContactEmail",
        "first_name",
        "lastName",
        "IP",
        "billing-address",
        "dateOfBirth",
        "e_mail",
        "zip_code",
        "addressLine1",
        "phoneNumber",
        "lastSeenIp",
        "userId",
        "patientennr",
        "Kundennummer",
        "nachname",
        "geburtsdatum",
        "strasse",
        "plz",
        "code_postal",
        "ville",
        "numero_securite_sociale",
        "nom_assure",
        "prenom",
        "fecha_nacimiento",
        "apellidos",
        "correo",
        "direccion",
        "telefono",
        "id_alumno",
        "driverId",
        "licensePlate",
        "user_agent",
        "iban",
        "latitude",
        "gender",
        "shippingAddress",
        "emergency_contact_name",
        "username",
    ] {
        assert!(looks_personal(field), "{field}");
    }
}

#[test]
fn names_that_only_hold_such_a_word_are_not_taken_for_it() {
    for field in [
        "",
        "shipped_at",
        "total",
        "sku",
        "description",
        "recipe",
        "capacity",
        "mailroomless",
        "acid_level",
        "email_verified",
        "postcode_area",
        "year_code",
        "ip_count",
        "phone_model",
        "address_type",
        "emailOptIn",
        "has_phone",
        "mobileEnabled",
        "zip_zone",
        "cityCount",
        "birth_certificate_required",
        "customerType",
        "userCount",
        "email_template",
        "ip_range",
        "ipPool",
        "product_name",
        "file_name",
        "hostname",
        "company_name",
        "nombre_curso",
        "tipo_direccion",
        "code_annee",
        "adresstyp",
        "email_verifiziert",
        "plz_gebiet",
        "telefonmodell",
        "correo_verificado",
        "member_level",
        "account_status",
        "zipped",
        "clip",
        "trip_id",
        "order_id",
        "tenant_id",
        "street_view_enabled",
        "gender_ratio",
        "mailing_list_size",
        "phonetic",
    ] {
        assert!(!looks_personal(field), "{field}: {:?}", meaning(field));
    }
}

#[test]
fn identifiers_are_known_by_their_names() {
    for (field, is) in
        [("order_id", true), ("id_alumno", true), ("patientennr", true), ("isbn", false), ("paid", false), ("ids", true)]
    {
        assert_eq!(names_an_id(field), is, "{field}");
    }
}
