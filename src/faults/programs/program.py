"""Does activities of the fault suite: alone and many at once, in one transaction and under a lease. Now and then it hangs, or fails one."""
import contextlib, json, random, sys, time
import psycopg

url, kind = sys.argv[1:]

def say(word, number):
    print(word, number, flush=True)

def write_and_complete(db, claimed):
    with db.transaction():
        for token, ledger, number in claimed:
            db.execute("INSERT INTO app.written (ledger, number, by) VALUES (%s, %s, 'python')", [ledger, number])
        if len(claimed) > 1:
            db.execute("SELECT df.complete_activities(%s)", [[token for token, _, _ in claimed]])
        else:
            db.execute("SELECT df.complete_activity(%s, %s)", [claimed[0][0], json.dumps({"n": claimed[0][2]})])

def work(db):
    is_short = random.random() < 0.4
    with db.transaction() if is_short else contextlib.nullcontext():
        claimed = db.execute(
            "SELECT token, payload ->> 'ledger', (payload ->> 'n')::int FROM df.claim_activities(%s, %s, '500 ms')",
            [kind, random.choice([1, 1, 5, 50])]).fetchall()
        if not claimed:
            return
        luck = random.random()
        if luck < 0.01 and not is_short:
            time.sleep(3)  # longer than a lease
        elif luck < 0.2:
            time.sleep(random.random() / 20)
            for token, _, _ in claimed:
                db.execute("SELECT df.extend_activity(%s, '2 s', '1')", [token])
        elif luck < 0.22:
            db.execute("SELECT df.fail_activity(%s, 'it is odd', code => 'odd')", [claimed.pop()[0]])
        if claimed:
            write_and_complete(db, claimed)
    say("completed", len(claimed))

while True:
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=5, options="-c idle_in_transaction_session_timeout=10s") as db:
            while True:
                try:
                    work(db)
                except psycopg.Error as e:
                    if e.sqlstate != "DF004":
                        raise
                    say("refused", 1)
    except psycopg.Error:
        time.sleep(0.2)  # the server is down, or the connection was cut
