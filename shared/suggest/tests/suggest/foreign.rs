//! Three designs that others published, by their keys, attributes and forms of values: AWS's samples "Complaint management",
//! "Game-Player-Profiles" (aws-dynamodb-examples) and "AnOnlineShop" (amazon-dynamodb-design-patterns). Nobody of a company that
//! had them is asked: what is personal was written down before a draft was made of them.

use crate::made::{Example, Made, map, number, record, survey, table, text};
use oubli_suggest::Value;

pub fn examples() -> Vec<Example> {
    vec![complaints(), players(), shop()]
}

/// No table of people: customers and agents are known by an id alone.
fn complaints() -> Example {
    let mut made = Made::new(41);
    let mut survey = survey();
    let mut rows = vec![];
    for n in 0..110_u64 {
        let complaint = format!("Complaint{}", 1_000 + n * 3);
        let customer = format!("cust{}{}", made.one(&["ABC", "XY", "QRS", "KLM"]), made.number(10, 99));
        let mut row = record([
            ("PK", text(&complaint)),
            ("SK", text("metadata")),
            ("customer_id", text(made.plant(customer))),
            ("complaint_id", text(&complaint)),
            ("current_state", text(made.one(&["assigned", "investigating", "resolved"]))),
            ("creation_time", text(made.time())),
            ("severity", text(made.one(&["P1", "P2", "P3"]))),
            ("complaint_description", text(made.sentence())),
        ]);
        if made.chance(0.3) {
            row.insert("escalated_to".to_owned(), text(made.one(&["AgentA", "AgentB", "AgentC"])));
            row.insert("escalation_time".to_owned(), text(made.time()));
        }
        rows.push(row);
        for _ in 0..made.number(0, 4) {
            let (comm, at) = (format!("comm{}", made.number(1, 99_999)), made.time());
            rows.push(record([
                ("PK", text(&complaint)),
                ("SK", text(format!("comm#{at}#{comm}"))),
                ("comm_id", text(comm)),
                ("comm_date", text(at)),
                ("complaint_state", text(made.one(&["assigned", "investigating", "resolved"]))),
                ("comm_text", text(made.sentence())),
                ("agentID", text(made.one(&["AgentA", "AgentB", "AgentC"]))),
            ]));
        }
    }
    let indexes: &[(&str, &[&str])] = &[
        ("Customer_Complaint_GSI", &["customer_id", "complaint_id"]),
        ("Escalations_GSI", &["escalated_to", "escalation_time"]),
        ("Agents_Comments_GSI", &["agentID", "comm_date"]),
    ];
    survey.add_table(table("Complaint_management_system", &["PK", "SK"], indexes), rows, true);
    let personal = "
        Complaint_management_system[metadata].customer_id
        Complaint_management_system[metadata].complaint_description
        Complaint_management_system[metadata].escalated_to
        Complaint_management_system[comm].comm_text
        Complaint_management_system[comm].agentID
    ";
    let edges = "
        Complaint_management_system[comm].PK -> Complaint_management_system[metadata]
    ";
    Example { name: "complaints", survey, planted: made.planted, personal, edges }
}

/// Everything of a player in the player's partition, told apart by the sort key.
fn players() -> Example {
    let mut made = Made::new(42);
    let mut survey = survey();
    let mut rows = vec![];
    let ids: Vec<String> = (1..90).map(|n| made.plant(format!("player{:03}", n * 7))).collect();
    let reward = |made: &mut Made| map([("Gold", number(made.number(10, 500))), ("XP", number(made.number(10, 500)))]);
    for id in &ids {
        let epoch = |made: &mut Made| text(made.number(1_618_500_000, 1_720_000_000).to_string());
        let nickname = made.given();
        rows.push(record([
            ("PK", text(id)),
            ("SK", text(format!("#METADATA#{id}"))),
            ("Type", text("Metadata")),
            ("CreatedAt", epoch(&mut made)),
            ("UpdatedAt", epoch(&mut made)),
            ("Nickname", text(nickname)),
            ("Email", text(made.email())),
            ("Gender", text(made.one(&["male", "female", "other"]))),
            ("Avatar", text(made.plant(format!("s3://gaming-lob-avatar/{id}.png")))),
            ("Currency", text(made.number(0, 900).to_string())),
            ("PlayerLevel", text(made.number(1, 60).to_string())),
            ("PlayerHealth", text(made.number(1, 100).to_string())),
            ("PlayerExperience", text(made.number(1, 9_000).to_string())),
        ]));
        let friend = |made: &mut Made| map([("FriendId", text(made.one(&ids))), ("FriendName", text(made.given()))]);
        let friends = (0..made.number(1, 5)).map(|_| friend(&mut made)).collect();
        rows.push(record([
            ("PK", text(id)),
            ("SK", text(format!("FRIENDS#{id}"))),
            ("Type", text("Friends")),
            ("FriendList", Value::Members(friends)),
        ]));
        for item in 1..made.number(2, 5) {
            rows.push(record([
                ("PK", text(id)),
                ("SK", text(format!("ITEMS#{item:03}"))),
                ("Type", text("Item")),
                ("ItemName", text(made.one(&["Health Potion", "Armor of the Knight", "Sword of the Dragon"]))),
                ("ItemType", text(made.one(&["Consumable", "Armor", "Weapon"]))),
                ("ItemCount", text(made.number(1, 9).to_string())),
                ("ItemAttributes", map([("HP", number(made.number(1, 99)))])),
            ]));
            rows.push(record([
                ("PK", text(id)),
                ("SK", text(format!("EQUIPMENTS#{item:03}"))),
                ("Type", text("Equipment")),
                ("EquipmentName", text(made.one(&["Ring of the Mage", "Armor of the Knight"]))),
                ("EquipmentType", text(made.one(&["Accessory", "Armor"]))),
                ("EquipmentAttributes", map([("ATK", number(made.number(1, 99))), ("DEF", number(made.number(1, 99)))])),
            ]));
        }
        rows.push(record([
            ("PK", text(id)),
            ("SK", text("TASK#001")),
            ("Type", text("Task")),
            ("TaskName", text(made.one(&["Find the Lost Treasure", "Defeat Magic Monsters"]))),
            ("TaskDescription", text("Get clues from a lost adventurer and find the lost treasure.")),
            ("TaskStatus", text(made.one(&["InProgress", "Completed", "Available"]))),
            ("TaskReward", reward(&mut made)),
        ]));
        rows.push(record([
            ("PK", text(id)),
            ("SK", text("ACTIVITY#001")),
            ("Type", text("Activity")),
            ("ActivityName", text(made.one(&["Hunting Trip", "Mining Adventure"]))),
            ("ActivityType", text(made.one(&["Hunting", "Mining"]))),
            ("ActivityStartTime", epoch(&mut made)),
            ("ActivityEndTime", epoch(&mut made)),
            ("ActivityReward", reward(&mut made)),
        ]));
    }
    survey.add_table(table("game-player-profiles", &["PK", "SK"], &[]), rows, true);
    let personal = "
        game-player-profiles[metadata].PK
        game-player-profiles[metadata].SK
        game-player-profiles[metadata].Nickname
        game-player-profiles[metadata].Email
        game-player-profiles[metadata].Gender
        game-player-profiles[metadata].Avatar
        game-player-profiles[friends].PK
        game-player-profiles[friends].SK
        game-player-profiles[friends].FriendList.FriendId
        game-player-profiles[friends].FriendList.FriendName
        game-player-profiles[item].PK
        game-player-profiles[equipment].PK
        game-player-profiles[task].PK
        game-player-profiles[activity].PK
    ";
    let edges = "
        game-player-profiles[friends].PK -> game-player-profiles[metadata]
        game-player-profiles[friends].SK -> game-player-profiles[metadata]
        game-player-profiles[friends].FriendList.FriendId -> game-player-profiles[metadata]
        game-player-profiles[item].PK -> game-player-profiles[metadata]
        game-player-profiles[equipment].PK -> game-player-profiles[metadata]
        game-player-profiles[task].PK -> game-player-profiles[metadata]
        game-player-profiles[activity].PK -> game-player-profiles[metadata]
    ";
    Example { name: "players", survey, planted: made.planted, personal, edges }
}

/// Prefixes of one letter, small; the same attributes of indexes for other things in each kind of record.
fn shop() -> Example {
    let mut made = Made::new(43);
    let mut survey = survey();
    let mut rows = vec![];
    let id = |prefix: &str, made: &mut Made| format!("{prefix}#{}", made.number(10_000, 99_999));
    let address = |made: &mut Made| {
        map([
            ("Country", text("Sweden")),
            ("County", text("Vastra Gotaland")),
            ("City", text(made.city())),
            ("Street", text(made.street())),
            ("Number", text(made.number(1, 200).to_string())),
            ("ZipCode", text(made.postcode())),
        ])
    };
    let products: Vec<String> = (0..40).map(|n| format!("p#{}", 12_345 + n * 71)).collect();
    let warehouses: Vec<String> = (0..6).map(|n| format!("w#{}", 12_345 + n * 31)).collect();
    for (n, p) in products.iter().enumerate() {
        let detail = map([("Name", text(made.one(&["Options Open", "The Book"]))), ("Description", text("The best book ever"))]);
        rows.push(record([
            ("PK", text(p)),
            ("SK", text(p)),
            ("EntityType", text("product")),
            ("Detail", detail),
            ("Price", text(made.number(9, 200).to_string())),
        ]));
        let w = &warehouses[n % warehouses.len()];
        rows.push(record([
            ("PK", text(p)),
            ("SK", text(w)),
            ("EntityType", text("warehouseItem")),
            ("GSI2-PK", text(w)),
            ("GSI2-SK", text(p)),
            ("Quantity", text(made.number(1, 90).to_string())),
        ]));
    }
    for w in &warehouses {
        let here = record([("PK", text(w)), ("SK", text(w)), ("EntityType", text("warehouse")), ("Address", address(&mut made))]);
        rows.push(here);
    }
    for n in 0..90_u64 {
        let c = made.plant(format!("c#{}", 20_000 + n * 13));
        rows.push(record([
            ("PK", text(&c)),
            ("SK", text(&c)),
            ("EntityType", text("customer")),
            ("Email", text(made.email())),
            ("Name", text(made.given())),
        ]));
        let o = format!("o#{}", 70_000 + n * 17);
        let at = made.time();
        rows.push(record([("PK", text(&c)), ("SK", text(&o)), ("EntityType", text("order")), ("Date", text(&at))]));
        let (s, i, p) = (format!("sh#{}", 30_000 + n * 3), format!("i#{}", 50_000 + n * 7), made.one(&products));
        rows.push(record([
            ("PK", text(&o)),
            ("SK", text(&p)),
            ("EntityType", text("orderItem")),
            ("GSI1-PK", text(&p)),
            ("GSI1-SK", text(&at)),
            ("GSI2-PK", text(&c)),
            ("GSI2-SK", text(format!("p#{at}"))),
            ("Quantity", text(made.number(1, 9).to_string())),
            ("Price", text(made.number(9, 200).to_string())),
        ]));
        rows.push(record([
            ("PK", text(&o)),
            ("SK", text(&s)),
            ("EntityType", text("shipment")),
            ("GSI1-PK", text(&s)),
            ("GSI1-SK", text(&s)),
            ("GSI2-PK", text(made.one(&warehouses))),
            ("GSI2-SK", text(&s)),
            ("Address", address(&mut made)),
            ("Type", text("Express")),
            ("Date", text(made.time())),
        ]));
        rows.push(record([
            ("PK", text(&o)),
            ("SK", text(id("shp", &mut made))),
            ("EntityType", text("shipmentItem")),
            ("GSI1-PK", text(&s)),
            ("GSI1-SK", text(&p)),
            ("Quantity", text(made.number(1, 9).to_string())),
        ]));
        rows.push(record([
            ("PK", text(&o)),
            ("SK", text(&i)),
            ("EntityType", text("invoice")),
            ("GSI1-PK", text(&i)),
            ("GSI1-SK", text(&i)),
            ("GSI2-PK", text(&c)),
            ("GSI2-SK", text(format!("i#{at}"))),
            ("Amount", text(made.number(9, 900).to_string())),
        ]));
        let pmn = id("pmn", &mut made);
        rows.push(record([
            ("PK", text(&o)),
            ("SK", text(&pmn)),
            ("EntityType", text("payment")),
            ("GSI1-PK", text(&i)),
            ("GSI1-SK", text(pmn)),
            ("Type", text(made.one(&["MasterCard", "GiftCard"]))),
            ("Amount", text(made.number(9, 900).to_string())),
        ]));
    }
    let indexes: &[(&str, &[&str])] = &[("GSI1", &["GSI1-PK", "GSI1-SK"]), ("GSI2", &["GSI2-PK", "GSI2-SK"])];
    survey.add_table(table("OnlineShop", &["PK", "SK"], indexes), rows, true);
    let personal = "
        OnlineShop[customer].PK
        OnlineShop[customer].SK
        OnlineShop[customer].Email
        OnlineShop[customer].Name
        OnlineShop[order].PK
        OnlineShop[order_item].GSI2-PK
        OnlineShop[invoice].GSI2-PK
        OnlineShop[shipment].Address.Country
        OnlineShop[shipment].Address.County
        OnlineShop[shipment].Address.City
        OnlineShop[shipment].Address.Street
        OnlineShop[shipment].Address.Number
        OnlineShop[shipment].Address.ZipCode
    ";
    let edges = "
        OnlineShop[order].PK -> OnlineShop[customer]
        OnlineShop[order_item].GSI2-PK -> OnlineShop[customer]
        OnlineShop[invoice].GSI2-PK -> OnlineShop[customer]
        OnlineShop[order_item].PK -> OnlineShop[order]
        OnlineShop[shipment].PK -> OnlineShop[order]
        OnlineShop[shipment_item].PK -> OnlineShop[order]
        OnlineShop[invoice].PK -> OnlineShop[order]
        OnlineShop[payment].PK -> OnlineShop[order]
        OnlineShop[warehouse_item].PK -> OnlineShop[product]
        OnlineShop[warehouse_item].GSI2-SK -> OnlineShop[product]
        OnlineShop[warehouse_item].SK -> OnlineShop[warehouse]
        OnlineShop[warehouse_item].GSI2-PK -> OnlineShop[warehouse]
        OnlineShop[shipment].GSI2-PK -> OnlineShop[warehouse]
        OnlineShop[order_item].SK -> OnlineShop[product]
        OnlineShop[order_item].GSI1-PK -> OnlineShop[product]
        OnlineShop[shipment_item].GSI1-PK -> OnlineShop[shipment]
        OnlineShop[shipment_item].GSI1-SK -> OnlineShop[product]
        OnlineShop[payment].GSI1-PK -> OnlineShop[invoice]
    ";
    Example { name: "a shop of others", survey, planted: made.planted, personal, edges }
}
