"""The management database, one file a noun. Times are Unix seconds; JSON stands in text columns, compact."""

from sqlalchemy import BigInteger, Dialect, Integer, LargeBinary, MetaData, Table, inspect
from sqlalchemy.orm import DeclarativeBase

BIG = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts rows by INTEGER alone


class Bytes(LargeBinary):
    """Bytes as they are: both drivers take them so, and wrapping each value costs more than storing it."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> None:
        """None: nothing is done to a value on its way in."""


BYTES = Bytes


class Base(DeclarativeBase):
    """The root of all tables; names of constraints are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def table_of(model: type[Base]) -> Table:
    """The Core table of a model: bulk statements go past the ORM."""
    table = inspect(model).local_table
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} has no table of its own")
    return table
