"""A retrain: freeze, fit both tasks, register, meet the gates. Or a refresh, when a fit would be waste."""

import shutil
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ml import train
from ml.costs import cpu_seconds
from ml.dataset import Dataset, read_dataset
from ml.errors import MlError, NothingSold
from shopify_app.lifecycle import challenge, counted, forecasts, registry, variants
from shopify_app.lifecycle.slots import slot
from shopify_app.log import log
from shopify_app.policy import Policy
from shopify_app.records import jobs
from shopify_app.tables import Job, Shop, Snapshot, Task, Version
from workers import memory, refresh
from workers.context import Context
from workers.dataset import closed_on, frozen

SEED = 20260401
BY_DAY = "new business day"
NEVER = 10**9
"""Customers who have to come back before ranked lists are learned where nobody asked for them."""


def alarm(task: Task) -> str:
    """The cause of a retrain that an alert about this task starts."""
    return f"alarm about {task}"


def run(context: Context, shop: Shop, job: Job) -> dict[str, Any]:
    """New versions of the tasks that are due. The same snapshot, code and seed give the same bytes.

    A task that cannot be fitted keeps the other from nothing: its error is raised when that is done.
    """
    made, broken = _made(job, shop), list[MlError]()
    due = [task for task in Task if task not in made and _due(context, shop, job, task)]
    if due:
        with context.database.reading() as db:
            states = counted.states(db, shop.id)
        with frozen(context, shop, closed_on(shop)) as (snapshot, dataset):
            for task in due:
                try:
                    made[task] = _fit(context, shop, job, task, snapshot, read_dataset(dataset), states)
                except NothingSold as quiet:
                    log.info("nothing to learn from yet", shop=shop.domain, task=task, why=str(quiet))
                    made[task] = {"skipped": "nothing was sold that could be learned from"}
                except MlError as wrong:
                    broken.append(wrong)
                memory.give_back()
    if Task.RECOMMEND not in made:
        made |= refresh.lists(context, shop)
    if broken:
        raise broken[0]
    return made or {"skipped": "the newest versions are fresh enough"}


def _made(job: Job, shop: Shop) -> dict[str, Any]:
    """What earlier attempts at this job have made of the same days before they died."""
    made = job.payload.get("made", {})
    return dict(made["versions"]) if made.get("cutoff_on") == closed_on(shop).isoformat() else {}


def _due(context: Context, shop: Shop, job: Job, task: Task) -> bool:
    """At most one full fit a business day, and none for a new day alone while `fit_every_days` have not passed.

    What is asked for by hand is always done, and so are lists whose counts were dropped.
    """
    with context.database.reading() as db:
        newest = _newest(db, shop, task)
    if newest is None or any(cause.startswith("asked") for cause in job.causes):
        return True
    if task == Task.RECOMMEND and refresh.COUNTS_DIFFERED in job.causes:
        return True
    age = (closed_on(shop) - newest.cutoff_on).days
    if age >= Policy.of(shop.settings).fit_every_days:
        return True
    return age > 0 and not all(_is_routine(cause, task) for cause in job.causes)


def _is_routine(cause: str, task: Task) -> bool:
    """Whether a cause alone waits for the days between fits; an alarm about the other task does, too."""
    return cause in (BY_DAY, *(alarm(other) for other in Task if other != task))


def _newest(db: Session, shop: Shop, task: Task) -> Version | None:
    return db.scalar(
        select(Version)
        .where(Version.shop_id == shop.id, Version.task == task, Version.seed == SEED)
        .order_by(Version.number.desc())
        .limit(1)
    )


def _fit(
    context: Context,
    shop: Shop,
    job: Job,
    task: Task,
    snapshot: Snapshot,
    dataset: Dataset,
    states: counted.States,
) -> dict[str, Any]:
    def progress(text: str) -> None:
        with context.database.transaction() as db:
            jobs.note(db, job, f"{task}: {text}")

    started = cpu_seconds()
    folder = context.scratch(f"bundle-{shop.id}-{task}")
    left = context.scratch(f"counts-{shop.id}")
    shutil.rmtree(left)
    config = _config(task, Policy.of(shop.settings))
    trained = train.fit(task.value, dataset, folder, config=config, seed=SEED, progress=progress, leave=left)
    bundle = context.bundles.keep(folder)
    counts = context.bundles.keep(left) if left.exists() else None
    said = _predict(context, shop, task, bundle, dataset)
    with context.database.transaction() as db:
        current = db.get_one(Shop, shop.id)
        fresh = registry.register(
            db,
            current,
            registry.Trained(
                task=task,
                algorithm=trained.algorithm,
                config=dict(trained.config),
                seed=SEED,
                cause=", ".join(job.causes)[:200],
                snapshot_id=snapshot.id,
                code_version=snapshot.manifest["code_version"],
                bundle=bundle,
                metrics=dict(trained.metrics) | {"chosen_because": trained.chosen_because},
                cutoff_on=snapshot.cutoff_on,
                orders_at_fit=snapshot.orders,
                cpu_seconds=round(cpu_seconds() - started, 2),
            ),
        )
        outcome = challenge.enter(db, current, fresh)
        if counts is not None:
            counted.set_baseline(db, shop.id, counted.Baseline(counts, snapshot.cutoff_on, states))
        if said is not None:
            in_charge = slot(db, shop.id, task).champion_id == fresh.id
            forecasts.keep(db, fresh, snapshot.id, said, was_champion=in_charge)
        result = {"version": fresh.number, "verdict": outcome, "cpu_seconds": fresh.cpu_seconds}
        versions = _made(job, shop) | {task.value: result}
        jobs.remember(db, job, made={"cutoff_on": closed_on(shop).isoformat(), "versions": versions})
    if said is not None:
        variants.weigh(context.database, shop.id, snapshot.cutoff_on)
    log.info("version trained", shop=shop.domain, task=task, number=fresh.number, verdict=outcome, cause=fresh.cause)
    return result


def _config(task: Task, policy: Policy) -> dict[str, Any]:
    """Every customer gets a list to buy again; ranked ones are learned where the shop wants them."""
    if task != Task.RECOMMEND:
        return {}
    return {"personal": True} if policy.personal_lists else {"personal": True, "personal_customers": NEVER}


def _predict(context: Context, shop: Shop, task: Task, bundle: str, dataset: Dataset) -> forecasts.Stored | None:
    if task != Task.FORECAST:
        return None
    folder = context.scratch(f"forecast-{shop.id}")
    try:
        train.predict(context.bundles.folder(bundle), dataset, folder)
        return forecasts.put(context.objects, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
