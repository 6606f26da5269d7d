-- Schedules as objects (docs/schedules.md, docs/adr/0190).
--
-- Whatever a user has written is read in the user's session, when a schedule is created or altered: what the leader starts is a stored
-- graph. A submitter changes schedules by inserting into df._schedule_changes, where the policy says whose they are.

---------------------------------------------------------------------------------------------------------------------
-- Times: those of dev.perdure.flow.cron, for what happens in a caller's session
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df._cron_values(field text, low integer, high integer, names text[]) RETURNS integer[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT array_agg(DISTINCT v ORDER BY v)
FROM string_to_array(lower(field COLLATE "C"), ',') AS items(list)
CROSS JOIN LATERAL unnest(items.list) AS item
CROSS JOIN LATERAL regexp_match(item, '^(?:(\*)|([0-9]{1,2}|[a-z]{3})(?:-([0-9]{1,2}|[a-z]{3}))?)(?:/([0-9]{1,3}))?$') AS part
CROSS JOIN LATERAL (SELECT
    CASE WHEN part[1] IS NOT NULL THEN low WHEN part[2] ~ '^[0-9]' THEN part[2]::integer ELSE array_position(names, part[2]) - 1 + low END AS first,
    CASE WHEN part[3] ~ '^[0-9]' THEN part[3]::integer ELSE array_position(names, part[3]) - 1 + low END AS last) AS bound
CROSS JOIN LATERAL generate_series(bound.first,
    coalesce(bound.last, CASE WHEN part[1] IS NOT NULL OR part[4] IS NOT NULL THEN high ELSE bound.first END),
    coalesce(part[4]::integer, 1)) AS v
$$;
COMMENT ON FUNCTION df._cron_values(text, integer, integer, text[]) IS 'Internal: the values of a field of a valid cron expression.';

-- The end of the hour that is left out: the clock shows another offset from then on.
CREATE OR REPLACE FUNCTION df._gap_end(zone text, before timestamptz, after timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    low bigint := floor(extract(epoch FROM before));
    high bigint := ceil(extract(epoch FROM after));
    middle bigint;
    old_offset CONSTANT interval := (before AT TIME ZONE zone) - (before AT TIME ZONE 'UTC');
BEGIN
    WHILE high - low > 1 LOOP
        middle := (low + high) / 2;
        IF (to_timestamp(middle) AT TIME ZONE zone) - (to_timestamp(middle) AT TIME ZONE 'UTC') = old_offset THEN
            low := middle;
        ELSE
            high := middle;
        END IF;
    END LOOP;
    RETURN to_timestamp(high);
END
$$;
COMMENT ON FUNCTION df._gap_end(text, timestamptz, timestamptz) IS 'Internal: the end of a gap of the clock between two moments.';

CREATE OR REPLACE FUNCTION df._cron_fields(cron text) RETURNS text[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT regexp_split_to_array(CASE lower(e.text COLLATE "C")
    WHEN '@yearly' THEN '0 0 1 1 *' WHEN '@annually' THEN '0 0 1 1 *' WHEN '@monthly' THEN '0 0 1 * *' WHEN '@weekly' THEN '0 0 * * 0'
    WHEN '@daily' THEN '0 0 * * *' WHEN '@midnight' THEN '0 0 * * *' WHEN '@hourly' THEN '0 * * * *' ELSE e.text END, '[ \t\n\r]+')
FROM btrim(cron, E' \t\n\r') AS e(text)
$$;
COMMENT ON FUNCTION df._cron_fields(text) IS 'Internal: the five fields of a valid cron expression.';

CREATE OR REPLACE FUNCTION df._cron_days(field text[], first date, last date) RETURNS SETOF timestamp
LANGUAGE plpgsql IMMUTABLE ROWS 30
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    days integer[] := df._cron_values(field[3], 1, 31, '{}');
    months integer[] := df._cron_values(field[4], 1, 12, '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}');
    weekdays integer[] := df._cron_values(field[5], 0, 7, '{sun,mon,tue,wed,thu,fri,sat}');
    any_day boolean := starts_with(field[3], '*') OR starts_with(field[5], '*');
BEGIN
    RETURN QUERY
    SELECT d.day FROM generate_series(first::timestamp, last::timestamp, interval '1 day') AS d(day)
    CROSS JOIN LATERAL (SELECT extract(day FROM d.day)::integer = ANY (days) AS of_month,
        extract(dow FROM d.day)::integer = ANY (weekdays) OR extract(isodow FROM d.day)::integer = ANY (weekdays) AS of_week) AS m
    WHERE extract(month FROM d.day)::integer = ANY (months)
        AND CASE WHEN any_day THEN m.of_month AND m.of_week ELSE m.of_month OR m.of_week END;
END
$$;
COMMENT ON FUNCTION df._cron_days(text[], date, date) IS 'Internal: the days that the fields of a cron expression match.';

-- Where clocks are changed: dev.perdure.flow.cron.CronSchedule has the rules, and CronInSqlTest compares the two.
CREATE OR REPLACE FUNCTION df._cron_times(cron text, zone text, from_time timestamptz, to_time timestamptz) RETURNS SETOF timestamptz
LANGUAGE plpgsql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET "TimeZone" = 'UTC' SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    field text[] := df._cron_fields(cron);
    minutes integer[] := df._cron_values(field[1], 0, 59, '{}');
    hours integer[] := df._cron_values(field[2], 0, 23, '{}');
    by_clock boolean := NOT starts_with(field[2], '*');
    -- No clock was ever changed by more, but for days that were left out at the date line.
    first timestamp := (from_time AT TIME ZONE zone) - interval '150 minutes';
    last timestamp := (to_time AT TIME ZONE zone) + interval '150 minutes';
BEGIN
    RETURN QUERY
    WITH local AS (
        SELECT t.at
        FROM df._cron_days(field, first::date, last::date) AS d(day), unnest(hours) AS h, unnest(minutes) AS m
        CROSS JOIN LATERAL (SELECT d.day + make_interval(hours => h, mins => m) AS at) AS t
        WHERE t.at BETWEEN first AND last
    ), both_ways AS (
        -- As the clock goes before and after whatever change there may be near it.
        SELECT l.at, u.utc - ((b.before AT TIME ZONE zone) - (b.before AT TIME ZONE 'UTC')) AS early,
               u.utc - ((b.after AT TIME ZONE zone) - (b.after AT TIME ZONE 'UTC')) AS late
        FROM local l CROSS JOIN LATERAL (SELECT l.at AT TIME ZONE 'UTC' AS utc) AS u
        CROSS JOIN LATERAL (SELECT u.utc - interval '15 hours' AS before, u.utc + interval '13 hours' AS after) AS b
    ), judged AS (
        SELECT w.at, w.early, w.late, w.early AT TIME ZONE zone = w.at AS early_is, w.late AT TIME ZONE zone = w.at AS late_is FROM both_ways w
    ), moments AS (
        SELECT CASE WHEN j.early_is AND j.late_is THEN least(j.early, j.late) WHEN j.early_is THEN j.early WHEN j.late_is THEN j.late
                    WHEN by_clock THEN df._gap_end(zone, least(j.early, j.late) - interval '1 minute', greatest(j.early, j.late)) END AS moment
        FROM judged j
        UNION
        SELECT greatest(j.early, j.late) FROM judged j WHERE NOT by_clock AND j.early_is AND j.late_is
    )
    SELECT m.moment FROM moments m WHERE m.moment >= from_time AND m.moment < to_time ORDER BY 1;
END
$$;
COMMENT ON FUNCTION df._cron_times(text, text, timestamptz, timestamptz) IS
    'Internal: the times of a valid cron expression in a time zone, from from_time on and before to_time.';

-- Cheap, however many there are.
CREATE OR REPLACE FUNCTION df._cron_count(cron text, zone text, from_time timestamptz, to_time timestamptz) RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT count(*) * cardinality(df._cron_values((df._cron_fields(cron))[1], 0, 59, '{}'))
    * cardinality(df._cron_values((df._cron_fields(cron))[2], 0, 23, '{}'))
FROM df._cron_days(df._cron_fields(cron), (from_time AT TIME ZONE zone)::date, (to_time AT TIME ZONE zone)::date)
$$;
COMMENT ON FUNCTION df._cron_count(text, text, timestamptz, timestamptz) IS
    'Internal: the number of times of a cron expression, with those of the first and last day.';

CREATE OR REPLACE FUNCTION df._cron_next(cron text, zone text, after timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    span interval;
    found timestamptz;
BEGIN
    -- 29 February on a given day of the week comes again after 40 years at the latest.
    FOREACH span IN ARRAY '{61 minutes,25 hours,32 days,367 days,1500 days,42 years}'::interval[] LOOP
        found := (SELECT min(t) FROM df._cron_times(cron, zone, after + interval '1 microsecond', after + span) AS t);
        EXIT WHEN found IS NOT NULL;
    END LOOP;
    RETURN found;
END
$$;
COMMENT ON FUNCTION df._cron_next(text, text, timestamptz) IS 'Internal: the first time of a valid cron expression after a moment; NULL when there is none.';

-- The same for the same schedule and planned time, for every caller: dev.perdure.flow.schedule.Jitter. To the millisecond.
CREATE OR REPLACE FUNCTION df._jitter(schedule_id bigint, planned_at timestamptz, jitter interval) RETURNS interval
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT CASE WHEN jitter IS NULL THEN interval '0' ELSE
    ((schedule_id % 1000003 * 7919 + floor(extract(epoch FROM planned_at) / 60)::bigint % 1000003 * 104729) % 1000003
        * floor(extract(epoch FROM jitter) * 1000)::bigint / 1000003) * interval '1 millisecond' END
$$;
COMMENT ON FUNCTION df._jitter(bigint, timestamptz, interval) IS 'Internal: the delay of a run behind its planned time.';

CREATE OR REPLACE FUNCTION df._planned_text(planned_at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT to_char(planned_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
    || CASE WHEN date_trunc('second', planned_at) = planned_at THEN '' ELSE to_char(planned_at AT TIME ZONE 'UTC', '.US') END || 'Z'
$$;
COMMENT ON FUNCTION df._planned_text(timestamptz) IS 'Internal: a planned time as {sys_planned_at} has it, ISO 8601 in UTC.';

---------------------------------------------------------------------------------------------------------------------
-- What is started
---------------------------------------------------------------------------------------------------------------------

-- Each run row is there; it gets its instance here. As df.start at this moment: with the variables of the role.
CREATE OR REPLACE FUNCTION df._start_planned(p_schedule df._schedules, p_times timestamptz[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    v_left timestamptz[] := p_times;
    v_vars jsonb := coalesce(df._start_vars(p_schedule.submitted_by, p_schedule.options), '{}');
    v_graph text := df._with_deadline(p_schedule.graph, jsonb_strip_nulls(jsonb_build_object('timeout', p_schedule.options -> 'timeout')));
    v_done timestamptz[];
BEGIN
    -- Seldom: a backfill, or a clock that went back.
    UPDATE df._schedules x SET active_from = p_times[1] WHERE x.id = p_schedule.id AND x.active_from > p_times[1];
    FOR tries IN 1 .. 10 LOOP
        EXIT WHEN coalesce(cardinality(v_left), 0) = 0;
        WITH drawn AS (
            SELECT t.at, left(gen_random_uuid()::text, 8) AS id, left(gen_random_uuid()::text, 8) AS root
            FROM unnest(v_left) AS t(at)
        ), inserted AS (
            INSERT INTO df.instances (id, label, root_node, submitted_by, database, vars, graph)
            SELECT d.id, coalesce(p_schedule.options ->> 'label', p_schedule.name), d.root, p_schedule.submitted_by,
                   p_schedule.options ->> 'database', v_vars || jsonb_build_object('sys_planned_at', df._planned_text(d.at)), v_graph
            FROM drawn d ORDER BY d.at
            ON CONFLICT DO NOTHING
            RETURNING id, vars ->> 'sys_planned_at' AS planned
        ), linked AS (
            UPDATE df._schedule_runs r SET instance_id = i.id, active = true
            FROM inserted i JOIN drawn d ON d.id = i.id AND df._planned_text(d.at) = i.planned
            WHERE r.schedule_id = p_schedule.id AND r.planned_at = d.at
            RETURNING r.planned_at)
        SELECT array_agg(l.planned_at) INTO v_done FROM linked l;
        v_left := ARRAY(SELECT unnest(v_left) EXCEPT SELECT unnest(v_done));
    END LOOP;
    IF coalesce(cardinality(v_left), 0) > 0 THEN
        RAISE EXCEPTION 'Failed to create instance: exhausted 10 attempts to generate a collision-free ID'
            USING ERRCODE = 'internal_error';
    END IF;
END
$$;
COMMENT ON FUNCTION df._start_planned(df._schedules, timestamptz[]) IS
    'Starts an instance for each of these planned times, whose run rows are there. In the transaction that wrote them.';

-- Of runs that have ended and are still marked, only the first are looked at: there may be fifty thousand, of each of many schedules.
-- LIMIT keeps the join a probe for each row, whatever is known of the sizes.
CREATE OR REPLACE FUNCTION df._has_active_run(p_schedule bigint, p_from timestamptz) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT CASE WHEN count(x.instance_id) > 0 THEN true WHEN count(*) < 200 THEN false END
FROM (SELECT r.instance_id FROM df._schedule_runs r WHERE r.schedule_id = p_schedule AND r.active AND r.planned_at >= p_from
      ORDER BY r.planned_at LIMIT 200) AS r
LEFT JOIN LATERAL (SELECT i.instance_id FROM df._inbox i WHERE i.instance_id = r.instance_id LIMIT 1) AS x ON true
$$;
COMMENT ON FUNCTION df._has_active_run(bigint, timestamptz) IS
    'Whether an instance of a schedule has not ended; NULL when the first 200 marked as active have, and there are more: df._forget_ended_runs first.';

-- What is behind the first thousand is looked at when these have ended.
CREATE OR REPLACE FUNCTION df._forget_ended_runs(INOUT p_schedule df._schedules)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_left timestamptz;
    v_last timestamptz;
    v_ended timestamptz[];
BEGIN
    SELECT min(r.planned_at) FILTER (WHERE x.instance_id IS NOT NULL), max(r.planned_at),
           array_agg(r.planned_at) FILTER (WHERE x.instance_id IS NULL) INTO v_left, v_last, v_ended
    FROM (SELECT y.planned_at, y.instance_id FROM df._schedule_runs y
          WHERE y.schedule_id = p_schedule.id AND y.active AND y.planned_at >= p_schedule.active_from
          ORDER BY y.planned_at LIMIT 1000) AS r
    LEFT JOIN LATERAL (SELECT i.instance_id FROM df._inbox i WHERE i.instance_id = r.instance_id LIMIT 1) AS x ON true;
    IF v_ended IS NOT NULL THEN
        UPDATE df._schedule_runs r SET active = false WHERE r.schedule_id = p_schedule.id AND r.planned_at = ANY (v_ended);
        p_schedule.active_from := coalesce(v_left, v_last);
    END IF;
END
$$;
COMMENT ON FUNCTION df._forget_ended_runs(df._schedules) IS
    'Unmarks the first 1,000 runs of a schedule that are marked as active, as far as they have ended; returns its row with active_from as it is to be written. Called with the settings of its callers.';

-- Why nothing can be started as a role; what df.start would say of it.
CREATE OR REPLACE FUNCTION df._start_problem(p_role oid) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
SELECT CASE
    WHEN r.oid IS NULL THEN 'its role was dropped'
    WHEN NOT r.rolcanlogin THEN format('role %I has no LOGIN', r.rolname)
    WHEN r.rolconnlimit = 0 AND NOT r.rolsuper THEN format('role %I has CONNECTION LIMIT 0', r.rolname)
    WHEN r.rolsuper AND lower(df._setting('enable_superuser_instances', 'off')) NOT IN ('on', 'true', 'yes', '1')
        THEN format('role %I is a superuser, and enable_superuser_instances is off', r.rolname)
    WHEN r.oid = s.nspowner OR NOT r.rolsuper AND pg_has_role(r.oid, s.nspowner, 'MEMBER') THEN format('role %I owns schema df or is a member of its owner', r.rolname)
    WHEN NOT has_schema_privilege(r.oid, s.oid, 'USAGE') OR NOT has_column_privilege(r.oid, 'df.instances', 'graph', 'INSERT')
        OR NOT has_function_privilege(r.oid, 'df.start(text, text, text, text)', 'EXECUTE') THEN format('role %I may not start instances', r.rolname)
    WHEN NOT has_database_privilege(r.oid, current_database(), 'CONNECT') THEN format('role %I may not connect to this database', r.rolname) END
FROM pg_namespace s LEFT JOIN pg_roles r ON r.oid = p_role
WHERE s.nspname = 'df'
$$;
COMMENT ON FUNCTION df._start_problem(oid) IS 'The reason for which a role cannot start instances; NULL when it can.';

---------------------------------------------------------------------------------------------------------------------
-- What people see
---------------------------------------------------------------------------------------------------------------------

-- As df.nodes: with the rights of its owner and the condition of instances_user_isolation in it.
CREATE OR REPLACE VIEW df.schedules WITH (security_barrier) AS
SELECT s.name, s.submitted_by AS role, s.cron, s.timezone, s.overlap, s.catch_up, s.jitter, s.options, s.graph AS fut,
       CASE WHEN s.paused_at IS NULL THEN s.next_at END AS next_at, s.buffered_at,
       r.planned_at AS last_planned_at, r.outcome AS last_outcome, r.instance_id AS last_instance_id, r.reason AS last_reason,
       s.paused_at IS NOT NULL AS paused, s.paused_at, s.pause_reason, s.created_at, s.changed_at
FROM df._schedules s
LEFT JOIN LATERAL (SELECT x.* FROM df._schedule_runs x WHERE x.schedule_id = s.id ORDER BY x.planned_at DESC LIMIT 1) AS r ON true
WHERE s.submitted_by = (SELECT quote_ident(current_user)::regrole) OR NOT (SELECT row_security_active('df.instances'));
COMMENT ON VIEW df.schedules IS 'Your schedules: workflow, times, the next planned time, the last run, and whether and why they are paused.';
COMMENT ON COLUMN df.schedules.fut IS 'The node text that is started; df.explain(fut) shows it.';
COMMENT ON COLUMN df.schedules.next_at IS 'The next planned time; NULL while the schedule is paused, or when no time ever comes.';
COMMENT ON COLUMN df.schedules.buffered_at IS 'The planned time of the run that waits for the end of another one.';

CREATE OR REPLACE VIEW df.schedule_runs WITH (security_barrier) AS
SELECT s.name AS schedule, r.planned_at, r.outcome, r.instance_id, r.reason, r.decided_at, s.submitted_by AS role
FROM df._schedules s JOIN df._schedule_runs r ON r.schedule_id = s.id
WHERE s.submitted_by = (SELECT quote_ident(current_user)::regrole) OR NOT (SELECT row_security_active('df.instances'));
COMMENT ON VIEW df.schedule_runs IS 'The planned times of your schedules and their outcome: one row for each.';
COMMENT ON COLUMN df.schedule_runs.outcome IS
    'started; buffered (waits for the end of another run); skipped (another one ran); missed (too late, as after an outage); failed (could not be started).';

---------------------------------------------------------------------------------------------------------------------
-- What people call
---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION df._check_schedule_options(options jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    wrong text;
BEGIN
    IF jsonb_typeof(options) <> 'object' THEN
        RAISE EXCEPTION 'options of a schedule must be a JSON object' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT key INTO wrong FROM jsonb_object_keys(options) AS key WHERE key NOT IN ('database', 'label', 'timeout', 'vars') ORDER BY key LIMIT 1;
    IF wrong IN ('deadline', 'idempotency_key') THEN
        RAISE EXCEPTION 'option % is not possible for a schedule: every run would have the same value', wrong USING ERRCODE = 'invalid_parameter_value',
            HINT = CASE wrong WHEN 'deadline' THEN 'timeout counts from the start of each run: {"timeout": "2 hours"}.'
                              ELSE 'A planned time is started once anyway.' END;
    ELSIF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'unknown option "%" for a schedule: there are database, label, timeout and vars', wrong USING ERRCODE = 'invalid_parameter_value';
    ELSIF options ? 'label' AND (jsonb_typeof(options -> 'label') = 'string' AND octet_length(options ->> 'label') <= 4096) IS NOT TRUE THEN
        RAISE EXCEPTION 'option label of a schedule must be a string of at most 4096 bytes' USING ERRCODE = 'invalid_parameter_value';
    ELSIF options ? 'database' AND jsonb_typeof(options -> 'database') <> 'string' THEN
        RAISE EXCEPTION 'database "%" does not exist', options ->> 'database' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM df._check_database(options ->> 'database'),
            df._check_start_options(jsonb_strip_nulls(jsonb_build_object('vars', options -> 'vars'))),
            df._with_deadline('{}', jsonb_strip_nulls(jsonb_build_object('timeout', options -> 'timeout')));
END
$$;
COMMENT ON FUNCTION df._check_schedule_options(jsonb) IS 'Internal: checks the options of a schedule.';

CREATE OR REPLACE FUNCTION df._check_schedule(s df._schedules) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    IF (octet_length(s.name) BETWEEN 1 AND 255 AND s.name !~ '[[:cntrl:]]') IS NOT TRUE THEN
        RAISE EXCEPTION 'the name of a schedule must have 1 to 255 bytes and no control characters, not %', quote_nullable(left(s.name, 100))
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF octet_length(s.cron) > 256 OR df._valid_cron(s.cron) IS NOT TRUE THEN
        RAISE EXCEPTION 'schedule %: % is no cron expression', quote_literal(s.name), quote_nullable(left(s.cron, 256))
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Five fields: minute hour day-of-month month day-of-week (0-7, 0 and 7 are Sunday), or @hourly and the like.';
    ELSIF (s.overlap IN ('skip', 'buffer', 'cancel_other', 'allow')) IS NOT TRUE THEN
        RAISE EXCEPTION 'schedule %: overlap must be skip, buffer, cancel_other or allow, not %', quote_literal(s.name), quote_nullable(s.overlap)
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF (s.catch_up BETWEEN '0' AND '10 years') IS NOT TRUE THEN
        RAISE EXCEPTION 'schedule %: catch_up must be from 0 to 10 years, not %', quote_literal(s.name), coalesce(s.catch_up::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF NOT s.jitter BETWEEN '0' AND '1 day' THEN
        RAISE EXCEPTION 'schedule %: jitter must be from 0 to 1 day, not %', quote_literal(s.name), s.jitter
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM df._check_schedule_options(s.options);
    PERFORM df._check_size('schedules', 'schedules_graph_size_chk', 'fut', octet_length(s.graph), 67000000);
    PERFORM df._check_size('schedules', 'schedules_options_size_chk', 'options', octet_length(s.options::text), 1000000);
    IF df._cron_next(s.cron, s.timezone, clock_timestamp()) IS NULL THEN
        RAISE EXCEPTION 'schedule %: no time ever matches the cron expression %', quote_literal(s.name), quote_literal(s.cron)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
END
$$;
COMMENT ON FUNCTION df._check_schedule(df._schedules) IS 'Internal: checks the definition of a schedule.';

-- In the caller's session: nothing else ever reads what a user has written.
CREATE OR REPLACE FUNCTION df._schedule_graph(fut text, options jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
DECLARE
    root text := df._checked_root(fut);
BEGIN
    IF options ->> 'timeout' IS NOT NULL AND octet_length(root) > 8000 THEN
        PERFORM df._check_graph(df._with_deadline(root, jsonb_build_object('timeout', '1 hour')));
    END IF;
    RETURN root;
END
$$;
COMMENT ON FUNCTION df._schedule_graph(text, jsonb) IS 'Internal: the graph that a schedule starts.';

CREATE OR REPLACE FUNCTION df.create_schedule(
    name text, cron text, fut text, timezone text DEFAULT 'UTC', overlap text DEFAULT 'skip', catch_up interval DEFAULT '1 hour',
    jitter interval DEFAULT NULL, options jsonb DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_variable
BEGIN
    PERFORM df._require(0, 'name', name IS NOT NULL), df._require(1, 'cron', cron IS NOT NULL), df._require(2, 'fut', fut IS NOT NULL),
            df._require(3, 'timezone', timezone IS NOT NULL), df._require(4, 'overlap', overlap IS NOT NULL),
            df._require(5, 'catch_up', catch_up IS NOT NULL);
    PERFORM df._check_schedule_options(options);
    INSERT INTO df._schedule_changes (submitted_by, name, action, cron, timezone, overlap, catch_up, jitter, graph, options)
    VALUES (df._submitter(false)::regrole, name, 'create', cron, df._checked_zone(timezone), overlap, catch_up, jitter,
            df._schedule_graph(fut, options), options);
END
$$;
COMMENT ON FUNCTION df.create_schedule(text, text, text, text, text, interval, interval, jsonb) IS
    'Starts a workflow once for each time of a cron expression in a time zone. overlap is the rule while the run before has not ended: skip, buffer, cancel_other or allow. Times that are late by more than catch_up are missed. jitter spreads starts. options: vars, timeout, label, database.';

CREATE OR REPLACE FUNCTION df.alter_schedule(
    name text, cron text DEFAULT NULL, fut text DEFAULT NULL, timezone text DEFAULT NULL, overlap text DEFAULT NULL,
    catch_up interval DEFAULT NULL, jitter interval DEFAULT NULL, options jsonb DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_variable
BEGIN
    PERFORM df._require(0, 'name', name IS NOT NULL);
    PERFORM df._check_schedule_options(options);
    INSERT INTO df._schedule_changes (submitted_by, name, action, cron, timezone, overlap, catch_up, jitter, graph, options)
    VALUES (quote_ident(current_user)::regrole, name, 'alter', cron, df._checked_zone(timezone), overlap, catch_up, jitter,
            CASE WHEN fut IS NOT NULL THEN df._schedule_graph(fut, options) END, options);
END
$$;
COMMENT ON FUNCTION df.alter_schedule(text, text, text, text, text, interval, interval, jsonb) IS
    'Changes a schedule when this transaction commits; a NULL changes nothing. Started runs are not touched; a changed cron expression or time zone counts for later times only. jitter => ''0'' and options => ''{}'' remove the old values.';

CREATE OR REPLACE FUNCTION df.pause_schedule(name text, reason text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_variable
BEGIN
    PERFORM df._require(0, 'name', name IS NOT NULL);
    INSERT INTO df._schedule_changes (submitted_by, name, action, reason) VALUES (quote_ident(current_user)::regrole, name, 'pause', reason);
END
$$;
COMMENT ON FUNCTION df.pause_schedule(text, text) IS
    'Pauses a schedule until df.resume_schedule; runs that have been started go on. df.schedules shows the reason.';

CREATE OR REPLACE FUNCTION df.resume_schedule(name text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_variable
BEGIN
    PERFORM df._require(0, 'name', name IS NOT NULL);
    PERFORM df._submitter(false);
    INSERT INTO df._schedule_changes (submitted_by, name, action) VALUES (quote_ident(current_user)::regrole, name, 'resume');
END
$$;
COMMENT ON FUNCTION df.resume_schedule(text) IS
    'Continues a paused schedule with the next time from now on; df.backfill_schedule starts the times that were left out.';

CREATE OR REPLACE FUNCTION df.trigger_schedule(name text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_variable
BEGIN
    PERFORM df._require(0, 'name', name IS NOT NULL);
    PERFORM df._submitter(false);
    INSERT INTO df._schedule_changes (submitted_by, name, action) VALUES (quote_ident(current_user)::regrole, name, 'trigger');
    RETURN current_setting('df.schedule_answer');
END
$$;
COMMENT ON FUNCTION df.trigger_schedule(text) IS
    'Starts a run of a schedule now, in this transaction, also while it is paused or another run has not ended. Returns the id of the instance.';

CREATE OR REPLACE FUNCTION df.backfill_schedule(name text, from_time timestamptz, to_time timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_variable
DECLARE
    answer jsonb;
BEGIN
    PERFORM df._require(0, 'name', name IS NOT NULL), df._require(1, 'from_time', from_time IS NOT NULL),
            df._require(2, 'to_time', to_time IS NOT NULL);
    PERFORM df._submitter(false);
    INSERT INTO df._schedule_changes (submitted_by, name, action, from_time, to_time)
    VALUES (quote_ident(current_user)::regrole, name, 'backfill', from_time, to_time);
    answer := current_setting('df.schedule_answer');
    IF (answer ->> 'existing')::bigint > 0 THEN
        RAISE NOTICE 'Schedule %: % of % planned times had been started before', quote_literal(name), answer ->> 'existing', answer ->> 'planned';
    END IF;
    RETURN (answer ->> 'started')::bigint;
END
$$;
COMMENT ON FUNCTION df.backfill_schedule(text, timestamptz, timestamptz) IS
    'Starts a run for each time of a schedule from from_time on and before to_time that has none, skipped and missed ones included; in this transaction, and regardless of overlap. Returns their number.';

CREATE OR REPLACE FUNCTION df.drop_schedule(name text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
AS $$
#variable_conflict use_variable
BEGIN
    PERFORM df._require(0, 'name', name IS NOT NULL);
    INSERT INTO df._schedule_changes (submitted_by, name, action) VALUES (quote_ident(current_user)::regrole, name, 'drop');
END
$$;
COMMENT ON FUNCTION df.drop_schedule(text) IS 'Deletes a schedule and its rows in df.schedule_runs; instances that it has started go on.';

-- Definer: submitters may not write schedules, whose times the leader relies on. What was inserted has passed the policy, so it is the
-- caller's. Nothing of it is evaluated.
CREATE OR REPLACE FUNCTION df._change_schedule() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET row_security = on
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    v_now CONSTANT timestamptz := clock_timestamp();
    v_most CONSTANT bigint := 1000000;
    s df._schedules;
    v_before df._schedules;
    v_times timestamptz[];
    v_count bigint;
    v_started timestamptz[];
BEGIN
    DELETE FROM df._schedule_changes c WHERE c.submitted_by = new.submitted_by AND c.name = new.name;
    IF new.action = 'create' THEN
        s.submitted_by := new.submitted_by;
        s.name := new.name;
    ELSE
        SELECT x.* INTO s FROM df._schedules x WHERE x.submitted_by = new.submitted_by AND x.name = new.name FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'schedule % does not exist', quote_literal(new.name) USING ERRCODE = 'undefined_object',
                HINT = 'SELECT name FROM df.schedules lists your schedules.';
        END IF;
        v_before := s;
    END IF;

    IF new.action IN ('create', 'alter') THEN
        s.cron := coalesce(new.cron, s.cron);
        s.timezone := coalesce(new.timezone, s.timezone);
        s.overlap := coalesce(new.overlap, s.overlap);
        s.catch_up := coalesce(new.catch_up, s.catch_up);
        s.jitter := nullif(coalesce(new.jitter, s.jitter), '0');
        s.graph := coalesce(new.graph, s.graph);
        s.options := nullif(coalesce(new.options, s.options), '{}');
        PERFORM df._check_schedule(s);
    END IF;

    IF new.action = 'create' THEN
        s.next_at := df._cron_next(s.cron, s.timezone, v_now);
        INSERT INTO df._schedules AS x (submitted_by, name, cron, timezone, overlap, catch_up, jitter, graph, options, next_at)
        VALUES (s.submitted_by, s.name, s.cron, s.timezone, s.overlap, s.catch_up, s.jitter, s.graph, s.options, s.next_at)
        ON CONFLICT (submitted_by, name) DO NOTHING RETURNING x.* INTO s;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'schedule % exists already', quote_literal(new.name) USING ERRCODE = 'duplicate_object',
                HINT = 'df.alter_schedule changes it, df.drop_schedule deletes it.';
        END IF;
        UPDATE df._schedules x SET due_at = s.next_at + df._jitter(s.id, s.next_at, s.jitter) WHERE x.id = s.id;
    ELSIF new.action IN ('alter', 'resume') THEN
        IF new.action = 'resume' AND s.paused_at IS NULL THEN
            RETURN NULL;
        ELSIF new.action = 'resume' OR (s.cron, s.timezone) IS DISTINCT FROM (v_before.cron, v_before.timezone) THEN
            s.next_at := df._cron_next(s.cron, s.timezone, v_now);
        END IF;
        UPDATE df._schedules x SET (cron, timezone, overlap, catch_up, jitter, graph, options, next_at, due_at, paused_at, pause_reason, version, changed_at)
            = (s.cron, s.timezone, s.overlap, s.catch_up, s.jitter, s.graph, s.options, s.next_at,
               CASE WHEN s.paused_at IS NULL OR new.action = 'resume'
                    THEN least(s.next_at + df._jitter(s.id, s.next_at, s.jitter), CASE WHEN s.buffered_at IS NOT NULL THEN v_now END) END,
               CASE WHEN new.action = 'alter' THEN s.paused_at END, CASE WHEN new.action = 'alter' THEN s.pause_reason END, s.version + 1, v_now)
        WHERE x.id = s.id;
    ELSIF new.action = 'pause' THEN
        UPDATE df._schedules x SET paused_at = coalesce(s.paused_at, v_now), pause_reason = left(new.reason, 4096), due_at = NULL,
            version = s.version + 1, changed_at = v_now
        WHERE x.id = s.id;
    ELSIF new.action = 'drop' THEN
        DELETE FROM df._schedules x WHERE x.id = s.id;
    ELSIF new.action = 'trigger' THEN
        INSERT INTO df._schedule_runs (schedule_id, planned_at, outcome, reason)
        SELECT s.id, greatest(v_now, max(r.planned_at) FILTER (WHERE r.planned_at < v_now + interval '1 second') + interval '1 microsecond'), 'started', 'triggered'
        FROM df._schedule_runs r WHERE r.schedule_id = s.id AND r.planned_at >= v_now
        RETURNING ARRAY[planned_at] INTO v_times;
        PERFORM df._start_planned(s, v_times);
        PERFORM set_config('df.schedule_answer', r.instance_id, true)
        FROM df._schedule_runs r WHERE r.schedule_id = s.id AND r.planned_at = v_times[1];
    ELSIF new.action = 'backfill' THEN
        IF NOT (isfinite(new.from_time) AND isfinite(new.to_time) AND new.from_time <= new.to_time
                AND new.from_time >= '2000-01-01Z' AND new.to_time <= '2200-01-01Z') THEN
            RAISE EXCEPTION 'df.backfill_schedule: from_time must not be after to_time, and both be between the years 2000 and 2200'
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        v_count := df._cron_count(s.cron, s.timezone, new.from_time, new.to_time);
        IF v_count > v_most THEN
            RAISE EXCEPTION 'df.backfill_schedule: there are about % planned times between % and %, more than %', v_count,
                    df._planned_text(new.from_time), df._planned_text(new.to_time), v_most
                USING ERRCODE = 'program_limit_exceeded', HINT = 'Backfill a shorter time.';
        END IF;
        v_times := ARRAY(SELECT t FROM df._cron_times(s.cron, s.timezone, new.from_time, new.to_time) AS t);
        WITH planned AS (
            INSERT INTO df._schedule_runs AS r (schedule_id, planned_at, outcome, reason)
            SELECT s.id, t.at, 'started', 'backfill' FROM unnest(v_times) AS t(at)
            ON CONFLICT (schedule_id, planned_at) DO UPDATE
                SET outcome = excluded.outcome, reason = excluded.reason, decided_at = clock_timestamp()
                WHERE r.outcome NOT IN ('started', 'buffered')
            RETURNING r.planned_at)
        SELECT array_agg(p.planned_at ORDER BY p.planned_at) INTO v_started FROM planned p;
        PERFORM df._start_planned(s, v_started);
        v_count := coalesce(cardinality(v_started), 0);
        PERFORM set_config('df.schedule_answer', jsonb_build_object('started', v_count, 'planned', cardinality(v_times),
            'existing', cardinality(v_times) - v_count)::text, true);
    ELSE
        RAISE EXCEPTION 'unknown action' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._change_schedule() IS 'Internal: carries out a change of a schedule.';
CREATE OR REPLACE TRIGGER schedule_changes_change AFTER INSERT ON df._schedule_changes FOR EACH ROW EXECUTE FUNCTION df._change_schedule();

---------------------------------------------------------------------------------------------------------------------
-- What the leader does
---------------------------------------------------------------------------------------------------------------------

-- Costs an index probe while nothing is due. Roles take turns, also within a page: what one of them has due may take long.
CREATE OR REPLACE FUNCTION df._due_schedules(p_epoch bigint, p_now timestamptz, p_limit integer)
RETURNS TABLE (id bigint, version bigint, cron text, timezone text, overlap text, catch_up double precision, jitter double precision,
               next_at timestamptz, buffered_at timestamptz, active boolean, problem text, now timestamptz)
LANGUAGE plpgsql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    v_now CONSTANT timestamptz := coalesce(p_now, clock_timestamp());
    v_ids bigint[];
BEGIN
    IF NOT EXISTS (SELECT FROM df._schedules s WHERE s.due_at <= v_now) THEN
        RETURN;
    END IF;
    PERFORM df._fence(p_epoch);
    v_ids := ARRAY(SELECT s.id FROM df._schedules s WHERE s.due_at <= v_now ORDER BY s.due_at LIMIT p_limit + 1);
    IF cardinality(v_ids) > p_limit THEN
        v_ids := ARRAY(
            WITH RECURSIVE roles(role) AS (
                (SELECT s.submitted_by::oid FROM df._schedules s WHERE s.due_at IS NOT NULL ORDER BY s.submitted_by LIMIT 1)
                UNION ALL
                SELECT (SELECT s.submitted_by::oid FROM df._schedules s WHERE s.due_at IS NOT NULL AND s.submitted_by > r.role
                        ORDER BY s.submitted_by LIMIT 1)
                FROM roles r WHERE r.role IS NOT NULL
            ), counted AS (
                SELECT r.role, count(*) OVER () AS roles FROM roles r
                WHERE EXISTS (SELECT FROM df._schedules s WHERE s.submitted_by = r.role AND s.due_at <= v_now))
            SELECT d.id FROM counted c CROSS JOIN LATERAL (
                SELECT s.id FROM df._schedules s WHERE s.submitted_by = c.role AND s.due_at <= v_now
                ORDER BY s.due_at LIMIT greatest(1, p_limit / c.roles)) AS d);
    END IF;
    RETURN QUERY
    SELECT s.id, s.version, s.cron, s.timezone, s.overlap, extract(epoch FROM s.catch_up)::float8, coalesce(extract(epoch FROM s.jitter)::float8, 0),
           s.next_at, s.buffered_at, df._has_active_run(s.id, s.active_from), df._start_problem(s.submitted_by), v_now
    FROM (SELECT x.*, row_number() OVER (PARTITION BY x.submitted_by ORDER BY x.due_at) AS turn
          FROM df._schedules x WHERE x.id = ANY (v_ids)) AS s
    ORDER BY s.turn, s.due_at;
END
$$;
COMMENT ON FUNCTION df._due_schedules(bigint, timestamptz, integer) IS
    'Schedules that are due at p_now (NULL: now), with the data for planning them; active is NULL when nothing can be planned yet, since ended runs are to be forgotten first.';

CREATE OR REPLACE FUNCTION df._cancel_runs(p_schedule df._schedules) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    page CONSTANT integer := 500;
    most CONSTANT integer := 5000;
    v_ids text[];
    v_looked_at integer;
    v_cancelled integer;
BEGIN
    SELECT array_agg(r.instance_id) FILTER (WHERE x.status IN ('pending', 'running')), count(*) INTO v_ids, v_looked_at
    FROM (SELECT y.instance_id FROM df._schedule_runs y
          WHERE y.schedule_id = p_schedule.id AND y.active AND y.planned_at >= p_schedule.active_from
          ORDER BY y.planned_at LIMIT most) AS r
    LEFT JOIN LATERAL (SELECT i.status FROM df.instances i WHERE i.id = r.instance_id LIMIT 1) AS x ON true;
    UPDATE df.instances i SET status = 'cancelled', updated_at = now(),
        cancel_reason = format('Schedule %L: its next run is due', p_schedule.name)
    WHERE i.id IN (SELECT x.id FROM df.instances x WHERE x.id = ANY (v_ids) AND x.status IN ('pending', 'running')
                   LIMIT page FOR NO KEY UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_cancelled = ROW_COUNT;
    RETURN CASE WHEN v_cancelled = page THEN 'again'
        WHEN v_cancelled < coalesce(cardinality(v_ids), 0) OR v_looked_at = most THEN 'locked'
        ELSE 'ok' END;
END
$$;
COMMENT ON FUNCTION df._cancel_runs(df._schedules) IS
    'Cancels runs of a schedule that have not ended: ok, locked (somebody holds one, or very many are winding up), or again (there may be more). Called with the settings of its callers.';

-- One answer for each plan: ok, stale, locked, again, or failed:<SQLSTATE>:<message>. A row that somebody holds is passed by. Plans behind
-- the last answer are not carried out: the others have lasted. What is to be cancelled, or forgotten, is so in pages: again, as long as there
-- may be more.
CREATE OR REPLACE FUNCTION df._run_schedules(p_epoch bigint, p_plans jsonb) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE ROWS 100
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET lock_timeout = '20ms' SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    most CONSTANT interval := '100 milliseconds';
    v_began CONSTANT timestamptz := clock_timestamp();
    v_plan jsonb;
    s df._schedules;
    v_started timestamptz[];
    v_answer text;
BEGIN
    PERFORM df._fence(p_epoch);
    FOR v_plan IN SELECT p.value FROM jsonb_array_elements(p_plans) AS p LOOP
        EXIT WHEN clock_timestamp() > v_began + most;
        BEGIN
            v_answer := 'ok';
            SELECT x.* INTO s FROM df._schedules x WHERE x.id = (v_plan ->> 'id')::bigint FOR NO KEY UPDATE SKIP LOCKED;
            IF NOT FOUND THEN
                v_answer := 'locked';
            ELSIF s.version <> (v_plan ->> 'version')::bigint OR s.paused_at IS NOT NULL THEN
                v_answer := 'stale';
            ELSIF v_plan ->> 'pause' IS NOT NULL THEN
                INSERT INTO df._schedule_runs (schedule_id, planned_at, outcome, reason)
                SELECT s.id, x.at, x.outcome, x.reason FROM jsonb_to_recordset(v_plan -> 'runs') AS x(at timestamptz, outcome text, reason text)
                ON CONFLICT DO NOTHING;
                UPDATE df._schedules x SET paused_at = clock_timestamp(), pause_reason = v_plan ->> 'pause', due_at = NULL, version = s.version + 1
                WHERE x.id = s.id;
            ELSE
                s := df._forget_ended_runs(s);
                IF v_plan ->> 'active' IS NULL THEN
                    v_answer := 'again';
                ELSIF NOT (v_plan ->> 'active')::boolean AND df._has_active_run(s.id, s.active_from) IS DISTINCT FROM false THEN
                    -- Somebody has started one since.
                    v_answer := 'stale';
                ELSIF (v_plan ->> 'cancel')::boolean THEN
                    v_answer := df._cancel_runs(s);
                END IF;
                IF v_answer = 'ok' THEN
                    WITH decided AS (
                        INSERT INTO df._schedule_runs AS r (schedule_id, planned_at, outcome, reason)
                        SELECT s.id, x.at, x.outcome, x.reason FROM jsonb_to_recordset(v_plan -> 'runs') AS x(at timestamptz, outcome text, reason text)
                        ON CONFLICT (schedule_id, planned_at) DO UPDATE
                            SET outcome = excluded.outcome, reason = excluded.reason, decided_at = clock_timestamp()
                            WHERE r.outcome = 'buffered'
                        RETURNING r.planned_at, r.outcome)
                    SELECT array_agg(d.planned_at ORDER BY d.planned_at) INTO v_started FROM decided d WHERE d.outcome = 'started';
                    IF v_started IS NOT NULL THEN
                        PERFORM df._start_planned(s, v_started);
                    END IF;
                    UPDATE df._schedules x SET next_at = (v_plan ->> 'next_at')::timestamptz, due_at = (v_plan ->> 'due_at')::timestamptz,
                        buffered_at = (v_plan ->> 'buffered_at')::timestamptz, active_from = least(s.active_from, v_started[1]),
                        version = s.version + 1
                    WHERE x.id = s.id;
                ELSE
                    UPDATE df._schedules x SET active_from = s.active_from WHERE x.id = s.id AND x.active_from <> s.active_from;
                END IF;
            END IF;
        EXCEPTION
            WHEN lock_not_available THEN
                v_answer := 'locked';
            WHEN OTHERS THEN
                v_answer := concat('failed:', sqlstate, ':', sqlerrm);
        END;
        RETURN NEXT v_answer;
    END LOOP;
    PERFORM df._fence(p_epoch);
END
$$;
COMMENT ON FUNCTION df._run_schedules(bigint, jsonb) IS
    'Carries out plans of the leader, each by itself: the run rows, their instances and the next planned time are one commit.';

CREATE OR REPLACE FUNCTION df._delete_schedule_runs(p_epoch bigint, p_older_than timestamptz, p_limit integer) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    v_deleted integer;
BEGIN
    PERFORM df._fence(p_epoch);
    DELETE FROM df._schedule_runs r USING (
        SELECT x.schedule_id, x.planned_at FROM df._schedule_runs x
        WHERE x.decided_at < p_older_than AND x.outcome <> 'buffered'
            AND NOT EXISTS (SELECT FROM df._inbox i WHERE i.instance_id = x.instance_id)
        ORDER BY x.decided_at LIMIT p_limit FOR UPDATE SKIP LOCKED) AS old
    WHERE r.schedule_id = old.schedule_id AND r.planned_at = old.planned_at;
    GET DIAGNOSTICS v_deleted = ROW_COUNT;
    RETURN v_deleted;
END
$$;
COMMENT ON FUNCTION df._delete_schedule_runs(bigint, timestamptz, integer) IS
    'Deletes up to p_limit run rows that were decided before p_older_than and whose instances have ended; returns how many.';

CREATE OR REPLACE FUNCTION df._set_unknown_zones(p_epoch bigint, p_zones text[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    PERFORM df._fence(p_epoch);
    -- The heartbeat changes the same row: it must not wait for a standby behind this.
    PERFORM set_config('synchronous_commit', 'local', true);
    UPDATE df._worker_epoch SET unknown_zones = p_zones WHERE unknown_zones <> p_zones;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION df._set_unknown_zones(bigint, text[]) IS 'Says which time zones of this server the leading worker does not know; returns whether they are others than before.';

DO $$
DECLARE
    own regprocedure;
BEGIN
    FOR own IN SELECT p.oid::regprocedure FROM pg_proc p
               WHERE p.pronamespace = 'df'::regnamespace AND p.proname IN ('_start_planned', '_has_active_run', '_forget_ended_runs', '_start_problem', '_change_schedule',
                   '_due_schedules', '_cancel_runs', '_run_schedules', '_delete_schedule_runs', '_set_unknown_zones')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', own);
    END LOOP;
END
$$;
