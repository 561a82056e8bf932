//! Conditions on custom fields: the definition says how values compare.

use aureole_catalogue::filter::{Operand, Test};
use aureole_catalogue::value::fold;
use aureole_catalogue::{EntityKind, Filter, Problems};
use aureole_storage::Read;
use serde_json::Value;

use super::{Definition, Type, by_name, family, load, value};
use crate::app::App;
use crate::error::Result;

/// Gives the conditions on custom fields of a filter their definition's id and type. Problems are
/// reported at `path`.
pub async fn resolve(
    reader: &mut impl Read,
    app: &App,
    tenant: i64,
    kind: EntityKind,
    filter: Filter,
    path: &str,
    problems: &mut Problems,
) -> Result<Filter> {
    if !mentions(&filter) {
        return Ok(filter);
    }
    // Other kinds keep the values that they are given, by name.
    let Some(family) = family(kind, "customfields") else { return Ok(filter) };
    let definitions = load(reader, app, tenant, family).await?;
    let what = kind.entity().singular;
    Ok(resolved(&definitions, what, filter, path, problems))
}

fn mentions(filter: &Filter) -> bool {
    match filter {
        Filter::Custom { .. } => true,
        Filter::All(filters) | Filter::Any(filters) => filters.iter().any(mentions),
        Filter::Not(filter) => mentions(filter),
        _ => false,
    }
}

fn resolved(
    definitions: &[Definition],
    what: &str,
    filter: Filter,
    path: &str,
    problems: &mut Problems,
) -> Filter {
    let each = |filters: Vec<Filter>, problems: &mut Problems| {
        filters
            .into_iter()
            .map(|filter| resolved(definitions, what, filter, path, problems))
            .collect()
    };
    match filter {
        Filter::All(filters) => Filter::All(each(filters, problems)),
        Filter::Any(filters) => Filter::Any(each(filters, problems)),
        Filter::Not(filter) => resolved(definitions, what, *filter, path, problems).negate(),
        Filter::Custom { list, id, name, test, .. } => {
            match one(definitions, what, id, &name)
                .and_then(|found| Ok((found, typed(found, test)?)))
            {
                Ok((found, test)) => Filter::Custom {
                    list,
                    id: found.id,
                    name: found.name.clone(),
                    unset: if found.kind == Type::Checkbox { "false" } else { "" },
                    test,
                },
                Err(message) => {
                    problems.add(path, message);
                    Filter::True
                }
            }
        }
        other => other,
    }
}

fn one<'a>(
    definitions: &'a [Definition],
    what: &str,
    id: i64,
    name: &str,
) -> std::result::Result<&'a Definition, String> {
    let by_id = definitions.iter().find(|definition| id > 0 && definition.id == id);
    // The condition had `CF`, which is cut off already.
    let by_exact = || definitions.iter().find(|definition| fold(&definition.name) == fold(name));
    let found = by_id.or_else(by_exact).or_else(|| by_name(definitions, name));
    let found = found
        .ok_or_else(|| format!("filter_name \"CF{name}\" is not a custom field of {what}s"))?;
    if found.encrypted {
        return Err(format!(
            "filter_name {:?} is encrypted and can't be searched",
            found.wire_name()
        ));
    }
    Ok(found)
}

/// The test in terms of stored values.
fn typed(definition: &Definition, test: Test) -> std::result::Result<Test, String> {
    let name = definition.wire_name();
    match definition.kind {
        Type::Text | Type::Memo | Type::Rich | Type::Table => Ok(test),
        Type::Single | Type::Multi => options(definition, test).ok_or_else(|| {
            format!("filter_type: the selections of {name} are not larger or smaller")
        }),
        Type::Date => canonical(test, &|text| value::date(text), Operand::Date)
            .ok_or_else(|| format!("filter_value must be a date for {name}")),
        Type::Time => canonical(test, &|text| value::time(text), Operand::Text)
            .ok_or_else(|| format!("filter_value must be a time such as 07:36 for {name}")),
        Type::Checkbox => {
            let flag = |text: &str| {
                value::flag(&Value::String(text.to_owned())).map(|flag| flag.to_string())
            };
            canonical(test, &flag, |text| Operand::Bool(text == "true"))
                .ok_or_else(|| format!("filter_value must be true or false for {name}"))
        }
    }
}

/// Brings every whole value of a test into its stored form; `None` when one has none.
fn canonical(
    test: Test,
    form: &dyn Fn(&str) -> Option<String>,
    operand: impl Fn(String) -> Operand,
) -> Option<Test> {
    // An empty text asks for unset values.
    let form = |text: &str| if text.is_empty() { Some(String::new()) } else { form(text) };
    Some(match test {
        Test::Equals(text) => Test::Equals(fold(&form(&text)?)),
        Test::OneOf(texts) => Test::OneOf(
            texts.iter().map(|text| form(text).map(|text| fold(&text))).collect::<Option<_>>()?,
        ),
        Test::Compare(compare, right) => Test::Compare(compare, operand(form(&written(right))?)),
        other => other,
    })
}

/// The text that an operand was read from, folded.
fn written(operand: Operand) -> String {
    match operand {
        Operand::Number(number) => number.to_string(),
        Operand::Bool(flag) => flag.to_string(),
        Operand::Text(text) | Operand::Date(text) => text,
    }
}

/// A test on a selection asks for ids or labels; stored are ids. `None` for an order comparison.
fn options(definition: &Definition, test: Test) -> Option<Test> {
    use aureole_catalogue::filter::Compare;
    let ids = |fits: &dyn Fn(i64, &str) -> bool| -> Vec<String> {
        let fitting =
            definition.options.iter().filter(|(id, label)| fits(*id, &fold(label.trim())));
        fitting.map(|(id, _)| id.to_string()).collect()
    };
    let equal = |text: &str| -> Vec<String> {
        match ids(&|_, label| label == text.trim()) {
            found if !found.is_empty() || text.is_empty() => found,
            _ => ids(&|id, _| id.to_string() == text.trim()),
        }
    };
    let one_of = |texts: &[String]| {
        let mut found: Vec<String> = texts.iter().flat_map(|text| equal(text)).collect();
        found.extend(texts.iter().filter(|text| text.is_empty()).cloned());
        Test::OneOf(found)
    };
    match test {
        Test::Equals(text) => Some(one_of(&[text])),
        Test::OneOf(texts) => Some(one_of(&texts)),
        Test::Compare(Compare::Equal, right) => Some(one_of(&[written(right)])),
        Test::Compare(..) => None,
        Test::Contains(part) if part.is_empty() => Some(Test::Contains(part)),
        Test::Contains(part) => Some(Test::OneOf(ids(&|_, label| label.contains(part.as_str())))),
        Test::IsSet => Some(Test::IsSet),
    }
}
