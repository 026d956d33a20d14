//! What samples of large tables cannot show: whether values of a field are keys of another table.

use crate::{
    answered::{Answered, At},
    column::{FEW, Field},
    edges::{hits, names_agree},
    shape::Shape,
    survey::Survey,
    value::Value,
};

/// Most questions of one draft.
const MOST: usize = 200;

/// Whether these values are keys of a table.
pub struct Question {
    /// The table.
    pub table: String,
    /// Its partition key.
    pub attribute: String,
    /// The values, some of those that a field has.
    pub values: Vec<Value>,
    from: At,
    to: At,
}

impl Survey {
    /// What is worth a look by key: values that look like keys of a table of which only a part was seen, those first whose
    /// names agree.
    pub fn questions(&self) -> Vec<Question> {
        let mut all: Vec<(bool, Question)> = Vec::new();
        for (p, place) in self.places.iter().enumerate() {
            let sampled = self.sampled(place);
            let key = &sampled.table.keys.partition;
            let Some(t) = place.fields.iter().position(|f| f.is_top() && f.path[0] == *key) else { continue };
            let target = &place.fields[t];
            if sampled.whole || place.label.is_some() || !target.is_unique() || !target.may_be_an_id() {
                continue;
            }
            for (from, field) in self.others(p) {
                let agrees = names_agree(self, field, place, target);
                let met = hits(&field.whole, &target.whole) * 10 >= field.distinct() * 9;
                let alike = alike(field, target) && (agrees || !field.is_common() && !target.is_common());
                if alike && !met && field.examples.len() >= FEW {
                    let (table, values) = (sampled.table.name.clone(), field.examples.clone());
                    all.push((agrees, Question { table, attribute: key.clone(), values, from, to: (p, t) }));
                }
            }
        }
        all.sort_by_key(|(agrees, _)| !agrees);
        all.into_iter().map(|(_, question)| question).take(MOST).collect()
    }

    /// How many of the values were found, of those that were looked up.
    pub fn answer(&mut self, question: &Question, found: usize, asked: usize) {
        self.answers.insert((question.from, question.to), Answered { found, asked });
    }

    fn others(&self, than: usize) -> impl Iterator<Item = (At, &Field)> {
        let others = self.places.iter().enumerate().filter(move |(place, _)| *place != than);
        let fields = others.flat_map(|(p, place)| place.fields.iter().enumerate().map(move |(f, field)| ((p, f), field)));
        let email = |field: &Field| field.share(|shape| shape == Shape::Email) > 0.5;
        fields.filter(move |(_, field)| field.can_be_named() && field.may_be_an_id() && !email(field))
    }
}

/// Whether values could be of one kind: of one type and shape, and beginning alike.
fn alike(a: &Field, b: &Field) -> bool {
    let beginning = |field: &Field| match field.examples.first()? {
        Value::Text(text) => Some((true, text.chars().take_while(|c| !c.is_ascii_digit()).collect::<String>())),
        Value::Number(_) => Some((false, String::new())),
        _ => None,
    };
    let free = |shape: Option<Shape>| matches!(shape, Some(Shape::Uuid | Shape::Word | Shape::Other));
    match (beginning(a), beginning(b)) {
        (Some((text, _)), Some((other, _))) if free(a.shape()) => text == other && a.shape() == b.shape(),
        (Some(one), Some(other)) => one == other && a.shape() == b.shape(),
        _ => false,
    }
}
