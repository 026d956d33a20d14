"""Fills the demo shop's stores in the emulator, the same way every time.

    seed_shop.py                       the whole shop
    seed_shop.py --bulk cust-big 1000  one more customer with this many records besides a profile: chat messages, and of
                                       large numbers most as lines of orders, since the emulator reads the whole of a
                                       partition for each page of it
"""

import argparse
import datetime
import hashlib
import itertools
import random
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config
from faker import Faker

import documents
import shop

AGENTS = ("Jo Winter", "Sam Okafor", "Robin Blanc")
SENTENCES = (
    "Where is my parcel?",
    "It says delivered, but nothing is here.",
    "Could you change the delivery address?",
    "The second item is missing.",
    "Thank you, that was quick!",
    "I would like to return the shoes.",
    "Please call me back after five.",
)
STATUSES = ("delivered", "delivered", "delivered", "returned", "shipped")
WORKERS = 4

# Of a bulk customer.
MOST_MESSAGES = 50_000
LINES = 1_000

session = boto3.Session()
config = Config(max_pool_connections=WORKERS, retries={"max_attempts": 5})
dynamodb = session.client("dynamodb", config=config)
s3 = session.client("s3", config=config)
now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0, second=0)


def create_stores():
    tables = shop.TABLES | {shop.OTHER: ("customer_id", None, {})}
    for name, (partition, sort, indexes) in tables.items():
        names = [partition] + ([sort] if sort else []) + list(indexes.values())
        keys = [{"AttributeName": partition, "KeyType": "HASH"}]
        if sort:
            keys.append({"AttributeName": sort, "KeyType": "RANGE"})
        more = {}
        if indexes:
            more["GlobalSecondaryIndexes"] = [
                {
                    "IndexName": index,
                    "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
                for index, key in indexes.items()
            ]
        dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": n, "AttributeType": "S"} for n in dict.fromkeys(names)
            ],
            KeySchema=keys,
            **more,
        )
    where = {"LocationConstraint": s3.meta.region_name}
    for bucket in shop.BUCKETS:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
    s3.put_bucket_versioning(
        Bucket=shop.DOCUMENTS, VersioningConfiguration={"Status": "Enabled"}
    )


def item(**values):
    return {
        k: {"N": str(v)} if isinstance(v, (int, float)) else {"S": v} for k, v in values.items()
    }


def days_ago(days):
    return now - datetime.timedelta(days=days)


class Shop:
    """Collects what to write, so that the draw of random numbers has one order."""

    def __init__(self):
        self.random = random.Random(shop.SEED)
        self.fake = Faker("en_GB")
        self.fake.seed_instance(shop.SEED)
        self.rows = {name: [] for name in shop.TABLES}
        self.objects = []  # (bucket, key, [(type, body) or None for a delete marker])
        self.order_no = itertools.count(100_001)
        self.invoice_no = itertools.count(500_001)

    def customer(self, number):
        name = self.fake.name()
        slug = "".join(c if c.isascii() and c.isalnum() else "." for c in name.lower()).strip(".")
        self.everything(f"cust-{number:05}", name, f"{slug}.{number}@example.org")

    def everything(self, customer, name, email):
        subject = customer == shop.SUBJECT
        draw = self.random.randint
        self.rows["shop-profiles"].append(
            item(
                customer_id=customer, email=email, name=name, phone=self.fake.phone_number(),
                address=self.fake.address().replace("\n", ", "), version=draw(1, 4),
            )
        )
        self.orders(customer, email, shop.SUBJECT_ORDERS if subject else draw(1, 3))
        for n in range(shop.SUBJECT_CHAT if subject else draw(2, 6)):
            sent = days_ago(draw(0, 900)) + datetime.timedelta(minutes=n)
            words = f"{self.random.choice(SENTENCES)} {name if n % 5 == 0 else ''}".strip()
            self.rows["shop-chat"].append(
                item(
                    customer_id=customer, message_id=f"m-{n:06}", text=words, agent=AGENTS[n % 3],
                    sent_at=sent.isoformat(),
                )
            )
        ages = shop.SUBJECT_INVOICE_AGES_IN_DAYS if subject else (draw(20, 3_600),)
        for age in ages:
            self.rows["shop-invoices"].append(
                item(
                    invoice_id=f"inv-{next(self.invoice_no)}", customer_id=customer,
                    issued_at=days_ago(age).date().isoformat(), amount=draw(1_000, 90_000) / 100,
                )
            )
        for n in range(shop.SUBJECT_AUDIT_LOGS if subject else 2):
            at = days_ago(draw(0, 300)) + datetime.timedelta(seconds=n)
            self.rows["shop-audit-logs"].append(
                item(customer_id=customer, at=at.isoformat(), action="login", ip=self.fake.ipv4_public())
            )
        self.files(customer, name, subject)
        self.loyalty(customer, name, subject)
        self.returns(customer, name, subject)

    def orders(self, customer, email, count):
        for n in range(count):
            order = f"ord-{next(self.order_no)}"
            self.rows["shop-orders"].append(
                item(
                    order_id=order, customer_id=customer, email=email, version=1,
                    total=self.random.randint(900, 40_000) / 100,
                    status=self.random.choice(STATUSES),
                    placed_at=days_ago(self.random.randint(1, 1_400)).isoformat(),
                )
            )
            lines = self.random.randint(1, 4)
            if customer == shop.SUBJECT:
                lines = shop.SUBJECT_LINES * (n + 1) // count - shop.SUBJECT_LINES * n // count
            for line in range(1, lines + 1):
                self.rows["shop-order-lines"].append(
                    item(
                        order_id=order, line_no=f"{line:03}", sku=f"sku-{self.random.randint(1, 400):04}",
                        quantity=self.random.randint(1, 3), price=self.random.randint(300, 9_900) / 100,
                    )
                )

    def loyalty(self, customer, name, subject):
        member = f"MEMBER#{customer}"
        add = lambda sort, **values: self.rows["shop-loyalty"].append(item(pk=member, sk=sort, **values))
        add("ACCOUNT", name=name, tier="silver" if subject else "basic", points=120)
        for n in range(shop.SUBJECT_REVIEWS if subject else 1):
            add(f"REVIEW#sku-{n:04}", stars=4, text=f"{name.split()[0]}: fits well")
        for age in shop.SUBJECT_REDEMPTION_AGES_IN_DAYS if subject else (300,):
            day = days_ago(age).date().isoformat()
            add(f"REDEMPTION#{day}", points=100, worth=5, redeemed_at=day)

    def returns(self, customer, name, subject):
        for n in range(shop.SUBJECT_RETURNS if subject else 0):
            named = hashlib.sha256(f"{customer}/{n}".encode()).hexdigest()
            photo = f"uploads/{named[:2]}/{named[2:18]}.jpg"
            self.rows["shop-returns"].append(
                item(return_id=f"ret-{customer}-{n}", customer_id=customer, photo_key=photo, reason="too small")
            )
            body = documents.make(random.Random(named), "image/jpeg", 60_000, f"{name}, customer {customer}")
            self.objects.append((shop.UPLOADS, photo, [("image/jpeg", body)]))

    def files(self, customer, name, subject):
        line = f"{name}, customer {customer}"
        plan = shop.SUBJECT_DOCUMENTS
        if not subject:
            size = self.random.randint(10_000, 30_000)
            plan = (("welcome.pdf", "application/pdf", (size,)),)
            if self.random.random() < 0.1:
                plan += (("photo.jpg", "image/jpeg", (150_000, 160_000)),)
        for file, kind, sizes in plan:
            versions = [s and (kind, documents.make(self.random, kind, s, line)) for s in sizes]
            self.objects.append((shop.DOCUMENTS, f"customers/{customer}/{file}", versions))
        avatar = ("image/png", documents.png(self.random, 32))
        self.objects.append((shop.AVATARS, f"avatars/{customer}/avatar.png", [avatar]))


def write_rows(table_and_rows):
    table, rows = table_and_rows
    pending = [{"PutRequest": {"Item": row}} for row in rows]
    while pending:
        answer = dynamodb.batch_write_item(RequestItems={table: pending})
        pending = answer.get("UnprocessedItems", {}).get(table, [])


def write_object(bucket_key_versions):
    bucket, key, versions = bucket_key_versions
    for version in versions:
        if version is None:
            s3.delete_object(Bucket=bucket, Key=key)
        else:
            s3.put_object(Bucket=bucket, Key=key, ContentType=version[0], Body=version[1])


def in_batches(rows_by_table):
    for table, rows in rows_by_table.items():
        for start in range(0, len(rows), 25):
            yield table, rows[start : start + 25]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bulk", nargs=2, metavar=("CUSTOMER", "MESSAGES"))
    options = parser.parse_args()

    made = Shop()
    if options.bulk:
        customer, messages = options.bulk[0], int(options.bulk[1])
        made.rows["shop-profiles"].append(
            item(customer_id=customer, email=f"{customer}@example.org", name=f"Customer {customer}", version=1)
        )
        orders = max(0, messages - MOST_MESSAGES) // (1 + LINES)
        for n in range(orders):
            order = f"bulk-{customer}-{n:05}"
            made.rows["shop-orders"].append(item(order_id=order, customer_id=customer, status="delivered", version=1))
            made.rows["shop-order-lines"] += [
                item(order_id=order, line_no=f"{line:05}", product=SENTENCES[line % 7], quantity=line) for line in range(LINES)
            ]
        made.rows["shop-chat"] = [
            item(customer_id=customer, message_id=f"m-{n:06}", text=SENTENCES[n % 7], sent_at=now.isoformat())
            for n in range(messages - orders * (1 + LINES))
        ]
    else:
        create_stores()
        for number in range(1, shop.CUSTOMERS):
            if f"cust-{number:05}" == shop.SUBJECT:
                made.everything(shop.SUBJECT, shop.SUBJECT_NAME, shop.SUBJECT_EMAIL)
            else:
                made.customer(number)
        made.everything(shop.PREFIX, shop.PREFIX_NAME, shop.PREFIX_EMAIL)
        made.rows[shop.OTHER] = [
            item(customer_id=shop.SUBJECT, email=shop.SUBJECT_EMAIL, name=shop.SUBJECT_NAME),
            item(customer_id=shop.PREFIX, email=shop.PREFIX_EMAIL, name=shop.PREFIX_NAME),
        ]
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(write_rows, in_batches(made.rows)))
        list(pool.map(write_object, made.objects))
    versions = sum(len(v) for _, _, v in made.objects)
    print(f"{sum(map(len, made.rows.values()))} rows, {len(made.objects)} objects in {versions} versions")


if __name__ == "__main__":
    main()
