"""File 130: products with their ratings, orders with their items, and the counters of both."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from psycopg import errors

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, business, person, refused, value

LONG_AGO = "2020-01-01 00:00+00"

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


def category(connection: Connection, slug: str, parent: UUID | None = None) -> UUID:
    query = "insert into mkt_categories (slug, name, parent_id) values (%s, %s, %s) returning id"
    made: UUID = value(connection, query, slug, slug, parent)
    return made


def product(connection: Connection, seller: UUID | None = None) -> UUID:
    """A product at 12.50 of a business, a new one unless said."""
    number = next(_numbers)
    seller = seller or business(connection, person(connection))
    query = """
        insert into mkt_products (seller_id, name, slug, category_id, price) values (%s, %s, %s, %s, 12.50)
        returning id"""
    name = f"Feeder {number}"
    made: UUID = value(connection, query, seller, name, f"feeder-{number}", category(connection, f"category-{number}"))
    return made


def review(connection: Connection, of: UUID, rating: int, *, approved: bool = True) -> UUID:
    query = """
        insert into mkt_product_reviews (product_id, reviewer_id, rating, is_approved) values (%s, %s, %s, %s)
        returning id"""
    made: UUID = value(connection, query, of, person(connection), rating, approved)
    return made


def order(connection: Connection, *products: UUID, buyer: UUID | None = None) -> UUID:
    query = "insert into mkt_orders (buyer_id, order_number) values (%s, %s) returning id"
    made: UUID = value(connection, query, buyer or person(connection), f"ORD-{next(_numbers)}")
    for each in products:
        connection.execute(
            "insert into mkt_order_items (order_id, product_id, quantity, unit_price) values (%s, %s, 3, 12.50)",
            [made, each],
        )
    return made


def ratings(connection: Connection, *products: UUID) -> list[tuple[int, Decimal]]:
    query = "select reviews_count, rating_avg from mkt_products where id = %s"
    return [connection.execute(query, [each]).fetchall()[0] for each in products]


def orders(connection: Connection, *products: UUID) -> list[int]:
    return [value(connection, "select orders_count from mkt_products where id = %s", each) for each in products]


def offered(connection: Connection, *sellers: UUID) -> list[int]:
    return [value(connection, "select products_count from biz_profiles where id = %s", each) for each in sellers]


def test_a_business_counts_what_it_offers(connection: Connection) -> None:
    owner = person(connection)
    one, other = business(connection, owner), business(connection, owner)
    first, second = product(connection, one), product(connection, one)
    assert offered(connection, one, other) == [0, 0]
    connection.execute("update mkt_products set status = 'published'")
    assert offered(connection, one, other) == [2, 0]
    connection.execute("update mkt_products set seller_id = %s where id = %s", [other, first])
    connection.execute("update mkt_products set status = 'out_of_stock' where id = %s", [second])
    assert offered(connection, one, other) == [0, 1]
    connection.execute("delete from mkt_products")
    assert offered(connection, one, other) == [0, 0]


def test_the_rating_is_the_mean_of_the_approved_reviews(connection: Connection) -> None:
    one, other = product(connection), product(connection)
    first, second = review(connection, one, 5), review(connection, one, 4)
    hidden = review(connection, one, 1, approved=False)
    assert ratings(connection, one, other) == [(2, Decimal("4.50")), (0, 0)]
    connection.execute("update mkt_product_reviews set is_approved = true where id = %s", [hidden])
    assert ratings(connection, one) == [(3, Decimal("3.33"))]
    connection.execute("update mkt_product_reviews set rating = 2 where id = %s", [first])
    assert ratings(connection, one) == [(3, Decimal("2.33"))]
    connection.execute("update mkt_product_reviews set product_id = %s where id = %s", [other, second])
    assert ratings(connection, one, other) == [(2, Decimal("1.50")), (1, 4)]
    connection.execute("delete from profiles p using mkt_product_reviews r where r.reviewer_id = p.id")
    assert ratings(connection, one, other) == [(0, Decimal(0)), (0, Decimal(0))]


def test_ratings_are_recounted(connection: Connection) -> None:
    one, other = product(connection), product(connection)
    review(connection, one, 5)
    review(connection, one, 1, approved=False)
    assert value(connection, "select recount_product_ratings()") == 0
    connection.execute("update mkt_products set rating_avg = 3")
    assert value(connection, "select recount_product_ratings()") == 2
    assert ratings(connection, one, other) == [(1, Decimal(5)), (0, Decimal(0))]


def test_two_people_judge_at_the_same_moment(deployed: str) -> None:
    with psycopg.connect(deployed) as one, psycopg.connect(deployed) as other:
        bought = product(one)
        reviewers = [person(one), person(one)]
        one.commit()
        insert = (
            "insert into mkt_product_reviews (product_id, reviewer_id, rating, is_approved) values (%s, %s, %s, true)"
        )
        one.execute(insert, [bought, reviewers[0], 5])
        waiting = threading.Thread(target=other.execute, args=(insert, [bought, reviewers[1], 2]))
        waiting.start()
        one.commit()
        waiting.join(timeout=20)
        other.commit()
        assert ratings(one, bought) == [(2, Decimal("3.50"))]
        one.execute("delete from mkt_products")
        one.commit()


def test_an_order_counts_until_it_is_cancelled(connection: Connection) -> None:
    one, other = product(connection), product(connection)
    first, second = order(connection, one, other), order(connection, one)
    assert orders(connection, one, other) == [2, 1]
    connection.execute("update mkt_orders set status = 'confirmed' where id = %s", [first])
    connection.execute("update mkt_orders set status = 'cancelled' where id = %s", [first])
    assert orders(connection, one, other) == [1, 0]
    connection.execute(
        "insert into mkt_order_items (order_id, product_id, quantity, unit_price) values (%s, %s, 1, 1)",
        [first, product(connection)],
    )
    assert (
        value(connection, "select array_agg(is_cancelled) from mkt_order_items where order_id = %s", first)
        == [True] * 3
    )
    connection.execute("update mkt_orders set status = 'refunded' where id = %s", [first])
    assert orders(connection, one, other) == [2, 1]
    connection.execute("update mkt_order_items set product_id = %s where order_id = %s", [other, second])
    assert orders(connection, one, other) == [1, 2]
    connection.execute("delete from mkt_orders where id = %s", [first])
    assert orders(connection, one, other) == [0, 1]
    connection.execute("delete from mkt_order_items")
    assert orders(connection, one, other) == [0, 0]


def test_an_item_is_cancelled_with_its_order_and_not_by_hand(connection: Connection) -> None:
    bought = product(connection)
    cancelled = order(connection, bought)
    connection.execute("update mkt_orders set status = 'cancelled'")
    connection.execute("update mkt_order_items set is_cancelled = false")
    assert orders(connection, bought) == [0]
    connection.execute("update mkt_order_items set order_id = %s where order_id = %s", [order(connection), cancelled])
    assert orders(connection, bought) == [1]


def test_an_item_keeps_a_picture_of_its_product(connection: Connection) -> None:
    bought = product(connection)
    order(connection, bought)
    connection.execute("update mkt_products set name = 'Drinker', price = 99 where id = %s", [bought])
    item = connection.execute("select product_snapshot, subtotal from mkt_order_items").fetchall()[0]
    assert item[0]["name"].startswith("Feeder")
    assert (item[0]["price"], item[1]) == (12.5, Decimal("37.50"))


def test_what_was_ordered_and_who_ordered_stay(connection: Connection) -> None:
    seller, buyer = business(connection, person(connection)), person(connection)
    bought, unsold = product(connection, seller), product(connection)
    sale = order(connection, bought, buyer=buyer)
    remove = "delete from biz_profiles where id = %s"

    assert refused(connection, errors.IntegrityError, remove, seller).diag.table_name == "mkt_order_items"
    assert (
        refused(connection, errors.IntegrityError, "delete from profiles where id = %s", buyer).diag.table_name
        == "mkt_orders"
    )
    insert = "insert into mkt_order_items (order_id, product_id, quantity, unit_price) values (%s, %s, 1, 1)"
    refused(connection, errors.UniqueViolation, insert, sale, bought)
    refused(connection, errors.ForeignKeyViolation, insert, sale, sale)
    refused(connection, errors.ForeignKeyViolation, insert, bought, unsold)
    connection.execute("delete from mkt_orders")
    assert connection.execute(remove, [seller]).rowcount == 1  # and its products with it
    assert value(connection, "select array_agg(id) from mkt_products") == [unsold]


def test_a_deleted_product_is_forgotten_by_the_log_and_takes_its_reviews(connection: Connection) -> None:
    one = product(connection)
    review(connection, one, 5)
    insert = "insert into anl_activity_log (profile_id, activity_type, target_type, target_id)"
    connection.execute(insert + " values (%s, 'other', 'product', %s)", [person(connection), one])
    connection.execute("delete from mkt_products")
    assert connection.execute("select target_type, target_id from anl_activity_log").fetchall() == [(None, None)]
    assert value(connection, "select count(*) from mkt_product_reviews") == 0


def test_a_category_cannot_stand_below_itself(connection: Connection) -> None:
    top = category(connection, "farm")
    middle = category(connection, "layers", top)
    move = "update mkt_categories set parent_id = %s where id = %s"
    error = refused(connection, errors.CheckViolation, move, category(connection, "cages", middle), top)
    assert error.diag.constraint_name == "ck_mkt_categories_no_cycle"
    refused(connection, errors.CheckViolation, move, top, top)
    refused(connection, errors.IntegrityError, "delete from mkt_categories where id = %s", top)
    insert = "insert into mkt_categories (slug, name, parent_id) values ('another', %s, %s)"
    refused(connection, errors.UniqueViolation, insert, "layers", top)
    refused(connection, errors.UniqueViolation, insert, "farm", None)
    assert connection.execute(move, [None, middle]).rowcount == 1


def test_counting_is_not_editing_a_product(connection: Connection) -> None:
    one = product(connection)
    connection.execute("update mkt_products set updated_at = %s", [LONG_AGO])
    review(connection, one, 5)
    order(connection, one)
    assert value(connection, "select updated_at from mkt_products").year == 2020
    connection.execute("update mkt_products set price = 13")
    assert value(connection, "select updated_at = now() from mkt_products") is True


def test_a_product_is_found_by_its_words(connection: Connection) -> None:
    one = product(connection)
    connection.execute("update mkt_products set name = 'Mangeoire Forêt', sku = 'FX-9', description = 'For chicks'")
    query = "select id from mkt_products where search @@ websearch_to_tsquery('simple', %s)"
    assert [value(connection, query, words) for words in ("foret", "fx-9", "chicks", "drinker")] == [
        one,
        one,
        one,
        None,
    ]


@pytest.mark.parametrize(
    "change",
    [
        "name = ' '",
        "slug = 'Big Slug'",
        "description = repeat('x', 2001)",
        "price = -1",
        "currency = 'Rs'",
        "stock_quantity = -1",
        "sku = ' '",
        "specifications = '[]'",
        "status = 'sold'",
        "rating_avg = 5.01",
        "rating_avg = -1",
        "orders_count = -1",
    ],
)
def test_a_product_refuses_nonsense(connection: Connection, change: str) -> None:
    product(connection)
    refused(connection, errors.CheckViolation, f"update mkt_products set {change}")


def test_a_seller_has_each_number_once(connection: Connection) -> None:
    seller = business(connection, person(connection))
    product(connection, seller)
    product(connection)
    connection.execute("update mkt_products set sku = 'F-1'")  # two sellers may have the same
    product(connection, seller)
    refused(connection, errors.UniqueViolation, "update mkt_products set sku = 'F-1'")


@pytest.mark.parametrize(
    ("error", "change"),
    [
        (errors.CheckViolation, "update mkt_product_reviews set rating = 0"),
        (errors.CheckViolation, "update mkt_product_reviews set rating = 6"),
        (errors.CheckViolation, "update mkt_product_reviews set review_text = repeat('x', 1001)"),
        (errors.UniqueViolation, "insert into mkt_product_reviews (product_id, reviewer_id, rating)"
         " select product_id, reviewer_id, 1 from mkt_product_reviews"),
        (errors.CheckViolation, "update mkt_orders set total = 1"),
        (errors.CheckViolation, "update mkt_orders set subtotal = 100, tax = 18, shipping = 10, total = 127"),
        (errors.CheckViolation, "update mkt_orders set tax = -1, total = -1"),
        (errors.CheckViolation, "update mkt_orders set order_number = 'no 1'"),
        (errors.CheckViolation, "update mkt_orders set status = 'lost'"),
        (errors.CheckViolation, "update mkt_orders set payment_status = 'owed'"),
        (errors.CheckViolation, "update mkt_order_items set quantity = 0"),
        (errors.CheckViolation, "update mkt_order_items set unit_price = -1"),
        (errors.GeneratedAlways, "update mkt_order_items set subtotal = 1"),
    ],
)  # fmt: skip
def test_reviews_and_orders_refuse_nonsense(connection: Connection, error: type[psycopg.Error], change: str) -> None:
    one = product(connection)
    review(connection, one, 5)
    order(connection, one)
    refused(connection, error, change)
    whole = "update mkt_orders set subtotal = 100, tax = 18, shipping = 10, total = 128, status = 'shipped'"
    assert connection.execute(whole).rowcount == 1
