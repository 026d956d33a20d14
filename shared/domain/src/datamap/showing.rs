//! What of a record is shown, whoever else may find it.

use super::{
    erase::touches,
    model::{DataMap, ExportRules, Producer},
};
use std::{borrow::Cow, collections::BTreeMap};

/// By what rules the records of a producer are shown: its own, and those of whoever may find one of them, too.
#[derive(Debug)]
pub struct Showing<'a> {
    producer: &'a Producer,
    /// Others that may find some of its records, and say what of theirs is shown.
    others: Vec<&'a Producer>,
}

impl DataMap {
    /// By what rules the records of a producer are shown.
    pub fn showing<'a>(&'a self, producer: &'a Producer) -> Showing<'a> {
        let says = |other: &&Producer| !other.export.mask.is_empty() || !other.export.fields.is_empty();
        Showing { producer, others: self.finding_with(producer).into_iter().filter(says).collect() }
    }
}

impl Showing<'_> {
    /// Which fields of a record are shown, and which are masked: what any producer masks that may find it is masked. One that
    /// names no fields shows of what others may find only what these show, under the names that it has. `text` reads a field.
    pub fn of<'t>(&self, text: impl Fn(&str) -> Option<Cow<'t, str>>) -> ExportRules {
        let finds = |other: &&&Producer| other.select.iter().any(|way| way.may_find(&text));
        let others: Vec<&ExportRules> = self.others.iter().filter(finds).map(|other| &other.export).collect();
        let own = &self.producer.export;
        let (mut fields, mut mask) = (own.fields.clone(), own.mask.clone());
        if fields.is_empty() {
            let theirs = others.iter().flat_map(|rules| rules.fields.keys());
            fields = theirs.map(|field| (field.clone(), field.clone())).collect();
        }
        for field in others.iter().flat_map(|rules| &rules.mask) {
            if !mask.contains(field) && is_shown(&fields, field) {
                mask.push(field.clone());
            }
        }
        ExportRules { fields, mask, ..ExportRules::default() }
    }
}

/// Whether something of a field is shown: all of them are, where none is named.
fn is_shown(fields: &BTreeMap<String, String>, field: &str) -> bool {
    fields.is_empty() || fields.keys().any(|shown| touches(shown, field))
}

#[cfg(test)]
mod tests {
    use crate::datamap::{self, ExportRules};
    use std::{borrow::Cow, collections::BTreeMap};

    /// What is shown of a record that contacts found, by the rules of these and of tickets of the same table.
    fn shown(contacts: &str, tickets: &str, record: &[(&str, &str)]) -> (Vec<(String, String)>, Vec<String>) {
        let map = format!(
            "
version: 1
stores: {{db: {{connector: dynamodb}}}}
producers:
  - {{name: contacts, category: c, store: db, table: cases, key: [id], select: [{{by: subject_email, index: e, attribute: email}}]{contacts}}}
  - {{name: tickets, category: t, store: db, table: cases, key: [id], select: [{{by: subject_id, index: c, attribute: customer, where: {{type: ticket}}}}]{tickets}}}
  - {{name: others, category: o, store: db, table: others, key: [id], select: [{{by: subject_email, index: e, attribute: email}}], export: {{mask: [email]}}}}
"
        );
        let (map, _) = datamap::parse(&map).unwrap_or_else(|refused| panic!("{refused}"));
        let record: BTreeMap<&str, &str> = record.iter().copied().collect();
        let contacts = map.producers.iter().find(|p| p.name.as_str() == "contacts").expect("declared");
        let ExportRules { fields, mask, .. } =
            map.showing(contacts).of(|field| record.get(field).map(|text| Cow::Borrowed(*text)));
        (fields.into_iter().collect(), mask)
    }

    const TICKET: [(&str, &str); 3] = [("email", "a@x.org"), ("customer", "c-1"), ("type", "ticket")];

    fn named(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        fields.iter().map(|(field, name)| ((*field).to_owned(), (*name).to_owned())).collect()
    }

    #[test]
    fn what_any_producer_masks_that_may_find_a_record_is_masked() {
        let mask = |contacts: &str, tickets: &str, record: &[(&str, &str)]| shown(contacts, tickets, record).1;
        let agent = ", export: {mask: [agent]}";
        assert_eq!(mask("", agent, &TICKET), ["agent"]);
        assert_eq!(mask(", export: {mask: [note, agent]}", agent, &TICKET), ["note", "agent"]);
        // What another producer does not find is no record of its.
        assert!(mask("", agent, &TICKET[..1]).is_empty() && mask("", agent, &TICKET[..2]).is_empty());
        assert_eq!(mask(agent, "", &TICKET[..1]), ["agent"], "its own rules are on all of its records");
        let only =
            |fields: &str| mask(&format!(", export: {{fields: {{{fields}}}}}"), ", export: {mask: [replies.agent]}", &TICKET);
        assert!(only("text: Text").is_empty(), "it is not shown");
        assert_eq!(only("replies: Replies"), ["replies.agent"]);
        assert_eq!(only("replies.agent.name: Name"), ["replies.agent"]);
    }

    #[test]
    fn whoever_names_no_fields_shows_of_what_others_may_find_only_what_these_show() {
        let fields = |contacts: &str, tickets: &str, record: &[(&str, &str)]| shown(contacts, tickets, record).0;
        let text = ", export: {fields: {text: Message}}";
        assert_eq!(fields("", text, &TICKET), named(&[("text", "text")]), "as its other records are");
        assert_eq!(fields("", text, &TICKET[..1]), []);
        assert_eq!(fields(", export: {fields: {agent: By}}", text, &TICKET), named(&[("agent", "By")]), "by its own word");
        assert_eq!(fields(text, "", &TICKET), named(&[("text", "Message")]));
    }
}
