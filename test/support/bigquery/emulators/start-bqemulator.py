# Starts bqemulator so that it remembers what it made of a text. It parses each statement about eighteen times, for each of
# its questions anew, and runs ask the same questions often; that is two thirds of its time.
from collections import OrderedDict
from functools import lru_cache

from bqemulator.catalog import ddl_sync
from bqemulator.cli import main
from bqemulator.jobs import executor
from bqemulator.scripting import interpreter
from bqemulator.sql.translator import SQLTranslator
from sqlglot.dialects.dialect import Dialect

MOST = 1000


def remembering(function, result=lambda made: made):
    made = OrderedDict()

    def remembered(self, sql, **options):
        key = (type(self), sql, repr(options))
        if key not in made:
            made[key] = function(self, sql, **options)
            if len(made) > MOST:
                made.popitem(last=False)
        return result(made[key])

    return remembered


# Whoever asks for trees may change them.
Dialect.parse = remembering(Dialect.parse, lambda trees: [tree and tree.copy() for tree in trees])
SQLTranslator.translate = remembering(SQLTranslator.translate)
# These ask for nothing but the text, and what they make of it is only looked at.
for module, name in (
    (executor, "_parse_for_classification"),
    (executor, "detect_drop_routine"),
    (executor, "rewrite_table_refs"),
    (interpreter, "rewrite_table_refs"),
    (ddl_sync, "_detect_catalog_drop"),
    (ddl_sync, "_detect_create_schema"),
    (ddl_sync, "_detect_plain_create_table"),
    (ddl_sync, "_detect_plain_create_view"),
):
    setattr(module, name, lru_cache(MOST)(getattr(module, name)))
main()
