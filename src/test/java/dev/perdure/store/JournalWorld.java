package dev.perdure.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.database.ServerIdentity;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgConnectOptions;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A database with two submitters, and journals of terms that lead it. */
final class JournalWorld implements AutoCloseable {

    static final String ALICE = "alice";
    static final String BOB = "bob";
    static final String CHAIN = "'SELECT 1' ~> 'SELECT 2'";

    final TestDatabase database = PostgresServer.get().newDatabase();
    private final Vertx vertx = Vertx.vertx();

    JournalWorld() {
        try {
            database.createUser(ALICE);
            database.createUser(BOB);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Begins a term. */
    Term newTerm() throws SQLException {
        List<String> row = row("SELECT epoch, encode(key, 'hex') FROM df._begin_term()");
        return new Term(
                Long.parseLong(row.get(0)),
                java.util.HexFormat.of().parseHex(row.get(1)),
                new AddressKey(1, new byte[32]));
    }

    PgJournal journal(Term term) throws SQLException {
        return journal(term, identity(), server());
    }

    PgJournal journal(Term term, ServerIdentity identity, PgConnectOptions server) {
        return new PgJournal(
                vertx,
                server,
                identity,
                term,
                0,
                Duration.ofSeconds(20),
                new LargeReader(database.url(), identity, term));
    }

    PgConnectOptions server() {
        return database.url().reactiveOptions().get(0);
    }

    ServerIdentity identity() throws SQLException {
        List<String> row = row(ServerIdentity.SQL);
        return new ServerIdentity(row.get(0), row.get(1), row.get(2));
    }

    /** The first row that a statement of the owner returns. */
    List<String> row(String sql, Object... parameters) throws SQLException {
        return List.copyOf(database.rows(PostgresServer.OWNER, sql, parameters).get(0).stream()
                .map(String::valueOf)
                .toList());
    }

    String start(String role, String graph) throws SQLException {
        return String.valueOf(database.value(role, "SELECT df.start(" + graph + ")"));
    }

    long role(String name) throws SQLException {
        return Long.parseLong(
                row("SELECT quote_ident('" + name + "')::regrole::oid").get(0));
    }

    String root(String instance) throws SQLException {
        return row("SELECT root_node FROM df.instances WHERE id = ?", instance).get(0);
    }

    /** Calls df.checkpoint in a session. */
    String checkpoint(Connection session, Term term, long role, CheckpointText text) throws SQLException {
        Authorisation authorisation = term.authorise(text, role);
        return String.valueOf(TestDatabase.rows(
                        session,
                        "SELECT df.checkpoint(decode(?, 'hex'), ?, ?, ?, ?, ?)",
                        java.util.HexFormat.of().formatHex(authorisation.token()),
                        term.epoch(),
                        text.instance(),
                        text.version(),
                        text.state(),
                        text.also())
                .get(0)
                .get(0));
    }

    static Journal.Answer ask(Journal journal, Journal.Exchange exchange) throws JournalException {
        try {
            return journal.exchange(exchange).toCompletableFuture().get(30, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof JournalException failure) {
                throw failure;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException | TimeoutException e) {
            throw new IllegalStateException(e);
        }
    }

    static Journal.News look(Journal journal, @Nullable String snapshot) throws JournalException {
        return news(ask(journal, looking(new Journal.Look(snapshot, 100, 1_000_000, null, null))));
    }

    static Journal.News news(Journal.Answer answer) {
        Journal.News news = answer.news();
        if (news == null) {
            throw new IllegalStateException("no news");
        }
        return news;
    }

    static Journal.Exchange looking(Journal.Look look) {
        return new Journal.Exchange(List.of(), List.of(), List.of(), look, null, null, null);
    }

    static Journal.Exchange writing(Journal.Write... writes) {
        return new Journal.Exchange(List.of(writes), List.of(), List.of(), null, null, null, null);
    }

    static Journal.Exchange loading(String... ids) {
        return new Journal.Exchange(
                List.of(), List.of(), List.of(), null, new Journal.Load(List.of(ids), 1_000_000), null, null);
    }

    /** A map of so many items of so many bytes each, written down. */
    long map(Journal journal, int items, int bytes) throws Exception {
        String instance = start(ALICE, "df.map('SELECT 1 AS x', 'SELECT 1')");
        String node = root(instance);
        String rows = IntStream.rangeClosed(1, items)
                .mapToObj(n -> "{\"x\":\"" + "x".repeat(bytes) + "\"}")
                .collect(Collectors.joining(","));
        Journal.FreezeItems freeze = new Journal.FreezeItems(
                instance, node, instance + "::1", 1, "[[\"x\",\"text\"]]", "{\"rows\":[" + rows + "]}", (long) items);
        Journal.FindMap find = new Journal.FindMap(instance, node, instance + "::1");
        assertThat(items(journal, new Journal.Items(List.of(), List.of(freeze), List.of(), List.of()))
                        .frozen())
                .containsExactly(new Journal.Written.Ok());
        return items(journal, new Journal.Items(List.of(find), List.of(), List.of(), List.of()))
                .found()
                .get(0)
                .orElseThrow()
                .id();
    }

    static Journal.ItemsAnswer items(Journal journal, Journal.Items items) throws JournalException {
        return ask(journal, new Journal.Exchange(List.of(), List.of(), List.of(), null, null, null, items, null))
                .items();
    }

    @Override
    public void close() {
        vertx.close();
    }
}
