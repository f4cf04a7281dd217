"""What goes with age: answers to shoppers, forecasts that nothing looks back to, and finished jobs."""

from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from shopify_app.db import Database, count
from shopify_app.records import pieces
from shopify_app.tables import Exposure, ForecastRun, ForecastTotal, Job, Shop, WorkState

ANSWERS = timedelta(days=90)
FORECASTS = timedelta(days=400)
"""Advice is replayed over a year, and needs what was forecast at its beginning."""
JOBS = timedelta(days=60)
RUNS = 60
"""Forecasts deleted in one transaction: each has a row per day."""


def retire(database: Database, shop: Shop, now: datetime, most: int) -> int:
    """Delete what is too old of one shop, a few rows in a transaction, about `most` of each kind; how many.

    The files of a forecast go a day after its row, as all files do. A kind's newest job stays: pages tell of it.
    """
    on = shop.business_on or now.date()
    answers = pieces.delete(database, partial(_answers, shop_id=shop.id, before_on=on - ANSWERS), pieces.FEW, most)
    jobs = pieces.delete(database, partial(_jobs, shop_id=shop.id, before=now - JOBS), pieces.FEW, most)
    runs = pieces.delete(database, partial(_forecasts, shop_id=shop.id, before_on=on - FORECASTS), RUNS, most)
    return answers + jobs + runs


def _answers(db: Session, shop_id: int, before_on: date) -> int:
    old = select(Exposure.id).where(Exposure.shop_id == shop_id, Exposure.answered_on < before_on).limit(pieces.FEW)
    return count(db, delete(Exposure).where(Exposure.id.in_(old)))


def _jobs(db: Session, shop_id: int, before: datetime) -> int:
    newest = select(func.max(Job.id)).where(Job.shop_id == shop_id).group_by(Job.kind)
    # Said by what they are not: by `state = 'done'` SQLite would go through the finished jobs of all shops.
    is_done = Job.state.not_in((WorkState.PENDING, WorkState.PARKED))
    done = Job.shop_id == shop_id, is_done, Job.finished_at < before, Job.id.not_in(newest)
    return count(db, delete(Job).where(Job.id.in_(select(Job.id).where(*done).limit(pieces.FEW))))


def _forecasts(db: Session, shop_id: int, before_on: date) -> int:
    old = select(ForecastRun.id).where(ForecastRun.shop_id == shop_id, ForecastRun.origin_on < before_on).limit(RUNS)
    runs = list(db.scalars(old))
    db.execute(delete(ForecastTotal).where(ForecastTotal.shop_id == shop_id, ForecastTotal.run_id.in_(runs)))
    return count(db, delete(ForecastRun).where(ForecastRun.shop_id == shop_id, ForecastRun.id.in_(runs)))
