from django.db import connection

# Each engine has its own promises; this leaves out the file about the other one.
collect_ignore = ["test_pool.py" if connection.vendor == "sqlite" else "test_sqlite.py"]
