//! Names of people, and mail addresses made from them.

use super::names::plain;
use super::rng::Rng;
use super::words::SURNAMES;

/// First names from many places; family names are those that company names use.
#[rustfmt::skip]
const FIRST_NAMES: &[&str] = &[
    "Aaliyah", "Adaeze", "Agnes", "Ahmed", "Aisha", "Alastair", "Alejandro", "Alice", "Amara",
    "Amélie", "Amit", "Anders", "André", "Anika", "Anneliese", "Antonio", "Arjun", "Astrid",
    "Beatriz", "Benedict", "Benoît", "Birgit", "Björn", "Bronwen", "Camille", "Carlos", "Carmen",
    "Catherine", "Chidi", "Chloë", "Clara", "Colette", "Daniel", "Deborah", "Dmitri", "Edith",
    "Eilidh", "Elif", "Emeka", "Emily", "Emre", "Esther", "Fatima", "Felix", "Fiona", "Florence",
    "François", "Frida", "Gareth", "Genevieve", "Giovanni", "Greta", "Gwen", "Hannah", "Haruto",
    "Heidi", "Henrik", "Hugo", "Imogen", "Ines", "Ingrid", "Isaac", "Isabel", "Jamal", "Jasmine",
    "Jeroen", "Joaquín", "Johanna", "Jonas", "Josephine", "Jürgen", "Katarzyna", "Keisha", "Kenji",
    "Kwame", "Lars", "Leila", "Lena", "Liam", "Lucía", "Ludovic", "Magnus", "Malik", "Marcus",
    "Margaret", "Mateusz", "Matilda", "Mei", "Miguel", "Miriam", "Mohammed", "Nadia", "Naomi",
    "Niamh", "Nikolai", "Noémie", "Nora", "Oliver", "Olivia", "Oscar", "Padraig", "Paloma", "Pedro",
    "Petra", "Philippa", "Priya", "Rachel", "Rafael", "Rania", "Rasmus", "Rebecca", "Renée", "Rhys",
    "Rosa", "Rupert", "Sakura", "Samir", "Sanjay", "Saskia", "Sebastian", "Sinéad", "Sofia",
    "Søren", "Stefan", "Sunita", "Tamara", "Thabo", "Theodore", "Tobias", "Ursula", "Valentina",
    "Victor", "Wanjiru", "Wilhelm", "Xavier", "Yasmin", "Yusuf", "Zara", "Zoë",
];

#[rustfmt::skip]
const JOBS: &[&str] = &[
    "Office Manager", "Managing Director", "Finance Director", "Operations Manager", "IT Manager",
    "Accounts Assistant", "Sales Manager", "Receptionist", "Warehouse Supervisor", "HR Advisor",
    "Marketing Executive", "Project Manager", "Buyer", "Quality Manager", "Engineer", "Partner",
    "Practice Manager", "Site Manager", "Customer Service Adviser", "Company Secretary",
];

/// Somebody who works for a client.
pub(super) struct Person {
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    pub(super) job: &'static str,
}

impl Person {
    pub(super) fn new(rng: &mut Rng) -> Person {
        let first = *rng.pick(FIRST_NAMES);
        let last = *rng.pick(SURNAMES);
        let job = *rng.pick(JOBS);
        Person { first, last, job }
    }

    pub(super) fn name(&self) -> String {
        format!("{} {}", self.first, self.last)
    }

    /// The part of the mail address before the `@`, in plain ASCII.
    pub(super) fn mailbox(&self) -> String {
        format!("{}.{}", plain(self.first, '-'), plain(self.last, '-'))
    }
}
