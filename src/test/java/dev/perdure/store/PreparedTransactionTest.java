package dev.perdure.store;

import static dev.perdure.store.JournalWorld.ask;
import static dev.perdure.store.JournalWorld.writing;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.ServerIdentity;
import dev.perdure.testing.DebianServer;
import dev.perdure.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * A step that prepares its transaction, with the checkpoint in it: no session is left that could be ended, and nobody but its role knows
 * when it ends.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PreparedTransactionTest {

    private static final String ROLE = "alice";

    private final Vertx vertx = Vertx.vertx();
    private DebianServer server;
    private DatabaseUrl worker;
    private DatabaseUrl alice;

    @BeforeAll
    void begin() {
        server = DebianServer.own(Map.of("max_prepared_transactions", "5"));
        String database = server.newDatabase();
        server.createUser(ROLE, database);
        worker = server.worker(database);
        alice = server.url(ROLE, DebianServer.password(ROLE), database);
        DebianServer.execute(alice, "CREATE TABLE public.effects (instance text)");
    }

    @AfterAll
    void end() {
        vertx.close();
        if (server != null) {
            server.close();
        }
    }

    private static List<String> row(DatabaseUrl as, String sql, Object... parameters) throws SQLException {
        try (Connection session = as.connect()) {
            return TestDatabase.rows(session, sql, parameters).get(0).stream()
                    .map(String::valueOf)
                    .toList();
        }
    }

    private Term newTerm() throws SQLException {
        List<String> term = row(worker, "SELECT epoch, encode(key, 'hex') FROM df._begin_term()");
        return new Term(
                Long.parseLong(term.get(0)), HexFormat.of().parseHex(term.get(1)), new AddressKey(1, new byte[32]));
    }

    private PgJournal journal(Term term) throws SQLException {
        List<String> found = row(worker, ServerIdentity.SQL);
        ServerIdentity identity = new ServerIdentity(found.get(0), found.get(1), found.get(2));
        return new PgJournal(
                vertx,
                worker.reactiveOptions().get(0),
                identity,
                term,
                0,
                Duration.ofSeconds(20),
                new LargeReader(worker, identity, term));
    }

    private String start() throws SQLException {
        return row(alice, "SELECT df.start('SELECT 1' ~> 'SELECT 2')").get(0);
    }

    private static CheckpointText claim(String instance) {
        return new CheckpointText(instance, 1, "{}", null);
    }

    /** The step's effect and its checkpoint, prepared under the name of the instance. */
    private void prepare(Term term, String instance) throws SQLException {
        long role = Long.parseLong(row(worker, "SELECT 'alice'::regrole::oid").get(0));
        Authorisation authorisation = term.authorise(claim(instance), role);
        try (Connection step = alice.connect()) {
            step.createStatement().execute("BEGIN; INSERT INTO public.effects VALUES ('" + instance + "')");
            TestDatabase.rows(
                    step,
                    "SELECT df.checkpoint(decode(?, 'hex'), ?, ?, ?, ?, ?)",
                    HexFormat.of().formatHex(authorisation.token()),
                    term.epoch(),
                    instance,
                    1,
                    "{}",
                    null);
            step.createStatement().execute("PREPARE TRANSACTION '" + instance + "'");
        }
    }

    private String effects(String instance) throws SQLException {
        return row(alice, "SELECT count(*) FROM public.effects WHERE instance = ?", instance)
                .get(0);
    }

    @Test
    void of_a_former_term_it_delays_its_own_instance_alone_and_is_seen_when_it_commits() throws Exception {
        Term former = newTerm();
        String id = start();
        String other = start();
        prepare(former, id);

        Term term = newTerm();
        try (PgJournal journal = journal(term)) {
            assertThat(ask(journal, writing(claim(id).write(), claim(other).write()))
                            .written())
                    .containsExactly(new Journal.Written.Locked(), new Journal.Written.Ok());
            assertThat(ask(journal, JournalWorld.loading(id)).loaded().get(0).version())
                    .isZero();

            DebianServer.execute(alice, "COMMIT PREPARED '" + id + "'");
            assertThat(ask(journal, writing(claim(id).write())).written()).containsExactly(new Journal.Written.Stale());
            assertThat(ask(journal, JournalWorld.loading(id)).loaded().get(0).version())
                    .isEqualTo(1);
        }
        assertThat(effects(id)).isEqualTo("1");
    }

    @Test
    void of_a_former_term_it_leaves_nothing_behind_when_it_is_rolled_back() throws Exception {
        Term former = newTerm();
        String id = start();
        prepare(former, id);

        Term term = newTerm();
        try (PgJournal journal = journal(term)) {
            assertThat(ask(journal, writing(claim(id).write())).written())
                    .containsExactly(new Journal.Written.Locked());
            DebianServer.execute(alice, "ROLLBACK PREPARED '" + id + "'");
            assertThat(ask(journal, writing(claim(id).write())).written()).containsExactly(new Journal.Written.Ok());
        }
        assertThat(effects(id)).isEqualTo("0");
    }

    @Test
    void after_a_new_term_has_begun_none_can_be_prepared_any_more() throws Exception {
        Term former = newTerm();
        String id = start();
        newTerm();
        assertThatThrownBy(() -> prepare(former, id)).hasMessageContaining("is over, the current term is");
        assertThat(effects(id)).isEqualTo("0");
    }
}
