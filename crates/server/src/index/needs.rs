//! What a list needs of the index, or that the index can't make it.

use std::collections::BTreeMap;

use aureole_catalogue::query::OrderKey;
use aureole_catalogue::{Entity, EntityKind, Filter, Source};

use super::gather::{Part, Parts};

/// The parts of each kind.
pub type Needs = BTreeMap<EntityKind, Parts>;

/// How a list is ordered; the id is always the last key.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    Ids,
    Names,
    NamesDescending,
    Keys(Vec<OrderKey>),
}

/// What the index must have for a list; `None` when only the database can make it.
pub fn needs(
    entity: &'static Entity,
    filter: &Filter,
    keys: &[OrderKey],
) -> Option<(Needs, Order)> {
    let mut needs = Needs::new();
    needs.entry(entity.kind).or_default();
    add(entity, filter, &mut needs)?;
    for key in keys {
        add_field(entity, key.position, &mut needs)?;
    }
    Some((needs, order(entity, keys)))
}

fn order(entity: &'static Entity, keys: &[OrderKey]) -> Order {
    match keys {
        [] => Order::Ids,
        [key] if part_of(entity, key.position) == Some(Some(Part::Name)) => match key.descending {
            false => Order::Names,
            true => Order::NamesDescending,
        },
        keys => Order::Keys(keys.to_vec()),
    }
}

/// The part that has a field: `Some(None)` for the id, which is always there, `None` for a field
/// that the index can't have.
pub fn part_of(entity: &'static Entity, position: usize) -> Option<Option<Part>> {
    let field = entity.schema.fields.get(position)?;
    match field.source {
        _ if field.name == "id" => Some(None),
        _ if field.name == "name" && field.column => Some(Some(Part::Name)),
        Source::Doc | Source::Constant(_) | Source::UpdatedAt | Source::AddressLine { .. } => {
            Some(Some(Part::Field(position)))
        }
        Source::Name { .. } | Source::ClientSiteName | Source::Tickets(_) | Source::Rule => None,
    }
}

fn add_field(entity: &'static Entity, position: usize, needs: &mut Needs) -> Option<()> {
    if let Some(part) = part_of(entity, position)? {
        needs.entry(entity.kind).or_default().insert(part);
    }
    Some(())
}

fn add_column(entity: &'static Entity, column: &str, needs: &mut Needs) -> Option<()> {
    add_field(entity, entity.schema.find(column)?, needs)
}

fn add(entity: &'static Entity, filter: &Filter, needs: &mut Needs) -> Option<()> {
    let mut part = |part| {
        needs.entry(entity.kind).or_default().insert(part);
    };
    match filter {
        Filter::True | Filter::Ids(_) => {}
        Filter::All(filters) | Filter::Any(filters) => {
            filters.iter().try_for_each(|filter| add(entity, filter, needs))?;
        }
        Filter::Not(filter) => add(entity, filter, needs)?,
        Filter::Field { position, .. } => add_field(entity, *position, needs)?,
        Filter::Custom { list, id, .. } if *id > 0 => {
            part(Part::Defined(entity.schema.find(list)?, *id));
        }
        Filter::Search(word) | Filter::Contact(word) | Filter::NameContains(word)
            if !is_word(word) =>
        {
            return None;
        }
        Filter::Search(_) => part(Part::Search),
        Filter::Contact(_) => part(Part::Contact),
        Filter::NameContains(_) => {
            if entity.search.contains(&"name") {
                part(Part::Search);
            }
            if entity.schema.find("name").is_some() {
                add_column(entity, "name", needs)?;
            }
        }
        Filter::Updated { .. } => part(Part::Updated),
        Filter::Has { kind, column, filter } => {
            add_column(kind.entity(), column, needs)?;
            add(kind.entity(), filter, needs)?;
        }
        Filter::HasAny { kind, filter } => {
            needs.entry(*kind).or_default();
            add(kind.entity(), filter, needs)?;
        }
        Filter::In { column, kind, filter } => {
            add_column(entity, column, needs)?;
            needs.entry(*kind).or_default();
            add(kind.entity(), filter, needs)?;
        }
        _ => return None,
    }
    Some(())
}

/// True for what can only occur inside one word of a text.
fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_whitespace)
}

/// True when the filter looks at single values of the record itself, so that it can be decided for
/// one record without the others.
pub fn is_plain(filter: &Filter) -> bool {
    match filter {
        Filter::True
        | Filter::Ids(_)
        | Filter::Field { .. }
        | Filter::Custom { .. }
        | Filter::Updated { .. } => true,
        Filter::All(filters) | Filter::Any(filters) => filters.iter().all(is_plain),
        Filter::Not(filter) => is_plain(filter),
        _ => false,
    }
}
