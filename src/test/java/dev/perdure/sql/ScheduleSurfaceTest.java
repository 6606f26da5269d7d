package dev.perdure.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.SQLException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** df.create_schedule and the like: what is refused, and with which words. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ScheduleSurfaceTest {

    private final SqlSurface sql = new SqlSurface();

    @BeforeAll
    void one_that_is_there() throws SQLException {
        sql.value("SELECT df.create_schedule('there', '*/5 * * * *', 'SELECT 1', 'europe/berlin', jitter => '5 s')");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "df.create_schedule('x', '* * * *', 'SELECT 1') | schedule 'x': '* * * *' is no cron expression",
                "df.create_schedule('x', '0 0 30 2 *', 'SELECT 1') | no time ever matches the cron expression '0 0 30 2 *'",
                "df.create_schedule('x', '@daily', 'SELECT 1', 'Mars') | Invalid time zone 'Mars'",
                "df.create_schedule('x', '@daily', 'SELECT 1', 'FOO3') | Invalid time zone 'FOO3'",
                "df.create_schedule('there', '@daily', 'SELECT 1') | schedule 'there' exists already",
                "df.create_schedule('', '@daily', 'SELECT 1') | the name of a schedule must have 1 to 255 bytes",
                "df.create_schedule(repeat('n', 256), '@daily', 'SELECT 1') | the name of a schedule must have 1 to 255 bytes",
                "df.create_schedule(NULL, '@daily', 'SELECT 1') | name",
                "df.create_schedule('x', '@daily', 'SELECT 1', overlap => 'queue') | overlap must be skip, buffer, cancel_other or allow, not 'queue'",
                "df.create_schedule('x', '@daily', 'SELECT 1', catch_up => '-1 hour') | catch_up must be from 0 to 10 years, not -01:00:00",
                "df.create_schedule('x', '@daily', 'SELECT 1', jitter => '25 hours') | jitter must be from 0 to 1 day, not 25:00:00",
                "df.create_schedule('x', '@daily', 'SELECT 1', jitter => '-1 s') | jitter must be from 0 to 1 day, not -00:00:01",
                "df.create_schedule('x', '@daily', '{\"node_type\": \"NOPE\"}') | Unknown node_type 'NOPE'",
                "df.create_schedule('x', '@daily', 'SELECT 1', options => '{\"idempotency_key\": \"k\"}') | option idempotency_key is not possible for a schedule",
                "df.create_schedule('x', '@daily', 'SELECT 1', options => '{\"deadline\": \"2030-01-01\"}') | option deadline is not possible for a schedule",
                "df.create_schedule('x', '@daily', 'SELECT 1', options => '{\"nice\": 1}') | unknown option \"nice\" for a schedule",
                "df.create_schedule('x', '@daily', 'SELECT 1', options => '[]') | options of a schedule must be a JSON object",
                "df.create_schedule('x', '@daily', 'SELECT 1', options => '{\"timeout\": \"-1 s\"}') | option timeout of df.start() must be between",
                "df.create_schedule('x', '@daily', 'SELECT 1', options => '{\"vars\": {\"a\": []}}') | variable \"a\" in option vars",
                "df.create_schedule('x', '@daily', 'SELECT 1', options => '{\"database\": \"nowhere\"}') | database \"nowhere\" does not exist",
                "df.alter_schedule('nope', cron => '@daily') | schedule 'nope' does not exist",
                "df.alter_schedule('there', cron => 'now and then') | is no cron expression",
                "df.pause_schedule('nope', 'x') | schedule 'nope' does not exist",
                "df.resume_schedule('nope') | schedule 'nope' does not exist",
                "df.trigger_schedule('nope') | schedule 'nope' does not exist",
                "df.drop_schedule('nope') | schedule 'nope' does not exist",
                "df.backfill_schedule('nope', '2026-01-01', '2026-01-02') | schedule 'nope' does not exist",
                "df.backfill_schedule('there', '2026-01-02', '2026-01-01') | from_time must not be after to_time",
                "df.backfill_schedule('there', '-infinity', '2026-01-01') | from_time must not be after to_time",
                "df.backfill_schedule('there', '2001-01-01', '2026-01-01') | there are about 2630016 planned times between 2001-01-01T00:00:00Z and 2026-01-01T00:00:00Z, more than 1000000",
            })
    void what_makes_no_sense_is_refused(String call, String message) {
        assertThatThrownBy(() -> sql.value("SELECT " + call)).as(call).hasMessageContaining(message);
    }

    @Test
    void the_view_shows_the_definition_and_the_next_time() throws SQLException {
        assertThat(sql.value(
                        "SELECT concat_ws(' ', name, role, cron, timezone, overlap, catch_up, jitter, paused, last_outcome)"
                                + " FROM df.schedules WHERE name = 'there'"))
                .isEqualTo("there " + sql.value("SELECT current_user")
                        + " */5 * * * * Europe/Berlin skip 01:00:00 00:00:05 f");
        assertThat(
                        sql.value(
                                "SELECT next_at > now() AND next_at <= now() + interval '5 minutes' FROM df.schedules WHERE name = 'there'"))
                .isEqualTo("t");
        assertThat(sql.value("SELECT df.explain(fut) FROM df.schedules WHERE name = 'there'"))
                .contains("SELECT 1");
    }

    @Test
    void what_is_altered_changes_and_the_rest_stays() throws SQLException {
        sql.value(
                "SELECT df.create_schedule('changes', '0 3 * * *', 'SELECT 1', 'Europe/Berlin', jitter => '1 min', options => '{\"label\": \"l\"}')");
        sql.value("SELECT df.alter_schedule('changes', cron => '0 4 * * *', fut => 'SELECT 2', overlap => 'buffer')");
        assertThat(
                        sql.value(
                                "SELECT concat_ws(' ', cron, timezone, overlap, jitter, options ->> 'label', fut) FROM df.schedules WHERE name = 'changes'"))
                .isEqualTo("0 4 * * * Europe/Berlin buffer 00:01:00 l {\"node_type\":\"SQL\",\"query\":\"SELECT 2\"}");
        assertThat(
                        sql.value(
                                "SELECT to_char(next_at AT TIME ZONE timezone, 'HH24:MI') FROM df.schedules WHERE name = 'changes'"))
                .isEqualTo("04:00");
        sql.value("SELECT df.alter_schedule('changes', jitter => '0', options => '{}')");
        assertThat(sql.value("SELECT jitter IS NULL AND options IS NULL FROM df.schedules WHERE name = 'changes'"))
                .isEqualTo("t");
        sql.value("SELECT df.drop_schedule('changes')");
        assertThat(sql.value("SELECT count(*) FROM df.schedules WHERE name = 'changes'"))
                .isEqualTo("0");
    }
}
