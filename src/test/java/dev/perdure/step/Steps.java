package dev.perdure.step;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.ServerIdentity;
import dev.perdure.flow.template.Statement;
import dev.perdure.session.PasswordSource;
import dev.perdure.session.RoleLogins;
import dev.perdure.session.SessionPools;
import dev.perdure.session.SubmitterLogin;
import dev.perdure.session.SubmitterRoles;
import dev.perdure.testing.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Sessions of submitters over a database of the tests, with a {@code df.checkpoint} that stands in for the store's. */
final class Steps implements AutoCloseable {

    /** Takes the version, as the store's does; its receipt can be computed by whoever tests. */
    static final String STAND_IN =
            """
            CREATE TABLE IF NOT EXISTS df.stand_in (instance text, version int, state text, also text,
                PRIMARY KEY (instance, version));
            DROP FUNCTION IF EXISTS df.checkpoint(bytea, bigint, text, int, text, text);
            CREATE OR REPLACE FUNCTION df.checkpoint(p_token bytea, p_epoch bigint, p_instance text, p_version int,
                p_state text, p_also text) RETURNS text
            LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
            AS $$
            BEGIN
                INSERT INTO df.stand_in VALUES (p_instance, p_version, p_state, p_also);
                IF p_epoch <> 1 THEN RAISE EXCEPTION 'fenced' USING ERRCODE = 'DF002'; END IF;
                RETURN 'receipt of ' || encode(p_token, 'hex');
            EXCEPTION WHEN unique_violation THEN RAISE EXCEPTION 'stale' USING ERRCODE = 'DF001';
            END $$;
            """;

    static final StepPort.Limits FREE = new StepPort.Limits(bytes -> true, Duration.ofSeconds(10));

    /** A statement without parameters. */
    static Statement text(String statement) {
        return Statement.of(statement);
    }

    /** Statements without parameters. */
    static List<Statement> texts(String... statements) {
        return Arrays.stream(statements).map(Statement::of).toList();
    }

    final Map<Long, String> refused = new ConcurrentHashMap<>();
    /** How often a role was looked up, which every login begins with. */
    final AtomicInteger lookups = new AtomicInteger();

    final RoleLogins logins;
    final SessionPools pools;
    final PgSteps steps;
    private final DatabaseUrl owner;
    private int version;

    Steps(TestDatabase database) throws SQLException {
        this(database.url(), List.of(), 1024 * 1024);
    }

    Steps(DatabaseUrl owner, List<PasswordSource> passwords, long maxResultSize) throws SQLException {
        this(owner, passwords, maxResultSize, owner);
    }

    /**
     * @param leader where the worker leads
     */
    Steps(DatabaseUrl owner, List<PasswordSource> passwords, long maxResultSize, DatabaseUrl leader)
            throws SQLException {
        this.owner = owner;
        logins = new RoleLogins(new Roles(), !passwords.isEmpty(), InstantSource.system());
        pools = new SessionPools(new SessionPools.Settings(
                owner,
                SubmitterLogin.withPasswords(passwords),
                logins,
                identity(leader),
                200,
                Duration.ofMinutes(5).toNanos(),
                Duration.ofMinutes(1).toNanos(),
                maxResultSize,
                16,
                10));
        steps = new PgSteps(pools, maxResultSize);
    }

    /** What the owner's session would look up. */
    private final class Roles implements SubmitterRoles {
        @Override
        public CompletionStage<Optional<Role>> role(long oid) {
            lookups.incrementAndGet();
            try {
                String name = value("SELECT rolname FROM pg_roles WHERE oid = " + oid);
                return CompletableFuture.completedFuture(
                        Optional.ofNullable(name).map(found -> new Role(found, null)));
            } catch (SQLException e) {
                return CompletableFuture.failedFuture(e);
            }
        }

        @Override
        public CompletionStage<Void> begin(boolean passwords) {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletionStage<Void> refused(long oid, String problem) {
            refused.put(oid, problem);
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletionStage<Void> accepted(long oid) {
            refused.remove(oid);
            return CompletableFuture.completedFuture(null);
        }
    }

    private static ServerIdentity identity(DatabaseUrl url) throws SQLException {
        try (Connection connection = url.connect()) {
            List<@Nullable String> row =
                    TestDatabase.rows(connection, ServerIdentity.SQL).get(0);
            return new ServerIdentity(
                    String.valueOf(row.get(0)), String.valueOf(row.get(1)), String.valueOf(row.get(2)));
        }
    }

    private @Nullable String value(String sql) throws SQLException {
        try (Connection connection = owner.connect()) {
            List<List<@Nullable String>> rows = TestDatabase.rows(connection, sql);
            return rows.isEmpty() ? null : rows.get(0).get(0);
        }
    }

    SessionPools.Key key(String role) throws SQLException {
        return new SessionPools.Key(
                Long.parseLong(String.valueOf(value("SELECT oid FROM pg_roles WHERE rolname = '" + role + "'"))), null);
    }

    /** A checkpoint of the next version, with the receipt that the stand-in answers. */
    StepPort.Checkpointed checkpoint(String state) {
        return checkpoint("i", ++version, 1, state);
    }

    static StepPort.Checkpointed checkpoint(String instance, int version, long epoch, String state) {
        byte[] token = (instance + version).getBytes(StandardCharsets.UTF_8);
        String receipt = "receipt of " + HexFormat.of().formatHex(token);
        return new StepPort.Checkpointed(token, receipt, epoch, instance, version, state, null);
    }

    @Override
    public void close() {
        steps.close();
    }
}
