package dev.perdure.sql;

import static dev.perdure.sql.SqlSurface.OWNER;
import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Functions have the names, arguments, defaults and attributes of the specification (1.1, 1.2, 2). Those that return tables
 * are in {@link MonitoringSurfaceTest}.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SignaturesTest {

    /** Name, arguments, result, volatility, whether it is strict, parallel safety, whether PUBLIC may execute it. */
    private static final String FUNCTIONS =
            """
            sql                 | query text | text | v strict unsafe public
            sql                 | query text, VARIADIC params text[] | text | v - unsafe public
            seq                 | a text, b text | text | v strict unsafe public
            as                  | fut text, name text | text | v strict unsafe public
            sleep               | seconds bigint | text | v strict unsafe public
            wait_for_schedule   | cron_expr text, timezone text DEFAULT 'UTC'::text | text | v strict unsafe public
            loop                | body text, condition text DEFAULT NULL::text | text | v - unsafe public
            break               | value text DEFAULT NULL::text | text | v - unsafe public
            if                  | condition text, then_branch text, else_branch text | text | v strict unsafe public
            if_rows             | result_name text, then_branch text, else_branch text | text | v strict unsafe public
            join                | a text, b text | text | v strict unsafe public
            join3               | a text, b text, c text | text | v strict unsafe public
            race                | a text, b text | text | v strict unsafe public
            http                | url text, method text DEFAULT 'POST'::text, body text DEFAULT NULL::text, headers jsonb DEFAULT NULL::jsonb, timeout_seconds integer DEFAULT 30 | text | v - unsafe -
            http_multipart      | url text, method text DEFAULT 'POST'::text, parts jsonb DEFAULT NULL::jsonb, headers jsonb DEFAULT NULL::jsonb, timeout_seconds integer DEFAULT 30 | text | v - unsafe -
            wait_for_condition  | query text, every interval DEFAULT '00:00:10'::interval | text | v - unsafe public
            wait_for_signal     | name text, timeout_seconds integer DEFAULT NULL::integer | text | v - unsafe public
            with_http_options   | fut text, options jsonb | text | v - unsafe public
            retry               | node text, max_attempts integer DEFAULT 3, initial_delay interval DEFAULT '00:00:01'::interval, backoff double precision DEFAULT 2, max_delay interval DEFAULT '01:00:00'::interval, retry_on text[] DEFAULT NULL::text[] | text | v - unsafe public
            catch               | node text, handler text, codes text[] DEFAULT NULL::text[] | text | v - unsafe public
            timeout             | node text, within interval, otherwise text DEFAULT NULL::text | text | v - unsafe public
            saga                | node text | text | v - unsafe public
            with_undo           | step text, undo text, register text DEFAULT 'after'::text | text | v - unsafe public
            http                | url character varying, method text DEFAULT 'POST'::text, body text DEFAULT NULL::text, headers jsonb DEFAULT NULL::jsonb, timeout_seconds integer DEFAULT 30, expect text DEFAULT NULL::text | text | v - unsafe public
            http_multipart      | url character varying, method text DEFAULT 'POST'::text, parts jsonb DEFAULT NULL::jsonb, headers jsonb DEFAULT NULL::jsonb, timeout_seconds integer DEFAULT 30, expect text DEFAULT NULL::text | text | v - unsafe public
            sleep               | seconds double precision | text | v strict unsafe public
            sleep               | duration interval | text | v strict unsafe public
            sleep               | duration text | text | v strict unsafe public
            wait_for_signal     | name text, timeout interval | text | v - unsafe public
            wait_for_signal     | name text, timeout text | text | v - unsafe public
            loop                | body character varying, condition text DEFAULT NULL::text, continue_on_failure boolean DEFAULT false, every interval DEFAULT '00:00:01'::interval | text | v - unsafe public
            as_op               | fut text, name text | text | i - unsafe public
            if_then_op          | condition text, then_branch text | text | i - unsafe public
            if_else_op          | partial_if text, else_branch text | text | i - unsafe public
            loop_prefix_op      | body text | text | i - unsafe public
            start               | fut text, label text DEFAULT NULL::text, database text DEFAULT NULL::text, transaction_mode text DEFAULT 'caller'::text | text | v - unsafe public
            start               | fut character varying, label text DEFAULT NULL::text, database text DEFAULT NULL::text, transaction_mode text DEFAULT 'caller'::text, options jsonb DEFAULT NULL::jsonb | text | v - unsafe public
            cancel              | instance_id text, reason text DEFAULT 'Cancelled by user'::text | text | v strict unsafe public
            map                 | items text, body text, item text DEFAULT 'item'::text, max_concurrent integer DEFAULT 10, batch_size integer DEFAULT 1, on_failure text DEFAULT 'fail'::text, tolerate text DEFAULT NULL::text | text | v - unsafe public
            define              | name text, fut text, params jsonb DEFAULT NULL::jsonb, comment text DEFAULT NULL::text | integer | v - unsafe public
            with_queue          | node text, queue text, key text DEFAULT NULL::text | text | v - unsafe public
            call                | name text, args jsonb DEFAULT '{}'::jsonb, version integer DEFAULT NULL::integer | text | v - unsafe public
            activity            | kind text, payload text DEFAULT '{}'::text, lease interval DEFAULT '00:01:00'::interval, max_attempts integer DEFAULT 20 | text | v - unsafe public
            approval            | title text, assignees text[], payload text DEFAULT NULL::text, within interval DEFAULT NULL::interval, otherwise text DEFAULT NULL::text, quorum integer DEFAULT 1, not_submitter boolean DEFAULT false | text | v - unsafe public
            extend_activity     | token text, lease interval DEFAULT NULL::interval, progress jsonb DEFAULT NULL::jsonb | boolean | v - unsafe public
            extend_activity     | token text, lease text, progress text DEFAULT NULL::text | boolean | v - unsafe public
            complete_activity   | token text, result jsonb | boolean | v - unsafe public
            complete_activity   | token text, result text DEFAULT NULL::text | boolean | v - unsafe public
            complete_activities | tokens text[], results jsonb[] DEFAULT NULL::jsonb[] | integer | v - unsafe public
            fail_activity       | token text, message text, code text DEFAULT NULL::text, retry boolean DEFAULT true | boolean | v - unsafe public
            grant_activity      | kind text, role text | void | v - unsafe public
            revoke_activity     | kind text, role text | void | v - unsafe public
            activity_channel    | kind text | text | v - unsafe public
            decide              | task_id bigint, decision text, comment text DEFAULT NULL::text | text | v - unsafe public
            drop_definition     | name text | void | v - unsafe public
            grant_definition    | name text, role text | void | v - unsafe public
            revoke_definition   | name text, role text | void | v - unsafe public
            set_map             | instance_id text, node_id text, max_concurrent integer | boolean | v - unsafe public
            create_queue        | name text, concurrency integer DEFAULT NULL::integer, concurrency_per_key integer DEFAULT NULL::integer, rate integer DEFAULT NULL::integer, per interval DEFAULT NULL::interval, overflow text DEFAULT 'wait'::text | text | v - unsafe public
            alter_queue         | name text, concurrency integer DEFAULT NULL::integer, concurrency_per_key integer DEFAULT NULL::integer, rate integer DEFAULT NULL::integer, per interval DEFAULT NULL::interval, overflow text DEFAULT NULL::text | text | v - unsafe public
            pause_queue         | name text | text | v - unsafe public
            resume_queue        | name text | text | v - unsafe public
            drop_queue          | name text | text | v - unsafe public
            grant_queue         | name text, role text | text | v - unsafe public
            revoke_queue        | name text, role text | text | v - unsafe public
            reassign_queue      | name text, owner text, new_owner text | text | v - unsafe -
            create_schedule     | name text, cron text, fut text, timezone text DEFAULT 'UTC'::text, overlap text DEFAULT 'skip'::text, catch_up interval DEFAULT '01:00:00'::interval, jitter interval DEFAULT NULL::interval, options jsonb DEFAULT NULL::jsonb | void | v - unsafe public
            alter_schedule      | name text, cron text DEFAULT NULL::text, fut text DEFAULT NULL::text, timezone text DEFAULT NULL::text, overlap text DEFAULT NULL::text, catch_up interval DEFAULT NULL::interval, jitter interval DEFAULT NULL::interval, options jsonb DEFAULT NULL::jsonb | void | v - unsafe public
            pause_schedule      | name text, reason text DEFAULT NULL::text | void | v - unsafe public
            resume_schedule     | name text | void | v - unsafe public
            trigger_schedule    | name text | text | v - unsafe public
            backfill_schedule   | name text, from_time timestamp with time zone, to_time timestamp with time zone | bigint | v - unsafe public
            drop_schedule       | name text | void | v - unsafe public
            redrive             | instance_id text, from_node text DEFAULT NULL::text, vars jsonb DEFAULT NULL::jsonb | text | v - unsafe public
            fork                | instance_id text, from_node text DEFAULT NULL::text, replace jsonb DEFAULT NULL::jsonb, vars jsonb DEFAULT NULL::jsonb, options jsonb DEFAULT NULL::jsonb | text | v - unsafe public
            signal              | instance_id text, signal_name text, signal_data text DEFAULT '{}'::text | text | v - unsafe public
            signal              | instance_id text, signal_name text, signal_data jsonb | text | v - unsafe public
            publish             | name text, value jsonb | text | v - unsafe public
            set_attributes      | attributes jsonb | text | v - unsafe public
            event               | instance_id text, name text, timeout integer DEFAULT 0 | jsonb | v - unsafe public
            wait_for_event      | instance_id text, name text, timeout integer DEFAULT NULL::integer | text | v - unsafe public
            wait_for_event      | instance_id text, name text, timeout interval | text | v - unsafe public
            wait_for_event      | instance_id text, name text, timeout text | text | v - unsafe public
            cancel_many         | filter jsonb, reason text DEFAULT 'Cancelled by user'::text, most integer DEFAULT 1000, OUT done integer, OUT skipped integer | record | v - unsafe public
            signal_many         | filter jsonb, name text, data jsonb DEFAULT '{}'::jsonb, most integer DEFAULT 1000, OUT done integer, OUT skipped integer | record | v - unsafe public
            redrive_many        | filter jsonb, from_node text DEFAULT NULL::text, vars jsonb DEFAULT NULL::jsonb, most integer DEFAULT 1000, OUT done integer, OUT skipped integer | record | v - unsafe public
            status              | instance_id text | text | v strict unsafe public
            result              | instance_id text | text | v strict unsafe public
            await_instance      | instance_id text, timeout_seconds integer DEFAULT 30 | text | v strict unsafe public
            wait_for_completion | instance_id text, timeout_seconds integer DEFAULT 30 | text | v strict unsafe public
            run                 | instance_id text DEFAULT NULL::text | text | v - unsafe public
            version             | - | text | v strict unsafe public
            target_database     | - | text | i strict safe public
            setvar              | name text, value text | text | v strict unsafe public
            unsetvar            | name text | text | v strict unsafe public
            clearvars           | - | text | v strict unsafe public
            getvar              | name text | text | v strict unsafe public
            explain             | input text | text | v strict unsafe public
            grant_usage         | p_role text, include_http boolean DEFAULT false, with_grant boolean DEFAULT false | void | v - unsafe -
            revoke_usage        | p_role text | void | v - unsafe -
            resume              | instance_id text | text | v strict unsafe -
            secret              | name text | text | i strict unsafe public
            free_idempotency_key | key text | text | v strict unsafe public
            grant_secret        | p_name text, p_role text | void | v - unsafe -
            revoke_secret       | p_name text, p_role text | void | v - unsafe -
            rotate_address_key  | revoke boolean DEFAULT false | integer | v - unsafe -
            """;

    private final SqlSurface sql = new SqlSurface();

    static Stream<List<String>> functions() {
        return FUNCTIONS.lines().map(line -> List.of(line.split("\\s*\\|\\s*")));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("functions")
    void a_function_is_as_specified(List<String> expected) throws SQLException {
        assertThat(sql.database.rows(
                        OWNER,
                        "SELECT p.proname, coalesce(nullif(pg_get_function_arguments(p.oid), ''), '-'),"
                                + " pg_get_function_result(p.oid), concat_ws(' ', p.provolatile,"
                                + " CASE WHEN p.proisstrict THEN 'strict' ELSE '-' END,"
                                + " CASE p.proparallel WHEN 'u' THEN 'unsafe' WHEN 's' THEN 'safe' END,"
                                + " CASE WHEN has_function_privilege('public', p.oid, 'EXECUTE') THEN 'public' ELSE '-' END)"
                                + " FROM pg_proc p WHERE p.pronamespace = 'df'::regnamespace AND NOT p.proretset"
                                + " AND NOT p.prosecdef AND p.proname = ?",
                        expected.get(0)))
                .contains(expected);
    }

    @Test
    void there_are_no_others_that_users_could_take_for_part_of_the_surface() throws SQLException {
        assertThat(sql.database.rows(
                        OWNER,
                        "SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'df'::regnamespace AND NOT p.proretset"
                                + " AND p.proname !~ '^(_|checkpoint)'"))
                .extracting(row -> row.get(0))
                .containsExactlyInAnyOrderElementsOf(
                        functions().map(function -> function.get(0)).toList());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "~> text df.seq",
                "|=> text df.as_op",
                "|= text df.as_op",
                "& text df.\"join\"",
                "| text df.race",
                "?> text df.if_then_op",
                "!> text df.if_else_op",
                "@> - df.loop_prefix_op"
            })
    void an_operator_takes_texts_and_calls_its_function(String line) throws SQLException {
        String[] expected = line.split(" ");
        assertThat(sql.rows(
                        "SELECT o.oprleft::regtype::text, o.oprright::regtype::text, o.oprresult::regtype::text,"
                                + " o.oprcode::regproc::text, o.oprkind, pg_get_userbyid(o.oprowner) FROM pg_operator o WHERE o.oprnamespace"
                                + " = 'public'::regnamespace AND o.oprname = ?",
                        expected[0]))
                .containsExactly(
                        List.of(expected[1], "text", "text", expected[2], expected[1].equals("-") ? "l" : "b", OWNER));
    }
}
