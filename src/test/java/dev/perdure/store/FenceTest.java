package dev.perdure.store;

import static dev.perdure.store.JournalWorld.ALICE;
import static dev.perdure.store.JournalWorld.BOB;
import static dev.perdure.store.JournalWorld.CHAIN;
import static dev.perdure.store.JournalWorld.ask;
import static dev.perdure.store.JournalWorld.writing;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whoever decides twice of an instance is noticed, whatever a submitter's transaction does (architecture 5). */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FenceTest {

    private static final long HELD = 4711;

    private final JournalWorld world = new JournalWorld();

    @BeforeAll
    void effects() throws SQLException {
        // A trigger that keeps the session in COMMIT for as long as somebody else holds an advisory lock.
        world.database.execute(
                ALICE,
                "CREATE TABLE public.effects (instance text, held boolean);"
                        + " CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                        + " PERFORM pg_advisory_xact_lock_shared(" + HELD + "); RETURN NULL; END $$;"
                        + " CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON public.effects DEFERRABLE INITIALLY DEFERRED"
                        + " FOR EACH ROW WHEN (new.held) EXECUTE FUNCTION public.hold()");
    }

    @AfterAll
    void closeWorld() {
        world.close();
    }

    private static CheckpointText claim(String instance, int version) {
        return new CheckpointText(instance, version, "{}", null);
    }

    private static CheckpointText says(String instance, int version, String node, List<Integer> superseded) {
        return new CheckpointText(
                instance,
                version,
                "{\"nodes\":{\"" + node + "\":{\"execution_id\":\"x::1\",\"status\":\"running\"}}}",
                superseded.isEmpty() ? null : "{\"superseded\":" + superseded + "}");
    }

    private String effects(String instance) throws SQLException {
        return String.valueOf(
                world.database.value(ALICE, "SELECT count(*) FROM public.effects WHERE instance = ?", instance));
    }

    private static Connection inTransaction(Connection session, String isolation) throws SQLException {
        session.setAutoCommit(false);
        session.createStatement().execute("SET TRANSACTION ISOLATION LEVEL " + isolation);
        return session;
    }

    @ParameterizedTest
    @ValueSource(strings = {"read committed", "repeatable read", "serializable"})
    void a_version_is_taken_once_in_whatever_isolation_a_step_runs(String isolation) throws Exception {
        Term term = world.newTerm();
        String id = world.start(ALICE, CHAIN);
        long role = world.role(ALICE);
        try (Connection late = inTransaction(world.database.connect(ALICE), isolation);
                PgJournal journal = world.journal(term)) {
            TestDatabase.rows(late, "SELECT count(*) FROM public.effects"); // its snapshot
            assertThat(ask(journal, writing(claim(id, 1).write())).written()).containsExactly(new Journal.Written.Ok());
            assertThatThrownBy(() -> world.checkpoint(late, term, role, claim(id, 1)))
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("DF001"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"repeatable read", "serializable"})
    void a_version_after_one_that_the_snapshot_does_not_show_is_free(String isolation) throws Exception {
        Term term = world.newTerm();
        String id = world.start(ALICE, CHAIN);
        long role = world.role(ALICE);
        try (Connection step = inTransaction(world.database.connect(ALICE), isolation);
                PgJournal journal = world.journal(term)) {
            TestDatabase.rows(step, "SELECT count(*) FROM public.effects");
            ask(journal, writing(says(id, 1, "0000000a", List.of()).write()));
            CheckpointText next = says(id, 2, "0000000b", List.of());
            assertThat(world.checkpoint(step, term, role, next))
                    .isEqualTo(term.authorise(next, role).receipt());
            step.commit();
        }
        assertThat(world.row(
                        "SELECT array_agg(version ORDER BY version) FROM df._checkpoints WHERE instance_id = ?", id))
                .containsExactly("{1,2}");
    }

    @Test
    void a_transaction_of_a_former_term_that_sits_in_commit_delays_its_own_instance_alone() throws Exception {
        Term former = world.newTerm();
        String id = world.start(ALICE, CHAIN);
        String other = world.start(ALICE, CHAIN);
        long role = world.role(ALICE);
        try (Connection holder = world.database.connect(BOB);
                Connection step = world.database.connect(ALICE)) {
            TestDatabase.rows(holder, "SELECT pg_advisory_lock(" + HELD + ")");
            step.setAutoCommit(false);
            step.createStatement().execute("INSERT INTO public.effects VALUES ('" + id + "', true)");
            world.checkpoint(step, former, role, claim(id, 1));
            CompletableFuture<Void> committed = CompletableFuture.runAsync(() -> {
                try {
                    step.commit();
                } catch (SQLException e) {
                    throw new IllegalStateException(e);
                }
            });
            Awaitility.await("the step in COMMIT").until(() -> world.row(
                            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = "
                                    + HELD)
                    .get(0)
                    .equals("1"));

            Term term = world.newTerm();
            try (PgJournal journal = world.journal(term)) {
                assertThat(ask(
                                        journal,
                                        writing(
                                                claim(id, 1).write(),
                                                claim(other, 1).write()))
                                .written())
                        .containsExactly(new Journal.Written.Locked(), new Journal.Written.Ok());
                assertThat(ask(journal, JournalWorld.loading(id))
                                .loaded()
                                .get(0)
                                .version())
                        .isZero();

                TestDatabase.rows(holder, "SELECT pg_advisory_unlock(" + HELD + ")");
                committed.get(20, TimeUnit.SECONDS);
                assertThat(ask(journal, writing(claim(id, 1).write())).written())
                        .containsExactly(new Journal.Written.Stale());
                assertThat(ask(journal, JournalWorld.loading(id))
                                .loaded()
                                .get(0)
                                .version())
                        .isEqualTo(1);
            }
        }
        assertThat(effects(id)).isEqualTo("1");
    }

    @Test
    void a_claim_of_a_transaction_that_never_ended_makes_sure_that_it_never_will() throws Exception {
        Term term = world.newTerm();
        String id = world.start(ALICE, CHAIN);
        long role = world.role(ALICE);
        try (Connection step = inTransaction(world.database.connect(ALICE), "repeatable read");
                PgJournal journal = world.journal(term)) {
            step.createStatement().execute("INSERT INTO public.effects VALUES ('" + id + "', false)");
            // Its worker has lost the connection: what it has sent may still arrive.
            ask(journal, writing(claim(id, 1).write()));
            ask(journal, writing(says(id, 2, "0000000a", List.of(1)).write()));
            assertThatThrownBy(() -> world.checkpoint(step, term, role, says(id, 1, "0000000b", List.of())))
                    .hasMessageContaining("version 1 is taken");
            step.rollback();
        }
        assertThat(effects(id)).isEqualTo("0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"read committed", "repeatable read", "serializable"})
    void a_session_of_a_former_term_is_refused_whatever_its_snapshot(String isolation) throws Exception {
        Term former = world.newTerm();
        String id = world.start(ALICE, CHAIN);
        long role = world.role(ALICE);
        try (Connection step = inTransaction(world.database.connect(ALICE), isolation)) {
            TestDatabase.rows(step, "SELECT count(*) FROM public.effects");
            world.newTerm();
            assertThatThrownBy(() -> world.checkpoint(step, former, role, claim(id, 1)))
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("DF002"));
        }
    }

    @Test
    void rows_that_were_superseded_are_deleted_and_their_versions_stay_taken() throws Exception {
        Term term = world.newTerm();
        String id = world.start(ALICE, CHAIN);
        long role = world.role(ALICE);
        try (Connection late = world.database.connect(ALICE);
                PgJournal journal = world.journal(term)) {
            ask(journal, writing(says(id, 1, "0000000a", List.of()).write()));
            ask(journal, writing(says(id, 2, "0000000a", List.of(1)).write()));
            ask(journal, writing(says(id, 3, "0000000a", List.of(2, 3)).write()));
            assertThat(world.row("SELECT array_agg(version) FROM df._checkpoints WHERE instance_id = ?", id))
                    .containsExactly("{3}");
            for (int version : new int[] {1, 2}) {
                assertThatThrownBy(() -> world.checkpoint(late, term, role, claim(id, version)))
                        .isInstanceOfSatisfying(SQLException.class, e -> assertThat(e.getSQLState())
                                .isEqualTo("DF001"));
                assertThat(ask(journal, writing(claim(id, version).write())).written())
                        .containsExactly(new Journal.Written.Stale());
            }
            assertThat(ask(journal, writing(claim(id, 5).write())).written())
                    .as("a version that leaves a gap")
                    .containsExactly(new Journal.Written.Stale());
        }
    }

    @Test
    void a_user_who_locks_own_rows_keeps_nobody_else_waiting() throws Exception {
        Term term = world.newTerm();
        String hers = world.start(ALICE, CHAIN);
        String also = world.start(ALICE, CHAIN);
        String his = world.start(BOB, CHAIN);
        String end = "{\"end\":{\"status\":\"failed\",\"output\":\"boom\"}}";
        try (Connection alice = world.database.connect(ALICE);
                PgJournal journal = world.journal(term)) {
            alice.setAutoCommit(false);
            TestDatabase.rows(alice, "SELECT id FROM df.instances FOR UPDATE");
            assertThat(ask(
                                    journal,
                                    writing(
                                            new Journal.Write(hers, 1, "{\"nodes\":{}}", end),
                                            new Journal.Write(his, 1, "{\"nodes\":{}}", end),
                                            says(also, 1, "0000000a", List.of()).write()))
                            .written())
                    .containsExactly(new Journal.Written.Locked(), new Journal.Written.Ok(), new Journal.Written.Ok());
            alice.rollback();
            assertThat(ask(journal, writing(new Journal.Write(hers, 1, "{\"nodes\":{}}", end)))
                            .written())
                    .containsExactly(new Journal.Written.Ok());
        }
    }

    @Test
    void what_postgresql_cannot_hold_is_refused_without_the_others() throws Exception {
        Term term = world.newTerm();
        String poison = world.start(ALICE, CHAIN);
        String his = world.start(BOB, CHAIN);
        try (PgJournal journal = world.journal(term)) {
            List<Journal.Written> written = ask(
                            journal,
                            writing(
                                    new Journal.Write(poison, 1, "{\"nodes\":{\"a\":{\"error\":\"\\u0000\"}}}", null),
                                    says(his, 1, "0000000a", List.of()).write()))
                    .written();
            assertThat(written.get(0)).isInstanceOf(Journal.Written.Rejected.class);
            assertThat(written.get(1)).isEqualTo(new Journal.Written.Ok());
        }
    }

    @Test
    void decisions_that_meet_open_transactions_of_their_instances_wait_for_a_few_of_them_and_no_more()
            throws Exception {
        Term term = world.newTerm();
        long role = world.role(ALICE);
        List<Journal.Write> writes = new ArrayList<>();
        try (Connection open = inTransaction(world.database.connect(ALICE), "read committed");
                PgJournal journal = world.journal(term)) {
            String his = world.start(BOB, CHAIN);
            writes.add(claim(his, 1).write());
            for (int i = 0; i < 20; i++) {
                String id = world.start(ALICE, CHAIN);
                world.checkpoint(open, term, role, claim(id, 1));
                writes.add(claim(id, 1).write());
            }
            List<Journal.Written> written =
                    ask(journal, writing(writes.toArray(Journal.Write[]::new))).written();
            // Fewer where the time of an exchange is over before.
            assertThat(written).as("a few of them").hasSizeBetween(1, 6);
            assertThat(written.get(0)).isEqualTo(new Journal.Written.Ok());
            assertThat(written.subList(1, written.size())).allMatch(new Journal.Written.Locked()::equals);
            open.rollback();
        }
    }

    @Test
    void what_stands_behind_decisions_that_last_is_left_for_the_next_exchange() throws Exception {
        Term term = world.newTerm();
        List<Journal.Write> writes = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            writes.add(claim(world.start(ALICE, CHAIN), 1).write());
        }
        world.database.asSuperuser("CREATE OR REPLACE FUNCTION public.last() RETURNS trigger LANGUAGE plpgsql AS"
                + " 'BEGIN PERFORM pg_sleep(0.06); RETURN NULL; END'; CREATE TRIGGER last AFTER INSERT ON df._checkpoints"
                + " FOR EACH ROW EXECUTE FUNCTION public.last()");
        try (PgJournal journal = world.journal(term)) {
            List<Journal.Written> written =
                    ask(journal, writing(writes.toArray(Journal.Write[]::new))).written();
            assertThat(written).hasSizeBetween(1, 3).containsOnly(new Journal.Written.Ok());
        } finally {
            world.database.asSuperuser("DROP TRIGGER last ON df._checkpoints");
        }
        assertThat(world.row(
                        "SELECT count(*) FROM df._checkpoints WHERE instance_id = ?",
                        writes.get(5).instance()))
                .containsExactly("0");
    }

    /** What a trigger of the owner's says of one row; of a missing right, or a broken page, no workflow fails. */
    @ParameterizedTest
    @CsvSource({"P0001,true", "P0004,true", "0A000,true", "42883,false", "42501,false", "XX001,false"})
    void what_a_decision_meets_in_the_tables_is_refused_or_waits_without_the_others(String state, boolean isRefused)
            throws Exception {
        Term term = world.newTerm();
        String poison = world.start(ALICE, CHAIN);
        String his = world.start(BOB, CHAIN);
        String end = "{\"end\":{\"status\":\"completed\",\"output\":\"{}\"}}";
        raisesFor(poison, state);
        try (PgJournal journal = world.journal(term)) {
            List<Journal.Write> writes = List.of(
                    says(his, 1, "0000000a", List.of()).write(),
                    new Journal.Write(poison, 1, "{\"nodes\":{}}", end),
                    new Journal.Write(his, 2, "{\"nodes\":{}}", end));
            List<Journal.Written> written = new ArrayList<>();
            // On a busy machine the time of an exchange is over before: the rest goes with the next one.
            while (written.size() < writes.size()) {
                written.addAll(ask(
                                journal,
                                writing(writes.subList(written.size(), writes.size())
                                        .toArray(Journal.Write[]::new)))
                        .written());
            }
            assertThat(written.get(0)).isEqualTo(new Journal.Written.Ok());
            if (isRefused) {
                assertThat(written.get(1)).isInstanceOfSatisfying(Journal.Written.Rejected.class, rejected -> {
                    assertThat(rejected.failure().sqlState()).isEqualTo(state);
                    assertThat(rejected.failure().message()).contains("not this one");
                });
            } else {
                assertThat(written.get(1)).isEqualTo(new Journal.Written.Locked());
            }
            assertThat(written.get(2)).isEqualTo(new Journal.Written.Ok());
        } finally {
            raisesFor("", state);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"25006", "53100", "57014", "58030", "40001", "DF002"})
    void what_befalls_the_server_or_the_session_is_asked_again(String state) throws Exception {
        Term term = world.newTerm();
        String id = world.start(ALICE, CHAIN);
        String end = "{\"end\":{\"status\":\"completed\",\"output\":\"{}\"}}";
        raisesFor(id, state);
        try (PgJournal journal = world.journal(term)) {
            assertThatThrownBy(() -> ask(journal, writing(new Journal.Write(id, 1, "{\"nodes\":{}}", end))))
                    .hasMessageContaining("not this one");
        } finally {
            raisesFor("", state);
        }
    }

    private void raisesFor(String instance, String state) throws SQLException {
        world.database.asSuperuser(
                "CREATE OR REPLACE FUNCTION public.raises() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                        + " IF new.id = '" + instance + "' THEN RAISE EXCEPTION 'not this one' USING ERRCODE = '"
                        + state + "';"
                        + " END IF; RETURN new; END $$;"
                        + " CREATE OR REPLACE TRIGGER raises BEFORE UPDATE ON df.instances FOR EACH ROW"
                        + " EXECUTE FUNCTION public.raises()");
    }

    @Test
    void a_token_is_worth_nothing_for_anything_else() throws Exception {
        Term term = world.newTerm();
        String id = world.start(ALICE, CHAIN);
        long role = world.role(ALICE);
        Authorisation authorisation = term.authorise(claim(id, 1), role);
        String token = java.util.HexFormat.of().formatHex(authorisation.token());
        for (Object[] call : new Object[][] {
            {ALICE, id, 2, "{}", null},
            {ALICE, id, 1, "{\"nodes\":{}}", null},
            {ALICE, id, 1, "{}", "{}"},
            {BOB, id, 1, "{}", null},
            {ALICE, world.start(ALICE, CHAIN), 1, "{}", null}
        }) {
            assertThatThrownBy(() -> world.database.value(
                            (String) call[0],
                            "SELECT df.checkpoint(decode(?, 'hex'), ?, ?, ?, ?, ?)",
                            token,
                            term.epoch(),
                            call[1],
                            call[2],
                            call[3],
                            call[4]))
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("DF003"));
        }
    }
}
