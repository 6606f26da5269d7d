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
    private String also;
    private long epoch;

    @BeforeEach
    void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        app = Submitter.of(database, "fence_app");
        owner = Submitter.at(database.url());
        id = app.start("'SELECT 1'");
        node = app.value("SELECT root_node FROM df.instances WHERE id = ?", id);
        epoch = Long.parseLong(String.valueOf(owner.value("SELECT epoch FROM df._begin_term()")));
        document = "{\"nodes\":{\"" + node + "\":{\"execution_id\":\"" + id
                + "::1\",\"status\":\"completed\",\"result\":0,\"attempt\":1}},"
                + "\"results\":[{\"rows\":[],\"row_count\":0}],\"columns\":[null]}";
        also = "{\"end\":{\"status\":\"completed\",\"output\":\"forged\"}}";
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

    /** What the worker would send for version 1: only it knows the key. */
    private byte[] token(long forEpoch, String instance, String doc, String more) throws SQLException {
        return token(forEpoch, instance, 1, "fence_app", doc, more);
    }

    private byte[] token(long forEpoch, String instance, int version, String role, String doc, String more)
            throws SQLException {
        try (Connection connection = database.connect(PostgresServer.OWNER);
                PreparedStatement statement = connection.prepareStatement(
                        "SELECT sha256(key || sha256(key || convert_to(concat_ws(E'\\x1f', 'C', ?::text, ?, ?::text,"
                                + " quote_ident(?)::regrole::oid::text, ?, ?), 'UTF8'))) FROM df._epoch")) {
            statement.setString(1, Long.toString(forEpoch));
            statement.setString(2, instance);
            statement.setString(3, Integer.toString(version));
            statement.setString(4, role);
            statement.setString(5, doc);
            statement.setString(6, more);
            try (var rows = statement.executeQuery()) {
                rows.next();
                return rows.getBytes(1);
            }
        }
    }

    private String checkpoint(Submitter as, byte[] token, long forEpoch, String instance, String doc, String more)
            throws SQLException {
        return checkpoint(as, token, forEpoch, instance, 1, doc, more);
    }

    private String checkpoint(
            Submitter as, byte[] token, long forEpoch, String instance, int version, String doc, String more)
            throws SQLException {
        return String.valueOf(as.value(
                "SELECT df.checkpoint(?, ?, ?, ?, ?, nullif(?, ''))", token, forEpoch, instance, version, doc, more));
    }

    private String state() throws SQLException {
        return app.value(
                "SELECT i.status || ' ' || n.status FROM df.instances i JOIN df.nodes n ON n.instance_id = i.id"
                        + " WHERE i.id = ?",
                id);
    }

    private void assertRefused(
            String sqlState, Submitter as, byte[] token, long forEpoch, String instance, String doc, String more)
            throws SQLException {
        String before = state();
        SQLException refusal = refusal(() -> checkpoint(as, token, forEpoch, instance, doc, more));
        assertThat(refusal.getSQLState()).isEqualTo(sqlState);
        assertThat(refusal.getMessage())
                .doesNotContain(String.valueOf(owner.value("SELECT encode(key, 'hex') FROM df._epoch")));
        assertThat(state()).isEqualTo(before);
    }

    @Test
    void what_the_worker_authorised_is_written_and_answered_with_a_receipt() throws SQLException {
        byte[] token = token(epoch, id, document, also);
        assertThat(checkpoint(app, token, epoch, id, document, also))
                .isEqualTo(owner.value("SELECT encode(sha256(key || ?::bytea), 'hex') FROM df._epoch", token));
        assertThat(state()).isEqualTo("completed completed");
        assertThat(owner.value("SELECT count(*) FROM df._inbox")).isEqualTo("0");
    }

    @Test
    void a_token_that_is_made_up_is_refused() throws SQLException {
        assertRefused("DF003", app, new byte[32], epoch, id, document, also);
        assertRefused("DF003", app, new byte[0], epoch, id, document, also);
        byte[] changed = token(epoch, id, document, also);
        changed[7] ^= 1;
        assertRefused("DF003", app, changed, epoch, id, document, also);
    }

    @Test
    void no_argument_can_be_null() throws SQLException {
        for (String call : new String[] {
            "SELECT df.checkpoint(NULL, NULL, NULL, NULL, NULL, NULL)",
            "SELECT df.checkpoint(NULL, " + epoch + ", '" + id + "', 1, '{}', NULL)",
            "SELECT df.checkpoint('', NULL, '" + id + "', 1, '{}', NULL)"
        }) {
            SQLException refusal = refusal(() -> app.value(call));
            assertThat(refusal.getSQLState()).matches("DF00.|23502");
        }
        assertThat(state()).isEqualTo("pending pending");
    }

    @Test
    void a_token_is_good_for_nothing_but_what_it_was_made_for() throws SQLException {
        byte[] token = token(epoch, id, document, also);
        String other = app.start("'SELECT 2'");

        assertRefused("DF003", app, token, epoch, id, document.replace("row_count\":0", "row_count\":1"), also);
        assertRefused("DF003", app, token, epoch, id, document, also.replace("forged", "forger"));
        assertRefused("DF003", app, token, epoch, id, document, "");
        assertRefused("DF003", app, token, epoch, other, document, also);
        assertThat(refusal(() -> checkpoint(app, token, epoch, id, 2, document, also))
                        .getSQLState())
                .isEqualTo("DF003");
    }

    @Test
    void a_token_works_once() throws SQLException {
        byte[] token = token(epoch, id, document, "");
        checkpoint(app, token, epoch, id, document, "");

        assertRefused("DF001", app, token, epoch, id, document, "");
    }

    @Test
    void a_version_that_somebody_is_taking_is_waited_for_and_had_once() throws SQLException {
        byte[] token = token(epoch, id, document, "");
        try (Submitter second = Submitter.of(database, "fence_app")) {
            app.execute("BEGIN");
            checkpoint(app, token, epoch, id, document, "");
            second.execute("SET lock_timeout = '50ms'");

            assertThat(refusal(() -> checkpoint(second, token, epoch, id, document, ""))
                            .getSQLState())
                    .isEqualTo("55P03");
            app.execute("COMMIT");
            assertRefused("DF001", second, token, epoch, id, document, "");
        }
    }

    @Test
    void a_token_of_one_submitter_is_refused_to_another() throws SQLException {
        try (Submitter mallory = Submitter.of(database, "fence_mallory")) {
            assertRefused("DF003", mallory, token(epoch, id, document, also), epoch, id, document, also);
        }
    }

    @Test
    void a_role_that_only_pretends_to_be_the_submitter_is_refused() throws SQLException {
        try (Submitter mallory = Submitter.of(database, "fence_member")) {
            database.asSuperuser("GRANT fence_app TO fence_member");
            mallory.execute("SET ROLE fence_app");

            assertRefused("DF003", mallory, token(epoch, id, document, also), epoch, id, document, also);
        }
    }

    @Test
    void a_term_that_is_over_writes_nothing() throws SQLException {
        byte[] token = token(epoch, id, document, also);
        byte[] tokenOfTheFuture = token(epoch + 1, id, document, also);
        owner.value("SELECT epoch FROM df._begin_term()");

        assertRefused("DF002", app, token, epoch, id, document, also);
        assertRefused("DF003", app, tokenOfTheFuture, epoch + 1, id, document, also);
        String marks =
                "'[{\"instance\":\"" + id + "\",\"node\":\"" + node + "\",\"execution_id\":\"" + id + "::1\"}]')";
        for (String write : new String[] {
            "SELECT df._write(" + epoch + ", ARRAY['" + id + "'], ARRAY[1], ARRAY['" + document + "'], ARRAY['" + also
                    + "'])",
            "SELECT df._mark(" + epoch + ", " + marks,
            "SELECT df._begin(" + epoch + ", " + marks,
            "SELECT df._set_idle(" + epoch + ", false)",
            "SELECT df._news(" + epoch + ", NULL, 10, 100)"
        }) {
            SQLException refusal = refusal(() -> owner.value(write));
            assertThat(refusal.getSQLState()).as(write).isEqualTo("DF002");
        }
        assertThat(state()).isEqualTo("pending pending");
    }

    @Test
    void a_snapshot_from_before_the_term_does_not_let_an_old_one_in() throws SQLException {
        byte[] token = token(epoch, id, document, also);
        app.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
        app.value("SELECT count(*) FROM df.instances");
        owner.value("SELECT epoch FROM df._begin_term()");

        SQLException refusal = refusal(() -> checkpoint(app, token, epoch, id, document, also));
        app.execute("ROLLBACK");
        assertThat(refusal.getSQLState()).isEqualTo("DF002");
    }

    @Test
    void a_checkpoint_of_the_former_term_that_is_not_yet_committed_delays_its_own_instance_alone() throws SQLException {
        String other = app.start("'SELECT 2'");
        byte[] token = token(epoch, id, document, also);
        app.execute("BEGIN");
        checkpoint(app, token, epoch, id, document, also);
        long next = Long.parseLong(String.valueOf(owner.value("SELECT epoch FROM df._begin_term()")));
        String claim =
                "SELECT string_agg(w, ' ') FROM df._write(?, ARRAY[?, ?], ARRAY[1, 1], ARRAY['{}', '{}'], ARRAY[NULL, NULL]::text[]) AS w";

        assertThat(owner.value(claim, next, id, other)).isEqualTo("locked ok");
        app.execute("COMMIT");

        assertThat(owner.value(claim, next, id, other)).isEqualTo("stale stale");
        assertThat(state()).isEqualTo("completed completed");
    }

    @Test
    void a_version_that_the_owner_claimed_can_never_be_committed_by_the_former_term() throws SQLException {
        byte[] token = token(epoch, id, document, also);
        assertThat(owner.value("SELECT df._write(?, ARRAY[?], ARRAY[1], ARRAY['{}'], ARRAY[NULL]::text[])", epoch, id))
                .isEqualTo("ok");

        assertRefused("DF001", app, token, epoch, id, document, also);
    }

    @Test
    void nothing_that_belongs_to_the_worker_can_be_called_or_read_by_a_submitter() throws SQLException {
        for (String call : new String[] {
            "SELECT * FROM df._epoch",
            "SELECT last_value FROM df._epoch_seq",
            "SELECT nextval('df._epoch_seq')",
            "SELECT df._fence(1)",
            "SELECT df._begin_term()",
            "SELECT df._news(1, NULL, 1, 1)",
            "SELECT df._write(1, '{}', '{}', '{}', '{}')",
            "SELECT df._also('x', 1, '{}')",
            "SELECT df._refuse('DF001', 1, 1, 'x', 1)",
            "SELECT df._load('{}', 1, 1)",
            "SELECT df._left(1, '1:1:', 0, '', 1)",
            "SELECT df._due(now(), now(), 1)",
            "SELECT df._signals('{}', '{}', 1)",
            "SELECT df._mark(1, '[]')",
            "SELECT df._begin(1, '[]')",
            "SELECT df._set_idle(1, true)",
            "UPDATE df._wake SET idle = false",
            "SELECT * FROM df._checkpoints",
            "INSERT INTO df._checkpoints (instance_id, version, bytes, state) VALUES ('00000000', 1, 0, '{}')",
            "SELECT * FROM df._inbox",
            "SELECT * FROM df._running",
            "SELECT * FROM df._tries",
            "SELECT * FROM df._cancels",
            "DO 'BEGIN LOCK TABLE df._epoch IN ACCESS SHARE MODE; END'",
            "DO 'BEGIN LOCK TABLE df._checkpoints IN ACCESS SHARE MODE; END'",
            "DO 'BEGIN LOCK TABLE df.nodes IN ACCESS EXCLUSIVE MODE; END'",
            "DO 'BEGIN LOCK TABLE df.instances IN SHARE MODE; END'",
            "TRUNCATE df.instances",
            "UPDATE df.instances SET output = 'x'",
            "UPDATE df.instances SET submitted_by = 'df_worker'"
        }) {
            SQLException refusal = refusal(() -> app.execute(call));
            assertThat(refusal.getSQLState()).as(call).isEqualTo("42501");
        }
    }

    @Test
    void nodes_are_a_view_that_nobody_can_change() {
        for (String call : new String[] {"UPDATE df.nodes SET status = 'completed'", "DELETE FROM df.nodes"}) {
            assertThat(refusal(() -> app.execute(call)).getSQLState()).as(call).isEqualTo("55000");
            assertThat(refusal(() -> owner.execute(call)).getSQLState())
                    .as(call)
                    .isEqualTo("55000");
        }
    }
}
