# Starts local-bigquery with one fault repaired: its MERGE begins a transaction of its own, and so spoils the one of the
# script that it stands in.
import duckdb
from local_bigquery import cli
from local_bigquery.jobs import merge


class Within:
    """A cursor that does not begin a transaction within another."""

    def __init__(self, cursor):
        self.cursor = cursor

    def __getattr__(self, name):
        return getattr(self.cursor, name)

    def execute(self, sql, *values):
        if sql == "BEGIN" and self.began() == self.began():
            raise duckdb.TransactionException("it stands in a transaction")
        return self.cursor.execute(sql, *values)

    # When the transaction began, in microseconds; outside of one each statement is one of its own.
    def began(self):
        return self.cursor.execute("SELECT epoch_us(now())").fetchone()


as_it_is = merge.run
merge.run = lambda cursor, tree, context: as_it_is(Within(cursor), tree, context)
cli.main()
