package dev.perdure.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.flow.cron.InvalidCronException;
import dev.perdure.flow.cron.PlannedTimes;
import dev.perdure.flow.schedule.SchedulePlan;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** What the leader does for schedules, on a real server, at moments that the test says. No worker runs: what is started stays pending. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DueSchedulesTest {

    private static final String OWNER = PostgresServer.OWNER;
    private static final Instant TEN = Instant.parse("2030-06-03T10:00:00Z");

    private final TestDatabase database = PostgresServer.get().newDatabase();
    private Connection app;
    private Connection leader;
    private final Schedules schedules = new Schedules();
    private long epoch;

    @BeforeAll
    void connect() throws SQLException {
        database.createUser("plan_app");
        database.createUser("plan_other");
        app = database.connect("plan_app");
        leader = database.connect(OWNER);
    }

    @AfterAll
    void close() throws SQLException {
        app.close();
        leader.close();
    }

    @BeforeEach
    void a_new_term_without_schedules() throws SQLException {
        database.execute(OWNER, "DELETE FROM df._schedules; DELETE FROM df._inbox; DELETE FROM df.instances");
        epoch = Long.parseLong(String.valueOf(database.value(OWNER, "SELECT epoch FROM df._begin_term()")));
    }

    private String value(String sql, Object... parameters) throws SQLException {
        var rows = TestDatabase.rows(app, sql, parameters);
        return rows.isEmpty() ? "" : String.valueOf(rows.get(0).get(0));
    }

    /** An hourly schedule whose next time is the one that is said. */
    private void create(String name, String more, Instant next) throws SQLException {
        value("SELECT df.create_schedule(?, '0 * * * *', 'SELECT 1'" + more + ")", name);
        next(name, next);
    }

    private void next(String name, Instant next) throws SQLException {
        database.execute(
                OWNER,
                "UPDATE df._schedules SET next_at = '" + next + "', due_at = '" + next + "' WHERE name = '" + name
                        + "'");
    }

    private int turn(Instant now) throws SQLException {
        return schedules.turn(leader, epoch, now);
    }

    /** Planned hours and what became of them. */
    private String runs(String name) throws SQLException {
        return value(
                "SELECT string_agg(to_char(planned_at AT TIME ZONE 'UTC', 'HH24') || ' ' || outcome, ', ' ORDER BY planned_at)"
                        + " FROM df.schedule_runs WHERE schedule = ?",
                name);
    }

    /** The instances of a schedule end. */
    private void end(String name) throws SQLException {
        database.execute(
                OWNER,
                "DELETE FROM df._inbox WHERE instance_id IN (SELECT r.instance_id FROM df.schedule_runs r WHERE r.schedule = '"
                        + name + "')");
    }

    @Test
    void a_planned_time_starts_one_instance_which_knows_it() throws SQLException {
        create("hourly", ", options => '{\"vars\": {\"a\": 7}, \"timeout\": \"1 hour\"}'", TEN);
        assertThat(turn(TEN.minusSeconds(1))).isZero();
        assertThat(turn(TEN.plusSeconds(1))).isEqualTo(1);
        assertThat(turn(TEN.plusSeconds(2))).isZero();

        assertThat(runs("hourly")).isEqualTo("10 started");
        assertThat(value(
                        "SELECT concat_ws(' ', i.label, i.status, i.submitted_by, i.vars ->> 'a', i.vars ->> 'sys_planned_at', i.graph LIKE '{\"node_type\":\"TIMEOUT\"%')"
                                + " FROM df.instances i JOIN df.schedule_runs r ON r.instance_id = i.id"))
                .isEqualTo("hourly pending plan_app 7 2030-06-03T10:00:00Z t");
        assertThat(value("SELECT concat_ws(' ', next_at AT TIME ZONE 'UTC', last_outcome, paused) FROM df.schedules"))
                .isEqualTo("2030-06-03 11:00:00 started f");
        assertThat(schedules.count(SchedulePlan.Outcome.STARTED)).isPositive();
    }

    @Test
    void each_overlap_does_what_it_says() throws SQLException {
        for (String overlap : List.of("skip", "buffer", "cancel_other", "allow")) {
            create(overlap, ", overlap => '" + overlap + "'", TEN);
        }
        for (int hour = 0; hour < 3; hour++) {
            turn(TEN.plus(Duration.ofHours(hour)));
        }
        assertThat(runs("skip")).isEqualTo("10 started, 11 skipped, 12 skipped");
        assertThat(runs("buffer")).isEqualTo("10 started, 11 buffered, 12 skipped");
        assertThat(runs("cancel_other")).isEqualTo("10 started, 11 skipped, 12 buffered");
        assertThat(runs("allow")).isEqualTo("10 started, 11 started, 12 started");
        assertThat(
                        value(
                                "SELECT string_agg(i.status || ' ' || coalesce(i.cancel_reason, '-'), ', ') FROM df.instances i WHERE i.label = 'cancel_other'"))
                .isEqualTo("cancelled Schedule 'cancel_other': its next run is due");

        for (String overlap : List.of("skip", "buffer", "cancel_other")) {
            end(overlap);
        }
        turn(TEN.plus(Duration.ofMinutes(125)));
        assertThat(runs("skip")).isEqualTo("10 started, 11 skipped, 12 skipped");
        assertThat(runs("buffer")).isEqualTo("10 started, 11 started, 12 skipped");
        assertThat(runs("cancel_other")).isEqualTo("10 started, 11 skipped, 12 started");
        assertThat(
                        value(
                                "SELECT count(*) FROM df.instances WHERE vars ->> 'sys_planned_at' = '2030-06-03T11:00:00Z' AND label = 'buffer'"))
                .isEqualTo("1");
        end("skip");
        turn(TEN.plus(Duration.ofHours(3)));
        assertThat(runs("skip")).isEqualTo("10 started, 11 skipped, 12 skipped, 13 started");
    }

    @Test
    void after_an_outage_what_is_too_old_is_missed_and_of_the_rest_one_runs() throws SQLException {
        create("late", ", catch_up => '90 minutes'", TEN.minus(Duration.ofHours(4)));
        turn(TEN.plusSeconds(30));
        assertThat(runs("late")).isEqualTo("06 missed, 07 missed, 08 missed, 09 skipped, 10 started");
        assertThat(value("SELECT reason FROM df.schedule_runs WHERE outcome = 'skipped'"))
                .isEqualTo("the run of 2030-06-03T10:00:00Z is due, too");
    }

    @Test
    void what_was_missed_can_be_backfilled_and_asking_twice_starts_nothing_twice() throws SQLException {
        create("back", "", TEN.minus(Duration.ofHours(4)));
        turn(TEN.plusSeconds(30));
        String before = value("SELECT instance_id FROM df.schedule_runs WHERE planned_at = '2030-06-03 10:00Z'");
        String ask = "SELECT df.backfill_schedule('back', '2030-06-03 00:00Z', '2030-06-03 11:00Z')";
        assertThat(value(ask)).isEqualTo("10");
        assertThat(value(ask)).isEqualTo("0");
        assertThat(
                        value(
                                "SELECT concat_ws(' ', count(*), count(DISTINCT instance_id), min(outcome), max(outcome)) FROM df.schedule_runs"))
                .isEqualTo("11 11 started started");
        assertThat(value("SELECT instance_id FROM df.schedule_runs WHERE planned_at = '2030-06-03 10:00Z'"))
                .isEqualTo(before);

        value("SELECT df.alter_schedule('back', cron => '@daily')");
        assertThat(value("SELECT df.backfill_schedule('back', '2025-01-01Z', '2026-01-01Z')"))
                .isEqualTo("365");
        assertThat(value("SELECT df.backfill_schedule('back', '2025-01-01Z', '2026-01-01Z')"))
                .isEqualTo("0");
        assertThat(value("SELECT count(*) FROM df.instances")).isEqualTo("376");
    }

    @Test
    void a_trigger_is_a_part_of_its_callers_transaction_and_works_while_paused() throws SQLException {
        create("by_hand", "", TEN);
        value("SELECT df.pause_schedule('by_hand', 'holidays')");
        assertThat(turn(TEN.plusSeconds(5))).isZero();
        app.setAutoCommit(false);
        String lost = value("SELECT df.trigger_schedule('by_hand')");
        assertThat(value("SELECT status FROM df.instances WHERE id = ?", lost)).isEqualTo("pending");
        app.rollback();
        app.setAutoCommit(true);
        assertThat(value("SELECT count(*) FROM df.schedule_runs")).isEqualTo("0");
        String first = value("SELECT df.trigger_schedule('by_hand')");
        String second = value("SELECT df.trigger_schedule('by_hand')");
        assertThat(value(
                        "SELECT count(*) FROM df.schedule_runs WHERE reason = 'triggered' AND instance_id IN (?, ?)",
                        first,
                        second))
                .isEqualTo("2");
        assertThat(value("SELECT concat_ws(' ', paused, pause_reason, next_at) FROM df.schedules"))
                .isEqualTo("t holidays");
        value("SELECT df.resume_schedule('by_hand')");
        assertThat(value("SELECT concat_ws(' ', paused, pause_reason, next_at > now()) FROM df.schedules"))
                .isEqualTo("f t");
    }

    @Test
    void two_workers_that_both_believe_to_lead_start_each_planned_time_once() throws Exception {
        List<String> zones = List.of(
                "Europe/Berlin", "America/New_York", "America/Santiago", "Australia/Lord_Howe", "Asia/Gaza", "UTC");
        Instant begin = Instant.parse("2030-03-05T00:00:00Z");
        List<PlannedTimes> times = new ArrayList<>();
        for (int i = 0; i < zones.size(); i++) {
            String cron = i % 2 == 0 ? "30 2,14 * * *" : "0 */6 * * *";
            value(
                    "SELECT df.create_schedule(?, ?, 'SELECT 1', ?, overlap => 'allow', catch_up => '10 days')",
                    "z" + i,
                    cron,
                    zones.get(i));
            times.add(PlannedTimes.of(cron, zones.get(i)));
            next("z" + i, times.get(i).after(begin).orElseThrow());
        }
        try (Connection rival = database.connect(OWNER)) {
            rival.setAutoCommit(false);
            Random random = new Random(1);
            Instant clock = begin;
            while (clock.isBefore(begin.plus(Duration.ofDays(36)))) {
                clock = clock.plusSeconds(random.nextInt(60_000));
                Instant mine = clock;
                Instant theirs = clock.minusSeconds(random.nextInt(7_200));
                CompletableFuture<Void> other = CompletableFuture.runAsync(() -> {
                    try {
                        new Schedules().turn(rival, epoch, theirs);
                        // Killed before it commits, or not.
                        if (theirs.getEpochSecond() % 2 == 0) {
                            rival.rollback();
                        } else {
                            rival.commit();
                        }
                    } catch (SQLException e) {
                        throw new IllegalStateException(e);
                    }
                });
                turn(mine);
                other.get(60, TimeUnit.SECONDS);
            }
            turn(clock);
            for (int i = 0; i < zones.size(); i++) {
                assertPlannedTimesHaveOneRowEach("z" + i, times.get(i), begin, clock);
            }
        }
        assertThat(value("SELECT count(*) FROM df.instances"))
                .isEqualTo(value("SELECT count(DISTINCT instance_id) FROM df.schedule_runs WHERE outcome = 'started'"));
    }

    private void assertPlannedTimesHaveOneRowEach(String name, PlannedTimes times, Instant begin, Instant end)
            throws SQLException {
        List<String> expected = new ArrayList<>();
        for (Instant at = times.after(begin).orElseThrow();
                !at.isAfter(end);
                at = times.after(at).orElseThrow()) {
            expected.add(Long.toString(at.getEpochSecond()));
        }
        assertThat(TestDatabase.rows(
                                app,
                                "SELECT extract(epoch FROM planned_at)::bigint FROM df.schedule_runs WHERE schedule = ? ORDER BY planned_at",
                                name)
                        .stream()
                        .map(row -> row.get(0)))
                .as(name)
                .isEqualTo(expected);
    }

    @Test
    void a_former_leader_is_refused_and_has_done_nothing() throws SQLException {
        create("fenced", "", TEN);
        long old = epoch;
        database.value(OWNER, "SELECT epoch FROM df._begin_term()");
        assertThatThrownBy(() -> schedules.turn(leader, old, TEN))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("is over");
        assertThat(runs("fenced")).isEqualTo("null");
    }

    @Test
    void a_schedule_of_a_role_that_is_gone_pauses_itself_and_disturbs_nobody() throws SQLException {
        for (String role : List.of("plan_gone", "plan_barred", "plan_revoked")) {
            database.createUser(role);
            database.execute(role, "SELECT df.create_schedule('theirs', '0 * * * *', 'SELECT 1')");
        }
        create("mine", "", TEN);
        next("theirs", TEN);
        database.execute("postgres", "ALTER ROLE plan_barred NOLOGIN");
        database.execute(OWNER, "SELECT df.revoke_usage('plan_revoked')");
        database.asSuperuser("DROP OWNED BY plan_gone; DROP ROLE plan_gone");

        turn(TEN.plusSeconds(1));
        assertThat(runs("mine")).isEqualTo("10 started");
        assertThat(
                        database.rows(
                                OWNER,
                                "SELECT pause_reason, last_outcome, last_instance_id FROM df.schedules WHERE name = 'theirs' AND paused ORDER BY 1"))
                .extracting(row -> row.get(0) + ", " + row.get(1) + ", " + row.get(2))
                .containsExactly(
                        "its role was dropped, failed, null",
                        "role plan_barred has no LOGIN, failed, null",
                        "role plan_revoked may not start instances, failed, null");
        assertThat(turn(TEN.plusSeconds(2))).isZero();
        database.asSuperuser("ALTER ROLE plan_barred LOGIN");
    }

    @Test
    void a_role_sees_and_touches_its_own_schedules_only() throws SQLException {
        create("private", "", TEN);
        turn(TEN);
        for (String view : List.of("df.schedules", "df.schedule_runs")) {
            assertThat(database.value("plan_other", "SELECT count(*) FROM " + view))
                    .isEqualTo("0");
        }
        for (String call : List.of(
                "df.pause_schedule('private', 'x')",
                "df.alter_schedule('private', overlap => 'allow')",
                "df.trigger_schedule('private')",
                "df.drop_schedule('private')",
                "df.backfill_schedule('private', '2030-01-01', '2030-01-02')")) {
            assertThatThrownBy(() -> database.execute("plan_other", "SELECT " + call))
                    .as(call)
                    .hasMessageContaining("schedule 'private' does not exist");
        }
        // A name belongs to its role.
        database.execute("plan_other", "SELECT df.create_schedule('private', '@daily', 'SELECT 2')");
        for (String forged : List.of(
                "INSERT INTO df._schedule_changes (submitted_by, name, action) VALUES ('plan_app', 'private', 'drop')",
                "UPDATE df._schedules SET graph = 'x'",
                "SELECT * FROM df._schedule_runs",
                "SELECT df._run_schedules(1, '[]')")) {
            assertThatThrownBy(() -> database.execute("plan_other", forged))
                    .as(forged)
                    .hasMessageMatching("(?s).*(permission denied|row-level security).*");
        }
        assertThat(value("SELECT count(*) FROM df.schedules")).isEqualTo("1");
    }

    @Test
    void who_holds_a_schedule_delays_nobody_elses() throws SQLException {
        create("held", "", TEN);
        create("free", "", TEN);
        try (Connection holder = database.connect("plan_app");
                Statement statement = holder.createStatement()) {
            holder.setAutoCommit(false);
            statement.execute("SELECT df.alter_schedule('held', catch_up => '2 hours')");
            turn(TEN.plusSeconds(1));
            assertThat(runs("free")).isEqualTo("10 started");
            assertThat(runs("held")).isEqualTo("null");
            holder.commit();
        }
        turn(TEN.plusSeconds(2));
        assertThat(runs("held")).isEqualTo("10 started");
    }

    @Test
    void runs_that_are_to_be_cancelled_are_so_in_pages_and_those_that_are_held_delay_their_own_schedule()
            throws SQLException {
        create("many", ", overlap => 'cancel_other'", TEN);
        value("SELECT df.backfill_schedule('many', '" + TEN.minus(Duration.ofHours(1200)) + "', '" + TEN + "')");
        create("held", ", overlap => 'cancel_other'", TEN);
        String held = value("SELECT df.trigger_schedule('held')");
        next("held", TEN);
        next("many", TEN);
        database.execute("plan_other", "SELECT df.create_schedule('beside', '0 * * * *', 'SELECT 1')");
        database.execute(
                OWNER,
                "UPDATE df._schedules SET next_at = '" + TEN + "', due_at = timestamptz '" + TEN
                        + "' + interval '1 ms' WHERE name = 'beside'");
        assertThat(database.rows(
                                OWNER,
                                "SELECT s.name FROM df._due_schedules(" + epoch + ", '" + TEN.plusSeconds(1)
                                        + "', 200) WITH ORDINALITY d JOIN df._schedules s USING (id) ORDER BY d.ordinality")
                        .get(1))
                .as("roles in turn")
                .containsExactly("beside");
        try (Connection holder = database.connect("plan_app");
                Statement statement = holder.createStatement()) {
            holder.setAutoCommit(false);
            statement.execute("SELECT FROM df.instances WHERE id = '" + held + "' FOR UPDATE");
            turn(TEN.plusSeconds(1));
            assertThat(value("SELECT count(*) FROM df.instances i JOIN df.schedule_runs r ON r.instance_id = i.id"
                            + " WHERE r.schedule = 'many' AND r.reason = 'backfill' AND i.status = 'cancelled'"))
                    .isEqualTo("1200");
            assertThat(value(
                            "SELECT string_agg(concat_ws(' ', schedule, outcome), ', ') FROM df.schedule_runs"
                                    + " WHERE planned_at = ?::timestamptz",
                            TEN.toString()))
                    .as("its others are cancelled; held still waits")
                    .isEqualTo("many buffered");
            holder.commit();
        }
        turn(TEN.plusSeconds(2));
        assertThat(value("SELECT status FROM df.instances WHERE id = '" + held + "'"))
                .isEqualTo("cancelled");
    }

    @Test
    void a_role_with_very_many_schedules_does_not_delay_the_others() throws SQLException {
        value("SELECT count(df.create_schedule('m' || g, '0 * * * *', 'SELECT 1')) FROM generate_series(1, 300) AS g");
        database.execute("plan_other", "SELECT df.create_schedule('single', '0 * * * *', 'SELECT 1')");
        database.execute(
                OWNER,
                "UPDATE df._schedules SET next_at = '" + TEN + "', due_at = timestamptz '" + TEN
                        + "' + CASE name WHEN 'single' THEN interval '1 s' ELSE '0' END");
        assertThat(database.rows(
                        OWNER,
                        "SELECT s.name FROM df._due_schedules(" + epoch + ", '" + TEN.plusSeconds(2)
                                + "', 200) d JOIN df._schedules s USING (id)"))
                .hasSize(101)
                .contains(List.of("single"));
        assertThat(turn(TEN.plusSeconds(2))).isEqualTo(301);
        // What is not due costs nothing: an index says so, with the settings of the function.
        try (Statement statement = leader.createStatement()) {
            statement.execute("SET enable_seqscan = off");
        }
        String plan = TestDatabase.rows(
                        leader,
                        "EXPLAIN (ANALYZE, TIMING OFF) SELECT FROM df._schedules s WHERE s.due_at <= '"
                                + TEN.plusSeconds(3) + "' LIMIT 1")
                .toString();
        assertThat(plan).contains("idx_schedules_due").doesNotContain("Rows Removed");
    }

    @Test
    void ten_thousand_schedules_cost_no_more_than_the_due_ones() throws SQLException {
        create("due", "", TEN);
        long few = pagesOfALook(TEN.plusSeconds(1));
        database.execute(
                OWNER,
                "INSERT INTO df._schedules (submitted_by, name, cron, timezone, overlap, catch_up, graph, next_at, due_at)"
                        + " SELECT s.submitted_by, 'far ' || g, s.cron, s.timezone, s.overlap, s.catch_up, s.graph, s.next_at + g * interval '1 minute',"
                        + " s.due_at + g * interval '1 minute' FROM df._schedules s, generate_series(1, 10000) AS g WHERE s.name = 'due'");
        assertThat(pagesOfALook(TEN.plusSeconds(1))).as("without statistics").isLessThan(few + 30);
        database.execute(OWNER, "ANALYZE df._schedules");

        assertThat(pagesOfALook(TEN.plusSeconds(1))).isLessThan(few + 30);
        assertThat(turn(TEN.plusSeconds(1))).isEqualTo(1);
        assertThat(runs("due")).isEqualTo("10 started");
        assertThat(pagesOfALook(TEN.plusSeconds(2))).as("when nothing is due").isLessThan(few);
    }

    /** A role backfills a month of minutes, and cancels all of it. */
    @Test
    void very_many_ended_runs_cost_a_look_no_more_than_a_few_and_are_forgotten_in_pages() throws SQLException {
        value(
                "SELECT count(df.create_schedule('ended ' || g, '0 * * * *', 'SELECT 1')) FROM generate_series(1, 3) AS g");
        database.execute("plan_other", "SELECT df.create_schedule('beside', '0 * * * *', 'SELECT 1')");
        database.execute(OWNER, "UPDATE df._schedules SET next_at = '" + TEN + "', due_at = '" + TEN + "'");
        long few = pagesOfALook(TEN.plusSeconds(1));
        database.execute(
                OWNER,
                "INSERT INTO df._schedule_runs (schedule_id, planned_at, outcome, instance_id, active)"
                        + " SELECT s.id, timestamptz '" + TEN
                        + "' - g * interval '1 minute', 'started', to_char(g, 'FM00000000'), true"
                        + " FROM df._schedules s, generate_series(1, 5000) AS g WHERE s.name <> 'beside'");
        assertThat(pagesOfALook(TEN.plusSeconds(1)) - few)
                .as("pages of a look, without statistics")
                .isLessThan(3000);
        database.execute(OWNER, "ANALYZE df._schedule_runs; ANALYZE df._inbox");
        assertThat(pagesOfALook(TEN.plusSeconds(1)) - few).as("pages of a look").isLessThan(3000);

        turn(TEN.plusSeconds(1));

        assertThat(database.rows(
                        OWNER,
                        "SELECT s.name, r.outcome FROM df._schedules s JOIN df._schedule_runs r ON r.schedule_id = s.id AND r.planned_at = '"
                                + TEN + "' ORDER BY s.name"))
                .containsExactly(
                        List.of("beside", "started"),
                        List.of("ended 1", "started"),
                        List.of("ended 2", "started"),
                        List.of("ended 3", "started"));
        assertThat(database.value(OWNER, "SELECT count(*) FROM df._schedule_runs WHERE active"))
                .isEqualTo("4");
        database.execute(OWNER, "UPDATE df._schedules SET due_at = '" + TEN + "'");
        try (Connection holder = database.connect("plan_app")) {
            // Who keeps a snapshot keeps the entries of the index.
            holder.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            holder.setAutoCommit(false);
            TestDatabase.rows(holder, "SELECT count(*) FROM df.schedules");
            assertThat(pagesOfALook(TEN.plusSeconds(1)) - few)
                    .as("pages of a look when they are forgotten")
                    .isLessThan(50);
        }
    }

    @Test
    void runs_before_those_that_were_forgotten_are_not_overlooked() throws SQLException {
        create("skips", ", overlap => 'skip'", TEN);
        turn(TEN.plusSeconds(1));
        end("skips");
        turn(TEN.plus(Duration.ofHours(1)).plusSeconds(1));
        end("skips");
        turn(TEN.plus(Duration.ofHours(2)).plusSeconds(1));
        end("skips");
        value("SELECT df.backfill_schedule('skips', '" + TEN.minus(Duration.ofHours(2)) + "', '"
                + TEN.minus(Duration.ofHours(1)) + "')");

        turn(TEN.plus(Duration.ofHours(3)).plusSeconds(1));

        assertThat(runs("skips")).isEqualTo("08 started, 10 started, 11 started, 12 started, 13 skipped");
    }

    /** Pages that a look at what is due touches, with the settings that the worker has. */
    private long pagesOfALook(Instant now) throws SQLException {
        return TestDatabase.pages(leader, "SELECT count(*) FROM df._due_schedules(" + epoch + ", '" + now + "', 200)");
    }

    @Test
    void what_cannot_be_started_pauses_the_schedule_and_says_why() throws SQLException {
        create("large", "", TEN);
        database.execute("plan_app", "SELECT df.setvar('v', repeat('x', 1048570))");
        turn(TEN);
        assertThat(runs("large")).isEqualTo("10 failed");
        assertThat(value("SELECT pause_reason FROM df.schedules")).contains("instances_vars_size_chk");
        database.execute("plan_app", "SELECT df.clearvars()");
        value("SELECT df.resume_schedule('large')");
        next("large", TEN.plusSeconds(3_600));
        turn(TEN.plusSeconds(3_600));
        assertThat(runs("large")).isEqualTo("10 failed, 11 started");
    }

    @Test
    void jitter_puts_a_start_off_and_the_planned_time_stays() throws SQLException, InvalidCronException {
        create("spread", ", jitter => '10 minutes'", TEN);
        turn(TEN);
        assertThat(runs("spread")).isEqualTo("null");
        assertThat(value("SELECT next_at = ?::text::timestamptz FROM df.schedules", TEN.toString()))
                .isEqualTo("t");
        assertThat(
                        database.value(
                                OWNER,
                                "SELECT due_at = next_at + df._jitter(id, next_at, jitter) AND due_at > next_at AND due_at < next_at + interval '10 minutes' FROM df._schedules"))
                .isEqualTo("t");
        turn(TEN.plusSeconds(600));
        assertThat(runs("spread")).isEqualTo("10 started");
    }

    @Test
    void run_rows_are_deleted_when_they_are_old() throws SQLException {
        create("old", "", TEN);
        turn(TEN);
        turn(TEN.plusSeconds(3_600));
        String delete = "SELECT df._delete_schedule_runs(" + epoch + ", now() + interval '1 day', 10)";
        // The one that was started is still active.
        assertThat(database.value(OWNER, delete)).isEqualTo("1");
        assertThat(runs("old")).isEqualTo("10 started");
    }
}
