//! Saved queries: what an organization shows a person besides the records of its data map, asked of a store in the
//! store's own language with the person's identifiers as parameters.
//!
//! DynamoDB's is PartiQL (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.select.html>).
//! A query is accepted only if it can be seen from its text that it selects by the person: otherwise it would show what
//! is about others.

use crate::{
    datamap::{DataMap, Producer},
    ids::{Category, QueryName, StoreName},
    personal::IdentifierKind,
};
use serde::{Deserialize, Serialize};
use sqlparser::{
    ast::{
        BinaryOperator, Expr, GroupByExpr, ObjectName, Query, Select, SelectItem, SetExpr, Statement, TableFactor, Value,
        ValueWithSpan, Visit, Visitor,
    },
    dialect::GenericDialect,
    parser::Parser,
    tokenizer::{Token, Tokenizer, Whitespace},
};
use std::ops::ControlFlow;
use thiserror::Error;

/// Longest statement, in bytes.
pub const MOST_BYTES: usize = 2_000;

/// Most queries of an organization.
pub const MOST_QUERIES: usize = 20;

/// A query that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedQuery {
    /// Its name, which its files carry.
    pub name: QueryName,
    /// What it belongs to: who may see that category may see it.
    pub category: Category,
    /// The store it is asked of.
    pub store: StoreName,
    /// What it asks, with a `?` for each parameter.
    pub statement: String,
    /// What the `?` stand for, in their order.
    pub parameters: Vec<IdentifierKind>,
    /// What a person is told of it.
    pub description: Option<String>,
    /// The columns of its table, in their order.
    pub columns: Vec<String>,
    /// The table it reads.
    pub table: String,
    /// It reads an index, which may lag behind its table.
    pub by_index: bool,
}

/// Why a query is not accepted: the field, the reason, and what would be accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field}: {reason}; {accepted}")]
pub struct InvalidQuery {
    /// The field.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: String,
    /// What would be accepted.
    pub accepted: &'static str,
}

const SELECTION: &str =
    "SELECT attributes FROM \"table\" or \"table\".\"index\" WHERE attribute = ? is accepted, and more conditions after AND";

fn refused(reason: impl Into<String>) -> InvalidQuery {
    InvalidQuery { field: "statement", reason: reason.into(), accepted: SELECTION }
}

impl SavedQuery {
    /// A query, checked against the data map.
    ///
    /// # Errors
    /// [`InvalidQuery`], for the first thing wrong with it.
    pub fn new(
        name: QueryName,
        category: Category,
        store: StoreName,
        statement: String,
        parameters: Vec<IdentifierKind>,
        description: Option<String>,
        map: &DataMap,
    ) -> Result<Self, InvalidQuery> {
        if !map.categories().contains(&&category) {
            let reason = format!("there is no category {category} in the data map");
            return Err(InvalidQuery { field: "category", reason, accepted: "a category of the data map is accepted" });
        }
        let accepted = "a store of the data map whose connector is dynamodb is accepted";
        match map.stores.get(&store).map(|s| s.connector) {
            Some(kind) if kind.takes_queries() => {}
            Some(_) => return Err(InvalidQuery { field: "store", reason: "it takes no queries".to_owned(), accepted }),
            None => {
                let reason = format!("there is no store {store} in the data map");
                return Err(InvalidQuery { field: "store", reason, accepted });
            }
        }
        let read = Read::statement(&statement)?;
        if read.parameters != parameters.len() {
            return Err(InvalidQuery {
                field: "parameters",
                reason: format!("the statement has {} of them, {} are named", read.parameters, parameters.len()),
                accepted: "subject_id, subject_email or a kind that the data map declares, for each ? of the statement, in their order",
            });
        }
        let Read { columns, table, by_index, .. } = read;
        let query = Self { name, category, store, statement, parameters, description, columns, table, by_index };
        match query.misfit(map) {
            None => Ok(query),
            Some(reason) => Err(refused(reason)),
        }
    }
}

impl SavedQuery {
    /// What each `?` is compared with, in their order: the attribute, where it is one.
    pub fn compared(&self) -> Vec<Option<String>> {
        let parsed = Parser::parse_sql(&GenericDialect {}, &self.statement).unwrap_or_default();
        parsed.first().map(placeholders).unwrap_or_default()
    }

    /// Why it does not fit a data map, if it does not. Its table has to be of its category alone: whoever may see that
    /// category may see the table. What the map masks there is about other people.
    pub fn misfit(&self, map: &DataMap) -> Option<String> {
        let Self { category, store, table, columns, .. } = self;
        let producers: Vec<(&Producer, bool)> =
            map.producers_at(store, table).into_iter().filter(|(producer, _)| producer.location.has_fields()).collect();
        if !producers.iter().any(|(producer, surely)| *surely && producer.category == *category) {
            return Some(format!("no producer of category {category} in store {store} has the table {table}"));
        }
        if let Some((other, surely)) = producers.iter().find(|(producer, _)| producer.category != *category) {
            let holds = if *surely { "holds" } else { "may hold" };
            return Some(format!("the table {table} {holds} the category {} too", other.category));
        }
        // A column is shown whole, whatever of it is masked.
        let shown = |field: &&String| {
            columns
                .iter()
                .any(|column| field.strip_prefix(column.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
        };
        let masked = producers.iter().flat_map(|(producer, _)| &producer.export.mask).find(shown);
        masked.map(|field| format!("{field} is about other people: the data map masks it"))
    }
}

/// What can be seen from a statement.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    columns: Vec<String>,
    table: String,
    by_index: bool,
    parameters: usize,
}

impl Read {
    fn statement(text: &str) -> Result<Self, InvalidQuery> {
        if text.len() > MOST_BYTES {
            return Err(InvalidQuery { accepted: "up to 2000 bytes are accepted", ..refused("it is too long") });
        }
        only_common_tokens(text)?;
        let parsed = Parser::parse_sql(&GenericDialect {}, text);
        let mut statements = parsed.map_err(|_| refused("it cannot be read"))?;
        let (Some(statement), true) = (statements.pop(), statements.is_empty()) else {
            return Err(refused("it is not one statement"));
        };
        let parameters = placeholders(&statement).len();
        let Statement::Query(query) = statement else { return Err(refused("it does not only read")) };
        let select = only_select(*query)?;
        let columns = select.projection.iter().map(column).collect::<Result<Vec<_>, _>>()?;
        if let Some(twice) = columns.iter().enumerate().find(|(n, c)| columns[..*n].contains(c)) {
            return Err(refused(format!("it names {} twice", twice.1)));
        }
        let [from] = select.from.as_slice() else { return Err(refused("it does not read one table")) };
        let (TableFactor::Table { name, alias: None, .. }, true) = (&from.relation, from.joins.is_empty()) else {
            return Err(refused("it does not read one table"));
        };
        let (table, by_index) = table(name)?;
        let condition = select.selection.as_ref().ok_or_else(|| refused("it selects everybody"))?;
        if !selects_by_person(condition) {
            return Err(refused("nothing in it selects by the person alone"));
        }
        Ok(Self { columns, table, by_index, parameters })
    }
}

/// What one parser takes for a comment, a name or a string, another may read otherwise: only what all read alike is taken.
fn only_common_tokens(text: &str) -> Result<(), InvalidQuery> {
    let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize().map_err(|_| refused("it cannot be read"))?;
    let common = |token: &Token| match token {
        Token::Word(word) => matches!(word.quote_style, None | Some('"')),
        Token::Placeholder(mark) => mark == "?",
        Token::Whitespace(space) => matches!(space, Whitespace::Space | Whitespace::Newline | Whitespace::Tab),
        Token::Number(..) | Token::SingleQuotedString(_) => true,
        Token::Comma | Token::Period | Token::LParen | Token::RParen => true,
        Token::Eq | Token::Neq | Token::Lt | Token::Gt | Token::LtEq | Token::GtEq => true,
        _ => false,
    };
    // Some dialects run what stands in a comment, and their tokens do not show it.
    let comment = ["/*", "--"].iter().any(|mark| text.contains(mark));
    match tokens.iter().find(|token| !common(token)) {
        None if !comment => Ok(()),
        _ => Err(refused("it holds a comment, or a sign or quotation that is not read alike everywhere")),
    }
}

/// The SELECT of a query that is nothing else besides.
fn only_select(query: Query) -> Result<Select, InvalidQuery> {
    let plain = query.with.is_none() && query.limit_clause.is_none() && query.fetch.is_none() && query.locks.is_empty();
    let SetExpr::Select(select) = *query.body else { return Err(refused("it is not one SELECT")) };
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(by, with) if by.is_empty() && with.is_empty());
    if !plain || grouped || select.distinct.is_some() || select.having.is_some() || select.into.is_some() {
        return Err(refused("it does more than select"));
    }
    Ok(*select)
}

/// A column must be named: a table's head stands before its first row is known.
fn column(item: &SelectItem) -> Result<String, InvalidQuery> {
    match item {
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Ok(name.value.clone()),
        SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => Err(refused("* does not say which attributes are shown")),
        _ => Err(refused("only attributes can be shown")),
    }
}

fn table(name: &ObjectName) -> Result<(String, bool), InvalidQuery> {
    let parts: Option<Vec<&str>> = name.0.iter().map(|p| p.as_ident().map(|i| i.value.as_str())).collect();
    match parts.as_deref() {
        Some([table]) => Ok(((*table).to_owned(), false)),
        Some([table, _]) => Ok(((*table).to_owned(), true)),
        _ => Err(refused("it does not read one table")),
    }
}

/// Whether one of the conditions that all must hold is that an attribute is what a parameter says.
fn selects_by_person(condition: &Expr) -> bool {
    match condition {
        Expr::Nested(inner) => selects_by_person(inner),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => selects_by_person(left) || selects_by_person(right),
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
            matches!((left.as_ref(), right.as_ref()), (Expr::Identifier(_), Expr::Value(v)) if is_parameter(&v.value))
        }
        _ => false,
    }
}

fn is_parameter(value: &Value) -> bool {
    matches!(value, Value::Placeholder(mark) if mark == "?")
}

/// Parameters, each with the attribute that it is compared with.
#[derive(Default)]
struct Compared {
    found: Vec<Option<String>>,
    /// Of the expressions around.
    with: Vec<Option<String>>,
}

impl Visitor for Compared {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let name = |expr: &Expr| if let Expr::Identifier(name) = expr { Some(name.value.clone()) } else { None };
        self.with.push(match expr {
            Expr::BinaryOp { left, right, .. } => name(left).or_else(|| name(right)),
            Expr::Between { expr, .. } | Expr::InList { expr, .. } => name(expr),
            // A value is an expression, too.
            Expr::Value(_) | Expr::Nested(_) => self.with.last().cloned().flatten(),
            _ => None,
        });
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.with.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_value(&mut self, value: &ValueWithSpan) -> ControlFlow<()> {
        if matches!(value.value, Value::Placeholder(_)) {
            self.found.push(self.with.last().cloned().flatten());
        }
        ControlFlow::Continue(())
    }
}

fn placeholders(statement: &Statement) -> Vec<Option<String>> {
    let mut compared = Compared::default();
    let _ = statement.visit(&mut compared);
    compared.found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_selects_by_the_person_is_read() {
        let read = Read::statement(
            r#"SELECT order_id, "placed at" FROM "shop-orders"."by-customer" WHERE customer_id = ? AND begins_with("order_id", 'o')"#,
        );
        let columns = vec!["order_id".to_owned(), "placed at".to_owned()];
        assert_eq!(read, Ok(Read { columns, table: "shop-orders".to_owned(), by_index: true, parameters: 1 }));
        let two = Read::statement("select a from t where (b = ? and c = 1) and (d = ? or e = 2)").expect("reads");
        assert_eq!((two.by_index, two.parameters), (false, 2));
    }

    #[test]
    fn what_each_parameter_is_compared_with_is_read() {
        let compared = |condition: &str| {
            let text = format!("SELECT a FROM t WHERE {condition}");
            let mut statements = Parser::parse_sql(&GenericDialect {}, &text).expect("SQL");
            placeholders(&statements.remove(0)).into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>()
        };
        assert_eq!(compared("b = ?"), ["b"]);
        assert_eq!(compared("(\"b c\" = ?) AND ? = d AND e <> 'x'"), ["b c", "d"]);
        assert_eq!(compared("b = ? AND c IN (?, ?, 'y') AND d BETWEEN ? AND ?"), ["b", "c", "c", "d", "d"]);
        assert_eq!(compared("b = ? AND begins_with(c, ?) AND (d > (?))"), ["b", "", "d"]);
    }

    #[test]
    fn its_table_is_of_its_category_alone_and_nothing_masked_is_read() {
        let map = "
version: 1
stores:
  db: {connector: dynamodb}
producers:
  - {name: chat, category: support, store: db, table: chat, key: [id], select: [{by: subject_id, index: i, attribute: o}], export: {mask: [agent, replies.agent]}}
  - {name: profile, category: profile, store: db, table: people, key: [id], select: [{by: subject_id, index: i, attribute: o}]}
  - {name: health, category: health, store: db, table: people, key: [id], select: [{by: subject_id, index: j, attribute: p}], export: {roles: [privacy_officer]}}
";
        let (map, _) = crate::datamap::parse(map).expect("a map");
        let asked = |category: &str, statement: &str| {
            let (name, store) = ("q".parse().expect("a name"), "db".parse().expect("a name"));
            let category = category.parse().expect("a name");
            let parameters = vec![IdentifierKind::SUBJECT_ID];
            SavedQuery::new(name, category, store, statement.to_owned(), parameters, None, &map).map_err(|e| e.reason)
        };
        assert!(asked("support", "SELECT text FROM chat WHERE o = ?").is_ok());
        let refused = |category, statement| asked(category, statement).err().unwrap_or_default();
        assert!(refused("support", "SELECT text, agent FROM chat WHERE o = ?").contains("masks"));
        assert!(refused("support", "SELECT replies FROM chat WHERE o = ?").contains("replies.agent is about other people"));
        assert!(refused("profile", "SELECT diagnosis FROM people WHERE o = ?").contains("holds the category health too"));
        assert!(refused("profile", "SELECT text FROM chat WHERE o = ?").contains("no producer of category profile"));
    }

    #[test]
    fn its_table_is_the_same_under_another_name_and_in_another_store_of_the_map() {
        let asked = |region: &str, other: &str| {
            let map = format!(
                "
version: 1
stores:
  db: {{connector: dynamodb, region: eu-west-1}}
  same: {{connector: dynamodb{region}}}
producers:
  - {{name: chat, category: support, store: db, table: chat, key: [id], select: [{{by: subject_id, index: i, attribute: o}}]}}
  - {{name: cases, store: same, key: [id], select: [{{by: subject_id, index: j, attribute: p}}], {other}}}
"
            );
            let (map, _) = crate::datamap::parse(&map).unwrap_or_else(|refused| panic!("{refused}"));
            let names = ("q".parse().expect("a name"), "support".parse().expect("a name"), "db".parse().expect("a name"));
            let statement = "SELECT text, agent FROM chat WHERE o = ?".to_owned();
            let query = SavedQuery::new(names.0, names.1, names.2, statement, vec![IdentifierKind::SUBJECT_ID], None, &map);
            query.err().map(|e| e.reason).unwrap_or_default()
        };
        let arn = "'arn:aws:dynamodb:eu-west-1:111122223333:table/chat'";
        for (region, table, holds) in [
            (", region: eu-west-1", "chat", "holds the category health too"),
            ("", "chat", "may hold the category health too"),
            ("", arn, "may hold the category health too"),
            (", region: us-east-1", "chat", ""),
        ] {
            let other = asked(region, &format!("table: {table}, category: health"));
            assert!(if holds.is_empty() { other.is_empty() } else { other.contains(holds) }, "{region} {table}: {other}");
            let masked = asked(region, &format!("table: {table}, category: support, export: {{mask: [agent]}}"));
            assert_eq!(masked.contains("agent is about other people"), !holds.is_empty(), "{region} {table}: {masked}");
        }
    }

    #[test]
    fn what_may_show_others_or_change_anything_is_refused() {
        let refused = [
            "SELECT a FROM t",
            "SELECT a FROM t WHERE b = 'x'",
            "SELECT a FROM t WHERE b = ? OR 1 = 1",
            "SELECT a FROM t WHERE NOT (b = ?)",
            "SELECT a FROM t WHERE b > ?",
            "SELECT a FROM t WHERE b IN (?)",
            "SELECT a FROM t WHERE b = :name",
            "SELECT * FROM t WHERE b = ?",
            "SELECT a, a FROM t WHERE b = ?",
            "SELECT count(a) FROM t WHERE b = ?",
            "SELECT a AS x FROM t WHERE b = ?",
            "SELECT a FROM t, u WHERE b = ?",
            "SELECT a FROM t JOIN u ON t.x = u.x WHERE b = ?",
            "SELECT a FROM (SELECT a FROM t) WHERE b = ?",
            "SELECT a FROM t WHERE b = ? UNION SELECT a FROM u",
            "SELECT a FROM t WHERE b = ?; SELECT a FROM u WHERE b = ?",
            "SELECT a FROM t WHERE b = ? LIMIT 1",
            "SELECT DISTINCT a FROM t WHERE b = ?",
            "DELETE FROM t WHERE b = ?",
            "UPDATE t SET a = 1 WHERE b = ?",
            "INSERT INTO t VALUE {'a': 1}",
            "SELECT a FROM t WHERE c = 1 -- AND b = ?",
            "SELECT a FROM t WHERE c = 1 /* OR */ AND b = ?",
            "SELECT a FROM t WHERE `b` = ?",
            "SELECT a FROM t WHERE b = ? /* /* */ OR c > 0 -- */",
            "SELECT a FROM t WHERE c > 0 /*! AND b = ? */",
            "SELECT a FROM t WHERE c = E'\\' AND b = ?",
            "SELECT a FROM t WHERE c = $$x$$ AND b = ?",
            "SELECT a FROM t WHERE b = ? # AND",
            "nonsense",
            "",
        ];
        for statement in refused {
            assert!(Read::statement(statement).is_err(), "{statement}");
        }
        assert!(Read::statement(&format!("SELECT a FROM t WHERE b = ? AND c = '{}'", "x".repeat(MOST_BYTES))).is_err());
    }
}
