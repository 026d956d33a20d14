//! One table for an online shop: the design of Alex DeBrie's *The `DynamoDB` Book*, chapter 19, that AWS's own examples follow.
//! Customers and their addresses, orders in the customer's partition, lines found through an index.

use crate::made::{Example, Made, map, number, record, survey, table, text, truth};

const PERSONAL: &str = "
    commerce[customer].PK
    commerce[customer].SK
    commerce[customer].Username
    commerce[customer].Email
    commerce[customer].Name
    commerce[customer].Addresses.Home.StreetAddress
    commerce[customer].Addresses.Home.PostalCode
    commerce[customer].Addresses.Home.Country
    commerce[customer].Addresses.Business.StreetAddress
    commerce[customer].Addresses.Business.PostalCode
    commerce[customer].Addresses.Business.Country
    commerce[customer_email].PK
    commerce[customer_email].SK
    commerce[customer_email].Username
    commerce[order].PK
    commerce[order].Username
    commerce[order].Address.StreetAddress
    commerce[order].Address.PostalCode
    commerce[order].Address.Country
";

const EDGES: &str = "
    commerce[order].PK -> commerce[customer]
    commerce[order].Username -> commerce[customer]
    commerce[customer_email].Username -> commerce[customer]
    commerce[order_item].OrderId -> commerce[order]
    commerce[order_item].GSI1PK -> commerce[order]
    commerce[order_item].Sku -> commerce[product]
";

pub fn example() -> Example {
    let mut made = Made::new(2);
    let mut survey = survey();
    let mut rows = vec![];
    let skus: Vec<String> = (0..60).map(|n| format!("KX{:04}", 1_000 + n * 37)).collect();
    for sku in &skus {
        rows.push(record([
            ("PK", text(format!("PRODUCT#{sku}"))),
            ("SK", text(format!("PRODUCT#{sku}"))),
            ("Type", text("Product")),
            ("Sku", text(sku)),
            ("Title", text(made.one(&["Kettle", "Lamp", "Notebook", "Umbrella", "Chair"]))),
            ("AcidLevel", number(made.number(1, 14))),
            ("YearCode", text(made.one(&["Y21", "Y22", "Y23"]))),
            ("Price", number(made.number(5, 90))),
        ]));
    }
    for n in 0..110 {
        let user = format!("{}{}{n}", made.given().to_lowercase(), made.one(&["", "_", "."]));
        let user = made.plant(user);
        let (email, name) = (made.email(), made.name());
        let mut address = || {
            map([("StreetAddress", text(made.street())), ("PostalCode", text(made.postcode())), ("Country", text("Switzerland"))])
        };
        let (home, business, sent) = (address(), address(), address());
        let mut addresses = vec![("Home", home)];
        if n % 3 == 0 {
            addresses.push(("Business", business));
        }
        rows.push(record([
            ("PK", text(format!("CUSTOMER#{user}"))),
            ("SK", text(format!("CUSTOMER#{user}"))),
            ("Type", text("Customer")),
            ("Username", text(&user)),
            ("Email", text(&email)),
            ("EmailVerified", truth(made.chance(0.8))),
            ("Name", text(name)),
            ("Addresses", map(addresses)),
            ("AddressType", text(made.one(&["private", "company"]))),
        ]));
        rows.push(record([
            ("PK", text(format!("CUSTOMEREMAIL#{email}"))),
            ("SK", text(format!("CUSTOMEREMAIL#{email}"))),
            ("Type", text("CustomerEmail")),
            ("Username", text(&user)),
        ]));
        for _ in 0..made.number(0, 4) {
            let order = format!("1{}{:08}", made.one(&["VrgXBQ", "Ykt6Pd", "Zc0aaB"]), made.number(0, 99_999_999));
            let lines = made.number(1, 4);
            rows.push(record([
                ("PK", text(format!("CUSTOMER#{user}"))),
                ("SK", text(format!("#ORDER#{order}"))),
                ("GSI1PK", text(format!("ORDER#{order}"))),
                ("GSI1SK", text(format!("ORDER#{order}"))),
                ("Type", text("Order")),
                ("Username", text(&user)),
                ("OrderId", text(&order)),
                ("Address", sent.clone()),
                ("CreatedAt", text(made.time())),
                ("Status", text(made.one(&["PLACED", "SHIPPED", "DELIVERED"]))),
                ("TotalAmount", number(format!("{}.{:02}", made.number(5, 400), made.number(0, 100)))),
                ("NumberItems", number(lines)),
            ]));
            for line in 0..lines {
                let item = format!("{order}{line}");
                rows.push(record([
                    ("PK", text(format!("ORDER#{order}#ITEM#{item}"))),
                    ("SK", text(format!("ORDER#{order}#ITEM#{item}"))),
                    ("GSI1PK", text(format!("ORDER#{order}"))),
                    ("GSI1SK", text(format!("ITEM#{item}"))),
                    ("Type", text("OrderItem")),
                    ("OrderId", text(&order)),
                    ("ItemId", text(item)),
                    ("Sku", text(made.one(&skus))),
                    ("Price", number(made.number(5, 90))),
                ]));
            }
        }
    }
    survey.add_table(table("commerce", &["PK", "SK"], &[("GSI1", &["GSI1PK", "GSI1SK"])]), rows, true);
    Example { name: "one table", survey, planted: made.planted, personal: PERSONAL, edges: EDGES }
}
