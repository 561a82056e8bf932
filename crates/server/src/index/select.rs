//! Which slots pass a filter, and in which order: what the database's answer would be.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use aureole_catalogue::filter::defined_passes;
use aureole_catalogue::query::OrderKey;
use aureole_catalogue::{EntityKind, Filter};

use super::bits::Bits;
use super::column::Ranks;
use super::gather::Part;
use super::ints::Ints;
use super::kind::Kind;
use super::narrow;
use super::needs::{Order, part_of};
use super::results::Listed;
use super::words::Words;

/// All kinds of one tenant. A question about a part that is not there is answered with `None`.
pub type Kinds = HashMap<EntityKind, Kind>;

/// Of what a filter has let through, the part below which each is tested by itself.
const SMALL: usize = 8;

/// The live slots that pass, in order: at least so many of them as `wanted` says, given how many
/// there are.
pub fn select(
    kinds: &Kinds,
    kind: &Kind,
    filter: &Filter,
    order: &Order,
    wanted: impl Fn(usize) -> usize,
) -> Option<Listed> {
    if let (Filter::True, Order::Names) = (filter, order) {
        return Some(Listed::new(kind.names.as_ref()?.order().to_vec()));
    }
    let mut passing = bits(kinds, kind, filter)?;
    passing.keep(&kind.live);
    let slots = passing.iter().map(narrow);
    let slots = match order {
        Order::Ids => {
            let mut slots: Vec<u32> = slots.collect();
            slots.sort_unstable_by_key(|slot| kind.ids[*slot as usize]);
            slots
        }
        Order::Names => {
            let total = passing.count();
            let first = kind.names.as_ref()?.first(&passing, wanted(total).min(total));
            return Some(Listed { slots: Arc::new(first), total });
        }
        Order::NamesDescending => {
            let names = kind.names.as_ref()?;
            let mut slots: Vec<u32> = slots.collect();
            slots.sort_unstable_by(|left, right| names.compare_descending(*left, *right));
            slots
        }
        Order::Keys(keys) => by_keys(kind, keys, slots.collect())?,
    };
    Some(Listed::new(slots))
}

fn by_keys(kind: &Kind, keys: &[OrderKey], mut slots: Vec<u32>) -> Option<Vec<u32>> {
    let mut ranks: Vec<(Option<Ranks<'_>>, bool)> = Vec::with_capacity(keys.len());
    for key in keys {
        let rank = match part_of(kind.entity, key.position)? {
            None => None,
            Some(Part::Name) => {
                let names = kind.names.as_ref()?;
                Some(Ranks::of_folded(&names.texts, &names.codes))
            }
            Some(_) => {
                let field = kind.entity.schema.fields.get(key.position)?;
                Some(kind.fields.get(&(key.position, 0))?.ranks(field))
            }
        };
        ranks.push((rank, key.descending));
    }
    let id = |slot: u32| kind.ids[slot as usize];
    slots.sort_unstable_by(|left, right| {
        for (ranks, descending) in &ranks {
            let value = |slot: u32| match ranks {
                Some(ranks) => ranks.get(slot),
                None => id(slot),
            };
            let ordering = value(*left).cmp(&value(*right));
            match if *descending { ordering.reverse() } else { ordering } {
                Ordering::Equal => {}
                ordering => return ordering,
            }
        }
        id(*left).cmp(&id(*right))
    });
    Some(slots)
}

/// The slots that pass; dead ones may be among them.
fn bits(kinds: &Kinds, kind: &Kind, filter: &Filter) -> Option<Bits> {
    let len = kind.ids.len();
    Some(match filter {
        Filter::True => kind.live.clone(),
        Filter::All(filters) => all(kinds, kind, filters)?,
        Filter::Any(filters) => {
            let mut any = Bits::new(len);
            for filter in filters {
                any.add(&bits(kinds, kind, filter)?);
            }
            any
        }
        Filter::Not(filter) => {
            let mut found = bits(kinds, kind, filter)?;
            found.without(&kind.live);
            found
        }
        Filter::Field { position, test } => {
            let field = kind.entity.schema.fields.get(*position)?;
            match part_of(kind.entity, *position)? {
                Some(Part::Field(_)) => match kind.passing(*position, field, test) {
                    Some(known) => (*known).clone(),
                    None => kind.fields.get(&(*position, 0))?.find(len, field, test),
                },
                _ => each(kind, |slot| passes(kind, slot, filter))?,
            }
        }
        Filter::Search(word) => found(kind.search.as_ref()?, len, word),
        Filter::Contact(word) => found(kind.contact.as_ref()?, len, word),
        Filter::NameContains(word) => name_contains(kind, word)?,
        Filter::Ids(ids) => {
            let mut found = Bits::new(len);
            let slots = ids.iter().filter_map(|id| kind.slot(*id));
            slots.for_each(|slot| found.set(slot as usize));
            found
        }
        Filter::Updated { .. } => each(kind, |slot| passes(kind, slot, filter))?,
        Filter::Has { kind: other, column, filter } => {
            let other = kinds.get(other)?;
            let position = other.entity.schema.find(column)?;
            let targets = other.fields.get(&(position, 0))?;
            let mut inner = bits(kinds, other, filter)?;
            inner.keep(&other.live);
            let mut found = Bits::new(len);
            let slots = inner.iter().filter_map(|slot| kind.slot(targets.int(slot)));
            slots.for_each(|slot| found.set(slot as usize));
            found
        }
        Filter::HasAny { kind: other, filter } => {
            let other = kinds.get(other)?;
            let mut inner = bits(kinds, other, filter)?;
            inner.keep(&other.live);
            if inner.iter().next().is_some() { kind.live.clone() } else { Bits::new(len) }
        }
        Filter::In { column, kind: other, filter } => {
            let other = kinds.get(other)?;
            let position = kind.entity.schema.find(column)?;
            let pointers = kind.fields.get(&(position, 0))?;
            let mut inner = bits(kinds, other, filter)?;
            inner.keep(&other.live);
            let is_in = |id| other.slot(id).is_some_and(|slot| inner.has(slot as usize));
            each(kind, |slot| Some(is_in(pointers.int(slot))))?
        }
        Filter::Custom { list, id, unset, test, .. } => {
            let list = kind.entity.schema.find(list)?;
            let column = kind.fields.get(&(list, *id))?;
            column.find_raw(len, |raw| defined_passes(Some(raw), unset, test))
        }
    })
}

fn found(words: &Words, len: usize, word: &str) -> Bits {
    let mut found = Bits::new(len);
    words.find(word, &mut found);
    found
}

fn each(kind: &Kind, mut decide: impl FnMut(usize) -> Option<bool>) -> Option<Bits> {
    let mut found = Bits::new(kind.ids.len());
    for slot in kind.live.iter() {
        if decide(slot)? {
            found.set(slot);
        }
    }
    Some(found)
}

/// What finds few of the records comes first, and the rest is asked of these alone.
fn all(kinds: &Kinds, kind: &Kind, filters: &[Filter]) -> Option<Bits> {
    let (seeds, others): (Vec<&Filter>, Vec<&Filter>) =
        filters.iter().partition(|filter| is_seed(filter));
    let mut found = match seeds.split_first() {
        None => kind.live.clone(),
        Some((first, others)) => {
            let mut found = bits(kinds, kind, first)?;
            for filter in others {
                found.keep(&bits(kinds, kind, filter)?);
            }
            found
        }
    };
    for filter in others {
        if let Filter::Field { position, test } = filter
            && let Some(field) = kind.entity.schema.fields.get(*position)
            && let Some(known) = kind.passing(*position, field, test)
        {
            found.keep(&known);
        } else if super::needs::is_plain(filter) && found.count() * SMALL < found.len() {
            let slots: Vec<usize> = found.iter().collect();
            for slot in slots {
                if !passes(kind, slot, filter)? {
                    found.unset(slot);
                }
            }
        } else {
            found.keep(&bits(kinds, kind, filter)?);
        }
    }
    Some(found)
}

/// True for filters that are answered without a look at every record.
fn is_seed(filter: &Filter) -> bool {
    match filter {
        Filter::Search(_) | Filter::Contact(_) | Filter::NameContains(_) | Filter::Ids(_) => true,
        Filter::Has { .. } => true,
        Filter::Any(filters) => filters.iter().all(is_seed),
        _ => false,
    }
}

fn name_contains(kind: &Kind, word: &str) -> Option<Bits> {
    let Some(position) = kind.entity.schema.find("name") else {
        return Some(Bits::new(kind.ids.len()));
    };
    let contains = |slot: usize| match part_of(kind.entity, position)? {
        Some(Part::Name) => Some(kind.names.as_ref()?.get(narrow(slot)).contains(word)),
        _ => {
            let field = kind.entity.schema.fields.get(position)?;
            let test = aureole_catalogue::filter::Test::Contains(word.to_owned());
            Some(kind.fields.get(&(position, 0))?.passes(slot, field, &test))
        }
    };
    if !kind.entity.search.contains(&"name") {
        return each(kind, contains);
    }
    // The name is part of the searched text.
    let mut found = found(kind.search.as_ref()?, kind.ids.len(), word);
    let slots: Vec<usize> = found.iter().collect();
    for slot in slots {
        if !contains(slot)? {
            found.unset(slot);
        }
    }
    Some(found)
}

/// Decides a plain filter (see [`super::needs::is_plain`]) for one slot.
pub fn passes(kind: &Kind, slot: usize, filter: &Filter) -> Option<bool> {
    Some(match filter {
        Filter::True => true,
        Filter::All(filters) => {
            for filter in filters {
                if !passes(kind, slot, filter)? {
                    return Some(false);
                }
            }
            true
        }
        Filter::Any(filters) => {
            for filter in filters {
                if passes(kind, slot, filter)? {
                    return Some(true);
                }
            }
            false
        }
        Filter::Not(filter) => !passes(kind, slot, filter)?,
        Filter::Field { position, test } => {
            let field = kind.entity.schema.fields.get(*position)?;
            match part_of(kind.entity, *position)? {
                None => test.passes(&kind.ids[slot].to_string(), field.kind),
                Some(Part::Name) => test.passes(kind.names.as_ref()?.get(narrow(slot)), field.kind),
                Some(_) => kind.fields.get(&(*position, 0))?.passes(slot, field, test),
            }
        }
        Filter::Custom { list, id, unset, test, .. } => {
            let list = kind.entity.schema.find(list)?;
            let column = kind.fields.get(&(list, *id))?;
            defined_passes(Some(column.raw(slot)), unset, test)
        }
        Filter::Ids(ids) => ids.binary_search(&kind.ids[slot]).is_ok(),
        Filter::Updated { from, millis } => {
            let at = kind.updated.as_ref().map(|updated: &Ints| updated.get(slot))?;
            if *from { at >= *millis } else { at <= *millis }
        }
        _ => return None,
    })
}
