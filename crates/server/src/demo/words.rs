//! The words that company names are made of. A name is unique only because these lists have no word
//! in common and no word twice; the tests check both.

use super::places::Nation::{
    self, Australia, Austria, Britain, Canada, Denmark, France, Germany, Ireland, Netherlands,
    Norway, Spain, States, Sweden, Switzerland,
};

/// Legal forms, each with the country where it is at home.
pub(super) const SUFFIXES: &[(&str, Nation)] = &[
    ("Ltd", Britain),
    ("LLP", Britain),
    ("Plc", Britain),
    ("Group Ltd", Britain),
    ("Holdings Ltd", Britain),
    ("(UK) Ltd", Britain),
    ("& Co Ltd", Britain),
    ("CIC", Britain),
    ("Services Ltd", Britain),
    ("Solutions Ltd", Britain),
    ("North Ltd", Britain),
    ("LLC", States),
    ("Inc", States),
    ("Corp", States),
    ("Group LLC", States),
    ("Partners LLC", States),
    ("Associates Inc", States),
    ("Company", States),
    ("Holdings Inc", States),
    ("Canada Inc", Canada),
    ("Ltée", Canada),
    ("Pty Ltd", Australia),
    ("Australia Pty Ltd", Australia),
    ("DAC", Ireland),
    ("Ireland Ltd", Ireland),
    ("GmbH", Germany),
    ("GmbH & Co. KG", Germany),
    ("Deutschland GmbH", Germany),
    ("GesmbH", Austria),
    ("Schweiz AG", Switzerland),
    ("BV", Netherlands),
    ("Nederland BV", Netherlands),
    ("SAS", France),
    ("SARL", France),
    ("AB", Sweden),
    ("ApS", Denmark),
    ("Norge AS", Norway),
    ("SL", Spain),
];

#[rustfmt::skip]
pub(super) const SURNAMES: &[&str] = &[
    "Abernathy", "Acheson", "Aldous", "Allard", "Amherst", "Andersson", "Appiah", "Arkwright",
    "Arnaud", "Attwater", "Aydın", "Babcock", "Bainbridge", "Balogun", "Banerjee", "Barnaby",
    "Bautista", "Beaumont", "Becker", "Bergström", "Bexley", "Bickford", "Björklund", "Blakemore",
    "Blanchet", "Bouchard", "Brandão", "Brannigan", "Brockhurst", "Brøndum", "Buchanan", "Bülow",
    "Cadwallader", "Calloway", "Cardoso", "Carmichael", "Castellano", "Chakraborty", "Chaudhry",
    "Chevalier", "Clutterbuck", "Colquhoun", "Conway", "Copeland", "Corrigan", "Côté", "Crabtree",
    "Culpepper", "Cutler", "Dalgleish", "Danso", "Daventry", "Delacroix", "Desrosiers", "Dhillon",
    "Dietrich", "Dimitrov", "Donnelly", "Drakes", "Driscoll", "Dubois", "Dunleavy", "Dvořák",
    "Ekström", "Ellery", "Engström", "Entwistle", "Esposito", "Fairfax", "Falconer", "Farrington",
    "Faßbender", "Fennimore", "Fernández", "Ferreira", "Figueroa", "Finnegan", "Fitzgerald",
    "Fontaine", "Forsberg", "Fothergill", "Frobisher", "Gallagher", "Garside", "Gaskell", "Gauthier",
    "Gjertsen", "Goldsmith", "Gonçalves", "Granger", "Grünwald", "Guerrero", "Gustafsson",
    "Haddad", "Halvorsen", "Hargreaves", "Harrington", "Hathaway", "Haverford", "Heikkinen",
    "Henriksen", "Hernandez", "Higginbotham", "Hofmann", "Hollis", "Holmqvist", "Horváth",
    "Huxtable", "Ibrahim", "Ingleby", "Iwasaki", "Jankowski", "Janssen", "Jarvis", "Jørgensen",
    "Kapoor", "Kavanagh", "Keller", "Kessler", "Khatri", "Kingsley", "Kirkpatrick", "Kjær",
    "Kowalski", "Krüger", "Kumar", "Lachance", "Lambrecht", "Laurent", "Lefèvre", "Lindqvist",
    "Lockhart", "Lombardi", "Lovelace", "Lundgren", "Macallister", "Mahmood", "Maitland",
    "Marchetti", "Marchand", "Marlowe", "Mbeki", "McAllen", "McCreary", "Mehta", "Mendoza",
    "Meyerhoff", "Middlemiss", "Montague", "Moreau", "Mortensen", "Mountjoy", "Müller", "Naismith",
    "Nakamura", "Nettleton", "Nguyen", "Nightingale", "Nørgaard", "Novák", "Núñez", "Oakeshott",
    "Obermeier", "Odell", "Ødegård", "Okafor", "Olofsson", "Ormerod", "Ortega", "Osterman",
    "Padgett", "Palfrey", "Papadakis", "Patel", "Pemberton", "Pendleton", "Peyton", "Pfeiffer",
    "Pickersgill", "Poirier", "Prendergast", "Quigley", "Quintero", "Rademaker", "Rafferty",
    "Ramaswamy", "Rasmussen", "Ravenscroft", "Redfern", "Reinholt", "Renaud", "Rosenthal",
    "Rothwell", "Rousseau", "Ruíz", "Sandoval", "Satterthwaite", "Schäfer", "Schreiber",
    "Schulze", "Seymour", "Shackleton", "Sienkiewicz", "Silverman", "Sjöberg", "Sørensen",
    "Spielmann", "Stavros", "Strauß", "Sutcliffe", "Svensson", "Tanaka", "Tavares", "Thackeray",
    "Thibault", "Thornley", "Threlfall", "Tillman", "Tomlinson", "Trevelyan", "Tremblay",
    "Uddin", "Underhill", "Vandermeer", "Vasquez", "Venkatesh", "Verhoeven", "Villanueva",
    "Wadsworth", "Wagstaff", "Weißmann", "Wetherby", "Whitlock", "Wigglesworth", "Winterbourne",
    "Woźniak", "Yamamoto", "Yardley", "Zeller", "Zielinski", "Zimmermann",
];

#[rustfmt::skip]
pub(super) const TRADES: &[&str] = &[
    "Accountants", "Acoustics", "Advisory", "Aerials", "Aggregates", "Agronomy", "Analytics",
    "Animal Care", "Appliances", "Aquatics", "Architects", "Archives", "Auctions", "Automation",
    "Bakery", "Bathrooms", "Beverages", "Bicycles", "Blinds", "Boatyard", "Bookbinding", "Books",
    "Brewing", "Brickwork", "Building", "Cabinets", "Carpentry", "Carpets", "Castings", "Catering",
    "Ceramics", "Chemicals", "Cider", "Civil Engineering", "Cleaning", "Clinics", "Coaches",
    "Coatings", "Coffee", "Cold Storage", "Composites", "Concrete", "Confectionery",
    "Conservation", "Construction", "Consulting", "Couriers", "Dairy", "Decorating", "Dental Care",
    "Design", "Diagnostics", "Distribution", "Drainage", "Drilling", "Electrical", "Electronics",
    "Energy", "Engineering", "Estates", "Events", "Fabrication", "Farms", "Fencing", "Films",
    "Finance", "Fine Foods", "Fisheries", "Flooring", "Florists", "Forestry", "Forwarding",
    "Foundry", "Freight", "Furniture", "Garages", "Gardens", "Glass", "Granite", "Groundworks",
    "Haulage", "Heating", "Hire", "Hotels", "Housing", "Hydraulics", "Imaging", "Insulation",
    "Insurance", "Interiors", "Ironworks", "Joinery", "Kitchens", "Labels", "Laboratories",
    "Landscapes", "Laundry", "Leather", "Legal", "Lettings", "Lighting", "Logistics", "Machinery",
    "Marine", "Marketing", "Masonry", "Media", "Metals", "Mobility", "Motors", "Museums",
    "Nurseries", "Nutrition", "Opticians", "Organics", "Packaging", "Paper", "Pensions",
    "Pharmacy", "Photography", "Physiotherapy", "Plastics", "Plumbing", "Precision", "Printing",
    "Produce", "Property", "Publishing", "Pumps", "Quarries", "Recruitment", "Recycling",
    "Refrigeration", "Renewables", "Research", "Restaurants", "Roofing", "Sawmills", "Scaffolding",
    "Security", "Shipping", "Signs", "Software", "Stationery", "Steel", "Stone", "Surveyors",
    "Tailoring", "Tea Merchants", "Telecoms", "Textiles", "Theatres", "Tiles", "Timber", "Tooling",
    "Tours", "Toys", "Training", "Transport", "Travel", "Tyres", "Upholstery", "Vehicle Rental",
    "Ventilation", "Veterinary", "Vineyards", "Warehousing", "Waste", "Water", "Welding", "Wind",
    "Windows", "Woodcraft", "Wool", "Workwear", "Yachts",
];

#[rustfmt::skip]
pub(super) const PLACE_STARTS: &[&str] = &[
    "Alder", "Amber", "Ash", "Barley", "Beck", "Birch", "Bram", "Brook", "Carr", "Clover", "Cold",
    "Cray", "Dun", "Elder", "Fal", "Fern", "Gorse", "Hazel", "Hern", "Holt", "Kel", "Lark", "Lin",
    "Mallow", "Mar", "Mere", "Nether", "Otter", "Pen", "Rook", "Rush", "Sedge", "Swan", "Tarn",
    "Thorn", "Wick", "Wren", "Yar",
];

#[rustfmt::skip]
pub(super) const PLACE_ENDS: &[&str] = &[
    "borough", "bridge", "bury", "by", "combe", "cote", "dale", "den", "fell", "field", "ford",
    "gate", "ham", "haven", "holme", "hurst", "leigh", "minster", "mouth", "port", "scar", "sea",
    "shaw", "stead", "thorpe", "ton", "wick", "worth",
];

/// Three letters each, which makes a brand's parts readable from its letters: no two brands alike.
#[rustfmt::skip]
pub(super) const BRAND_STARTS: &[&str] = &[
    "Ago", "Alv", "Aqu", "Arb", "Ast", "Bel", "Bor", "Cal", "Cer", "Cin", "Cor", "Dal", "Del",
    "Dor", "Ely", "Equ", "Fen", "Fin", "Gal", "Gen", "Hel", "Hyd", "Ind", "Jov", "Kal", "Kyr",
    "Lum", "Lyr", "Mag", "Mir", "Nex", "Nov", "Oct", "Omn", "Pal", "Per", "Qua", "Rad", "Ser",
    "Sol", "Syn", "Tel", "Tri", "Umb", "Van", "Vel", "Vir", "Xen", "Zan", "Zor",
];

/// Two letters each, for the same reason.
#[rustfmt::skip]
pub(super) const BRAND_MIDDLES: &[&str] = &[
    "ba", "ce", "da", "do", "fi", "ga", "io", "ka", "la", "lo", "mi", "mo", "na", "ne", "no", "pe",
    "ra", "ri", "ro", "sa", "ta", "te", "ti", "ve", "vi", "xa",
];

#[rustfmt::skip]
pub(super) const BRAND_ENDS: &[&str] = &[
    "bit", "core", "dyn", "dyne", "flux", "form", "gen", "gon", "lab", "lane", "lex", "line",
    "link", "lux", "mark", "max", "med", "met", "mix", "net", "nex", "nova", "phon", "plex", "pulse",
    "rex", "scape", "sys", "tech", "tron", "via", "vio", "vox", "wave", "works", "zen",
];

#[rustfmt::skip]
pub(super) const ADJECTIVES: &[&str] = &[
    "Azure", "Bold", "Brass", "Bright", "Bronze", "Calm", "Cedar", "Clear", "Copper", "Coral",
    "Crimson", "Distant", "Early", "Eastern", "Emerald", "First", "Golden", "Grand", "Green",
    "Hidden", "High", "Indigo", "Ivory", "Jade", "Little", "Lucky", "Mellow", "Misty", "Noble",
    "Northern", "Old", "Open", "Patient", "Quiet", "Rapid", "Royal", "Rustic", "Scarlet", "Second",
    "Silver", "Southern", "Summer", "Sunny", "True", "Velvet", "Western", "Wild", "Winter",
];

#[rustfmt::skip]
pub(super) const NOUNS: &[&str] = &[
    "Anchor", "Anvil", "Badger", "Beacon", "Beech", "Bison", "Bower", "Canyon", "Compass", "Crane",
    "Crown", "Cypress", "Dolphin", "Dragon", "Eagle", "Elm", "Estuary", "Falcon", "Feather", "Finch",
    "Forge", "Fountain", "Fox", "Glacier", "Grove", "Gull", "Hare", "Harbour", "Heron", "Hive",
    "Horizon", "Island", "Kestrel", "Kite", "Lagoon", "Lantern", "Lighthouse", "Lion", "Lynx",
    "Magpie", "Maple", "Meadow", "Mill", "Moon", "Mountain", "Oak", "Orchard", "Osprey", "Owl",
    "Pebble", "Pelican", "Pine", "Prairie", "Raven", "Ridge", "River", "Salmon", "Shore", "Sparrow",
    "Spring", "Stag", "Star", "Summit", "Swallow", "Tiger", "Tower", "Valley", "Willow", "Wolf",
];
