from django.db import connection

# Each engine has its own promises; this leaves out the files about the other one.
OF_ONE_ENGINE = {
    "postgresql": [
        "test_pool.py",
        "test_kept_statements.py",
        "test_degraded_postgresql.py",
        "test_never_waiting.py",
    ],
    "sqlite": ["test_sqlite.py", "test_degraded_sqlite.py"],
}
collect_ignore = [
    file for vendor, files in OF_ONE_ENGINE.items() if vendor != connection.vendor for file in files
]
