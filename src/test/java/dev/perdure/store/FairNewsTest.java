package dev.perdure.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a look at the tables names first when one transaction has written by the thousand. No worker runs. */
class FairNewsTest {

    /** Most rows that a look names of a kind. */
    private static final int LIMIT = 80;

    private final TestDatabase database = PostgresServer.get().newDatabase();
    private long epoch;
    private String place;

    /**
     * What a look named.
     *
     * @param more whether there is more of it
     */
    private record Look(List<String> named, boolean more) {}

    @BeforeEach
    void begin() throws SQLException {
        database.createUser("mass");
        database.createUser("single");
        epoch = Long.parseLong(value(PostgresServer.OWNER, "SELECT epoch FROM df._begin_term()"));
        nowOn();
    }

    private String value(String role, String sql, Object... parameters) throws SQLException {
        return String.valueOf(database.value(role, sql, parameters));
    }

    private void nowOn() throws SQLException {
        place = value(PostgresServer.OWNER, "SELECT detail FROM df._news(?, NULL, 10, 100)", epoch);
    }

    private Look look() throws SQLException {
        List<String> named = new ArrayList<>();
        boolean more = false;
        for (List<String> row : database.rows(
                PostgresServer.OWNER,
                "SELECT kind, coalesce(instance_id, detail) FROM df._news(" + epoch + ", '" + place + "', " + LIMIT
                        + ", 1000)")) {
            switch (row.get(0)) {
                case "more" -> more = true;
                case "snapshot" -> place = row.get(1);
                default -> named.add(row.get(1));
            }
        }
        return new Look(named, more);
    }

    /** Everything that the looks name until there is no more. */
    private List<String> looks() throws SQLException {
        List<String> named = new ArrayList<>();
        Look look;
        do {
            look = look();
            assertThat(look.named()).as("starts, signals and cancels").hasSizeLessThanOrEqualTo(3 * LIMIT);
            named.addAll(look.named());
        } while (look.more());
        assertThat(place).doesNotContain("|");
        assertThat(look().named()).isEmpty();
        return named;
    }

    private List<String> started(String role, int number) throws SQLException {
        List<String> ids = new ArrayList<>();
        database.rows(role, "SELECT df.start(df.wait_for_signal('go')) FROM generate_series(1, " + number + ")")
                .forEach(row -> ids.add(row.get(0)));
        return ids;
    }

    private static List<String> together(List<List<String>> parts) {
        return parts.stream().flatMap(List::stream).toList();
    }

    @Test
    void a_start_behind_a_thousand_in_one_commit_is_named_in_the_first_look_and_each_of_them_once()
            throws SQLException {
        List<String> many = started("mass", 1000);
        List<String> one = started("single", 1);

        Look first = look();

        assertThat(first.named()).containsAll(one);
        assertThat(first.more()).isTrue();
        List<String> later = started("single", 1);
        Look second = look();
        assertThat(second.named()).containsAll(later);
        assertThat(together(List.of(first.named(), second.named(), looks())))
                .containsExactlyInAnyOrderElementsOf(together(List.of(many, one, later)));
    }

    @Test
    void many_such_transactions_take_turns() throws SQLException {
        List<List<String>> all = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            all.add(started("mass", 100));
        }
        List<String> one = started("single", 1);
        all.add(one);
        List<String> named = new ArrayList<>();
        int looks = 0;
        while (!named.containsAll(one)) {
            named.addAll(look().named());
            looks++;
        }

        assertThat(looks).isLessThanOrEqualTo(3);
        named.addAll(looks());
        assertThat(named).containsExactlyInAnyOrderElementsOf(together(all));
    }

    @Test
    void a_transaction_that_was_open_meanwhile_is_found_behind_one_that_is_named_in_parts() throws SQLException {
        List<String> late;
        List<String> many;
        List<String> named;
        try (Connection open = database.connect("single")) {
            open.setAutoCommit(false);
            late = List.of(TestDatabase.rows(open, "SELECT df.start('SELECT 1')")
                    .get(0)
                    .get(0));
            many = started("mass", 500);
            named = new ArrayList<>(look().named());
            open.commit();
        }

        named.addAll(looks());

        assertThat(named).containsExactlyInAnyOrderElementsOf(together(List.of(many, late)));
    }

    @Test
    void so_are_cancels_and_signals() throws SQLException {
        List<String> many = started("mass", 500);
        List<String> one = started("single", 1);
        nowOn();
        value("mass", "SELECT count(df.signal(id, 'go')) FROM df.instances");
        value("single", "SELECT df.signal(?, 'go')", one.get(0));

        Look signals = look();

        assertThat(signals.named()).containsAll(one);
        assertThat(together(List.of(signals.named(), looks())))
                .containsExactlyInAnyOrderElementsOf(together(List.of(many, one)));
        value("mass", "SELECT count(df.cancel(id)) FROM df.instances");
        value("single", "SELECT df.cancel(?)", one.get(0));
        Look cancels = look();
        assertThat(cancels.named()).containsAll(one);
        assertThat(together(List.of(cancels.named(), looks())))
                .containsExactlyInAnyOrderElementsOf(together(List.of(many, one)));
    }

    /** Three hundred events and three hundred that wait for them: ninety thousand pairs. */
    @Test
    void events_of_one_name_are_one_for_those_that_wait() throws SQLException {
        String publisher = started("mass", 1).get(0);
        List<String> waiting = started("mass", 300);
        String other = started("single", 1).get(0);
        String elsewhere = started("single", 1).get(0);
        String wait =
                "INSERT INTO df._event_waits (instance_id, subject, node_id, publisher_id, name) SELECT id, id, root_node, ";
        value(
                PostgresServer.OWNER,
                wait + "'" + publisher + "', 'e' FROM df.instances WHERE submitted_by = 'mass'::regrole AND id <> '"
                        + publisher + "' RETURNING 1");
        value(
                PostgresServer.OWNER,
                wait + "'" + other + "', 'e' FROM df.instances WHERE id = ? RETURNING 1",
                elsewhere);
        nowOn();
        publish(publisher, 300);
        publish(other, 1);

        Look first = look();

        assertThat(first.named()).contains(elsewhere);
        List<String> named = new ArrayList<>(first.named());
        int looks = 0;
        while (place.contains("|")) {
            named.addAll(look().named());
            looks++;
        }
        assertThat(looks).isLessThan(100);
        assertThat(Set.copyOf(named)).containsAll(waiting).hasSize(301);
    }

    private void publish(String publisher, int number) throws SQLException {
        value(
                PostgresServer.OWNER,
                "INSERT INTO df._events (instance_id, name, value, bytes) SELECT ?, 'e', '1', 1 FROM generate_series(1, "
                        + number + ") RETURNING 1",
                publisher);
    }

    /** It may stay open for an hour, or be prepared. */
    @Test
    void what_an_open_transaction_has_written_costs_a_look_nothing() throws SQLException {
        try (Connection open = database.connect("mass");
                Connection owner = database.connect(PostgresServer.OWNER)) {
            look();
            long before = pagesOfALook(owner);
            open.setAutoCommit(false);
            TestDatabase.rows(open, "SELECT count(df.start(df.wait_for_signal('go'))) FROM generate_series(1, 5000)");
            TestDatabase.rows(open, "SELECT count(df.signal(id, 'go')), count(df.cancel(id)) FROM df.instances");
            nowOn();

            assertThat(pagesOfALook(owner) - before).as("more pages").isLessThan(100);

            open.commit();
        }
        assertThat(Set.copyOf(looks())).hasSize(5000);
    }

    private long pagesOfALook(Connection owner) throws SQLException {
        return TestDatabase.pages(
                owner, "SELECT count(*) FROM df._news(" + epoch + ", '" + place + "', " + LIMIT + ", 1000)");
    }
}
