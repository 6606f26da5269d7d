package dev.perdure.session;

import dev.perdure.session.wire.Command;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Messages of a step's session, in their order. At home, in the database that holds schema df, one call of its functions replaces several
 * statements.
 */
final class StepMessages {

    private static final Command BEGIN = new Command("BEGIN READ WRITE");
    private static final Command READ_ONLY = new Command("SET TRANSACTION READ ONLY");
    private static final Command OUTSIDE = new Command("SET df.outside_transaction = 'true'");
    private static final Command COMMIT = new Command("COMMIT");
    private static final Command ROLLBACK = new Command("ROLLBACK");
    private static final List<String> CLEAN_ELSEWHERE = List.of(
            "CLOSE ALL",
            "UNLISTEN *",
            "SET SESSION AUTHORIZATION DEFAULT",
            "RESET ALL",
            "SET TimeZone = 'UTC'",
            "DEALLOCATE ALL",
            "DISCARD TEMP",
            "DISCARD SEQUENCES",
            "SELECT pg_catalog.pg_advisory_unlock_all()");
    // The identity comes first: a role that a step has changed to need not have rights in df.
    private static final Command OWN_IDENTITY = new Command("SET SESSION AUTHORIZATION DEFAULT");

    private final boolean atHome;
    private final long lockMillis;
    private final List<Command> renew;

    /**
     * @param atHome whether the session is in the database that holds schema df
     * @param lockMillis how long a checkpoint waits for a lock
     * @param pins what has to follow RESET ALL in a session that comes from a pooler, which at home our function knows; null in one
     *     that does not
     */
    StepMessages(boolean atHome, long lockMillis, @Nullable String pins) {
        this.atHome = atHome;
        this.lockMillis = lockMillis;
        List<Command> commands = new ArrayList<>();
        if (atHome) {
            commands.add(OWN_IDENTITY);
            commands.add(new Command("SELECT df._renew_session()"));
        } else {
            CLEAN_ELSEWHERE.forEach(text -> commands.add(new Command(text)));
        }
        if (pins != null && !atHome) {
            commands.add(new Command(pins));
        }
        this.renew = List.copyOf(commands);
    }

    StepPlan plan() {
        return new StepPlan(false);
    }

    StepPlan begin(Command statement) {
        StepPlan plan = new StepPlan(true);
        plan.ours(BEGIN, 0);
        plan.statement(statement);
        return plan;
    }

    /**
     * Begins a transaction with statements that belong together: the limits of the others behind the first one, and no savepoints. At home
     * only.
     */
    StepPlan beginItems(List<Command> statements, long millis) {
        StepPlan plan = begin(statements.get(0));
        for (int i = 1; i < statements.size(); i++) {
            if (i == 1) {
                between(plan, 0, millis);
            }
            plan.statement(statements.get(i));
        }
        return plan;
    }

    private void between(StepPlan plan, int before, long millis) {
        plan.ours(OWN_IDENTITY, before);
        // A lock that is not had at once may be that of a neighbour which waits for this transaction.
        plan.ours(
                new Command("SELECT df._between_steps(" + millis + ", " + (millis == 0 ? 0 : Math.max(1, millis / 10))
                        + ")"),
                before);
    }

    /** Begins a read-only transaction with a statement. BEGIN alone is READ WRITE, so that a standby refuses it. */
    StepPlan look(Command statement) {
        StepPlan plan = new StepPlan(true);
        plan.ours(BEGIN, 0);
        plan.ours(READ_ONLY, 0);
        plan.statement(statement);
        return plan;
    }

    StepPlan alone(Command statement) {
        StepPlan plan = plan();
        plan.statement(statement);
        return plan;
    }

    /** Precedes {@link #alone}: a statement that publishes has no commit to be a part of, and raises an error. */
    Command markOutside() {
        return OUTSIDE;
    }

    /**
     * Adds a statement that joins. Everything before it belongs to the step before it, whose deferred constraints are checked there. The
     * limits are set before the savepoint, and last until the checkpoint.
     *
     * @param number of the savepoint
     */
    void join(StepPlan plan, int number, Command statement, long millis) {
        int before = plan.statements() - 1;
        if (atHome) {
            between(plan, before, millis);
        } else {
            plan.ours(new Command("SET CONSTRAINTS ALL IMMEDIATE"), before);
            renew.forEach(command -> plan.ours(command, before));
        }
        plan.ours(new Command("SAVEPOINT perdure_step_" + number), before + 1);
        plan.statement(statement);
    }

    Command undo(int number) {
        return new Command("ROLLBACK TO SAVEPOINT perdure_step_" + number);
    }

    /** The checkpoint has one place, the second; COMMIT the third. */
    List<Command> commit(Command checkpoint) {
        List<Command> all = new ArrayList<>();
        all.add(new Command(beforeCheckpoint()));
        all.add(checkpoint);
        all.add(COMMIT);
        all.addAll(renew);
        return all;
    }

    String beforeCheckpoint() {
        return "SELECT df._before_checkpoint(" + lockMillis + ")";
    }

    List<Command> rollback() {
        List<Command> all = new ArrayList<>();
        all.add(ROLLBACK);
        all.addAll(renew);
        return all;
    }

    List<Command> renew() {
        return renew;
    }

    /** The setting of limits in a database without our functions, as the beginning of a text of several statements. */
    String beforeCheckpointElsewhere() {
        return "SET CONSTRAINTS ALL IMMEDIATE; CLOSE ALL; SET LOCAL statement_timeout = 60000; SET LOCAL lock_timeout = "
                + lockMillis + "; ";
    }
}
