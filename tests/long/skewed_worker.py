"""A worker that takes jobs and deliveries of the database named, holds each for a while, and prints what it did."""

import json
import sys
import time

from shopify_app import clock, config
from shopify_app.db import Database
from shopify_app.records import jobs
from shopify_app.records.draining import Drain

settings = config.load()
database = Database.of(settings)
drain = Drain(database, settings)
kinds = sys.argv[1].split(",")
ran, drained = [], 0
print(clock.now().isoformat(), flush=True)
sys.stdin.readline()
idle = 0
while idle < 5:
    with database.transaction() as db:
        job = jobs.claim(db, kinds)
    if job is not None:
        ran.append(job.id)
        time.sleep(0.1)
        with database.transaction() as db:
            jobs.finish(db, job)
    batch = drain.one(limit=5)
    drained += batch.events if batch else 0
    idle = 0 if job or batch else idle + 1
    time.sleep(0.02)
print(json.dumps({"ran": ran, "drained": drained}))
