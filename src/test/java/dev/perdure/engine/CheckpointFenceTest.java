package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Objects;
import org.assertj.core.api.ThrowableAssert;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** df.checkpoint in the hands of a submitter, and the writes of a worker whose term is over. No worker runs here. */
class CheckpointFenceTest {

    private TestDatabase database;
    private Submitter app;
    private Submitter owner;
    private String id;
    private String node;
    private String document;
    private long epoch;

    @BeforeEach
    void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        app = Submitter.of(database, "fence_app");
        owner = Submitter.at(database.url());
        id = app.start("'SELECT 1'");
        node = app.value("SELECT root_node FROM df.instances WHERE id = ?", id);
        epoch = Long.parseLong(String.valueOf(owner.value("SELECT epoch FROM df._begin_term()")));
        owner.value("SELECT df._take(?, 10, 100)", epoch);
        document = "{\"n\":[{\"n\":\"" + node + "\",\"p\":null,\"s\":\"" + id
                + "::1\",\"t\":\"completed\",\"r\":0,\"a\":1}],\"r\":[{\"rows\":[],\"row_count\":0}],\"c\":[null],"
                + "\"t\":\"completed\",\"o\":\"forged\"}";
    }

    @AfterEach
    void end() throws SQLException {
        app.close();
        owner.close();
    }

    private static SQLException refusal(ThrowableAssert.ThrowingCallable call) {
        SQLException refusal = catchThrowableOfType(SQLException.class, call);
        return Objects.requireNonNull(refusal, "not refused");
    }

    /** What the worker would send: only it knows the key. */
    private byte[] token(long forEpoch, String instance, String doc) throws SQLException {
        try (Connection connection = database.connect(PostgresServer.OWNER);
                PreparedStatement statement = connection.prepareStatement(
                        "SELECT sha256(key || sha256(key || convert_to(concat_ws(E'\\x1f', 'D', ?::text, ?, ?), 'UTF8')))"
                                + " FROM df._epoch")) {
            statement.setString(1, Long.toString(forEpoch));
            statement.setString(2, instance);
            statement.setString(3, doc);
            try (var rows = statement.executeQuery()) {
                rows.next();
                return rows.getBytes(1);
            }
        }
    }

    private String checkpoint(Submitter as, byte[] token, long forEpoch, String instance, String doc)
            throws SQLException {
        return String.valueOf(as.value("SELECT df.checkpoint(?, ?, ?, ?)", token, forEpoch, instance, doc));
    }

    private String state() throws SQLException {
        return app.value(
                "SELECT i.status || ' ' || n.status FROM df.instances i JOIN df.nodes n ON n.instance_id = i.id"
                        + " WHERE i.id = ?",
                id);
    }

    private void assertRefused(String sqlState, Submitter as, byte[] token, long forEpoch, String instance, String doc)
            throws SQLException {
        String before = state();
        SQLException refusal = refusal(() -> checkpoint(as, token, forEpoch, instance, doc));
        assertThat(refusal.getSQLState()).isEqualTo(sqlState);
        assertThat(refusal.getMessage())
                .doesNotContain(String.valueOf(owner.value("SELECT encode(key, 'hex') FROM df._epoch")));
        assertThat(state()).isEqualTo(before);
    }

    @Test
    void what_the_worker_authorised_is_written_and_answered_with_a_receipt() throws SQLException {
        assertThat(checkpoint(app, token(epoch, id, document), epoch, id, document))
                .matches("completed:[0-9a-f]{64}");
        assertThat(state()).isEqualTo("completed completed");
    }

    @Test
    void a_token_that_is_made_up_is_refused() throws SQLException {
        assertRefused("DF003", app, new byte[32], epoch, id, document);
        assertRefused("DF003", app, new byte[0], epoch, id, document);
        byte[] changed = token(epoch, id, document);
        changed[7] ^= 1;
        assertRefused("DF003", app, changed, epoch, id, document);
    }

    @Test
    void no_argument_can_be_null() throws SQLException {
        for (String call : new String[] {
            "SELECT df.checkpoint(NULL, NULL, NULL, NULL)",
            "SELECT df.checkpoint(NULL, " + epoch + ", '" + id + "', '{}')",
            "SELECT df.checkpoint_step(NULL, " + epoch + ", '" + id + "', '" + node
                    + "', '', NULL, 'x', true, '2026-01-01', 1, '{}', '', '')"
        }) {
            SQLException refusal = refusal(() -> app.value(call));
            assertThat(refusal.getSQLState()).startsWith("DF00");
        }
        assertThat(state()).isEqualTo("running pending");
    }

    @Test
    void a_token_is_good_for_nothing_but_what_it_was_made_for() throws SQLException {
        byte[] token = token(epoch, id, document);
        String other = app.start("'SELECT 2'");

        assertRefused("DF003", app, token, epoch, id, document.replace("forged", "forger"));
        assertRefused("DF003", app, token, epoch, other, document);
    }

    @Test
    void a_token_works_once() throws SQLException {
        String open = document.replace(",\"t\":\"completed\",\"o\":\"forged\"}", "}");
        byte[] token = token(epoch, id, open);
        checkpoint(app, token, epoch, id, open);

        assertRefused("DF001", app, token, epoch, id, open);
    }

    @Test
    void a_token_of_one_submitter_is_refused_to_another() throws SQLException {
        try (Submitter mallory = Submitter.of(database, "fence_mallory")) {
            assertRefused("DF003", mallory, token(epoch, id, document), epoch, id, document);
        }
    }

    @Test
    void a_role_that_only_pretends_to_be_the_submitter_is_refused() throws SQLException {
        try (Submitter mallory = Submitter.of(database, "fence_member")) {
            database.asSuperuser("GRANT fence_app TO fence_member");
            mallory.execute("SET ROLE fence_app");

            assertRefused("DF003", mallory, token(epoch, id, document), epoch, id, document);
        }
    }

    @Test
    void a_term_that_is_over_writes_nothing() throws SQLException {
        byte[] token = token(epoch, id, document);
        byte[] tokenOfTheFuture = token(epoch + 1, id, document);
        owner.value("SELECT epoch FROM df._begin_term()");

        assertRefused("DF002", app, token, epoch, id, document);
        assertRefused("DF003", app, tokenOfTheFuture, epoch + 1, id, document);
        for (String write : new String[] {
            "SELECT df._checkpoints(" + epoch + ", ARRAY['" + id + "'], ARRAY['" + document + "'])",
            "SELECT df._mark_running(" + epoch + ", '[{\"i\":\"" + id + "\",\"n\":\"" + node + "\",\"s\":\"" + id
                    + "::1\"}]')",
            "SELECT df._set_idle(" + epoch + ", false)",
            "SELECT df._settle_term(" + epoch + ")"
        }) {
            SQLException refusal = refusal(() -> owner.value(write));
            assertThat(refusal.getSQLState()).isEqualTo("DF002");
        }
        app.start("'SELECT 3'");
        assertThat(refusal(() -> owner.value("SELECT df._take(?, 10, 100)", epoch))
                        .getSQLState())
                .isEqualTo("DF002");
        assertThat(state()).isEqualTo("running pending");
    }

    @Test
    void a_snapshot_from_before_the_term_does_not_let_an_old_one_in() throws SQLException {
        byte[] token = token(epoch, id, document);
        app.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
        app.value("SELECT count(*) FROM df.instances");
        owner.value("SELECT epoch FROM df._begin_term()");

        SQLException refusal = refusal(() -> checkpoint(app, token, epoch, id, document));
        app.execute("ROLLBACK");
        assertThat(refusal.getSQLState()).isEqualTo("DF002");
    }

    @Test
    void a_take_over_waits_for_a_checkpoint_that_is_not_yet_committed() throws SQLException {
        byte[] token = token(epoch, id, document);
        app.execute("BEGIN");
        checkpoint(app, token, epoch, id, document);
        String next = owner.value("SELECT epoch FROM df._begin_term()");

        SQLException waiting =
                refusal(() -> owner.value("SELECT df._settle_term(?)", Long.parseLong(String.valueOf(next))));
        assertThat(waiting.getSQLState()).isEqualTo("55P03");
        app.execute("COMMIT");
        owner.value("SELECT df._settle_term(?)", Long.parseLong(String.valueOf(next)));

        assertThat(state()).isEqualTo("completed completed");
    }

    @Test
    void nothing_that_belongs_to_the_worker_can_be_called_or_read_by_a_submitter() throws SQLException {
        for (String call : new String[] {
            "SELECT * FROM df._epoch",
            "SELECT last_value FROM df._epoch_seq",
            "SELECT nextval('df._epoch_seq')",
            "SELECT df._fence(1)",
            "SELECT df._begin_term()",
            "SELECT df._take(1, 1, 1)",
            "SELECT df._settle_term(1)",
            "SELECT df._checkpoints(1, '{}', '{}')",
            "SELECT df._apply('x', 'x', '{}')",
            "SELECT df._load('{}')",
            "SELECT df._mark_running(1, '[]')",
            "SELECT df._set_idle(1, true)",
            "SELECT df._end_instance('x', 'x', 'x')",
            "UPDATE df._wake SET idle = false",
            "DO 'BEGIN LOCK TABLE df._epoch IN ACCESS SHARE MODE; END'",
            "DO 'BEGIN LOCK TABLE df.nodes IN ACCESS EXCLUSIVE MODE; END'",
            "DO 'BEGIN LOCK TABLE df.instances IN SHARE MODE; END'",
            "UPDATE df.nodes SET status = 'completed'",
            "DELETE FROM df.nodes",
            "TRUNCATE df.instances",
            "UPDATE df.instances SET output = 'x'",
            "UPDATE df.instances SET submitted_by = 'df_worker'"
        }) {
            SQLException refusal = refusal(() -> app.execute(call));
            assertThat(refusal.getSQLState()).as(call).isEqualTo("42501");
        }
    }
}
