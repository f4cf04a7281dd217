"""What Shopify sends about the editing of an order."""

from devstore.sales.model import Order
from devstore.sales.payloads import Json


def order_edit_payload(edit_id: int, before: Order, after: Order) -> Json:
    """The edit as `orders/edited` sends it: by how much each line grew or shrank. The order itself comes separately."""
    units = {line.line_id: line.current_quantity for line in before.lines}
    deltas = {line.line_id: line.current_quantity - units.get(line.line_id, 0) for line in after.lines}
    when = after.updated_at.isoformat(timespec="seconds")
    nothing: Json = {"additions": [], "removals": []}
    edit = {
        "id": edit_id,
        "app_id": None,
        "created_at": when,
        "committed_at": when,
        "notify_customer": False,
        "order_id": after.order_id,
        "staff_note": "",
        "user_id": None,
        "line_items": {
            "additions": [{"id": line_id, "delta": delta} for line_id, delta in deltas.items() if delta > 0],
            "removals": [{"id": line_id, "delta": -delta} for line_id, delta in deltas.items() if delta < 0],
        },
        "discounts": {"line_item": nothing},
        "shipping_lines": nothing,
    }
    return {"order_edit": edit}
