//! A school: Spanish tables beside kebab-case ones, work handed in as objects that rows name, sessions that expire. Nothing was
//! tuned to it.

use crate::made::{Example, Made, number, record, survey, table, text, truth};
use oubli_suggest::Value;

const PERSONAL: &str = "
    alumnos.id_alumno
    alumnos.nombre
    alumnos.apellidos
    alumnos.fecha_nacimiento
    alumnos.correo
    alumnos.telefono
    alumnos.direccion
    alumnos.codigo_postal
    alumnos.ciudad
    alumnos.dni
    alumnos.nombre_tutor
    profesores.id_profesor
    profesores.nombre
    profesores.correo
    matriculas.id_alumno
    notas.id_alumno
    notas.comentario
    entregas.id_alumno
    entregas.archivo
    library-loans.student-id
    web-sessions.studentId
    web-sessions.ip
    web-sessions.userAgent
    grupos.alumnos
    grupos.id_profesor
";

const EDGES: &str = "
    matriculas.id_alumno -> alumnos
    notas.id_alumno -> alumnos
    entregas.id_alumno -> alumnos
    library-loans.student-id -> alumnos
    library-loans.isbn -> books
    web-sessions.studentId -> alumnos
    grupos.alumnos -> alumnos
    grupos.id_profesor -> profesores
    fotos-colegio:fotos/{}.jpg -> alumnos
    entregas-colegio:{} -> entregas
";

pub fn example() -> Example {
    let mut made = Made::new(5);
    let mut survey = survey();
    let (mut students, mut teachers, mut enrolled, mut marks, mut works, mut loans, mut sessions, mut groups, mut books) =
        (vec![], vec![], vec![], vec![], vec![], vec![], vec![], vec![], vec![]);
    let (mut photos, mut files) = (vec![], vec![]);
    let isbns: Vec<String> = (0..50).map(|n| format!("97884{:08}", 1_234_567 + n * 991)).collect();
    for isbn in &isbns {
        books.push(record([
            ("isbn", text(isbn)),
            ("title", text(made.one(&["Geometría", "Historia", "Lengua y literatura"]))),
            ("year-code", number(made.number(1998, 2025))),
            ("publisher", text(made.one(&["Anaya", "Santillana", "SM"]))),
            ("postcode-area", text(made.one(&["N", "S", "E"]))),
        ]));
    }
    for n in 0..15_u64 {
        teachers.push(record([
            ("id_profesor", text(format!("prof-{:03}", n + 1))),
            ("nombre", text(made.name())),
            ("correo", text(made.email())),
            ("departamento", text(made.one(&["Ciencias", "Letras"]))),
        ]));
    }
    let mut ids = vec![];
    for n in 0..250_u64 {
        let id = made.plant(format!("al-{:05}", 20_000 + n * 3));
        let dni = format!("{}{}", made.number(10_000_000, 99_999_999), made.one(&["A", "K", "Z"]));
        students.push(record([
            ("id_alumno", text(&id)),
            ("nombre", text(made.given())),
            ("apellidos", text(made.family())),
            ("fecha_nacimiento", text(made.born())),
            ("correo", text(made.email())),
            ("correo_verificado", truth(made.chance(0.7))),
            ("telefono", text(made.phone())),
            ("tipo_direccion", text(made.one(&["familiar", "residencia"]))),
            ("direccion", text(made.street())),
            ("codigo_postal", text(made.postcode())),
            ("ciudad", text(made.city())),
            ("dni", text(made.plant(dni))),
            ("nombre_tutor", text(made.name())),
            ("curso", text(made.one(&["1A", "1B", "2A", "2B"]))),
        ]));
        enrolled.push(record([
            ("id_matricula", text(made.uuid())),
            ("id_alumno", text(&id)),
            ("nombre_curso", text(made.one(&["Primero", "Segundo"]))),
            ("anio_escolar", number(made.number(2019, 2026))),
            ("fecha_alta", text(made.date())),
            ("importe", number(made.number(0, 900))),
        ]));
        for subject in ["lengua", "matematicas", "historia"] {
            marks.push(record([
                ("id_alumno", text(&id)),
                ("asignatura", text(subject)),
                ("nota", number(made.number(1, 11))),
                ("comentario", text(made.sentence())),
            ]));
        }
        let key = format!("2025/{}/trabajo.pdf", made.uuid());
        let key = made.plant(key);
        let uri = made.plant(format!("s3://entregas-colegio/{key}"));
        works.push(record([
            ("id_entrega", text(made.uuid())),
            ("id_alumno", text(&id)),
            ("archivo", text(uri)),
            ("tamano", number(made.number(1_000, 900_000))),
        ]));
        files.push(key);
        if n % 2 == 0 {
            loans.push(record([
                ("loan-id", text(made.uuid())),
                ("student-id", text(&id)),
                ("isbn", text(made.one(&isbns))),
                ("due-date", text(made.date())),
            ]));
        }
        let agent = made.one(&["Mozilla/5.0 (X11; Linux x86_64) Firefox/132.0", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0)"]);
        sessions.push(record([
            ("sessionId", text(made.uuid())),
            ("studentId", text(&id)),
            ("ip", text(made.ip())),
            ("userAgent", text(agent)),
            ("expiresAt", number(made.number(1_700_000_000, 1_790_000_000))),
        ]));
        photos.push(format!("fotos/{id}.jpg"));
        ids.push(id);
    }
    for (n, members) in ids.chunks(20).enumerate() {
        groups.push(record([
            ("id_grupo", text(format!("g{n:02}"))),
            ("id_profesor", text(format!("prof-{:03}", n + 1))),
            ("alumnos", Value::Members(members.iter().map(text).collect())),
            ("aula", number(n)),
        ]));
    }
    survey.add_table(table("alumnos", &["id_alumno"], &[("por_correo", &["correo"])]), students, true);
    survey.add_table(table("profesores", &["id_profesor"], &[]), teachers, true);
    survey.add_table(table("matriculas", &["id_matricula"], &[("por_alumno", &["id_alumno"])]), enrolled, true);
    survey.add_table(table("notas", &["id_alumno", "asignatura"], &[]), marks, true);
    survey.add_table(table("entregas", &["id_entrega"], &[("por_alumno", &["id_alumno"])]), works, true);
    survey.add_table(table("library-loans", &["loan-id"], &[("by-student", &["student-id", "due-date"])]), loans, true);
    survey.add_table(table("books", &["isbn"], &[]), books, true);
    survey.add_table(table("web-sessions", &["sessionId"], &[]), sessions, true);
    survey.add_table(table("grupos", &["id_grupo"], &[]), groups, true);
    survey.add_bucket("fotos-colegio", photos, true);
    survey.add_bucket("entregas-colegio", files, true);
    Example { name: "a school", survey, planted: made.planted, personal: PERSONAL, edges: EDGES }
}
