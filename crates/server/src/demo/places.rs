//! Countries, cities, street addresses and telephone numbers.
//!
//! Cities, time zones and the shape of postcodes are real; streets are invented. Telephone numbers
//! come only from ranges that a regulator keeps for fiction. Where a country has none, a British one
//! stands in.

use super::Record;
use super::record::{Decimal, Fields};
use super::rng::Rng;

/// A country of the demo data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nation {
    Britain,
    States,
    Canada,
    Australia,
    Ireland,
    Germany,
    Austria,
    Switzerland,
    Netherlands,
    France,
    Sweden,
    Denmark,
    Norway,
    Spain,
}

/// What addresses, telephones and money look like in a country.
pub(super) struct Country {
    /// ISO 3166 alpha-2.
    pub(super) code: &'static str,
    /// The ordinal of its currency in the reference data.
    pub(super) currency: i64,
    /// A tax number, in the notation of [`Rng::fill`].
    pub(super) tax_number: &'static str,
    mobile: &'static str,
    streets: Streets,
    pub(super) cities: &'static [City],
}

/// How a street and a house number are written.
enum Streets {
    /// `12 Mill Lane`
    English,
    /// `Gartenstraße 12`: the name with this ending, then the number.
    Joined(&'static [&'static str], &'static str),
    /// `12 rue des Lilas`: the number, then one of these.
    NumberFirst(&'static [&'static str]),
    /// `Calle del Olmo, 12`: one of these, then the number.
    NumberLast(&'static [&'static str]),
}

pub(super) struct City {
    pub(super) name: &'static str,
    region: &'static str,
    postcode: &'static str,
    /// IANA time zone.
    pub(super) timezone: &'static str,
    /// Degrees times 10,000.
    latitude: i64,
    longitude: i64,
    phone: &'static str,
}

impl City {
    /// A telephone number in the city.
    pub(super) fn phone(&self, rng: &mut Rng) -> String {
        rng.fill(self.phone)
    }

    /// Latitude and longitude of a point within some 3 km.
    pub(super) fn position(&self, rng: &mut Rng) -> (Decimal, Decimal) {
        let latitude = self.latitude + rng.between(-300, 300);
        let longitude = self.longitude + rng.between(-400, 400);
        (Decimal::ten_thousandths(latitude), Decimal::ten_thousandths(longitude))
    }
}

impl Country {
    /// A mobile telephone number.
    pub(super) fn mobile(&self, rng: &mut Rng) -> String {
        rng.fill(self.mobile)
    }

    /// A street address in `city`, as an `AddressStore` object.
    pub(super) fn address(&self, city: &City, rng: &mut Rng) -> Record {
        let number = rng.between(1, 240);
        let street = match &self.streets {
            Streets::English => {
                format!("{number} {} {}", rng.pick(ENGLISH_STREETS), rng.pick(ENGLISH_WAYS))
            }
            Streets::Joined(names, ending) => format!("{}{ending} {number}", rng.pick(names)),
            Streets::NumberFirst(names) => format!("{number} {}", rng.pick(names)),
            Streets::NumberLast(names) => format!("{}, {number}", rng.pick(names)),
        };
        let mut address = Fields::new(5);
        address.text("line1", street);
        if rng.chance(20) {
            let unit = rng.between(1, 24);
            address.text("line2", format!("Unit {unit}, {}", rng.pick(BUILDINGS)));
        }
        address
            .text("line3", city.name)
            .text("line4", city.region)
            .text("postcode", rng.fill(city.postcode));
        address.done()
    }
}

impl Nation {
    pub(super) fn country(self) -> &'static Country {
        match self {
            Nation::Britain => &BRITAIN,
            Nation::States => &STATES,
            Nation::Canada => &CANADA,
            Nation::Australia => &AUSTRALIA,
            Nation::Ireland => &IRELAND,
            Nation::Germany => &GERMANY,
            Nation::Austria => &AUSTRIA,
            Nation::Switzerland => &SWITZERLAND,
            Nation::Netherlands => &NETHERLANDS,
            Nation::France => &FRANCE,
            Nation::Sweden => &SWEDEN,
            Nation::Denmark => &DENMARK,
            Nation::Norway => &NORWAY,
            Nation::Spain => &SPAIN,
        }
    }
}

/// The British numbers for drama that belong to no city (Ofcom).
const BRITISH_PHONE: &str = "+44 1632 960###";
const BRITISH_MOBILE: &str = "+44 7700 900###";

#[rustfmt::skip]
const ENGLISH_STREETS: &[&str] = &[
    "Abbey", "Albert", "Bakers", "Barn", "Bell", "Bishop", "Bridge", "Canal", "Castle", "Chapel",
    "Cherry Tree", "Church", "Commerce", "Cooper", "Corn", "Dock", "Dyer", "Exchange", "Factory",
    "Ferry", "Foundry", "Gasworks", "George", "Glebe", "Hawthorn", "Hill", "Jubilee", "King",
    "Laurel", "Lime Kiln", "Lock", "Malt House", "Manor", "Market", "Mill", "Nelson", "Orchard",
    "Packhorse", "Park", "Poplar", "Priory", "Quay", "Queen", "Railway", "Ropewalk", "School",
    "Ship", "Smithy", "Spring", "Station", "Tannery", "Tower", "Union", "Victoria", "Walnut",
    "Water", "Weaver", "Well", "Wharf", "Windmill",
];
const ENGLISH_WAYS: &[&str] = &["Street", "Road", "Lane", "Avenue", "Way", "Drive", "Place"];
const BUILDINGS: &[&str] = &[
    "Riverside Park",
    "Enterprise House",
    "The Old Brewery",
    "Gateway Centre",
    "Trinity Court",
    "Meridian Point",
    "Northgate Works",
    "Science Park",
    "The Maltings",
    "Phoenix Yard",
];
#[rustfmt::skip]
const GERMAN_STREETS: &[&str] = &[
    "Ahorn", "Bahnhof", "Berg", "Birken", "Blumen", "Brücken", "Eichen", "Fabrik", "Garten",
    "Goethe", "Hafen", "Haupt", "Industrie", "Kirch", "Linden", "Markt", "Mühlen", "Ring",
    "Rosen", "Schiller", "Schul", "Tulpen", "Wald", "Wiesen",
];
#[rustfmt::skip]
const DUTCH_STREETS: &[&str] = &[
    "Beuken", "Brug", "Dorps", "Haven", "Kerk", "Linden", "Markt", "Molen", "Nieuw", "School",
    "Station", "Tulpen", "Water", "Wilgen",
];
#[rustfmt::skip]
const NORDIC_STREETS: &[&str] = &[
    "Bjørke", "Fabrikk", "Fjell", "Have", "Kirke", "Konge", "Linde", "Mølle", "Ny", "Skole", "Skov",
    "Strand", "Torv", "Øster",
];
#[rustfmt::skip]
const SWEDISH_STREETS: &[&str] = &[
    "Björk", "Fabriks", "Hamn", "Kungs", "Kyrko", "Linné", "Norra", "Park", "Skol", "Skogs",
    "Stor", "Strand", "Söder", "Ängs",
];
#[rustfmt::skip]
const FRENCH_STREETS: &[&str] = &[
    "rue de la Gare", "rue des Lilas", "avenue du Parc", "rue du Moulin", "quai des Tanneurs",
    "boulevard Saint-Michel", "rue de l’Église", "rue du Château", "place du Marché",
    "rue des Écoles", "avenue des Érables", "impasse des Peupliers",
];
#[rustfmt::skip]
const SPANISH_STREETS: &[&str] = &[
    "Calle del Olmo", "Calle Mayor", "Calle de la Estación", "Avenida del Mar", "Calle Nueva",
    "Paseo de los Álamos", "Calle del Río", "Plaza del Mercado", "Calle de las Peñas",
];

#[rustfmt::skip]
static BRITAIN: Country = Country {
    code: "GB",
    currency: 1,
    tax_number: "GB 9## #### ##",
    mobile: BRITISH_MOBILE,
    streets: Streets::English,
    cities: &[
        city("London", "Greater London", "SE1 #@@", "Europe/London", 51_5074, -1278, "+44 20 7946 0###"),
        city("Leeds", "West Yorkshire", "LS1# #@@", "Europe/London", 53_8008, -1_5491, "+44 113 496 0###"),
        city("Sheffield", "South Yorkshire", "S1# #@@", "Europe/London", 53_3811, -1_4701, "+44 114 496 0###"),
        city("Nottingham", "Nottinghamshire", "NG# #@@", "Europe/London", 52_9548, -1_1581, "+44 115 496 0###"),
        city("Leicester", "Leicestershire", "LE# #@@", "Europe/London", 52_6369, -1_1398, "+44 116 496 0###"),
        city("Bristol", "Avon", "BS# #@@", "Europe/London", 51_4545, -2_5879, "+44 117 496 0###"),
        city("Reading", "Berkshire", "RG# #@@", "Europe/London", 51_4543, -9781, "+44 118 496 0###"),
        city("Birmingham", "West Midlands", "B1# #@@", "Europe/London", 52_4862, -1_8904, "+44 121 496 0###"),
        city("Edinburgh", "Midlothian", "EH# #@@", "Europe/London", 55_9533, -3_1883, "+44 131 496 0###"),
        city("Glasgow", "Lanarkshire", "G# #@@", "Europe/London", 55_8642, -4_2518, "+44 141 496 0###"),
        city("Liverpool", "Merseyside", "L1# #@@", "Europe/London", 53_4084, -2_9916, "+44 151 496 0###"),
        city("Manchester", "Greater Manchester", "M1# #@@", "Europe/London", 53_4808, -2_2426, "+44 161 496 0###"),
        city("Newcastle upon Tyne", "Tyne and Wear", "NE# #@@", "Europe/London", 54_9783, -1_6178, "+44 191 498 0###"),
        city("Belfast", "Antrim", "BT# #@@", "Europe/London", 54_5973, -5_9301, "+44 28 9649 6###"),
        city("Cardiff", "South Glamorgan", "CF1# #@@", "Europe/London", 51_4816, -3_1791, "+44 29 2018 0###"),
        city("Norwich", "Norfolk", "NR# #@@", "Europe/London", 52_6309, 1_2974, BRITISH_PHONE),
    ],
};

/// In North America 555-0100 to 555-0199 are kept for fiction in every area code.
#[rustfmt::skip]
static STATES: Country = Country {
    code: "US",
    currency: 2,
    tax_number: "9#-#######",
    mobile: "+1 206-555-01##",
    streets: Streets::English,
    cities: &[
        city("New York", "NY", "100##", "America/New_York", 40_7128, -74_0060, "+1 212-555-01##"),
        city("Boston", "MA", "021##", "America/New_York", 42_3601, -71_0589, "+1 617-555-01##"),
        city("Atlanta", "GA", "303##", "America/New_York", 33_7490, -84_3880, "+1 404-555-01##"),
        city("Columbus", "OH", "432##", "America/New_York", 39_9612, -82_9988, "+1 614-555-01##"),
        city("Chicago", "IL", "606##", "America/Chicago", 41_8781, -87_6298, "+1 312-555-01##"),
        city("Austin", "TX", "787##", "America/Chicago", 30_2672, -97_7431, "+1 512-555-01##"),
        city("Minneapolis", "MN", "554##", "America/Chicago", 44_9778, -93_2650, "+1 612-555-01##"),
        city("Denver", "CO", "802##", "America/Denver", 39_7392, -104_9903, "+1 303-555-01##"),
        city("Phoenix", "AZ", "850##", "America/Phoenix", 33_4484, -112_0740, "+1 602-555-01##"),
        city("Seattle", "WA", "981##", "America/Los_Angeles", 47_6062, -122_3321, "+1 206-555-01##"),
        city("Portland", "OR", "972##", "America/Los_Angeles", 45_5152, -122_6784, "+1 503-555-01##"),
    ],
};

#[rustfmt::skip]
static CANADA: Country = Country {
    code: "CA",
    currency: 2,
    tax_number: "9######## RT0001",
    mobile: "+1 416-555-01##",
    streets: Streets::English,
    cities: &[
        city("Toronto", "ON", "M5@ #@#", "America/Toronto", 43_6532, -79_3832, "+1 416-555-01##"),
        city("Montréal", "QC", "H2@ #@#", "America/Toronto", 45_5019, -73_5674, "+1 514-555-01##"),
        city("Vancouver", "BC", "V6@ #@#", "America/Vancouver", 49_2827, -123_1207, "+1 604-555-01##"),
    ],
};

#[rustfmt::skip]
static AUSTRALIA: Country = Country {
    code: "AU",
    currency: 2,
    tax_number: "9# ### ### ###",
    mobile: "+61 491 570 156",
    streets: Streets::English,
    cities: &[
        city("Sydney", "NSW", "20##", "Australia/Sydney", -33_8688, 151_2093, "+61 2 5550 ####"),
        city("Melbourne", "VIC", "30##", "Australia/Melbourne", -37_8136, 144_9631, "+61 3 5550 ####"),
        city("Brisbane", "QLD", "40##", "Australia/Brisbane", -27_4698, 153_0251, "+61 7 5550 ####"),
        city("Perth", "WA", "60##", "Australia/Perth", -31_9523, 115_8613, "+61 8 5550 ####"),
    ],
};

#[rustfmt::skip]
static IRELAND: Country = Country {
    code: "IE",
    currency: 3,
    tax_number: "IE 9######@",
    mobile: BRITISH_MOBILE,
    streets: Streets::English,
    cities: &[
        city("Dublin", "Leinster", "D0# @###", "Europe/Dublin", 53_3498, -6_2603, BRITISH_PHONE),
        city("Cork", "Munster", "T12 @###", "Europe/Dublin", 51_8985, -8_4756, BRITISH_PHONE),
    ],
};

#[rustfmt::skip]
static GERMANY: Country = Country {
    code: "DE",
    currency: 3,
    tax_number: "DE 9########",
    mobile: "+49 171 39200##",
    streets: Streets::Joined(GERMAN_STREETS, "straße"),
    cities: &[
        city("Berlin", "Berlin", "10###", "Europe/Berlin", 52_5200, 13_4050, "+49 30 23125###"),
        city("Frankfurt am Main", "Hessen", "60###", "Europe/Berlin", 50_1109, 8_6821, "+49 69 90009###"),
        city("Hamburg", "Hamburg", "20###", "Europe/Berlin", 53_5511, 9_9937, "+49 40 66969###"),
        city("Köln", "Nordrhein-Westfalen", "50###", "Europe/Berlin", 50_9375, 6_9603, "+49 221 4710###"),
        city("München", "Bayern", "80###", "Europe/Berlin", 48_1351, 11_5820, "+49 89 99998###"),
    ],
};

#[rustfmt::skip]
static AUSTRIA: Country = Country {
    code: "AT",
    currency: 3,
    tax_number: "ATU 9#######",
    mobile: BRITISH_MOBILE,
    streets: Streets::Joined(GERMAN_STREETS, "gasse"),
    cities: &[
        city("Wien", "Wien", "10#0", "Europe/Vienna", 48_2082, 16_3738, BRITISH_PHONE),
        city("Graz", "Steiermark", "80#0", "Europe/Vienna", 47_0707, 15_4395, BRITISH_PHONE),
    ],
};

#[rustfmt::skip]
static SWITZERLAND: Country = Country {
    code: "CH",
    currency: 3,
    tax_number: "CHE-9##.###.###",
    mobile: BRITISH_MOBILE,
    streets: Streets::Joined(GERMAN_STREETS, "weg"),
    cities: &[
        city("Zürich", "Zürich", "80##", "Europe/Zurich", 47_3769, 8_5417, BRITISH_PHONE),
        city("Bern", "Bern", "30##", "Europe/Zurich", 46_9480, 7_4474, BRITISH_PHONE),
    ],
};

#[rustfmt::skip]
static NETHERLANDS: Country = Country {
    code: "NL",
    currency: 3,
    tax_number: "NL 9########B01",
    mobile: BRITISH_MOBILE,
    streets: Streets::Joined(DUTCH_STREETS, "straat"),
    cities: &[
        city("Amsterdam", "Noord-Holland", "10## @@", "Europe/Amsterdam", 52_3676, 4_9041, BRITISH_PHONE),
        city("Utrecht", "Utrecht", "35## @@", "Europe/Amsterdam", 52_0907, 5_1214, BRITISH_PHONE),
        city("Eindhoven", "Noord-Brabant", "56## @@", "Europe/Amsterdam", 51_4416, 5_4697, BRITISH_PHONE),
    ],
};

#[rustfmt::skip]
static FRANCE: Country = Country {
    code: "FR",
    currency: 3,
    tax_number: "FR 9# #########",
    mobile: "+33 6 39 98 ## ##",
    streets: Streets::NumberFirst(FRENCH_STREETS),
    cities: &[
        city("Paris", "Île-de-France", "750##", "Europe/Paris", 48_8566, 2_3522, "+33 1 99 00 ## ##"),
        city("Nantes", "Pays de la Loire", "440##", "Europe/Paris", 47_2184, -1_5536, "+33 2 61 91 ## ##"),
        city("Strasbourg", "Grand Est", "670##", "Europe/Paris", 48_5734, 7_7521, "+33 3 53 01 ## ##"),
        city("Lyon", "Auvergne-Rhône-Alpes", "690##", "Europe/Paris", 45_7640, 4_8357, "+33 4 65 71 ## ##"),
        city("Bordeaux", "Nouvelle-Aquitaine", "330##", "Europe/Paris", 44_8378, -5792, "+33 5 36 49 ## ##"),
    ],
};

#[rustfmt::skip]
static SWEDEN: Country = Country {
    code: "SE",
    currency: 3,
    tax_number: "SE 9#########01",
    mobile: "+46 70 174 06 2#",
    streets: Streets::Joined(SWEDISH_STREETS, "gatan"),
    cities: &[
        city("Stockholm", "Stockholms län", "11# ##", "Europe/Stockholm", 59_3293, 18_0686, "+46 8 465 004 ##"),
        city("Göteborg", "Västra Götaland", "41# ##", "Europe/Stockholm", 57_7089, 11_9746, "+46 31 390 06 ##"),
        city("Malmö", "Skåne", "21# ##", "Europe/Stockholm", 55_6050, 13_0038, "+46 40 628 04 ##"),
    ],
};

#[rustfmt::skip]
static DENMARK: Country = Country {
    code: "DK",
    currency: 3,
    tax_number: "DK 9#######",
    mobile: BRITISH_MOBILE,
    streets: Streets::Joined(NORDIC_STREETS, "gade"),
    cities: &[
        city("København", "Hovedstaden", "21##", "Europe/Copenhagen", 55_6761, 12_5683, BRITISH_PHONE),
        city("Aarhus", "Midtjylland", "80##", "Europe/Copenhagen", 56_1629, 10_2039, BRITISH_PHONE),
    ],
};

#[rustfmt::skip]
static NORWAY: Country = Country {
    code: "NO",
    currency: 3,
    tax_number: "NO 9######## MVA",
    mobile: BRITISH_MOBILE,
    streets: Streets::Joined(NORDIC_STREETS, "veien"),
    cities: &[
        city("Oslo", "Oslo", "01##", "Europe/Oslo", 59_9139, 10_7522, BRITISH_PHONE),
        city("Tromsø", "Troms", "90##", "Europe/Oslo", 69_6492, 18_9553, BRITISH_PHONE),
    ],
};

#[rustfmt::skip]
static SPAIN: Country = Country {
    code: "ES",
    currency: 3,
    tax_number: "ES B9#######",
    mobile: BRITISH_MOBILE,
    streets: Streets::NumberLast(SPANISH_STREETS),
    cities: &[
        city("Madrid", "Comunidad de Madrid", "280##", "Europe/Madrid", 40_4168, -3_7038, BRITISH_PHONE),
        city("Málaga", "Andalucía", "290##", "Europe/Madrid", 36_7213, -4_4214, BRITISH_PHONE),
    ],
};

const fn city(
    name: &'static str,
    region: &'static str,
    postcode: &'static str,
    timezone: &'static str,
    latitude: i64,
    longitude: i64,
    phone: &'static str,
) -> City {
    City { name, region, postcode, timezone, latitude, longitude, phone }
}
