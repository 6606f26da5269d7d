package dev.perdure.store;

import static dev.perdure.store.JournalWorld.ALICE;
import static dev.perdure.store.JournalWorld.CHAIN;
import static dev.perdure.store.JournalWorld.ask;
import static dev.perdure.store.JournalWorld.loading;
import static dev.perdure.store.JournalWorld.look;
import static dev.perdure.store.JournalWorld.writing;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.database.Failure;
import dev.perdure.database.ServerIdentity;
import dev.perdure.flow.Checkpoint;
import dev.perdure.flow.NodeStatus;
import dev.perdure.flow.Transition;
import dev.perdure.flow.result.Result;
import dev.perdure.testing.PostgresServer;
import java.sql.Connection;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** What is started is found, what is decided is written, and what is written is loaded. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PgJournalTest {

    private final JournalWorld world = new JournalWorld();

    @AfterAll
    void closeWorld() {
        world.close();
    }

    @Test
    void an_instance_goes_from_its_start_to_its_end() throws Exception {
        Term term = world.newTerm();
        try (PgJournal journal = world.journal(term)) {
            Journal.News first = look(journal, null);
            assertThat(first.started()).isEmpty();
            String id = world.start(ALICE, CHAIN);
            long role = world.role(ALICE);

            Journal.Answer found =
                    ask(journal, JournalWorld.looking(new Journal.Look(first.snapshot(), 100, 1_000_000, null, null)));
            LoadedInstance loaded = found.news().along().get(0);
            assertThat(loaded.id()).isEqualTo(id);
            assertThat(loaded.submitter().oid()).isEqualTo(role);
            assertThat(loaded.version()).isZero();
            assertThat(loaded.nodes()).extracting(n -> n.nodeType()).containsExactly("THEN", "SQL", "SQL");

            String step = String.valueOf(loaded.nodes().get(0).leftNode());
            Result result =
                    new Result("{\"rows\":[{\"?column?\":1.10}],\"row_count\":1}", "[[\"?column?\",\"numeric\"]]");
            CheckpointText one = CheckpointEncoder.encode(request(id, 1, null, completed(step, id + "::1", result)));
            try (Connection session = world.database.connect(ALICE)) {
                session.setAutoCommit(false);
                String receipt = world.checkpoint(session, term, role, one);
                assertThat(receipt).isEqualTo(term.authorise(one, role).receipt());
                session.commit();
            }

            LoadedInstance then = ask(journal, loading(id)).loaded().get(0);
            assertThat(then.version()).isEqualTo(1);
            assertThat(then.versionOfNode()).containsExactly(Map.entry(step, 1));
            assertThat(then.recorded().get(step).status()).isEqualTo(NodeStatus.COMPLETED);
            assertThat(then.recorded().get(step).result())
                    .isEqualTo("{\"rows\": [{\"?column?\": 1.10}], \"row_count\": 1}");
            assertThat(then.recorded().get(step).columns()).isEqualTo("[[\"?column?\", \"numeric\"]]");

            CheckpointText end = CheckpointEncoder.encode(request(
                    id,
                    2,
                    new Checkpoint.InstanceEnd(Checkpoint.InstanceEnd.Status.COMPLETED, result.json()),
                    completed(loaded.rootNode(), id + "::1", result)));
            assertThat(ask(journal, writing(end.write())).written()).containsExactly(new Journal.Written.Ok());
            assertThat(ask(journal, writing(end.write())).written()).containsExactly(new Journal.Written.Stale());

            assertThat(world.database.rows(ALICE, "SELECT status, df.result(id) FROM df.instances WHERE id = ?", id))
                    .containsExactly(List.of("completed", "{\"rows\": [{\"?column?\": 1.10}], \"row_count\": 1}"));
            assertThat(look(journal, found.news().snapshot()).started()).isEmpty();
            assertThat(world.row("SELECT count(*) FROM df._inbox WHERE instance_id = ?", id)
                            .get(0))
                    .isEqualTo("0");
        }
    }

    @Test
    void of_a_large_instance_an_exchange_says_only_how_large_it_is_and_it_is_read_by_itself() throws Exception {
        Term term = world.newTerm();
        try (PgJournal journal = world.journal(term)) {
            String large = world.start(ALICE, CHAIN + " ~> ('SELECT 3 /*' || repeat('x', 300000) || '*/')");
            String small = world.start(ALICE, CHAIN);
            Journal.Load load = new Journal.Load(List.of(large, small), 1_000_000, 250_000, List.of());
            List<LoadedInstance> found = ask(
                            journal, new Journal.Exchange(List.of(), List.of(), List.of(), null, load, null, null))
                    .loaded();
            assertThat(found).extracting(LoadedInstance::id).containsExactly(large, small);
            assertThat(found.get(0).isLarge()).isTrue();
            assertThat(found.get(0).bytes()).isBetween(300_000L, 301_000L);
            assertThat(found.get(0).nodes()).isEmpty();
            assertThat(found.get(1).isLarge()).isFalse();

            LoadedInstance alone = read(journal, large, true).orElseThrow();
            assertThat(alone.isLarge()).isFalse();
            assertThat(alone.nodes()).hasSize(found.get(1).nodes().size() + 2);
            assertThat(alone.submitter()).isEqualTo(found.get(1).submitter());
            assertThat(alone.bytes()).isEqualTo(found.get(0).bytes());
            assertThat(world.row("SELECT count(*) FROM df._tries WHERE instance_id = ?", large)
                            .get(0))
                    .isEqualTo("1");
            assertThat(read(journal, "ffffffff", false)).isEmpty();

            world.newTerm();
            assertThatThrownBy(() -> read(journal, large, false))
                    .isInstanceOfSatisfying(
                            JournalException.class,
                            e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.FENCED));
        }
    }

    @Test
    void an_instance_that_the_server_cannot_hand_out_is_known_with_the_reason() throws Exception {
        String id = world.start(ALICE, CHAIN);
        world.database.execute(
                PostgresServer.OWNER, "ALTER FUNCTION df._load(text[], bigint, bigint) RENAME TO _load_unbroken");
        world.database.execute(
                PostgresServer.OWNER,
                """
                CREATE FUNCTION df._load(text[], bigint, bigint) RETURNS TABLE (
                    instance_id text, root_node text, label text, vars text, database text, instance_status text,
                    cancel_reason text, created_at timestamptz, started_at timestamptz, execution_count bigint,
                    role_oid bigint, role_name text, role_blocked boolean, definition_bytes bigint, bytes bigint,
                    graph text, nodes text, versions integer[], states text[], marks text, is_large boolean)
                LANGUAGE plpgsql AS $$ BEGIN
                    IF $3 > 0 THEN RAISE program_limit_exceeded USING MESSAGE = 'invalid memory alloc request size'; END IF;
                    RETURN QUERY SELECT * FROM df._load_unbroken($1, $2, $3);
                END $$""");
        try (PgJournal journal = world.journal(world.newTerm())) {
            LoadedInstance found = read(journal, id, false).orElseThrow();
            assertThat(found.submitter().name()).isEqualTo(ALICE);
            assertThat(found.isLarge()).isFalse();
            assertThat(found.unreadable())
                    .contains("the server cannot hand it out")
                    .contains("invalid memory alloc request size");
        } finally {
            world.database.execute(PostgresServer.OWNER, "DROP FUNCTION df._load(text[], bigint, bigint)");
            world.database.execute(
                    PostgresServer.OWNER, "ALTER FUNCTION df._load_unbroken(text[], bigint, bigint) RENAME TO _load");
        }
    }

    @Test
    void nodes_that_are_written_by_hand_count_as_large_as_they_are_handed_out() throws Exception {
        world.database.execute(
                ALICE,
                """
                BEGIN;
                INSERT INTO df.instances (id, root_node, submitted_by)
                VALUES ('abcdef00', 'abcdef01', current_user::regrole);
                INSERT INTO df.nodes (id, instance_id, submitted_by, node_type, query)
                VALUES ('abcdef01', 'abcdef00', current_user::regrole, 'SQL', 'SELECT 1 /*' || repeat(chr(1), 100000) || '*/');
                COMMIT""");
        try (PgJournal journal = world.journal(world.newTerm())) {
            assertThat(read(journal, "abcdef00", false).orElseThrow().bytes()).isGreaterThan(600_000);
        }
    }

    private static Optional<LoadedInstance> read(PgJournal journal, String id, boolean takenOver) throws Exception {
        try {
            return journal.read(id, takenOver).toCompletableFuture().get(30, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw (Exception) e.getCause();
        }
    }

    @Test
    void a_former_term_reads_and_writes_nothing() throws Exception {
        Term former = world.newTerm();
        try (PgJournal journal = world.journal(former)) {
            String id = world.start(ALICE, CHAIN);
            world.newTerm();
            for (Journal.Exchange exchange : List.of(loading(id), writing(new Journal.Write(id, 1, "{}", null)))) {
                assertThatThrownBy(() -> ask(journal, exchange))
                        .isInstanceOfSatisfying(
                                JournalException.class,
                                e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.FENCED));
            }
            assertThat(world.row("SELECT count(*) FROM df._checkpoints WHERE instance_id = ?", id))
                    .containsExactly("0");
        }
    }

    @Test
    void another_server_behind_the_address_is_refused() throws Exception {
        Term term = world.newTerm();
        ServerIdentity other = new ServerIdentity("1", "2", "3");
        try (PgJournal journal = world.journal(term, other, world.server())) {
            assertThatThrownBy(() -> ask(journal, loading("00000000")))
                    .isInstanceOfSatisfying(
                            JournalException.class,
                            e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.CONNECTION_LOST));
        }
    }

    @Test
    void a_session_that_was_ended_is_followed_by_another_one() throws Exception {
        Term term = world.newTerm();
        try (PgJournal journal = world.journal(term)) {
            ask(journal, loading("00000000"));
            world.database.asSuperuser(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'perdure-owner'"
                            + " AND datname = current_database()");
            org.awaitility.Awaitility.await()
                    .ignoreExceptions()
                    .until(() -> ask(journal, loading("00000000")).loaded().isEmpty());
        }
    }

    static CheckpointRequest request(
            String id, int version, Checkpoint.@Nullable InstanceEnd end, Transition... transitions) {
        return new CheckpointRequest(
                id,
                version,
                List.of(new Checkpoint(List.of(transitions), null, end)),
                Map.of(),
                List.of(),
                new Park.Unchanged(),
                Instant.EPOCH,
                false,
                false);
    }

    static Transition completed(String node, String stamp, Result result) {
        return new Transition(
                node,
                null,
                stamp,
                NodeStatus.COMPLETED,
                result,
                null,
                null,
                null,
                Instant.EPOCH,
                1,
                "SELECT 1",
                null,
                null,
                null,
                null);
    }
}
