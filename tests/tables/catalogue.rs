//! What the catalogue's tables promise each other.

use std::collections::HashSet;

use aureole_catalogue::record::is_stored;
use aureole_catalogue::{ENTITIES, Entity, EntityKind, Field, Kind, Schema, Source};

/// Every schema of the catalogue: those of the kinds and, through their fields, the nested ones.
pub fn schemas() -> Vec<&'static Schema> {
    let mut found: Vec<&'static Schema> = ENTITIES.iter().map(|entity| entity.schema).collect();
    let mut at = 0;
    while at < found.len() {
        for field in found[at].fields {
            if let Kind::Object(inner) | Kind::List(inner) = field.kind
                && !found.iter().any(|known| std::ptr::eq(*known, inner))
            {
                found.push(inner);
            }
        }
        at += 1;
    }
    found
}

fn field(entity: &'static Entity, name: &str) -> &'static Field {
    match entity.schema.find(name) {
        Some(position) => &entity.schema.fields[position],
        None => panic!("{}: {name} is no field", entity.name),
    }
}

#[test]
fn kinds_are_in_the_order_of_their_enum() {
    for (at, entity) in ENTITIES.iter().enumerate() {
        assert_eq!(entity.kind as usize, at, "{}", entity.name);
        assert_eq!(format!("{:?}", entity.kind), entity.name);
        assert!(std::ptr::eq(entity.kind.entity(), entity), "{}", entity.name);
    }
    // The enum's last kind: a kind without an entry would be one more than the table has.
    assert_eq!(ENTITIES.last().map(|entity| entity.kind), Some(EntityKind::Settings));
}

#[test]
fn names_occur_once() {
    let mut names = HashSet::new();
    for schema in schemas() {
        assert!(names.insert(schema.name), "two schemas are called {}", schema.name);
        let mut fields = HashSet::new();
        for field in schema.fields {
            assert!(fields.insert(field.name), "{}.{} occurs twice", schema.name, field.name);
        }
    }
    let mut tables = HashSet::new();
    for entity in ENTITIES {
        assert!(tables.insert(entity.table), "two kinds have the table {}", entity.table);
    }
}

#[test]
fn kinds_name_fields_of_their_own() {
    for entity in ENTITIES {
        assert!(matches!(field(entity, "id").kind, Kind::Int), "{}", entity.name);
        for name in entity.owners {
            let owner = field(entity, name);
            assert!(owner.reference.is_some(), "{}: the owner {name} points nowhere", entity.name);
        }
        if let Some(name) = entity.inactive {
            assert!(matches!(field(entity, name).kind, Kind::Bool), "{}.{name}", entity.name);
        }
        for name in entity.search.iter().chain(entity.contact) {
            let searched = field(entity, name.strip_prefix('@').unwrap_or(name));
            let is_object = matches!(searched.kind, Kind::Object(_));
            assert_eq!(is_object, name.starts_with('@'), "{}: search in {name}", entity.name);
            assert!(is_stored(searched), "{}: search in {name}", entity.name);
        }
    }
}

#[test]
fn references_and_keys_are_columns() {
    for entity in ENTITIES {
        for field in entity.schema.fields {
            let place = format!("{}.{}", entity.name, field.name);
            if field.reference.is_some() {
                assert!(field.column, "{place} is a reference without a column");
                assert!(matches!(field.kind, Kind::Int), "{place} is a reference and no int");
            }
            if field.column {
                assert!(is_stored(field), "{place} is a column of what is not stored");
                let fits = matches!(
                    field.kind,
                    Kind::Int | Kind::Int64 | Kind::Bool | Kind::Text | Kind::DateTime | Kind::Uuid
                );
                assert!(fits, "{place} is a column of a type that no column has");
            }
        }
    }
}

#[test]
fn looked_up_texts_are_reached_over_columns() {
    for entity in ENTITIES {
        for named in entity.schema.fields {
            let place = format!("{}.{}", entity.name, named.name);
            match named.source {
                Source::Name { path, column } => follows(entity, path, column, &place),
                Source::ClientSiteName => {
                    assert_eq!(entity.kind, EntityKind::Site, "{place}");
                    follows(entity, &[("client_id", EntityKind::Client)], "name", &place);
                }
                Source::AddressLine { object, key } => {
                    let Kind::Object(lines) = field(entity, object).kind else {
                        panic!("{place}: {object} is no object")
                    };
                    assert!(lines.find(key).is_some(), "{place}: {object} has no {key}");
                }
                Source::Doc
                | Source::Constant(_)
                | Source::UpdatedAt
                | Source::Tickets(_)
                | Source::Rule => {}
            }
        }
    }
}

/// Walks the id columns of a looked-up text to the column that it shows.
fn follows(entity: &'static Entity, path: &[(&str, EntityKind)], column: &str, place: &str) {
    assert!((1..=2).contains(&path.len()), "{place}: no statement is written for this path");
    let mut from = entity;
    for (id, kind) in path {
        let id_field = field(from, id);
        assert_eq!(id_field.reference, Some(*kind), "{place}: {id} of {}", from.name);
        assert!(id_field.column, "{place}: {id} of {} is no column", from.name);
        from = kind.entity();
    }
    let shown = field(from, column);
    assert!(shown.column && matches!(shown.kind, Kind::Text), "{place}: {column} of {}", from.name);
}
