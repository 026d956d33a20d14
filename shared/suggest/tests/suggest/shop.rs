//! The demo shop, as `infra/local/seed_shop.py` fills it.

use crate::made::{Example, Made, number, record, survey, table, text};

const PERSONAL: &str = "
    shop-profiles.customer_id
    shop-profiles.email
    shop-profiles.name
    shop-profiles.phone
    shop-profiles.address
    shop-orders.customer_id
    shop-orders.email
    shop-chat.customer_id
    shop-chat.text
    shop-chat.agent
    shop-invoices.customer_id
    shop-audit-logs.customer_id
    shop-audit-logs.ip
    shop-loyalty[account].pk
    shop-loyalty[account].name
    shop-loyalty[review].pk
    shop-loyalty[review].text
    shop-loyalty[redemption].pk
    shop-returns.customer_id
    shop-returns.photo_key
    other-customers.customer_id
    other-customers.email
    other-customers.name
";

const EDGES: &str = "
    shop-orders.customer_id -> shop-profiles
    shop-order-lines.order_id -> shop-orders
    shop-chat.customer_id -> shop-profiles
    shop-invoices.customer_id -> shop-profiles
    shop-audit-logs.customer_id -> shop-profiles
    shop-loyalty[account].pk -> shop-profiles
    shop-loyalty[review].pk -> shop-profiles
    shop-loyalty[redemption].pk -> shop-profiles
    shop-returns.customer_id -> shop-profiles
    other-customers.customer_id -> shop-profiles
    shop-uploads:{} -> shop-returns
    shop-documents:customers/{}/ -> shop-profiles
    shop-avatars:avatars/{}/ -> shop-profiles
";

const AGENTS: [&str; 3] = ["Jo Winter", "Sam Okafor", "Robin Blanc"];

pub fn example() -> Example {
    let mut made = Made::new(1);
    let mut survey = survey();
    let (mut profiles, mut orders, mut lines, mut chat, mut invoices, mut logs, mut others) =
        (vec![], vec![], vec![], vec![], vec![], vec![], vec![]);
    let (mut documents, mut avatars, mut uploads) = (vec![], vec![], vec![]);
    let (mut loyalty, mut returns) = (vec![], vec![]);
    let (mut order_no, mut invoice_no) = (100_001, 500_001);
    for customer in 1..400 {
        let id = made.plant(format!("cust-{customer:05}"));
        let (name, email) = (made.name(), made.email());
        let address = format!("{}, {} {}", made.street(), made.postcode(), made.city());
        let address = made.plant(address);
        if [4, 42].contains(&customer) {
            others.push(record([("customer_id", text(&id)), ("email", text(&email)), ("name", text(&name))]));
        }
        for n in 0..made.number(2, 7) {
            let said = format!("{} {}", made.sentence(), if n % 5 == 0 { &name } else { "" }).trim().to_owned();
            chat.push(record([
                ("customer_id", text(&id)),
                ("message_id", text(format!("m-{n:06}"))),
                ("text", text(made.plant(said))),
                ("agent", text(AGENTS[n as usize % 3])),
                ("sent_at", text(made.time())),
            ]));
        }
        for _ in 0..made.number(1, 4) {
            let order = made.plant(format!("ord-{order_no}"));
            order_no += 1;
            orders.push(record([
                ("order_id", text(&order)),
                ("customer_id", text(&id)),
                ("email", text(&email)),
                ("version", number(1)),
                ("total", number(format!("{}.{:02}", made.number(9, 400), made.number(0, 100)))),
                ("status", text(made.one(&["delivered", "delivered", "delivered", "returned", "shipped"]))),
                ("placed_at", text(made.time())),
            ]));
            for line in 1..made.number(2, 6) {
                lines.push(record([
                    ("order_id", text(&order)),
                    ("line_no", text(format!("{line:03}"))),
                    ("sku", text(format!("sku-{:04}", made.number(1, 401)))),
                    ("quantity", number(made.number(1, 4))),
                    ("price", number(format!("{}.{:02}", made.number(3, 99), made.number(0, 100)))),
                ]));
            }
        }
        invoices.push(record([
            ("invoice_id", text(format!("inv-{invoice_no}"))),
            ("customer_id", text(&id)),
            ("issued_at", text(made.date())),
            ("amount", number(format!("{}.{:02}", made.number(10, 900), made.number(0, 100)))),
        ]));
        invoice_no += 1;
        for _ in 0..2 {
            logs.push(record([
                ("customer_id", text(&id)),
                ("at", text(made.time())),
                ("action", text("login")),
                ("ip", text(made.ip())),
            ]));
        }
        let member = format!("MEMBER#{id}");
        let mut add = |sort: String, more: Vec<(&'static str, oubli_suggest::Value)>| {
            loyalty.push(record([("pk", text(&member)), ("sk", text(sort))].into_iter().chain(more)));
        };
        let day = made.date();
        add("ACCOUNT".to_owned(), vec![("name", text(&name)), ("tier", text("basic")), ("points", number(120))]);
        let said = made.plant(format!("{}: fits well", name.split(' ').next().unwrap_or_default()));
        for n in 0..if customer == 42 { 6 } else { 1 } {
            add(format!("REVIEW#sku-{n:04}"), vec![("stars", number(4)), ("text", text(&said))]);
        }
        let redeemed = vec![("points", number(100)), ("worth", number(5)), ("redeemed_at", text(&day))];
        add(format!("REDEMPTION#{day}"), redeemed);
        for n in 0..if customer == 42 { 3 } else { 0 } {
            let photo = format!("uploads/{:02x}/{:016x}.jpg", n * 41, made.number(1, u64::MAX));
            let photo = made.plant(photo);
            returns.push(record([
                ("return_id", text(format!("ret-{n}"))),
                ("customer_id", text(&id)),
                ("photo_key", text(&photo)),
                ("reason", text("too small")),
            ]));
            uploads.push(photo);
        }
        documents.push(format!("customers/{id}/welcome.pdf"));
        if made.chance(0.1) {
            documents.push(format!("customers/{id}/photo.jpg"));
        }
        avatars.push(format!("avatars/{id}/avatar.png"));
        profiles.push(record([
            ("customer_id", text(id)),
            ("email", text(email)),
            ("name", text(name)),
            ("phone", text(made.phone())),
            ("address", text(address)),
            ("version", number(made.number(1, 5))),
        ]));
    }
    made.planted.extend(AGENTS.map(str::to_owned));
    survey.add_table(table("shop-profiles", &["customer_id"], &[("by_email", &["email"])]), profiles, true);
    survey.add_table(table("shop-orders", &["order_id"], &[("by_customer", &["customer_id"])]), orders, true);
    survey.add_table(table("shop-order-lines", &["order_id", "line_no"], &[]), lines, false);
    survey.add_table(table("shop-chat", &["customer_id", "message_id"], &[]), chat, false);
    survey.add_table(table("shop-invoices", &["invoice_id"], &[("by_customer", &["customer_id"])]), invoices, true);
    survey.add_table(table("shop-audit-logs", &["customer_id", "at"], &[]), logs, true);
    survey.add_table(table("shop-loyalty", &["pk", "sk"], &[]), loyalty, true);
    survey.add_table(table("shop-returns", &["return_id"], &[("by_customer", &["customer_id"])]), returns, true);
    survey.add_bucket("shop-uploads", uploads, true);
    survey.add_table(table("other-customers", &["customer_id"], &[]), others, true);
    survey.add_bucket("shop-documents", documents, true);
    survey.add_bucket("shop-avatars", avatars, true);
    Example { name: "the demo shop", survey, planted: made.planted, personal: PERSONAL, edges: EDGES }
}
