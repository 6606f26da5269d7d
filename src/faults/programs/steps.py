"""Does the activities of the ledger's workflows, alone and a few at once. Now and then it leaves one hanging, or comes too late."""
import random, sys, time
import psycopg

url, kind = sys.argv[1], sys.argv[2]

def claim(db, most):
    return db.execute("SELECT token, payload FROM df.claim_activities(%s, %s, '500 ms')", [kind, most]).fetchall()

def complete(db, token, payload):
    db.execute("INSERT INTO app.effects (instance, step, began) VALUES (%s, %s, clock_timestamp())",
               [payload["instance"], payload["step"]])
    db.execute("SELECT df.complete_activity(%s, '{"done": true}')", [token])

def work(db):
    if random.random() < 0.3:
        with db.transaction():
            for token, payload in claim(db, random.randint(1, 3)):
                complete(db, token, payload)
        return
    for token, payload in claim(db, random.randint(1, 3)):
        if random.random() < 0.03:
            continue  # left hanging
        if random.random() < 0.03:
            time.sleep(2.5)  # longer than the lease
        elif random.random() < 0.2:
            db.execute("SELECT df.extend_activity(%s, '2 s', '1')", [token])
        try:
            with db.transaction():
                complete(db, token, payload)
        except psycopg.Error as e:
            if e.sqlstate != "DF004":
                raise

while True:
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as db:
            db.execute("SET idle_in_transaction_session_timeout = '10s'")
            while True:
                work(db)
    except psycopg.Error:
        time.sleep(0.2)
