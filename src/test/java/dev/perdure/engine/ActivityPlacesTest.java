package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where claims and the leader's looks begin to look: what is passed over is found nevertheless. No worker runs once activities are there. */
class ActivityPlacesTest {

    private static final String CLAIM = "SELECT string_agg(payload ->> 'n', ' ' ORDER BY payload ->> 'n')"
            + " FROM df.claim_activities('placed', ?::integer, ?::interval)";
    private static final String GIVE_BACK =
            "UPDATE df._activities SET token = NULL, claimed_by = NULL, claimed_at = NULL,"
                    + " lease_until = NULL WHERE (payload ->> 'n')::integer = ";

    private final TestDatabase database = PostgresServer.get().newDatabase();
    private final Submitter program = Submitter.of(database, "places_app");
    private final Submitter owner = Submitter.at(database.url());

    ActivityPlacesTest() throws SQLException {}

    @BeforeEach
    void begin() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            program.start(
                    "df.map('SELECT g AS n FROM generate_series(1, 3) AS g', df.activity('placed', '{\"n\": $item.n}'))");
            program.awaitValue("3", "SELECT count(*) FROM df.activities WHERE kind = 'placed'");
            assertThat(worker.leaderStatus().epoch()).isEqualTo(1);
        }
    }

    @AfterEach
    void end() throws SQLException {
        program.close();
        owner.close();
    }

    @Test
    void what_stands_before_the_place_to_which_a_session_has_come_is_claimed_too() throws SQLException {
        assertThat(program.value(CLAIM, "3", "0 s")).isEqualTo("1 2 3");
        owner.execute(GIVE_BACK + "1");

        assertThat(program.value(CLAIM, "3", "0 s")).isEqualTo("1");
    }

    @Test
    void a_call_that_waits_finds_it_when_it_looks_from_the_mark_on_again() throws Exception {
        assertThat(program.value(CLAIM, "3", "0 s")).isEqualTo("1 2 3");
        CompletableFuture<String> waiting = CompletableFuture.supplyAsync(() -> {
            try {
                return program.value(CLAIM, "3", "30 s");
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        });
        try (Submitter observer = Submitter.observer(database)) {
            observer.awaitValue(
                    "1",
                    "SELECT count(*) FROM pg_stat_activity WHERE usename = 'places_app' AND wait_event = 'PgSleep'"
                            + " AND datname = current_database()");
        }
        owner.execute(GIVE_BACK + "2");

        assertThat(waiting.get()).isEqualTo("2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", ":::::", "a:b:c:d:e", "1:2:9999999999999999999:1:x", "'; DROP TABLE x; --:1:2:3:4"})
    void whatever_a_program_says_of_its_place_it_claims_what_it_may(String place) throws SQLException {
        program.value("SELECT set_config('df.claimed_to', ?, false)", place);

        assertThat(program.value(CLAIM, "3", "0 s")).isEqualTo("1 2 3");
    }

    @Test
    void a_lease_that_ended_long_ago_is_found_by_a_whole_look() throws SQLException {
        assertThat(program.value(CLAIM, "3", "0 s")).isEqualTo("1 2 3");
        // As of a program that had its row in a transaction for as long.
        owner.execute("UPDATE df._activities SET lease_until = clock_timestamp()"
                + " - make_interval(secs => CASE payload ->> 'n' WHEN '1' THEN 1 WHEN '2' THEN 60 ELSE -60 END)");
        String epoch = owner.value("SELECT epoch FROM df._begin_term()");

        owner.value("SELECT more FROM df._sweep_activities(" + epoch + ", false)");
        assertThat(program.value(CLAIM, "3", "0 s")).as("lately").isEqualTo("1");
        owner.value("SELECT more FROM df._sweep_activities(" + epoch + ", true)");
        assertThat(program.value(CLAIM, "3", "0 s")).as("whenever").isEqualTo("2");
    }

    @Test
    void a_look_passes_only_what_has_ended_since_the_last_one() throws SQLException {
        String epoch = owner.value("SELECT epoch FROM df._begin_term()");
        try (Submitter observer = Submitter.at(database.url())) {
            // Vacuum and indexes keep all that this snapshot can see.
            observer.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
            assertThat(program.value(CLAIM, "3", "0 s")).isEqualTo("1 2 3");
            owner.execute(
                    "DO $$ BEGIN FOR i IN 1 .. 1000 LOOP UPDATE df._activities SET lease_until = clock_timestamp()"
                            + " - interval '10 seconds'; COMMIT; END LOOP; END $$");
            owner.execute("UPDATE df._activities SET lease_until = clock_timestamp() + interval '1 hour'");
            String look = "SELECT more FROM df._sweep_activities(" + epoch + ", false)";

            assertThat(owner.entriesRead("df.idx_activities_lease", look))
                    .as("the first look of a session")
                    .isGreaterThan(3000);
            owner.value(
                    "SELECT set_config('df.leases_looked', (extract(epoch FROM clock_timestamp()) - 3)::text, false)");
            assertThat(owner.entriesRead("df.idx_activities_lease", look))
                    .as("a look three seconds later")
                    .isLessThan(100);
            observer.execute("ROLLBACK");
        }
    }

    @Test
    void a_whole_look_passes_a_sixtieth_of_what_has_ended_since_the_first_one() throws SQLException {
        String epoch = owner.value("SELECT epoch FROM df._begin_term()");
        try (Submitter observer = Submitter.at(database.url())) {
            keepWhatHasEndedInAnHour(observer);
            rememberAnHour();
            String look = "SELECT more FROM df._sweep_activities(" + epoch + ", true)";

            assertThat(owner.entriesRead("df.idx_activities_lease", look)).isLessThan(200);
            assertThat(owner.entriesRead("df.idx_item_ends_kind", look)).isLessThan(200);
            assertThat(owner.entriesRead("df.idx_activity_ends_time", look)).isLessThan(200);
            observer.execute("ROLLBACK");
        }
    }

    @Test
    void a_look_for_items_that_programs_have_ended_passes_none_of_those_that_it_has_seen() throws SQLException {
        String epoch = owner.value("SELECT epoch FROM df._begin_term()");
        owner.execute(
                "INSERT INTO df._item_ends (xid, map_id, first, role, kind, completed, failed)"
                        + " SELECT (2 + i)::text::xid8, 1, i, 'places_app'::regrole, 'placed', ARRAY[i], '{}' FROM generate_series(1, 500) AS i");
        String snapshot = owner.value("SELECT pg_current_snapshot()");
        owner.execute(anEnd("clock_timestamp()"));
        String look = "SELECT string_agg(detail, ' ') FILTER (WHERE kind = 'items') FROM df._news(" + epoch + ", '"
                + snapshot + "', 100, 1000000)";

        assertThat(owner.value(look)).isEqualTo("1:1:");
        assertThat(owner.entriesRead("df._item_ends_pkey", look)).isLessThan(50);
    }

    @Test
    void metrics_pass_only_what_has_ended_lately() throws SQLException {
        try (Submitter observer = Submitter.at(database.url())) {
            keepWhatHasEndedInAnHour(observer);
            String census = "SELECT activities_claimed FROM df._activity_census()";

            assertThat(owner.value(census)).isEqualTo("3");
            assertThat(owner.entriesRead("df.idx_activities_lease", census)).isLessThan(100);
            assertThat(owner.entriesRead("df.idx_item_ends_kind", census)).isLessThan(100);
            assertThat(owner.entriesRead("df.idx_activity_ends_kind", census)).isLessThan(100);
            observer.execute("ROLLBACK");
        }
    }

    @Test
    void what_a_look_left_is_found_by_one_of_the_sixty_whole_looks_after_it() throws SQLException {
        assertThat(program.value(CLAIM, "3", "0 s")).isEqualTo("1 2 3");
        String epoch = owner.value("SELECT epoch FROM df._begin_term()");
        String look = "SELECT more FROM df._sweep_activities(" + epoch + ", true)";
        rememberAnHour();
        // As of a program that had their rows in a transaction for as long, and of an end that was committed late.
        owner.execute("UPDATE df._activities SET lease_until = clock_timestamp() - interval '30 minutes'");
        owner.execute(anEnd("clock_timestamp() - interval '50 minutes'"));

        owner.value(look);
        assertThat(program.value(CLAIM, "3", "0 s")).as("at once").isNull();
        for (int looks = 0; looks < 60; looks++) {
            owner.value(look);
        }
        assertThat(program.value(CLAIM, "3", "0 s")).as("after sixty looks").isEqualTo("1 2 3");
        assertThat(owner.value("SELECT count(*) FROM df._item_ends")).isEqualTo("0");
    }

    /** As a session of which the first whole look was an hour ago. */
    private void rememberAnHour() throws SQLException {
        owner.value("SELECT set_config('df.sweep_began', (extract(epoch FROM clock_timestamp()) - 3600)::text, false),"
                + " set_config('df.sweep_place', (extract(epoch FROM clock_timestamp()) - 3600)::text, false),"
                + " set_config('df.ends_next', (extract(epoch FROM clock_timestamp()) - 150)::text, false),"
                + " set_config('df.leases_looked', (extract(epoch FROM clock_timestamp()) - 3)::text, false)");
    }

    /** Of leases and ends, one each six seconds: vacuum and indexes keep all that the observer's snapshot can see. Three are claimed. */
    private void keepWhatHasEndedInAnHour(Submitter observer) throws SQLException {
        observer.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
        assertThat(program.value(CLAIM, "3", "0 s")).isEqualTo("1 2 3");
        owner.execute("DO $$ BEGIN FOR i IN 1 .. 600 LOOP"
                + " UPDATE df._activities SET lease_until = clock_timestamp() - make_interval(secs => 3600 - 6 * i); "
                + anEnd("clock_timestamp() - make_interval(secs => 3600 - 6 * i)")
                + "; INSERT INTO df._activity_ends (activity_id, instance_id, subject, node_id, execution_id, reply, role, kind, is_task,"
                + " outcome, ended_at) VALUES (-i, 'x', 'x', 'x', 'x', 'x', 'places_app'::regrole, 'placed', false, 'completed',"
                + " clock_timestamp() - make_interval(secs => 3600 - 6 * i)); COMMIT; END LOOP;"
                + " DELETE FROM df._item_ends; DELETE FROM df._activity_ends;"
                + " UPDATE df._activities SET lease_until = clock_timestamp() + interval '1 hour'; END $$");
    }

    private static String anEnd(String at) {
        return "INSERT INTO df._item_ends (map_id, first, role, kind, completed, failed, ended_at)"
                + " VALUES (1, 1, 'places_app'::regrole, 'placed', '{1}', '{}', " + at + ")";
    }

    @Test
    void a_lease_that_ended_while_its_row_was_locked_is_found_by_the_next_look() throws SQLException {
        assertThat(program.value(CLAIM, "3", "0 s")).isEqualTo("1 2 3");
        owner.execute("UPDATE df._activities SET lease_until = clock_timestamp() - interval '10 seconds'");
        String epoch = owner.value("SELECT epoch FROM df._begin_term()");
        String look = "SELECT more FROM df._sweep_activities(" + epoch + ", false)";
        try (Submitter locker = Submitter.at(database.url())) {
            locker.execute("BEGIN; SELECT FROM df._activities WHERE (payload ->> 'n')::integer = 2 FOR UPDATE");
            owner.value(look);
            assertThat(program.value(CLAIM, "3", "0 s")).isEqualTo("1 3");
            locker.execute("ROLLBACK");
        }
        owner.value("SELECT set_config('df.leases_looked', (extract(epoch FROM clock_timestamp()) - 3)::text, false)");
        owner.value(look);
        assertThat(program.value(CLAIM, "3", "0 s")).isEqualTo("2");
    }

    @Test
    void a_clock_that_was_set_back_makes_no_look_wait() throws SQLException {
        assertThat(program.value(CLAIM, "3", "0 s")).isEqualTo("1 2 3");
        owner.execute("UPDATE df._activities SET lease_until = clock_timestamp() - interval '1 second'");
        String epoch = owner.value("SELECT epoch FROM df._begin_term()");
        owner.value(
                "SELECT set_config('df.leases_looked', (extract(epoch FROM clock_timestamp()) + 3600)::text, false),"
                        + " set_config('df.leases_next', (extract(epoch FROM clock_timestamp()) + 3600)::text, false)");

        owner.value("SELECT more FROM df._sweep_activities(" + epoch + ", false)");
        assertThat(program.value(CLAIM, "3", "0 s")).isEqualTo("1 2 3");
    }

    private static final String TURN = "SELECT df._next_turn('somebody', 'places_app'::regrole, 'placed', 0, 1)";

    @Test
    void an_activity_that_begins_stands_behind_the_place_to_which_the_mark_moves_next() throws SQLException {
        // As of a look when all were claimed, whose transactions were then rolled back.
        owner.execute("UPDATE df._activity_marks SET next_turn = (SELECT max(turn) + 1000 FROM df._activities)");
        String next = owner.value("SELECT next_turn FROM df._activity_marks");

        assertThat(Long.parseLong(String.valueOf(owner.value(TURN)))).isGreaterThanOrEqualTo(Long.parseLong(next));
    }

    @Test
    void a_mark_waits_for_those_that_had_begun_an_activity_when_its_next_place_was_known() throws SQLException {
        assertThat(program.value(CLAIM, "3", "0 s")).isEqualTo("1 2 3");
        owner.execute("DELETE FROM df._activities");
        String epoch = owner.value("SELECT epoch FROM df._begin_term()");
        try (Submitter beginner = Submitter.at(database.url())) {
            beginner.execute("BEGIN");
            String turn = beginner.value(TURN);
            // As of a look that was under way: it had found nothing that waits, and was not committed when the beginner
            // read the mark.
            owner.execute("UPDATE df._activity_marks SET beginners = NULL, next_turn = 10 + " + turn);
            for (int i = 0; i < 2; i++) {
                owner.value("SELECT moved FROM df._sweep_activities(" + epoch + ", false)");
            }
            beginner.execute(
                    "INSERT INTO df._activities (instance_id, subject, node_id, execution_id, reply, role, kind, payload, bytes,"
                            + " lease, max_attempts, is_undo, priority, turn) SELECT i.id, i.id, i.root_node, 'x', 'x', i.submitted_by, 'placed',"
                            + " '{\"n\": 4}', 8, '1 minute', 3, false, 0, " + turn + " FROM df.instances i");
            beginner.execute("COMMIT");
        }
        for (int i = 0; i < 3; i++) {
            owner.value("SELECT moved FROM df._sweep_activities(" + epoch + ", false)");
        }
        assertThat(program.value(CLAIM, "3", "0 s")).isEqualTo("4");
    }
}
