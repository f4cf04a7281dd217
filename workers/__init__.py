"""When: Celery jobs that claim rows and call the other packages. A message is only a doorbell; the row is the truth."""
