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
import java.sql.Connection;
import java.time.Instant;
import java.util.List;
import java.util.Map;
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
            LoadedInstance loaded = found.loaded().get(0);
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
            assertThat(world.row("SELECT count(*) FROM df._inbox").get(0)).isEqualTo("0");
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
                null);
    }
}
