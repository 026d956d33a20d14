//! The words. Small, without accents; `ß` is `ss`, and umlauts stand in both their spellings.

use super::Meaning;

/// Whether a list has a word.
pub(super) fn has(list: &str, word: &str) -> bool {
    list.split(' ').any(|own| own == word)
}

/// Words, or several in one, and what they stand for.
pub(super) const VOCABULARY: [(Meaning, &str); 16] = [
    (
        Meaning::Email,
        "email mail emailaddress mailaddress emailadresse mailadresse correo correoelectronico courriel adressemail \
         adresseemail",
    ),
    (
        Meaning::Phone,
        "phone telephone mobile mobilephone cellphone cell msisdn fax whatsapp tel telefon telefonnummer handy \
         handynummer mobil mobilnummer mobiltelefon rufnummer festnetz telefono movil celular gsm telefax landline",
    ),
    (
        Meaning::Name,
        "firstname forename givenname middlename lastname surname familyname maidenname fullname realname legalname \
         vorname nachname zuname familienname geburtsname rufname prenom nomfamille nomnaissance nomjeunefille \
         patronyme apellido primerapellido nombrepila nombrecompleto nomcomplet kontoinhaber accountholder cardholder \
         cardholdername ansprechpartner",
    ),
    (
        Meaning::Address,
        "address addr street streetaddress streetname housenumber addressline strasse hausnummer hausnr adresse \
         anschrift wohnadresse rue voie direccion domicilio calle postaladdress homeaddress domicile",
    ),
    (
        Meaning::Place,
        "city town postcode postalcode zip zipcode plz postleitzahl ort wohnort stadt ville codepostal ciudad \
         codigopostal localidad lieuresidence",
    ),
    (
        Meaning::Birth,
        "birth birthday birthdate birthyear dateofbirth dob born bday geburtsdatum geburtstag geburtsort geburtsjahr \
         naissance nacimiento datenaissance fechanacimiento",
    ),
    (Meaning::Network, "ip ipaddress ipaddr ipadresse adresseip direccionip macaddress remoteaddr"),
    (
        Meaning::Device,
        "useragent deviceid devicetoken pushtoken fcmtoken apnstoken fingerprint advertisingid idfa imei cookieid \
         visitorid geraetekennung",
    ),
    (
        Meaning::Official,
        "ssn socialsecurity socialsecuritynumber passport passportnumber nationalid nino dni nie ahv ahvnummer \
         steuerid steuernummer sozialversicherungsnummer svnr versichertennummer versicherungsnummer \
         krankenversichertennummer securitesociale ausweisnummer personalausweis passnummer reisepass passeport \
         pasaporte cpf curp driverslicense driverlicense licensenumber licencenumber fuehrerschein licenseplate \
         licenceplate numberplate kennzeichen plaqueimmatriculation insurancenumber policynumber nir numerosecu \
         seguridadsocial",
    ),
    (
        Meaning::Bank,
        "iban bankaccount accountnumber cardnumber creditcard kontonummer kreditkarte cartebancaire cuentabancaria \
         tarjetacredito",
    ),
    (
        Meaning::Health,
        "bloodtype bloodgroup blutgruppe groupesanguin gruposanguineo diagnosis diagnose diagnostic diagnostico \
         allergy allergie alergia befund anamnese symptom disability behinderung",
    ),
    (
        Meaning::Trait,
        "gender geschlecht sexe sexo ethnicity religion konfession nationality nationalitaet nationalitat nationalite \
         nacionalidad maritalstatus familienstand etatcivil estadocivil",
    ),
    (
        Meaning::Account,
        "username loginname benutzername nutzername nomutilisateur nombreusuario screenname nickname nick pseudonyme \
         passwordhash password passwort motpasse contrasena login",
    ),
    (
        Meaning::Picture,
        "avatar avatarurl profilepicture profilephoto profileimage profilepic userphoto selfie passfoto profilbild \
         photoprofil fotoperfil",
    ),
    (Meaning::Location, "latitude longitude lat lng lon geolocation gps breitengrad laengengrad latitud longitud"),
    (
        Meaning::Writing,
        "message content text body comment note bio remark feedback review bemerkung kommentar nachricht notiz \
         anmerkung commentaire remarque comentario mensaje observacion texto texte nachrichtentext freitext",
    ),
];

/// Names, of whatever.
pub(super) const NAMES: &str = "name nom nombre nome naam";

/// Words that make a name a person's.
pub(super) const OF_PEOPLE: &str = "first last full given family middle maiden real legal nick display preferred prenom";

/// People in their roles.
pub(super) const ROLES: &str = "customer client user patient member subscriber person people employee staff student pupil teacher owner author \
     sender recipient receiver creator contact guest buyer rider driver passenger traveller traveler resident donor \
     applicant candidate learner player viewer visitor doctor physician nurse agent assignee reporter approver \
     guardian spouse subject holder insured claimant beneficiary lead prospect consumer shopper follower friend \
     participant attendee invitee profile account identity sub cognito citizen borrower renter tutor worker courier \
     technician kunde kundin kunden nutzer benutzer mitglied mitglieder patienten patientin personen mitarbeiter \
     schueler schuler lehrer arzt aerzte arzte versicherte empfaenger empfanger absender eigentuemer eigentumer halter \
     bewerber gast gaeste teilnehmer mieter hausarzt abonnent fahrer verfasser besitzer spender utilisateur \
     utilisatrice adherent abonne assure eleve etudiant enseignant professeur medecin salarie employe auteur \
     destinataire expediteur proprietaire titulaire locataire conducteur acheteur cliente usuario usuaria paciente \
     miembro socio alumno alumna estudiante profesor profesora medico empleado autor titular contacto suscriptor \
     destinatario remitente persona conductor comprador inquilino propietario clients patiente";

/// Words that end, or begin, the name of an identifier.
pub(super) const ID_WORDS: &str = "id ids nr no num number nummer numero uuid guid key ref reference kennung code codigo uid arn";

/// Words that say which of several, and nothing else.
pub(super) const QUALIFIERS: &str = "id no nr num number nummer numero address line text value hash primary secondary home work private privat \
     business billing shipping delivery main alternate alternative backup full raw normalized lower canonical current \
     last first previous old new of the de del la le du des facturation livraison facturacion envio electronico \
     personal personnel fixe fijo notfall emergency mobil geschaeftlich seen known created updated modified by url key \
     ref street city encrypted official registered uri e";

/// Words after which it is no longer the thing itself: `email_verified`, `postcode_area`.
pub(super) const HEADS: &str = "verified verifie verifiee verifiziert verificado verificada verification confirmed confirme confirmado bestaetigt \
     bestatigt count counter counts total totals area zone zona region gebiet bereich model modell modele modelo type \
     types typ tipo art kind status statut estado flag enabled disabled active aktiv actif activo level code version \
     template vorlage plantilla format at date datum time timestamp on optin optout opt in out consent subscribed \
     preference preferences setting settings category kategorie categorie categoria class group gruppe groupe grupo \
     segment score rank size length limit quota provider anbieter domain host server port range cidr mask subnet pool \
     queue topic bucket table index schema valid validated gueltig required optional visible visibility policy role \
     plan tier currency locale language source channel campaign event rate ratio percent amount sum balance brand os \
     platform year month day changed sent delivered opened clicked bounced failed anzahl annee anio jahr prefix suffix \
     label";

/// Words before which it is no longer the thing itself: `has_phone`, `tipo_direccion`.
pub(super) const BEFORE: &str = "is has can should allow allows enable use max min nb count total type typ tipo code codigo modele modelo statut \
     estado zone zona area anzahl acepta accepte hat ist web site verify";

/// What is no person: a name, an address or a town of one of these says nothing of anybody.
pub(super) const OF_THINGS: &str = "product produkt produit producto item artikel article articulo file datei fichier archivo company firma firmen \
     societe entreprise empresa organization organisation org business event evento plan host domain template category \
     categorie categoria kategorie brand marke marque marca school schule ecole escuela course kurs cours curso table \
     bucket queue topic app application service server role group project projekt projet proyecto team store shop \
     filiale branch warehouse lager device model modell field column type class department abteilung location room \
     raum campaign segment tag list label city country region vendor supplier lieferant function";
