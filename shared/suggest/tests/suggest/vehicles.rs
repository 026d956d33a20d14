//! AWS's sample "Connected Vehicle" (aws-dynamodb-examples), by its keys, attributes and forms of values: users and vehicles in one
//! table, no attribute that says which is which, and nothing called after people but a few fields. It was held out: the rules
//! were there before it was read.

use crate::made::{Example, Made, map, number, record, survey, table, text, truth};

const PERSONAL: &str = "
    Connected_Vehicle[id].PK
    Connected_Vehicle[id].user_name
    Connected_Vehicle[id].user_phone
    Connected_Vehicle[preferences].PK
    Connected_Vehicle[preferences].user_name
    Connected_Vehicle[f].PK
    Connected_Vehicle[f].user_name
    Connected_Vehicle[vin].PK
    Connected_Vehicle[f_2].user_id
    Connected_Vehicle[f_2].SK
    Connected_Vehicle[id_2].SK
";

const EDGES: &str = "
    Connected_Vehicle[preferences].PK -> Connected_Vehicle[id]
    Connected_Vehicle[preferences].user_name -> Connected_Vehicle[id]
    Connected_Vehicle[f].PK -> Connected_Vehicle[id]
    Connected_Vehicle[f].user_name -> Connected_Vehicle[id]
    Connected_Vehicle[vin].PK -> Connected_Vehicle[id]
    Connected_Vehicle[vin].SK -> Connected_Vehicle[vin_2]
    Connected_Vehicle[f_2].user_id -> Connected_Vehicle[id]
    Connected_Vehicle[f_2].PK -> Connected_Vehicle[vin_2]
    Connected_Vehicle[f_2].vehicle_id -> Connected_Vehicle[vin_2]
    Connected_Vehicle[feature].PK -> Connected_Vehicle[vin_2]
    Connected_Vehicle[id_2].PK -> Connected_Vehicle[vin_2]
    Connected_Vehicle[id_2].SK -> Connected_Vehicle[id]
";

pub fn example() -> Example {
    let mut made = Made::new(51);
    let mut survey = survey();
    let mut rows = vec![];
    for n in 0..95_u64 {
        let user = format!("{}{}", made.family().to_lowercase(), n);
        let user = made.plant(user);
        let vehicle = format!("WDDJK7DA{}F{:06}", made.number(1, 9), 954_000 + n * 7);
        let (id, vin) = (format!("ID#{user}"), format!("VIN#{vehicle}"));
        let seats = |made: &mut Made| map([("temperature", number(made.number(1, 99))), ("heating_is_active", truth(true))]);
        rows.push(record([
            ("PK", text(&id)),
            ("SK", text("#META#")),
            ("user_name", text(&user)),
            ("user_phone", text(made.phone())),
        ]));
        rows.push(record([("PK", text(&id)), ("SK", text(&vin))]));
        for what in ["SEATS", "CAMERAS"] {
            let preferred = seats(&mut made);
            let kept = format!("PREFERENCES#{what}");
            rows.push(record([("PK", text(&id)), ("SK", text(kept)), ("user_name", text(&user)), ("seats", preferred)]));
        }
        rows.push(record([
            ("PK", text(&id)),
            ("SK", text(format!("F#ACTIVE#SEATS#{n}"))),
            ("user_name", text(&user)),
            ("seats", seats(&mut made)),
            ("expiration_date", text(made.time())),
            ("expiration_ttl", text(made.number(1_700_000_000, 1_900_000_000).to_string())),
        ]));
        rows.push(record([
            ("PK", text(&vin)),
            ("SK", text("#META#")),
            ("vehicle_id", text(&vehicle)),
            ("torque", text(made.number(200, 400).to_string())),
            ("drivetrain", text(made.one(&["4WD", "RWD"]))),
            ("engine", text(made.one(&["gasoline", "electric"]))),
            ("horsepower", text(made.number(90, 400).to_string())),
        ]));
        rows.push(record([("PK", text(&vin)), ("SK", text(&id))]));
        for what in ["AUTODRIVE", "CAMERAS"] {
            let feature = map([("is_enabled", truth(made.chance(0.5))), ("version", text("v0.000.1 beta"))]);
            rows.push(record([("PK", text(&vin)), ("SK", text(format!("FEATURE#{what}"))), ("autonomous_driving", feature)]));
        }
        rows.push(record([
            ("PK", text(&vin)),
            ("SK", text(made.plant(format!("F#{user}#ACTIVE#CAMERAS#{n}")))),
            ("user_id", text(&user)),
            ("vehicle_id", text(&vehicle)),
            ("seats", seats(&mut made)),
        ]));
    }
    survey.add_table(table("Connected_Vehicle", &["PK", "SK"], &[]), rows, true);
    Example { name: "vehicles", survey, planted: made.planted, personal: PERSONAL, edges: EDGES }
}
