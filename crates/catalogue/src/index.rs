//! Field positions by name, one map a schema, built at first use.

use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use crate::field::Schema;

/// Field name to position in the schema.
pub type Index = HashMap<&'static str, usize, foldhash::fast::RandomState>;

static INDEXES: LazyLock<RwLock<HashMap<usize, &'static Index>>> = LazyLock::new(RwLock::default);

impl Schema {
    /// The map from field name to position. It lives as long as the program, like the schema.
    pub fn index(&'static self) -> &'static Index {
        let address = std::ptr::from_ref(self) as usize;
        if let Some(index) = INDEXES.read().unwrap_or_else(PoisonError::into_inner).get(&address) {
            return index;
        }
        let built: Index =
            self.fields.iter().enumerate().map(|(at, field)| (field.name, at)).collect();
        let mut indexes = INDEXES.write().unwrap_or_else(PoisonError::into_inner);
        indexes.entry(address).or_insert_with(|| Box::leak(Box::new(built)))
    }

    /// The position of a field, by its exact name.
    pub fn find(&'static self, name: &str) -> Option<usize> {
        self.index().get(name).copied()
    }
}
