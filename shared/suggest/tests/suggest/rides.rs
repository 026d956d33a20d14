//! An app as AWS Amplify generates its tables: camelCase, UUIDs, a suffix on every table, an index for every relation, and
//! files under access levels.

use crate::made::{Example, Made, map, number, record, survey, table, text, truth};

const PERSONAL: &str = "
    User-k3jx7hq2nfc-prod.id
    User-k3jx7hq2nfc-prod.identityId
    User-k3jx7hq2nfc-prod.email
    User-k3jx7hq2nfc-prod.phoneNumber
    User-k3jx7hq2nfc-prod.givenName
    User-k3jx7hq2nfc-prod.familyName
    User-k3jx7hq2nfc-prod.birthdate
    User-k3jx7hq2nfc-prod.profilePicture
    User-k3jx7hq2nfc-prod.lastSeenIp
    User-k3jx7hq2nfc-prod.deviceToken
    Driver-k3jx7hq2nfc-prod.id
    Driver-k3jx7hq2nfc-prod.name
    Driver-k3jx7hq2nfc-prod.email
    Driver-k3jx7hq2nfc-prod.phoneNumber
    Driver-k3jx7hq2nfc-prod.licenseNumber
    Driver-k3jx7hq2nfc-prod.licensePlate
    Ride-k3jx7hq2nfc-prod.riderId
    Ride-k3jx7hq2nfc-prod.driverId
    Ride-k3jx7hq2nfc-prod.pickup.lat
    Ride-k3jx7hq2nfc-prod.pickup.lng
    Ride-k3jx7hq2nfc-prod.pickup.address
    Post-k3jx7hq2nfc-prod.userPostsId
    Post-k3jx7hq2nfc-prod.content
    Comment-k3jx7hq2nfc-prod.userCommentsId
    Comment-k3jx7hq2nfc-prod.content
";

const EDGES: &str = "
    Ride-k3jx7hq2nfc-prod.riderId -> User-k3jx7hq2nfc-prod
    Ride-k3jx7hq2nfc-prod.driverId -> Driver-k3jx7hq2nfc-prod
    Post-k3jx7hq2nfc-prod.userPostsId -> User-k3jx7hq2nfc-prod
    Comment-k3jx7hq2nfc-prod.userCommentsId -> User-k3jx7hq2nfc-prod
    Comment-k3jx7hq2nfc-prod.postCommentsId -> Post-k3jx7hq2nfc-prod
    rides-storage-prod:public/avatars/{}.png -> User-k3jx7hq2nfc-prod
    rides-storage-prod:protected/{}/ -> User-k3jx7hq2nfc-prod
";

pub fn example() -> Example {
    let mut made = Made::new(3);
    let mut survey = survey();
    let (mut users, mut drivers, mut rides, mut posts, mut comments, mut objects) =
        (vec![], vec![], vec![], vec![], vec![], vec![]);
    let stamps = |made: &mut Made, kind: &'static str| {
        [("__typename", text(kind)), ("createdAt", text(made.time())), ("updatedAt", text(made.time()))]
    };
    let driver_ids: Vec<String> = (0..40).map(|_| made.uuid()).collect();
    for id in &driver_ids {
        let plate = format!("ZH {}", made.number(10_000, 999_999));
        let license = format!("{}{}", made.one(&["B", "C", "D"]), made.number(10_000_000, 99_999_999));
        let mut driver = record([
            ("id", text(id)),
            ("name", text(made.name())),
            ("email", text(made.email())),
            ("phoneNumber", text(made.phone())),
            ("licenseNumber", text(made.plant(license))),
            ("licensePlate", text(made.plant(plate))),
            ("vehicleModel", text(made.one(&["Model S", "Zoe", "Leaf", "ID.3"]))),
            ("rating", number(format!("4.{}", made.number(0, 10)))),
        ]);
        driver.extend(record(stamps(&mut made, "Driver")));
        drivers.push(driver);
    }
    let mut post_ids = vec![];
    for n in 0..220 {
        let (id, identity) = (made.uuid(), format!("eu-west-1:{}", made.uuid()));
        let identity = made.plant(identity);
        let picture = made.plant(format!("public/avatars/{id}.png"));
        objects.push(picture.clone());
        for photo in 0..made.number(0, 3) {
            objects.push(format!("protected/{identity}/photo-{photo}.jpg"));
        }
        let token = format!("fcm:{:016x}{:016x}", made.number(1, u64::MAX), made.number(1, u64::MAX));
        let mut user = record([
            ("id", text(&id)),
            ("identityId", text(identity)),
            ("email", text(made.email())),
            ("emailVerified", truth(made.chance(0.9))),
            ("phoneNumber", text(made.phone())),
            ("phoneModel", text(made.one(&["Pixel 8", "iPhone 15", "Galaxy S24"]))),
            ("givenName", text(made.given())),
            ("familyName", text(made.family())),
            ("birthdate", text(made.born())),
            ("profilePicture", text(picture)),
            ("locale", text(made.one(&["en-GB", "de-CH", "fr-CH"]))),
            ("lastSeenIp", text(made.ip())),
            ("ipCount", number(made.number(1, 9))),
            ("deviceToken", text(made.plant(token))),
        ]);
        user.extend(record(stamps(&mut made, "User")));
        users.push(user);
        for _ in 0..made.number(0, 4) {
            let place = map([
                ("lat", number(format!("47.{}", made.number(100_000, 999_999)))),
                ("lng", number(format!("8.{}", made.number(100_000, 999_999)))),
                ("address", text(made.street())),
            ]);
            let mut ride = record([
                ("id", text(made.uuid())),
                ("riderId", text(&id)),
                ("driverId", text(made.one(&driver_ids))),
                ("pickup", place),
                ("fareAmount", number(made.number(500, 9_000))),
                ("fareCurrency", text("CHF")),
                ("status", text(made.one(&["REQUESTED", "DONE", "CANCELLED"]))),
                ("seatCount", number(made.number(1, 5))),
            ]);
            ride.extend(record(stamps(&mut made, "Ride")));
            rides.push(ride);
        }
        if n % 2 == 0 {
            let post_id = made.uuid();
            let mut post = record([
                ("id", text(&post_id)),
                ("userPostsId", text(&id)),
                ("content", text(made.sentence())),
                ("likeCount", number(made.number(0, 90))),
                ("status", text(made.one(&["DRAFT", "PUBLISHED"]))),
            ]);
            post.extend(record(stamps(&mut made, "Post")));
            posts.push(post);
            post_ids.push(post_id);
        }
        for _ in 0..made.number(0, 3) {
            let mut comment = record([
                ("id", text(made.uuid())),
                ("postCommentsId", text(made.one(&post_ids))),
                ("userCommentsId", text(&id)),
                ("content", text(made.sentence())),
            ]);
            comment.extend(record(stamps(&mut made, "Comment")));
            comments.push(comment);
        }
    }
    let named = |name: &str| format!("{name}-k3jx7hq2nfc-prod");
    survey.add_table(table(&named("User"), &["id"], &[("usersByEmail", &["email"])]), users, true);
    survey.add_table(table(&named("Driver"), &["id"], &[]), drivers, true);
    let of_rides: &[(&str, &[&str])] = &[("byRider", &["riderId", "createdAt"]), ("byDriver", &["driverId"])];
    survey.add_table(table(&named("Ride"), &["id"], of_rides), rides, true);
    survey.add_table(table(&named("Post"), &["id"], &[("gsi-User.posts", &["userPostsId"])]), posts, true);
    let of_comments: &[(&str, &[&str])] =
        &[("gsi-Post.comments", &["postCommentsId"]), ("gsi-User.comments", &["userCommentsId"])];
    survey.add_table(table(&named("Comment"), &["id"], of_comments), comments, true);
    survey.add_bucket("rides-storage-prod", objects, true);
    Example { name: "an Amplify app", survey, planted: made.planted, personal: PERSONAL, edges: EDGES }
}
