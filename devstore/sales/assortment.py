"""What an outdoor and home shop sells: the kinds of things, their makers, and what goes with what.

Plain data. A product is a kind under a series name ("Tarn" + "Daypack 22L"); all names are invented.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing: its typical price in whole currency units and what people buy along with it."""

    name: str
    product_type: str
    price: int
    goes_with: tuple[str, ...]
    extra_units: float = 0.06
    """Mean of the units above one in a line: near zero for a tent, half a unit for candles."""


@dataclass(frozen=True, slots=True)
class Department:
    """A product type: who makes it, when it sells, and how often it comes back."""

    name: str
    vendors: tuple[str, ...]
    peak_day: int
    """Day of the year around which the department sells best."""
    swing: float
    """Relative height of that yearly wave, 0 to 1."""
    return_rate: float
    tags: tuple[str, ...]


DEPARTMENTS = (
    Department("Tents & Shelters", ("Northmoor", "Fellgate"), 175, 0.55, 0.10, ("outdoor", "camping")),
    Department("Packs & Bags", ("Northmoor", "Canvas & Cord"), 190, 0.30, 0.11, ("outdoor", "travel")),
    Department("Sleep", ("Fellgate", "Woolhouse"), 180, 0.35, 0.10, ("outdoor", "camping")),
    Department("Camp Kitchen", ("Kettle & Coal", "Fellgate"), 185, 0.30, 0.06, ("outdoor", "kitchen")),
    Department("Lighting & Candles", ("Tallow Lane", "Kettle & Coal"), 345, 0.40, 0.04, ("home", "light")),
    Department("Clothing", ("Woolhouse", "Northmoor"), 310, 0.35, 0.22, ("outdoor", "wear")),
    Department("Footwear", ("Cobble & Crag",), 290, 0.25, 0.24, ("outdoor", "wear")),
    Department("Home Textiles", ("Woolhouse", "Linden Loom"), 335, 0.40, 0.11, ("home", "textile")),
    Department("Tableware", ("Saltglaze Studio", "Linden Loom"), 340, 0.30, 0.07, ("home", "kitchen")),
    Department("Garden", ("Potting Shed Co.", "Saltglaze Studio"), 125, 0.60, 0.05, ("home", "garden")),
)

KINDS = (
    Kind("Two-Person Tent", "Tents & Shelters", 249, ("Tent Footprint", "Steel Peg Set", "Insulated Mat")),
    Kind("Four-Person Tent", "Tents & Shelters", 389, ("Tent Footprint", "Steel Peg Set", "Camp Lantern")),
    Kind("Ripstop Tarp", "Tents & Shelters", 89, ("Steel Peg Set", "Guy Line Cord")),
    Kind("Tent Footprint", "Tents & Shelters", 49, ("Steel Peg Set",)),
    Kind("Steel Peg Set", "Tents & Shelters", 18, ("Guy Line Cord",), 0.25),
    Kind("Guy Line Cord", "Tents & Shelters", 11, ("Ripstop Tarp",), 0.35),
    Kind("Daypack 22L", "Packs & Bags", 95, ("Insulated Bottle", "Dry Bag 8L", "Rain Cover")),
    Kind("Trekking Pack 50L", "Packs & Bags", 189, ("Rain Cover", "Dry Bag 8L", "Sleeping Bag Liner")),
    Kind("Duffel 40L", "Packs & Bags", 119, ("Wash Bag", "Packing Cubes")),
    Kind("Canvas Tote", "Packs & Bags", 32, ("Wash Bag",), 0.15),
    Kind("Dry Bag 8L", "Packs & Bags", 22, ("Rain Cover",), 0.3),
    Kind("Rain Cover", "Packs & Bags", 26, ("Dry Bag 8L",)),
    Kind("Wash Bag", "Packs & Bags", 29, ("Packing Cubes",)),
    Kind("Packing Cubes", "Packs & Bags", 34, ("Wash Bag",), 0.2),
    Kind("Down Sleeping Bag", "Sleep", 229, ("Sleeping Bag Liner", "Insulated Mat", "Camp Pillow")),
    Kind("Insulated Mat", "Sleep", 109, ("Camp Pillow", "Sleeping Bag Liner")),
    Kind("Camp Pillow", "Sleep", 28, ("Sleeping Bag Liner",), 0.3),
    Kind("Sleeping Bag Liner", "Sleep", 42, ("Camp Pillow",)),
    Kind("Gas Stove", "Camp Kitchen", 59, ("Titanium Pot", "Windshield", "Enamel Mug")),
    Kind("Titanium Pot", "Camp Kitchen", 54, ("Camp Cutlery Set", "Enamel Mug")),
    Kind("Windshield", "Camp Kitchen", 17, ("Gas Stove",)),
    Kind("Enamel Mug", "Camp Kitchen", 15, ("Camp Cutlery Set", "Coffee Dripper"), 0.6),
    Kind("Camp Cutlery Set", "Camp Kitchen", 21, ("Enamel Mug",), 0.35),
    Kind("Cast Iron Skillet", "Camp Kitchen", 68, ("Skillet Scraper", "Oven Mitt")),
    Kind("Skillet Scraper", "Camp Kitchen", 9, ("Cast Iron Skillet",), 0.1),
    Kind("Coffee Dripper", "Camp Kitchen", 29, ("Paper Filters", "Insulated Bottle")),
    Kind("Paper Filters", "Camp Kitchen", 8, ("Coffee Dripper",), 0.7),
    Kind("Insulated Bottle", "Camp Kitchen", 36, ("Bottle Brush",), 0.15),
    Kind("Bottle Brush", "Camp Kitchen", 9, ("Insulated Bottle",), 0.1),
    Kind("Headlamp", "Lighting & Candles", 45, ("Spare Battery",)),
    Kind("Camp Lantern", "Lighting & Candles", 58, ("Spare Battery", "Headlamp")),
    Kind("Spare Battery", "Lighting & Candles", 16, ("Headlamp",), 0.45),
    Kind("Solar String Lights", "Lighting & Candles", 34, ("Camp Lantern",), 0.2),
    Kind("Beeswax Pillar Candle", "Lighting & Candles", 22, ("Wick Trimmer", "Long Matches"), 0.6),
    Kind("Soy Candle", "Lighting & Candles", 28, ("Wick Trimmer", "Long Matches"), 0.4),
    Kind("Wick Trimmer", "Lighting & Candles", 18, ("Long Matches",)),
    Kind("Long Matches", "Lighting & Candles", 8, ("Soy Candle",), 0.45),
    Kind("Merino Base Layer", "Clothing", 85, ("Hiking Socks", "Merino Neck Warmer"), 0.12),
    Kind("Fleece Pullover", "Clothing", 98, ("Wool Beanie",)),
    Kind("Rain Shell", "Clothing", 179, ("Wash-In Proofer", "Merino Base Layer")),
    Kind("Wash-In Proofer", "Clothing", 14, ("Rain Shell",), 0.25),
    Kind("Wool Beanie", "Clothing", 34, ("Merino Neck Warmer", "Knit Gloves"), 0.15),
    Kind("Merino Neck Warmer", "Clothing", 29, ("Wool Beanie",), 0.1),
    Kind("Knit Gloves", "Clothing", 32, ("Wool Beanie",), 0.1),
    Kind("Hiking Boots", "Footwear", 189, ("Hiking Socks", "Boot Wax", "Gaiters")),
    Kind("Camp Clogs", "Footwear", 69, ("Hiking Socks",)),
    Kind("Hiking Socks", "Footwear", 19, ("Boot Wax",), 0.7),
    Kind("Boot Wax", "Footwear", 13, ("Hiking Socks",), 0.15),
    Kind("Gaiters", "Footwear", 39, ("Boot Wax",)),
    Kind("Linen Throw", "Home Textiles", 89, ("Cushion Cover",)),
    Kind("Wool Blanket", "Home Textiles", 139, ("Cushion Cover", "Soy Candle")),
    Kind("Cushion Cover", "Home Textiles", 38, ("Linen Throw",), 0.8),
    Kind("Tea Towel Pair", "Home Textiles", 24, ("Linen Apron", "Oven Mitt"), 0.35),
    Kind("Linen Apron", "Home Textiles", 48, ("Tea Towel Pair", "Oven Mitt")),
    Kind("Oven Mitt", "Home Textiles", 22, ("Tea Towel Pair",), 0.3),
    Kind("Stoneware Mug", "Tableware", 24, ("Stoneware Teapot", "Loose Tea Strainer"), 0.9),
    Kind("Stoneware Teapot", "Tableware", 64, ("Loose Tea Strainer", "Stoneware Mug")),
    Kind("Loose Tea Strainer", "Tableware", 14, ("Stoneware Mug",)),
    Kind("Serving Bowl", "Tableware", 46, ("Salad Servers",), 0.2),
    Kind("Salad Servers", "Tableware", 27, ("Serving Bowl",)),
    Kind("Oak Bread Board", "Tableware", 54, ("Board Oil", "Tea Towel Pair")),
    Kind("Board Oil", "Tableware", 12, ("Oak Bread Board",), 0.15),
    Kind("Terracotta Planter", "Garden", 34, ("Hand Trowel", "Planter Saucer"), 0.55),
    Kind("Planter Saucer", "Garden", 11, ("Terracotta Planter",), 0.5),
    Kind("Hand Trowel", "Garden", 27, ("Garden Twine", "Seed Collection")),
    Kind("Seed Collection", "Garden", 13, ("Garden Twine", "Copper Plant Labels"), 0.9),
    Kind("Copper Plant Labels", "Garden", 16, ("Seed Collection",), 0.2),
    Kind("Garden Twine", "Garden", 9, ("Seed Collection",), 0.3),
    Kind("Watering Can", "Garden", 49, ("Terracotta Planter",)),
    Kind("Bird Feeder", "Garden", 36, ("Bird Seed Mix",), 0.15),
    Kind("Bird Seed Mix", "Garden", 14, ("Bird Feeder",), 0.5),
)

# fmt: off
SERIES = (
    "Tarn", "Birch", "Heron", "Juniper", "Rowan", "Slate", "Moss", "Ember", "Harbour", "Larch", "Sorrel",
    "Teal", "Wren", "Thistle", "Cairn", "Dune", "Bracken", "Otter", "Fern", "Heath", "Marsh", "Plover",
    "Aspen", "Curlew", "Orchard", "Drift", "Clover", "Hazel", "Lichen", "Pebble",
)
# fmt: on
