"""All tables, one file per step of the data's way. Importing this package registers every one of them."""

from shopify_app.tables.alerts import Alert, AlertState, Evaluation
from shopify_app.tables.answers import Exposure, ForecastRun, ForecastTotal, ListRun, PublishedList
from shopify_app.tables.archive import DataKey, Export, Mailing, Receipt, Segment, ShopSecret
from shopify_app.tables.base import Base
from shopify_app.tables.inbox import Event, EventState, Tombstone
from shopify_app.tables.orders import Customer, InventoryItem, Order, OrderLine, Product, ProductDay, StockDay
from shopify_app.tables.shops import Backfill, Feed, Shop, ShopState, Token
from shopify_app.tables.vendors import Purchase, VendorTerms
from shopify_app.tables.versions import (
    Slot,
    SlotState,
    Snapshot,
    SnapshotPart,
    Task,
    Transition,
    Version,
    VersionState,
)
from shopify_app.tables.views import View, ViewKind
from shopify_app.tables.work import Effect, FlowRun, Job, Turn, WorkState

__all__ = [
    "Alert",
    "AlertState",
    "Backfill",
    "Base",
    "Customer",
    "DataKey",
    "Effect",
    "Evaluation",
    "Event",
    "EventState",
    "Export",
    "Exposure",
    "Feed",
    "FlowRun",
    "ForecastRun",
    "ForecastTotal",
    "InventoryItem",
    "Job",
    "ListRun",
    "Mailing",
    "Order",
    "OrderLine",
    "Product",
    "ProductDay",
    "PublishedList",
    "Purchase",
    "Receipt",
    "Segment",
    "Shop",
    "ShopSecret",
    "ShopState",
    "Slot",
    "SlotState",
    "Snapshot",
    "SnapshotPart",
    "StockDay",
    "Task",
    "Token",
    "Tombstone",
    "Transition",
    "Turn",
    "VendorTerms",
    "Version",
    "VersionState",
    "View",
    "ViewKind",
    "WorkState",
]
