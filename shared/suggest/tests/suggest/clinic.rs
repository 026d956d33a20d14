//! A practice with German names, and French ones where it bills: words that look like others' parts, numbers for ids, one table
//! that nobody can reach.

use crate::made::{Example, Made, map, number, record, survey, table, text, truth};

const PERSONAL: &str = "
    patienten.patientennr
    patienten.nachname
    patienten.vorname
    patienten.geburtsdatum
    patienten.strasse
    patienten.hausnummer
    patienten.plz
    patienten.ort
    patienten.telefon
    patienten.mobilnummer
    patienten.e_mail
    patienten.versichertennummer
    patienten.blutgruppe
    patienten.hausarzt
    aerzte.arzt_id
    aerzte.nachname
    aerzte.vorname
    aerzte.email
    termine.patientennr
    termine.arzt_id
    termine.bemerkung
    laborwerte.patientennr
    laborwerte.befund
    rezepte.patientennr
    rezepte.arzt_id
    factures.patient_id
    factures.nom_assure
    factures.numero_securite_sociale
    factures.adresse_facturation.rue
    factures.adresse_facturation.code_postal
    factures.adresse_facturation.ville
    factures.adresse_facturation.pays
";

const EDGES: &str = "
    termine.patientennr -> patienten
    termine.arzt_id -> aerzte
    laborwerte.patientennr -> patienten
    laborwerte.termin_id -> termine
    rezepte.patientennr -> patienten
    rezepte.arzt_id -> aerzte
    factures.patient_id -> patienten
    praxis-scans:befunde/{}/ -> patienten
";

pub fn example() -> Example {
    let mut made = Made::new(4);
    let mut survey = survey();
    let (mut patients, mut doctors, mut visits, mut labs, mut scripts, mut bills, mut scans) =
        (vec![], vec![], vec![], vec![], vec![], vec![], vec![]);
    for doctor in 1..9_u64 {
        doctors.push(record([
            ("arzt_id", number(doctor)),
            ("nachname", text(made.family())),
            ("vorname", text(made.given())),
            ("fachgebiet", text(made.one(&["Innere Medizin", "Labor", "Kardiologie"]))),
            ("email", text(made.email())),
            ("zimmer", number(made.number(1, 30))),
        ]));
    }
    let (mut visit_no, mut bill_no) = (7_000_u64, 2_024_000_u64);
    for n in 0..180_u64 {
        let patient = made.plant(format!("{}", 30_412_000 + n * 7));
        let insured = format!("{}{}", made.one(&["A", "C", "K"]), made.number(100_000_000, 999_999_999));
        patients.push(record([
            ("patientennr", text(&patient)),
            ("nachname", text(made.family())),
            ("vorname", text(made.given())),
            ("geburtsdatum", text(made.born())),
            ("strasse", text(made.street())),
            ("hausnummer", text(format!("{}{}", made.number(1, 200), made.one(&["", "a", "b"])))),
            ("plz", text(made.postcode())),
            ("plz_gebiet", text(made.one(&["Nord", "Süd", "West"]))),
            ("ort", text(made.city())),
            ("adresstyp", text(made.one(&["privat", "geschäftlich"]))),
            ("telefon", text(made.phone())),
            ("mobilnummer", text(made.phone())),
            ("e_mail", text(made.email())),
            ("email_verifiziert", truth(made.chance(0.5))),
            ("versichertennummer", text(made.plant(insured))),
            ("kassenart", text(made.one(&["gesetzlich", "privat"]))),
            ("blutgruppe", text(made.one(&["A+", "0+", "B-", "AB+"]))),
            ("hausarzt", text(made.name())),
            ("angelegt_am", text(made.time())),
        ]));
        for _ in 0..made.number(1, 4) {
            visit_no += 1;
            visits.push(record([
                ("termin_id", text(format!("T{visit_no}"))),
                ("patientennr", text(&patient)),
                ("arzt_id", number(made.number(1, 9))),
                ("beginn", text(made.time())),
                ("dauer_minuten", number(made.one(&[10, 15, 30]))),
                ("raum", number(made.number(1, 9))),
                ("status", text(made.one(&["geplant", "erledigt", "abgesagt"]))),
                ("bemerkung", text(made.sentence())),
            ]));
            if made.chance(0.5) {
                labs.push(record([
                    ("probe_id", text(made.uuid())),
                    ("termin_id", text(format!("T{visit_no}"))),
                    ("patientennr", text(&patient)),
                    ("acid_level", number(format!("{}.{}", made.number(4, 8), made.number(0, 10)))),
                    ("labor_code", text(made.one(&["HB", "GLU", "CRP"]))),
                    ("befund", text(made.sentence())),
                    ("gemessen_am", text(made.time())),
                ]));
            }
        }
        scripts.push(record([
            ("rezept_id", text(made.uuid())),
            ("patientennr", text(&patient)),
            ("arzt_id", number(made.number(1, 9))),
            ("medikament", text(made.one(&["Ibuprofen", "Ramipril", "Metformin"]))),
            ("packungen", number(made.number(1, 4))),
            ("ausgestellt_am", text(made.date())),
        ]));
        bill_no += 1;
        let security = format!("{}{}", made.one(&["1", "2"]), made.number(10_000_000_000_000, 99_999_999_999_999));
        let address = map([
            ("rue", text(made.street())),
            ("code_postal", text(made.postcode())),
            ("ville", text(made.city())),
            ("pays", text("Suisse")),
        ]);
        bills.push(record([
            ("facture_id", text(format!("F-{bill_no}"))),
            ("patient_id", text(&patient)),
            ("nom_assure", text(made.name())),
            ("numero_securite_sociale", text(made.plant(security))),
            ("adresse_facturation", address),
            ("date_facture", text(made.date())),
            ("montant", number(format!("{}.{:02}", made.number(20, 900), made.number(0, 100)))),
            ("code_annee", text(made.one(&["A23", "A24", "A25"]))),
            ("mode_paiement", text(made.one(&["carte", "virement"]))),
        ]));
        for scan in 0..made.number(0, 3) {
            scans.push(format!("befunde/{patient}/{}/scan-{scan}.pdf", made.number(2020, 2026)));
        }
    }
    survey.add_table(table("patienten", &["patientennr"], &[("nach_email", &["e_mail"])]), patients, true);
    survey.add_table(table("aerzte", &["arzt_id"], &[]), doctors, true);
    survey.add_table(table("termine", &["termin_id"], &[("nach_patient", &["patientennr", "beginn"])]), visits, true);
    survey.add_table(table("laborwerte", &["probe_id"], &[("nach_termin", &["termin_id"])]), labs, true);
    survey.add_table(table("rezepte", &["rezept_id"], &[]), scripts, true);
    survey.add_table(table("factures", &["facture_id"], &[("par_patient", &["patient_id"])]), bills, true);
    survey.add_bucket("praxis-scans", scans, true);
    Example { name: "a practice", survey, planted: made.planted, personal: PERSONAL, edges: EDGES }
}
