"""The demo shop's own stores: what exists before Oubli does. Names and sizes only."""

SEED = 20260101
CUSTOMERS = 1_000

# The demo subject's id and address both have a shorter neighbour that is a prefix of them, to
# show that a search for one never takes the other.
SUBJECT, SUBJECT_EMAIL, SUBJECT_NAME = "cust-00042", "mara.lindqvist@example.com", "Mara Lindqvist"
PREFIX, PREFIX_EMAIL, PREFIX_NAME = "cust-0004", "mara.lindqvist@example.co", "Mara Lind"

SUBJECT_ORDERS, SUBJECT_LINES, SUBJECT_CHAT, SUBJECT_AUDIT_LOGS = 12, 40, 120, 20
SUBJECT_INVOICE_AGES_IN_DAYS = (30, 400, 1_500, 2_700, 3_300)  # two of them beyond seven years
SUBJECT_REDEMPTION_AGES_IN_DAYS = (200, 3_400)  # one of them beyond seven years after its year
SUBJECT_REVIEWS, SUBJECT_RETURNS = 6, 3

# Name, content type, size of each version. None stands for a delete marker.
SUBJECT_DOCUMENTS = (
    ("contract.pdf", "application/pdf", (180_000, 182_000, 185_000)),
    ("id-card-front.jpg", "image/jpeg", (900_000, 1_100_000)),
    ("id-card-back.jpg", "image/jpeg", (850_000,)),
    ("complaint-2023.txt", "text/plain", (12_000, None, 14_000)),
    ("returns/label-1.pdf", "application/pdf", (40_000,)),
    ("returns/label-2.pdf", "application/pdf", (41_000,)),
    ("returns/photo.jpg", "image/jpeg", (2_000_000,)),
    ("statement.pdf", "application/pdf", (95_000, 96_000)),
    ("withdrawn-consent.txt", "text/plain", (10_000, None)),
)

# table: (partition key, sort key, {index: its key})
TABLES = {
    "shop-profiles": ("customer_id", None, {"by_email": "email"}),
    "shop-orders": ("order_id", None, {"by_customer": "customer_id"}),
    "shop-order-lines": ("order_id", "line_no", {}),
    "shop-chat": ("customer_id", "message_id", {}),
    "shop-invoices": ("invoice_id", None, {"by_customer": "customer_id"}),
    "shop-audit-logs": ("customer_id", "at", {}),
    # The loyalty programme keeps accounts, reviews and redemptions in one table, told apart by the beginning of the sort key.
    "shop-loyalty": ("pk", "sk", {}),
    "shop-returns": ("return_id", None, {"by_customer": "customer_id"}),
}
DOCUMENTS, AVATARS = "shop-documents", "shop-avatars"
# Photographs of what is sent back, under names that only the row of the return knows.
UPLOADS = "shop-uploads"
BUCKETS = (DOCUMENTS, AVATARS, UPLOADS)

# The second organization's store. It knows the demo subject by the same id.
OTHER = "other-customers"

# Tables and buckets that tests make for themselves.
OF_TESTS = ["people-*", "places-*"]


def grants(region, account):
    """The template parameters that let Oubli into these stores and no others."""
    tables = f"arn:aws:dynamodb:{region}:{account}:table/"
    return {
        "DataTableArns": ",".join(tables + name for name in [*TABLES, OTHER, *OF_TESTS]),
        "DataTableIndexArns": ",".join(
            [f"{tables}{name}/index/{index}" for name, t in TABLES.items() for index in t[2]]
            + [f"{tables}{name}/index/*" for name in OF_TESTS]
        ),
        "DataTableScanArns": ",".join(tables + name for name in OF_TESTS),
        "DataBucketArns": ",".join(f"arn:aws:s3:::{name}" for name in [*BUCKETS, *OF_TESTS]),
        "DataObjectArns": ",".join(
            f"arn:aws:s3:::{objects}"
            for objects in [f"{DOCUMENTS}/customers/*", f"{AVATARS}/avatars/*", f"{UPLOADS}/*", "places-*/*"]
        ),
    }
