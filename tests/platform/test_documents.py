"""Every GraphQL document we send, against the published Admin schema: it exists, is current, and asks for no person."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLEnumType,
    GraphQLObjectType,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.validation import NoDeprecatedCustomRule

from shopify_app.platform import bulk
from shopify_app.platform.documents import FOLDER, document

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in FOLDER.glob("*.graphql"))

# Every field that Shopify marks as protected customer data in 2026-10: 81 on 30 types. None of them is for us.
PROTECTED: dict[str, set[str]] = {
    "CalculatedDraftOrder": {"phone"},
    "CardPaymentDetails": {"name"},
    "CommentAuthor": {"email", "name"},
    "CompanyAddress": {"companyName", "firstName", "formattedAddress", "lastName", "recipient"},
    "CompanyContactRole": {"name"},
    "Customer": {"displayName", "email", "firstName", "lastName", "phone"},
    "CustomerCreditCard": {"name"},
    "CustomerCreditCardBillingAddress": {"address1", "firstName", "lastName", "zip"},
    "CustomerEmailAddress": {"emailAddress"},
    "CustomerMergePreviewAlternateFields": {"email", "firstName", "lastName", "phoneNumber"},
    "CustomerMergePreviewDefaultFields": {"displayName", "email", "firstName", "lastName"},
    "CustomerPaymentInstrumentBillingAddress": {"address1", "name", "zip"},
    "CustomerPaypalBillingAgreement": {"paypalAccountEmail"},
    "CustomerPhoneNumber": {"phoneNumber"},
    "CustomerSegmentMember": {"displayName", "firstName", "lastName"},
    "CustomerShopPayAgreement": {"name"},
    "DeliveryMethodAdditionalInformation": {"phone"},
    "DraftOrder": {"email", "phone"},
    "FulfillmentEvent": {"address1", "city", "latitude", "longitude", "zip"},
    "FulfillmentOrderDestination": {"address1", "address2", "city", "email", "firstName", "lastName", "phone", "zip"},
    "FulfillmentOriginAddress": {"address1", "address2", "city", "zip"},
    "GiftCardRecipient": {"preferredName"},
    "MailingAddress": {
        "address1",
        "address2",
        "firstName",
        "formatted",
        "lastName",
        "latitude",
        "longitude",
        "name",
        "phone",
        "zip",
    },
    "Order": {"email", "phone", "statusPageUrl"},
    "OrderStagedChangeAddShippingLine": {"phone"},
    "ShippingLine": {"phone"},
    "ShopifyPaymentsDisputeEvidence": {"customerEmailAddress", "customerFirstName", "customerLastName"},
    "SubscriptionDeliveryMethodLocalDeliveryOption": {"phone"},
    "VaultCreditCard": {"name"},
    "VaultPaypalBillingAgreement": {"name", "paypalAccountEmail"},
}
# What else says who somebody is, whether marked or not. A customer is a number to us.
PERSONAL_TYPES = {"MailingAddress", "CustomerEmailAddress", "CustomerPhoneNumber", "StaffMember", "Company"}
ALLOWED_OF_CUSTOMER = {"id"}


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def fields(schema: GraphQLSchema, parsed: DocumentNode) -> Iterator[tuple[str, str, str]]:
    """Every field of a document as (type it is on, its name, type it has)."""
    found: list[tuple[str, str, str]] = []
    info = TypeInfo(schema)

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            parent, kind = info.get_parent_type(), get_named_type(info.get_type())
            found.append((parent.name if parent else "?", node.name.value, kind.name if kind else "?"))

    visit(parsed, TypeInfoVisitor(info, Collect()))
    return iter(found)


def test_there_are_documents() -> None:
    assert len(NAMES) >= 13


def test_it_is_valid_and_nothing_in_it_is_deprecated(name: str, admin_schema: GraphQLSchema) -> None:
    assert validate(admin_schema, parse(document(name)), [*specified_rules, NoDeprecatedCustomRule]) == []


def test_a_wrong_field_would_be_noticed(admin_schema: GraphQLSchema) -> None:
    wrong = parse(document("orders_bulk").replace("currentQuantity", "currentQuality"))
    assert validate(admin_schema, wrong)


def test_it_asks_for_nothing_that_tells_who_a_person_is(name: str, admin_schema: GraphQLSchema) -> None:
    for parent, field, kind in fields(admin_schema, parse(document(name))):
        assert field not in PROTECTED.get(parent, set()), f"{parent}.{field}"
        assert kind not in PERSONAL_TYPES, f"{parent}.{field} is a {kind}"
        assert parent != "Customer" or field in ALLOWED_OF_CUSTOMER, f"Customer.{field}"


def test_the_protected_fields_exist_under_these_names(admin_schema: GraphQLSchema) -> None:
    for kind, names in PROTECTED.items():
        found = admin_schema.get_type(kind)
        assert isinstance(found, GraphQLObjectType)
        assert names <= set(found.fields)


def test_the_list_of_protected_fields_is_the_published_one(introspection: dict[str, Any] | None) -> None:
    if introspection is None:
        pytest.skip("the schema with its marks comes with `npm ci` (@shopify/dev-mcp)")
    marked: dict[str, set[str]] = {}
    for kind in introspection["data"]["__schema"]["types"]:
        for field in kind["fields"] or []:
            if field["isProtected"]:
                marked.setdefault(kind["name"], set()).add(field["name"])
    assert marked == PROTECTED


def test_the_scopes_of_the_app_cover_it(
    name: str, admin_schema: GraphQLSchema, scopes_by_type: dict[str, list[str]]
) -> None:
    granted = set(tomllib.loads((ROOT / "shopify.app.toml").read_text())["access_scopes"]["scopes"].split(","))
    granted |= {scope.replace("write_", "read_", 1) for scope in granted}  # who may write may read
    for parent, _, _ in fields(admin_schema, parse(document(name))):
        accepted = scopes_by_type.get(parent)
        assert accepted is None or granted & set(accepted), f"{parent} asks for one of {accepted}"


def test_it_holds_one_operation_named_like_its_file(name: str) -> None:
    operations = parse(document(name)).definitions
    assert [one.name.value for one in operations] == ["".join(word.title() for word in name.split("_"))]


def test_every_subscribed_topic_exists(admin_schema: GraphQLSchema) -> None:
    found = admin_schema.get_type("WebhookSubscriptionTopic")
    assert isinstance(found, GraphQLEnumType)
    subscriptions = tomllib.loads((ROOT / "shopify.app.toml").read_text())["webhooks"]["subscriptions"]
    topics = {topic for one in subscriptions for topic in one.get("topics", [])}
    assert {topic.upper().replace("/", "_") for topic in topics} <= set(found.values)


def test_every_document_is_sent_by_somebody() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "shopify_app").rglob("*.py"))
    code += "\n".join(path.read_text() for path in (ROOT / "workers").rglob("*.py"))
    assert [name for name in NAMES if f'"{name}"' not in code] == []


def test_an_unknown_document_is_named() -> None:
    with pytest.raises(KeyError, match="no_such"):
        document("no_such")


@pytest.mark.parametrize(
    "query",
    [bulk.orders_query(), bulk.products_query(), bulk.inventory_query()],
    ids=["orders", "products", "inventory"],
)
def test_a_bulk_query_keeps_shopify_s_limits(query: str, admin_schema: GraphQLSchema) -> None:
    """One top field, at least one and at most five connections, nested at most two deep, no variables."""
    operation = parse(query).definitions[0]
    assert len(operation.selection_set.selections) == 1
    assert not operation.variable_definitions
    connections = [kind for _, _, kind in fields(admin_schema, parse(query)) if kind.endswith("Connection")]
    assert 1 <= len(connections) <= 5
    assert deepest(operation) <= 2


def deepest(node: object, depth: int = 0) -> int:
    """How deep connections are nested below a node: each has exactly one `edges`."""
    selections = getattr(getattr(node, "selection_set", None), "selections", ())
    below = [deepest(one, depth + (one.name.value == "edges")) for one in selections]
    return max(below, default=depth)
